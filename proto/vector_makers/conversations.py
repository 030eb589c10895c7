"""Whole conversations with a server: what is sent, what comes back to the byte, who is closed."""

from .encode import READINGS
from .talk import Maker
from .talks_frame import endings, slow, statuses
from .talks_login import first_frames, later_logins, logins, walk
from .talks_room import compressed, messages, refused_messages, rooms
from .vector import Theme


def conversation_theme():
    theme = Theme("conversations", "conversation", "Bytes to and from a server with its default configuration.")
    subjects = (walk, logins, first_frames, statuses, later_logins, rooms, messages, refused_messages, compressed,
                endings, slow)
    for reading in READINGS:
        for subject in subjects:
            subject(Maker(theme, reading))
    return theme
