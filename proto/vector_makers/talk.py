"""The words in which whole conversations are written down."""

from .encode import *

AT_ONCE_MS = 1000  # how soon a close must come that nothing delays


class Talk:
    """The steps of one conversation. Rooms are named after it, so that all can run against one server."""

    def __init__(self, name, reading):
        self.name, self.reading, self.room, self.steps = f"{name}.{reading}", reading, f"{name}.{reading}", []
        self.seq = 0

    def open(self, conn="a", reading=None):
        self.steps.append({"conn": conn, "open": {"reading": reading or self.reading}})

    def raw(self, data, conn="a", split=None):
        self.steps.append({"conn": conn, "send": data} | ({"split": split} if split else {}))

    def frame(self, command, body=b"", reading=None, seq=None, **more):
        if seq is None:
            self.seq += 1
            seq = self.seq
        return frame(reading or self.reading, command, seq, body, **more), seq

    def send(self, command, body=b"", conn="a", **more):
        data, seq = self.frame(command, body, **more)
        self.raw(data, conn)
        return seq

    def answer(self, command, seq, status=0, conn="a", version=0, reading=None):
        data = frame(reading or self.reading, command, seq, b"", version, 0, ANSWER, status)
        self.steps.append({"conn": conn, "expect": data})

    def ask(self, command, body=b"", status=0, conn="a", reading=None, answer_version=0, **more):
        """A request and the answer it gets."""
        seq = self.send(command, body, conn, reading=reading, **more)
        self.answer(PONG if command == PING and status == 0 else command, seq, status, conn, answer_version, reading)

    def alive(self, conn="a", **more):
        """Whatever was owed before has come, and the connection is served."""
        self.ask(PING, conn=conn, **more)

    def user(self, user="alice", conn="a", reading=None, **more):
        self.open(conn, reading)
        self.ask(LOGIN, login("token", user), conn=conn, reading=reading, **more)

    def guest(self, conn="a", reading=None, **more):
        self.open(conn, reading)
        self.ask(LOGIN, b"", conn=conn, reading=reading, **more)

    def join(self, conn="a", room=None, **more):
        self.ask(JOIN, join(room or self.room), conn=conn, **more)

    def say(self, content, conn="a", room=None, status=None, reading=None, version=0, compression=0, **fields):
        body = message(content, None, room or self.room, **fields)
        body = member(body) if compression else body
        seq = self.send(CMS, body, conn, reading=reading, version=version, compression=compression)
        if status is not None:
            self.answer(CMS, seq, status, conn, reading=reading)

    def hear(self, *records, conn="b", room=None, version=0, gzip="never"):
        """The next records that `conn` gets, in any grouping; each is (what stands before the timestamp, after it)."""
        self.steps.append({"conn": conn, "expect_records": {
            "version": version, "gzip": gzip, "chatroom": room or self.room,
            "records": [{"before": before, "after": after} for before, after in records]}})

    def record(self, content, sender="alice", room=None, user=None, kind=None, rest=b""):
        return message(content or None, sender, room or self.room), message(info=user, kind=kind, rest=rest)

    def closed(self, conn="a", reset="never", after_ms=0, within_ms=AT_ONCE_MS):
        """`reset`: may the close also show as one (13.7)?"""
        self.steps.append({"conn": conn, "expect_close": {"reset": reset, "after_ms": after_ms, "within_ms": within_ms}})

    def refused_at_once(self, conn="a", **times):
        self.closed(conn, "allowed", **times)


class Maker:
    def __init__(self, theme, reading):
        self.theme, self.reading = theme, reading

    def begin(self, sense, name, sentences, slow=False):
        talk = Talk(name, self.reading)
        self.theme.add(sense, talk.name, sentences, slow=slow, config={}, steps=talk.steps)
        return talk

    def good(self, name, sentences, **more):
        return self.begin("good", name, sentences, **more)

    def bad(self, name, sentences, **more):
        return self.begin("bad", name, sentences, **more)
