"""Conversations about the first frame and about LOGIN."""

from .bodies import BROKEN
from .encode import *


def walk(m):
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


def logins(m):
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
    for name, user in (("system", "system"), ("guest", "guest:0-0-0")):
        c = m.bad(f"talk.reserved_{name}", "8.23 8.4")
        c.open()
        c.ask(LOGIN, login("sesame", user), status=2)
        c.closed()
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


def first_frames(m):
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
    refused("text", "1.7 5.3", b"get / please\r\n\r\n")
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


def later_logins(m):
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
