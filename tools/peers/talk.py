"""What a client says and hears in one cell of docs/transports.md, whatever carries its frames.

Joins a room, says COUNT messages and one of the largest size to whoever else is there, and hears as many of theirs: whole,
in order, each once, and nothing else. Written from PROTOCOL.md; knows nothing of Longwire's code. talk.js says the same.
"""

import gzip
import json
import struct
import sys
import traceback

LOGIN, LOGOUT, PING, PONG, JOIN, CMS = 1, 2, 3, 4, 5, 6
ANSWER, NOTIFY = 1, 2
GZIP = 1 << 2
HEADER = struct.Struct(">IIBBB")
# A client's body, as sent and as inflated (14.1); the longest frame, and so the longest message of a WebSocket (18.8).
BODY_BYTES_MAX = 65_536
FRAME_BYTES_MAX = HEADER.size + BODY_BYTES_MAX
# How far a side may run ahead of the other: less than a room's ring keeps (15.3), so nothing may be lost.
WINDOW = 200
# How many messages are handed over at once.
BURST = 50
# How long a peer waits for the next byte: a bound on failures.
PATIENCE_SECONDS = 60


class Wrong(Exception):
    """The server, or the other end, did what it should not."""


def check(is_so, *what):
    if not is_so:
        raise Wrong(" ".join(str(part)[:200] for part in what))


# --- what is said -----------------------------------------------------------------------------------------------------


def blocks():
    """4 KiB that gzip makes smaller, and 4 KiB that it does not."""
    text = (b"All the world's a stage, and all the men and women merely players. " * 64)[:4096]
    noise, state = bytearray(), 1
    for _ in range(4096):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        noise.append(state >> 16 & 0xFF)
    return text, bytes(noise)


BLOCKS = blocks()


def content(user, at, count, room):
    """The messageContent of `user`'s message number `at`; the last is so long that its CMS has a body of 65,536 bytes."""
    if at == count:
        size = BODY_BYTES_MAX - 4 - 2 - len(room.encode())
        word = f"{user} ".encode()
        return (word * (size // len(word) + 1))[:size]
    if at % 1000 == 500:
        return b""
    begin, size = at * 11 % 2048, at * 37 % 1200
    return f"{user} {at} ".encode() + BLOCKS[at % 2][begin : begin + size]


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(data):
    """(number, value) of each field: bytes, or a number."""
    at, end = 0, len(data)
    while at < end:
        tag, at = number_at(data, at)
        value, at = number_at(data, at)
        if tag & 7 == 2:
            check(at + value <= end, "a field reaches beyond its message")
            value, at = data[at : at + value], at + value
        else:
            check(tag & 7 == 0, "wire type", tag & 7)
        yield tag >> 3, value


def number_at(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def messages_of(frames):
    """WebSocket messages, of one whole frame or more each (18.1)."""
    group, size = [], 0
    for at, frame in enumerate(frames):
        if group and (size + len(frame) > FRAME_BYTES_MAX or len(group) > at % 4):
            yield b"".join(group)
            group, size = [], 0
        group.append(frame)
        size += len(frame)
    if group:
        yield b"".join(group)


def is_cut(number, message):
    """Whether this message goes in fragments: now and then one, but no LOGOUT, which may be heard before its last fragment."""
    return number % 20 == 0 and len(message) > 100


# --- the conversation -------------------------------------------------------------------------------------------------


class Talk:
    """One side of a cell. `link` has send(frames), receive() -> frames, and end(), which is content with an orderly one."""

    def __init__(self, link, task):
        self.link, self.me, self.other, self.room = link, task["me"], task["other"], task["room"]
        self.count, self.gzip = task["count"], task["gzip"]
        self.extra = 7 if task["reading"] == "rest" else 0
        self.seq = self.sent = self.heard = self.gzipped = self.longest = self.clock = 0
        self.answers = {}

    def begin(self):
        self.ask(LOGIN, field(1, b"sesame") + field(2, self.me.encode()))
        self.ask(JOIN, field(1, self.room.encode()))

    def talk(self, speaks_first):
        """Returns once everything was said and heard; refusals would have come before the PONG (11.18)."""
        while self.sent <= self.count or self.heard <= self.count:
            if not ((speaks_first or self.heard) and self.speak()):
                self.hear()
        self.ask(PING)
        self.link.send([self.frame(LOGOUT)])
        self.link.end()
        return {"sent": self.sent, "heard": self.heard, "longest": self.longest, "gzipped": self.gzipped}

    def frame(self, command, body=b""):
        self.seq += 1
        flag = 0
        if self.gzip and body:
            body, flag = gzip.compress(body, 1), GZIP
        return HEADER.pack(len(body) + self.extra, self.seq, command, flag, 0) + body

    def ask(self, command, body=b""):
        self.link.send([self.frame(command, body)])
        while self.seq not in self.answers:
            self.hear()
        answered = self.answers.pop(self.seq)
        check(answered == (PONG if command == PING else command), "command", command, "is answered by", answered)

    def speak(self):
        """Hands over what may be said now, if anything."""
        frames = []
        while self.sent <= self.count and self.sent <= self.heard + WINDOW and len(frames) < BURST:
            said = content(self.me, self.sent, self.count, self.room)
            body = field(1, said) + field(3, self.room.encode())
            self.longest = max(self.longest, len(body))
            frames.append(self.frame(CMS, body))
            self.sent += 1
        if frames:
            self.link.send(frames)
        return bool(frames)

    def hear(self):
        for frame in self.link.receive():
            length, seq, command, flag, status = HEADER.unpack_from(frame)
            body = frame[HEADER.size :]
            check(length - self.extra == len(body), "len is", length, "for a body of", len(body))
            check(flag >> 4 == 0 and flag & 0b1000 == 0, "connect flag", flag)
            if flag & GZIP:
                check(self.gzip, "gzip, which was not asked for")
                body = gzip.decompress(body)
                self.gzipped += 1
            if flag & 3 == ANSWER:
                check(status == 0 and not body, "command", command, "is answered with", status, body)
                self.answers[seq] = command
            else:
                check((flag & 3, command, seq, status) == (NOTIFY, CMS, 0, 0), "a push has", flag, command, seq, status)
                self.push(body)

    def push(self, body):
        room = None
        for number, value in fields(body):
            if number == 1:
                self.record(dict(fields(value)))
            else:
                check(number == 2 and room is None, "field", number, "in a push")
                room = value.decode()
        check(room == self.room, "a push of room", room)

    def record(self, record):
        check(self.heard <= self.count, "more was heard than was said")
        said = record.pop(1, b"")
        expected = content(self.other, self.heard, self.count, self.room)
        check(said == expected, "message", self.heard, "is", len(said), "bytes,", said[:40], "for", expected[:40])
        names = (record.pop(2, b"").decode(), record.pop(3, b"").decode())
        check(names == (self.other, self.room), "message", self.heard, "is from and to", names)
        at = record.pop(4, 0)
        check(at > 0 and at >= self.clock, "timestamps fall:", self.clock, at)
        check(not record, "more fields in a record:", record)
        self.clock = at
        self.heard += 1


def serve(connect):
    """Does what each line of standard input asks for, and answers with a line: what was seen, or what went wrong.

    A side that does not speak first says that it has joined.
    """
    for line in sys.stdin:
        task = json.loads(line)
        try:
            talk = Talk(connect(task), task)
            talk.begin()
            if not task["first"]:
                print(json.dumps({"joined": True}), flush=True)
            said = talk.talk(task["first"])
        except Exception as fault:  # whatever it is, it is the cell that failed, and the driver's to tell
            traceback.print_exc()
            said = {"wrong": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(said), flush=True)
