"""Whole conversations with a server: what is sent, what comes back to the byte, who is closed."""

from .bodies import BROKEN
from .encode import *
from .vector import Theme

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


def conversation_theme():
    t = Theme("conversations", "conversation", "Bytes to and from a server with its default configuration.")
    for reading in READINGS:
        for make in (_walk, _logins, _first_frames, _statuses, _later_logins, _rooms, _messages, _refused_messages,
                     _compressed, _endings, _slow):
            make(_Maker(t, reading))
    return t


class _Maker:
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


def _walk(m):
    c = m.good("talk.walk", "1.1 1.3 1.5 2.7 2.8 2.9 2.12 2.13 4.1 4.4 4.5 4.7 8.1 10.1 12.1 12.2 12.12 "
               "20.1 20.2 20.3 20.4 20.5 20.8")
    c.room = "lobby"  # the walk-through names it; no other conversation uses it
    other = BODY if m.reading == REST else REST
    c.guest("b", reading=other, version=15, answer_version=15)
    c.join("b", reading=other, answer_version=15)
    c.open("a")
    c.seq = 0
    c.ask(LOGIN, login("sesame", "alice"), version=1, answer_version=1)
    c.ask(PING, version=1, answer_version=1)
    c.join(version=1, answer_version=1)
    c.say(b"hello", version=1)
    c.hear(c.record(b"hello"), version=15)
    c.send(LOGOUT, version=1)
    c.closed()


def _logins(m):
    c = m.good("talk.guest", "8.2 10.2 1.4")
    c.guest()
    c.join()
    c.alive()
    c = m.good("talk.guest_whatever_else_is_there", "8.2 7.6")
    c.open()
    c.ask(LOGIN, s(3, "phone") + v(9, 1))
    c.alive()
    c = m.good("talk.features_are_not_granted", "17.1 17.2 17.5 1.6")
    c.open()
    c.ask(LOGIN, login("token", "alice", v(100, (1 << 64) - 1)))
    c.alive()
    c.open("b")
    c.ask(LOGIN, v(100, 1), conn="b")
    c = m.good("talk.open_login", "8.15")
    c.user("someone else", "a")
    c.alive()
    for name, body in (("token", login("token")), ("user", login(None, "alice"))):
        if m.reading == REST:
            _half_login_in_rest(m, name, body)
            continue
        c = m.bad(f"talk.{name}_alone", "8.3 8.4 5.10 13.5 13.6")
        c.open()
        c.ask(LOGIN, body, status=2)
        c.closed()
    c = m.good("talk.versions_are_echoed", "2.9 2.10 8.13 17.7")
    for version in range(16):
        conn = f"v{version}"
        c.guest(conn, version=version, answer_version=version)
        c.ask(PING, conn=conn, version=15 - version, answer_version=version)
    c = m.good("talk.pipelined", "8.5 15.6")
    c.open()
    data, parts = b"", []
    for command, body in ((LOGIN, login("token", "alice")), (PING, b""), (JOIN, join(c.room)), (PING, b"")):
        one, seq = c.frame(command, body)
        data += one
        parts.append((PONG if command == PING else command, seq))
    c.raw(data)
    for command, seq in parts:
        c.answer(command, seq)
    c = m.good("talk.byte_by_byte", "3.2 3.5 3.7")
    c.open()
    data = b"".join(c.frame(command, body)[0] for command, body in
                    ((LOGIN, login("sesame", "alice")), (PING, b""), (JOIN, join(c.room))))
    c.raw(data, split=1)
    for seq, command in ((1, LOGIN), (2, PONG), (3, JOIN)):
        c.answer(command, seq)
    c = m.good("talk.two_connections_of_a_user", "8.14 12.5")
    c.user("alice", "a")
    c.user("alice", "b")
    c.join("a")
    c.join("b")
    c.say(b"hello")
    c.hear(c.record(b"hello"))
    c.alive("a")


def _half_login_in_rest(m, name, body):
    """Exactly one of the two reads as `body` (3.7): the next frame's first bytes end that body, and it is malformed."""
    c = m.bad(f"talk.{name}_alone_then_ping", "3.7 3.12 5.7")
    c.open()
    c.raw(c.frame(LOGIN, body)[0] + c.frame(PING)[0])
    c.refused_at_once()
    c = m.bad(f"talk.{name}_alone", "3.7 3.12 9.2", slow=True)
    c.open()
    c.send(LOGIN, body)
    c.refused_at_once(after_ms=9500, within_ms=11500)


def _first_frames(m):
    def refused(name, sentences, data):
        c = m.bad(f"talk.first.{name}", f"5.3 {sentences} 13.7")
        c.open()
        c.raw(data)
        c.refused_at_once()

    for command in (0, LOGOUT, PING, PONG, JOIN, CMS, 7, 64, 255):
        refused(f"command_{command}", "1.4 5.4", frame(m.reading, command, 1))
    refused("join_with_a_body", "1.4 5.4", frame(m.reading, JOIN, 1, join("lobby")))
    for flow in (1, 2, 3):
        refused(f"flow_{flow}", "2.4 5.5", frame(m.reading, LOGIN, 1, flow=flow))
    for compression in (2, 3):
        refused(f"compression_{compression}", "2.5 5.6", frame(m.reading, LOGIN, 1, login("t", "u"), compression=compression))
    for length in (8200, 65537, 0x01000000, 0xFFFFFFFF):
        refused(f"len_{length}", "3.3 5.9 14.3", header(length, 1, LOGIN, 0))
    refused("http", "1.7 5.3", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    refused("tls", "1.7 5.3", bytes.fromhex("1603010200010001fc0303") + bytes(507))
    # A rest LOGIN that does not decode reads as `body` (3.6); seven more bytes complete it.
    more = bytes(7) if m.reading == REST else b""
    for name, sentences, body in (
        [(f"user_with_{n}", x, login("token", "alice") + d) for n, x, d in BROKEN[:1] + BROKEN[14:15]]
        + [("token_of_bad_utf8", "7.8", login(b"\xff\xfe", "alice"))]
    ):
        refused(name, f"5.7 {sentences}", frame(m.reading, LOGIN, 1, body) + more)
    for name, body in (("wrong_crc", member(login("t", "u"), crc=1)), ("trailing_byte", member(login("t", "u")) + b"\0"),
                       ("bomb", member(bytes(1_000_000)))):
        refused(f"gzip_{name}", "5.7 6.3" if name != "bomb" else "5.7 6.5 14.2",
                frame(m.reading, LOGIN, 1, body, compression=1) + more)
    for name, sentences, body in (
        ("user_of_129_bytes", "5.8 14.4", login("t", "u" * 129)),
        ("user_with_a_control", "5.8 14.4 14.7", login("t", "u\x07")),
        ("token_of_4097_bytes", "5.8 14.6", login("t" * 4097, "alice")),
    ):
        refused(name, sentences, frame(m.reading, LOGIN, 1, body))
    c = m.good("talk.first.longest_ids", "14.4 14.6 14.2 5.8")
    c.open()
    c.ask(LOGIN, login("t" * 4096, "u" * 128))
    c = m.good("talk.first.longest_login", "14.2 3.3")
    c.open()
    user = login("token", "alice")
    c.ask(LOGIN, user + s(3, b"\x01" * (8192 - len(user) - 3)))
    c.alive()
    # 8193 bytes of body: in `rest` the len says so at once, in `body` the reading must be found first.
    refused("login_of_8193_bytes", "14.2 3.3" if m.reading == REST else "14.2 3.13",
            frame(m.reading, LOGIN, 1, user + s(3, b"\x01" * (8193 - len(user) - 3))))


def _statuses(m):
    c = m.good("talk.seq_is_the_clients", "2.6 2.7")
    c.guest()
    for seq in (0, 0, 4294967295, 0, 77, 5, 5):
        c.ask(PING, seq=seq)
        c.ask(JOIN, join(c.room), seq=seq)
    c = m.good("talk.status_of_a_request_is_ignored", "2.11")
    c.guest()
    seq = c.send(PING, status=9)
    c.answer(PONG, seq)
    c = m.good("talk.bodies_of_ping_and_logout_are_ignored", "4.6")
    c.guest()
    c.ask(PING, b"anything at all")
    c.ask(PING, b"\x0a\xff", compression=1)
    c.ask(PING, b"", compression=1)
    c.ask(PING, bytes(65536))
    c.send(LOGOUT, b"bye")
    c.closed()
    c = m.bad("talk.unsupported_commands", "4.2 4.3 17.4 5.18 5.11")
    c.guest()
    for command in (0, PONG, 7, 63, 64, 65, 200, 255):
        c.ask(command, b"\xff\xff", status=10)
    c.alive()
    c = m.bad("talk.reserved_compression", "2.5 5.16 5.18")
    c.user()
    for command in (LOGIN, LOGOUT, PING, JOIN, CMS):
        for compression in (2, 3):
            c.ask(command, b"x", status=10, compression=compression)
            c.ask(command, b"", status=10, compression=compression)
    c.alive()
    for flow in (1, 2, 3):
        c = m.bad(f"talk.flow_{flow}", "2.4 5.15 13.5 13.6")
        c.guest()
        c.ask(JOIN, join(c.room), status=1, flow=flow)
        c.closed()
    over = 7 if m.reading == REST else 0
    for length in (65537 + over, 0x01000000, 0xFFFFFFFF):
        c = m.bad(f"talk.len_{length}", "5.14 14.1 14.3 13.5 13.6")
        c.guest()
        c.raw(header(length, 9, CMS, 0))
        c.answer(CMS, 9, 9)
        c.closed()
    c = m.bad("talk.len_and_flow", "5.17")
    c.guest()
    c.raw(header(0x7FFFFFFF, 9, 200, 3))
    c.answer(200, 9, 9)
    c.closed()
    c = m.bad("talk.flow_and_command", "5.17")
    c.guest()
    c.ask(200, status=1, flow=3)
    c.closed()
    c = m.bad("talk.command_and_compression", "5.17")
    c.guest()
    c.ask(200, status=10, compression=3)
    c.alive()
    if m.reading == REST:
        for length in (0, 6):
            c = m.bad(f"talk.rest_len_{length}", "3.16 13.5")
            c.guest()
            c.raw(header(length, 9, PING, 0))
            c.answer(PING, 9, 1)
            c.closed()
    c = m.bad("talk.input_behind_a_closing_answer", "13.5 13.6")
    c.guest()
    c.raw(header(0xFFFFFFFF, 9, CMS, 0) + bytes(200_000))
    c.answer(CMS, 9, 9)
    c.closed()


def _later_logins(m):
    c = m.good("talk.renew", "8.6 8.13")
    c.user()
    c.join()
    c.ask(LOGIN, login("another", "alice"), version=3)
    c.alive()
    c = m.good("talk.guest_becomes_user", "8.7 16.3")
    c.guest("b")
    c.join("b")
    c.guest("a")
    c.join("a")
    c.ask(LOGIN, login("token", "alice"))
    c.say(b"now I may")
    c.hear(c.record(b"now I may"))
    c = m.good("talk.guest_stays_guest", "8.10")
    c.guest()
    c.ask(LOGIN)
    c.say(b"no", status=3)
    c = m.bad("talk.another_user", "8.8 8.11")
    c.user("eve", "b")
    c.join("b")
    c.user()
    c.join()
    c.ask(LOGIN, login("token", "bob"), status=3)
    c.say(b"still me")
    c.hear(c.record(b"still me"))
    c = m.bad("talk.user_to_guest", "8.9 8.11")
    c.user()
    c.ask(LOGIN, status=3)
    c.say(b"no such room", status=4)
    c = m.bad("talk.half_a_later_login", "8.3 8.11")
    c.user()
    c.ask(LOGIN, login("token"), status=2)
    c.ask(LOGIN, login(None, "alice"), status=2)
    c.alive()
    c = m.bad("talk.malformed_later_login", "5.12 5.13 8.11")
    c.user()
    c.ask(LOGIN, b"\x0a\x7f", status=1)
    c.ask(LOGIN, login("t", "u" * 129), status=9)
    c.alive()
    for name, bodies in (
        ("forbidden", [(b"", 3)] * 3),
        ("half", [(login("t"), 2)] * 3),
        ("malformed", [(b"\x0a\x7f", 1)] * 3),
        ("mixed", [(login("t", "bob"), 3), (login("t"), 2), (b"", 3)]),
    ):
        c = m.bad(f"talk.third_refused_login.{name}", "8.12")
        c.user()
        for at, (body, status) in enumerate(bodies):
            c.ask(LOGIN, body, status=status)
            if at < 2:
                c.ask(LOGIN, login("token", "alice"))
        c.closed()


def _rooms(m):
    c = m.good("talk.join_twice", "10.3")
    c.guest("b")
    c.join("b")
    c.join("b")
    c.user()
    c.join()
    c.say(b"once")
    c.say(b"twice")
    c.hear(c.record(b"once"), c.record(b"twice"))
    c.alive("b")
    c = m.good("talk.longest_room", "14.5 10.10 10.8")
    c.guest()
    c.join(room=("r" * 128))
    c.join(room="聊天室 🚀")
    c = m.bad("talk.bad_rooms", "10.10 5.12 5.13 5.18 7.8 14.5 14.7")
    c.guest()
    for body, status in ((b"", 1), (join(""), 1), (join("a\nb"), 1), (join("a\u0085b"), 1), (join(b"\xff"), 1),
                         (join("r" * 129), 9), (b"\x0a\x7fx", 1), (join("r") + b"\x0b\x0c", 1)):
        c.ask(JOIN, body, status=status)
    c.alive()
    c = m.good("talk.the_seventeenth_room", "10.4 10.5")
    c.user()
    rooms = [f"{c.room}.{n}" for n in range(17)]
    for room in rooms[:16]:
        c.join(room=room)
    c.say(b"fits", room=rooms[0])
    c.alive()
    c.join(room=rooms[0])
    c.join(room=rooms[16])
    c.say(b"gone", room=rooms[0], status=4)
    c.say(b"stays", room=rooms[1])
    c.alive()
    c = m.good("talk.no_history", "10.7")
    c.user()
    c.join()
    c.say(b"before")
    c.alive()
    c.guest("b")
    c.join("b")
    c.say(b"after")
    c.hear(c.record(b"after"))
    c = m.good("talk.two_rooms", "10.4 12.2")
    c.guest("b")
    c.user()
    for conn in "ab":
        c.join(conn, c.room + ".1")
        c.join(conn, c.room + ".2")
    c.say(b"one", room=c.room + ".1")
    c.hear(c.record(b"one", room=c.room + ".1"), room=c.room + ".1")
    c.say(b"two", room=c.room + ".2")
    c.hear(c.record(b"two", room=c.room + ".2"), room=c.room + ".2")


def _messages(m):
    c = m.good("talk.own_message_does_not_come_back", "12.4 15.9 15.10")
    c.user("alice", "a")
    c.user("bob", "b")
    c.join("a")
    c.join("b")
    c.say(b"from a")
    c.hear(c.record(b"from a"))
    c.say(b"from b", "b")
    c.hear(c.record(b"from b", "bob"), conn="a")
    c = m.good("talk.order_of_one_sender", "15.10 12.3 12.11")
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    said = [f"{n}".encode() for n in range(100)]
    c.raw(b"".join(c.frame(CMS, message(one, None, c.room))[0] for one in said))
    c.hear(*(c.record(one) for one in said))
    c = m.bad("talk.spoofed", "11.3 11.4 11.15")
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    c.send(CMS, message(b"hello", "root", c.room, 1, rest=s(9, "extra") + v(100, 7)))
    c.hear(c.record(b"hello"))
    c = m.good("talk.user_info_and_gift", "11.6 11.7 12.6 12.7 12.9")
    c.guest("b")
    c.join("b")
    c.guest("c")
    c.join("c")
    c.user()
    c.join()
    full = info(3, 4, "Alice", ("vip", "new"))
    c.say(b"rose", info=s(4, "vip") + s(3, "Alice") + v(2, 4) + s(4, "new") + v(1, 3) + v(9, 9), kind=2)
    c.hear(c.record(b"rose", user=full, kind=2))
    c.hear(c.record(b"rose", user=full, kind=2), conn="c")
    c = m.good("talk.content_is_bytes", "11.10 11.11 14.8")
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    c.say(b"")
    c.hear(c.record(b""))
    c.say(bytes(range(256)))
    c.hear(c.record(bytes(range(256))))
    tail = len(message(None, None, c.room))
    long = b"\x07" * (65536 - 4 - tail)
    assert len(message(long, None, c.room)) == 65536
    c.say(long)
    c.hear(c.record(long))
    c = m.good("talk.fields_in_any_order", "7.2 7.4 7.5")
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    c.send(CMS, v(6, 1) + s(5, info(1, tags=("a",))) + s(3, "elsewhere") + s(1, b"old") + v(6, 2)
           + s(5, info(2, nickname="A", tags=("b",))) + s(3, c.room) + s(1, b"new"))
    c.hear(c.record(b"new", user=info(2, None, "A", ("a", "b")), kind=2))


def _refused_messages(m):
    c = m.bad("talk.guest_sends", "11.2 5.19 4.4")
    c.guest()
    c.join()
    c.say(b"hello", status=3)
    c.alive()
    c = m.bad("talk.not_joined", "11.1 5.19")
    c.user()
    c.say(b"hello", status=4)
    c.alive()
    c = m.bad("talk.types", "11.8 11.9 7.7")
    c.user()
    c.join()
    for kind in (1, 3, 77, 0xFFFFFFFF, (1 << 32) + 1):
        c.say(b"hello", status=3, kind=kind)
    c.alive()
    c = m.bad("talk.nobody_sees_a_refused_message", "11.17 11.16 11.12 11.13 11.14 5.12 5.13 5.18")
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    c.say(b"no", status=3, kind=1)
    c.say(b"no", status=9, info=info(tags=["t"] * 65))
    c.say(b"no", status=9, info=info(nickname="n" * 1022))
    c.say(b"no", status=1, info=info(nickname=b"\xff"))
    c.say(b"no", status=1, room="a\tb")
    c.say(b"no", status=9, room="r" * 129)
    for name, _, data in BROKEN:
        c.ask(CMS, message(b"no", None, c.room, rest=data), status=1)
    c.ask(CMS, message(b"no"), status=1)
    c.ask(CMS, b"", status=1)
    c.say(b"yes", info=info(nickname="n" * 1021))
    c.hear(c.record(b"yes", user=info(nickname="n" * 1021)))
    c = m.bad("talk.which_refusal", "11.16")
    c.guest("g")
    c.ask(CMS, b"\x0a\x7f", status=1, conn="g")
    c.say(b"no", "g", status=3, kind=1)
    c.say(b"no", "g", status=3)
    c.user()
    c.say(b"no", status=3, kind=1)
    c.say(b"no", status=4)
    c = m.good("talk.ping_as_a_fence", "11.18 15.6 4.7")
    c.user()
    c.join()
    c.say(b"hello")
    c.alive()


def _compressed(m):
    c = m.good("talk.client_gzips", "6.1 6.2 6.6 6.4")
    c.user()
    c.ask(JOIN, member(join(c.room)), compression=1)
    c.ask(JOIN, member(join(c.room), flags=8, extra=b"n\0"), compression=1)
    c.ask(PING, compression=1)
    c.ask(JOIN, b"", status=1, compression=1)
    c = m.good("talk.gzipped_login", "6.1 3.8 6.6")
    c.open()
    c.ask(LOGIN, member(login("token", "alice")), compression=1)
    c.alive()
    c = m.bad("talk.bad_gzip", "6.3 5.12 5.13 6.5 14.1 5.18")
    c.user()
    c.join()
    whole = member(join(c.room))
    for body, status in ((whole[:-1], 1), (whole + b"\0", 1), (whole * 2, 1), (member(join(c.room), crc=1), 1),
                         (member(join(c.room), size=1), 1), (b"plain", 1), (member(b"\x0a\x7f"), 1),
                         (member(bytes(65537)), 9), (member(bytes(9_000_000)), 9)):
        c.ask(JOIN, body, status=status, compression=1)
        c.ask(CMS, body, status=status, compression=1)
    c.alive()
    c = m.good("talk.gzip_to_those_who_asked", "6.7 6.8 6.9 2.13 12.9")
    for conn, compression in (("b", 1), ("c", 0)):
        c.guest(conn, compression=compression)
        c.join(conn)
    c.user()
    c.join()
    long = b"again and " * 100
    for content, gzip in ((long, "allowed"), (b"short", "never")):
        c.say(content)
        c.hear(c.record(content), gzip=gzip)
        c.hear(c.record(content), conn="c")
    c = m.good("talk.gzipped_message", "6.6 6.1 14.1")
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    c.say(b"hello", compression=1)
    c.hear(c.record(b"hello"))
    tail = len(message(None, None, c.room))
    long = b"\x07" * (65536 - 4 - tail)
    c.say(long, compression=1)
    c.hear(c.record(long))
    c = m.good("talk.later_login_does_not_ask_for_gzip", "6.7 8.13")
    c.guest("b")
    c.ask(LOGIN, b"", conn="b", compression=1)
    c.join("b")
    c.user()
    c.join()
    c.say(b"again and " * 100)
    c.hear(c.record(b"again and " * 100))


def _endings(m):
    c = m.good("talk.logout", "13.1 13.2 13.3 13.4 10.9")
    c.user()
    c.join()
    one, seq = c.frame(PING)
    out, _ = c.frame(LOGOUT)
    behind, _ = c.frame(PING)
    c.raw(one + out + behind)
    c.answer(PONG, seq)
    c.closed()
    c = m.bad("talk.message_behind_a_logout", "13.4")
    c.guest("b")
    c.join("b")
    c.user()
    c.user("bob", "d")
    c.join()
    c.join("d")
    c.raw(c.frame(CMS, message(b"last", None, c.room))[0] + c.frame(LOGOUT)[0] + c.frame(CMS, message(b"late", None, c.room))[0])
    c.closed()
    c.hear(c.record(b"last"))
    c.say(b"next", "d")
    c.hear(c.record(b"next", "bob"))
    c = m.good("talk.client_ends", "13.8")
    c.guest()
    c.steps.append({"conn": "a", "shutdown": True})
    c.refused_at_once(within_ms=2000)


def _slow(m):
    c = m.bad("talk.idle", "9.3 9.10", slow=True)
    c.guest()
    c.closed(reset="allowed", after_ms=29900, within_ms=31500)
    c = m.good("talk.any_frame_is_life", "9.3 9.4 9.7", slow=True)
    c.guest()
    for _ in range(3):
        c.steps.append({"pause_ms": 14000})
        c.ask(200, status=10)
    c.alive()
    c = m.bad("talk.part_of_a_frame_is_no_life", "9.5 9.3", slow=True)
    c.guest()
    c.raw(c.frame(PING)[0][:10])
    c.steps.append({"pause_ms": 15000})
    c.closed(reset="allowed", after_ms=13000, within_ms=17000)
    c = m.bad("talk.pushes_are_no_life", "9.6", slow=True)
    c.guest("b")
    c.join("b")
    c.user()
    c.join()
    c.steps.append({"pause_ms": 15000})
    c.say(b"hello")
    c.hear(c.record(b"hello"))
    c.closed("b", reset="allowed", after_ms=13000, within_ms=17000)
    c = m.bad("talk.silent_from_the_start", "9.1", slow=True)
    c.open()
    c.refused_at_once(after_ms=29500, within_ms=31500)
    c = m.bad("talk.login_not_completed", "9.2", slow=True)
    c.open()
    c.raw(c.frame(LOGIN, login("token", "alice"))[0][:10])
    c.refused_at_once(after_ms=9500, within_ms=11500)
