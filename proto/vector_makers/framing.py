"""Headers, frames in both readings, and gzip members."""

import zlib

from .encode import *
from .vector import Theme

BODY_MAX = 65536


def header_theme():
    t = Theme("header", "header", "The 11 bytes alone, and what they say.")

    def case(add, name, sentences, data, **meaning):
        add(name, sentences, input=data, expect=meaning)

    case(t.good, "header.login", "2.1 2.2 2.3 2.4 2.5", bytes.fromhex("0000000f00000001011000"),
         len=15, seq=1, command=1, version=1, compression=0, flow=0, status=0)
    case(t.good, "header.every_byte_differs", "2.1 2.2", bytes.fromhex("0102030405060708060911"),
         len=0x01020304, seq=0x05060708, command=6, version=0, compression=2, flow=1, status=17)
    case(t.good, "header.all_ones", "1.8 2.1 2.2 2.3", b"\xff" * 11,
         len=0xFFFFFFFF, seq=0xFFFFFFFF, command=255, version=15, compression=3, flow=3, status=255)
    case(t.good, "header.all_zeros", "2.1", bytes(11),
         len=0, seq=0, command=0, version=0, compression=0, flow=0, status=0)
    for bits in (0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x0C, 0x10, 0x80, 0xF0, 0x16, 0xF5, 0xAA, 0x55):
        case(t.good, f"header.flag_{bits:02x}", "2.3", header(7, 9, CMS, bits),
             len=7, seq=9, command=6, version=bits >> 4, compression=bits >> 2 & 3, flow=bits & 3, status=0)
    t.bad("header.ten_bytes", "2.1", input=bytes(10), expect="need_more")
    return t


# (name, sentence, command, seq, body, flow) of the walk-through; PROTOCOL.md section 20 shows the same bytes.
WALK_RECORD = message(b"hello", "alice", "lobby", 1700000000000)
WALK = [
    ("login", "20.1", LOGIN, 1, login("sesame", "alice"), REQUEST),
    ("login_answer", "20.2", LOGIN, 1, b"", ANSWER),
    ("ping", "20.3", PING, 2, b"", REQUEST),
    ("pong", "20.3", PONG, 2, b"", ANSWER),
    ("join", "20.4", JOIN, 3, join("lobby"), REQUEST),
    ("join_answer", "20.4", JOIN, 3, b"", ANSWER),
    ("send", "20.5", CMS, 4, message(b"hello", None, "lobby"), REQUEST),
    ("push", "20.6", CMS, 0, push("lobby", WALK_RECORD), NOTIFY),
    ("logout", "20.8", LOGOUT, 5, b"", REQUEST),
]


def frames_theme():
    t = Theme("frames", "frames", "A stream after the login, cut into frames; and whole frames to be encoded.")

    def expected(reading, data):
        """The frames of a well-formed stream, as header and body."""
        out, at = [], 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "big")
            end = at + (4 if reading == REST else 11) + length
            flags = data[at + 9]
            out.append({
                "len": length, "seq": int.from_bytes(data[at + 4 : at + 8], "big"), "command": data[at + 8],
                "version": flags >> 4, "compression": flags >> 2 & 3, "flow": flags & 3,
                "status": data[at + 10], "body": data[at + 11 : end],
            })
            at = end
        return out

    def stream(add, name, sentences, reading, good=b"", rest=b"", then="need_more", body_max=BODY_MAX):
        """`good` is whole frames; behind them comes `rest`, which ends as `then` says."""
        add(f"{name}.{reading}", sentences, reading=reading, body_max=body_max, input=good + rest,
            expect={"frames": expected(reading, good), "then": then})

    for reading in READINGS:
        for name, sentence, command, seq, body, flow in WALK:
            data = frame(reading, command, seq, body, version=1, flow=flow)
            stream(t.good, f"walk.{name}", f"{sentence} 3.1", reading, data)
        data = frame(reading, CMS, 0, push("lobby", WALK_RECORD), flow=NOTIFY)
        stream(t.good, "walk.push_version_0", "20.7", reading, data)
        three = [frame(reading, PING, n) + frame(reading, JOIN, n, join("lobby")) for n in range(3)]
        stream(t.good, "frames.pipelined", "3.1", reading, b"".join(three))
        seqs = b"".join(frame(reading, PING, n) for n in (0xFFFFFFFE, 0xFFFFFFFF, 0, 0, 7, 3))
        stream(t.good, "frames.seq_wraps", "2.6", reading, seqs)
        stream(t.good, "frames.any_version_and_status", "2.10 2.11", reading,
               b"".join(frame(reading, PING, n, version=n, status=255 - n) for n in range(16)))
        stream(t.good, "frames.gzip_without_body", "6.2", reading, frame(reading, PING, 1, compression=1))
        stream(t.good, "frames.gzip_body_as_sent", "6.10", reading,
               frame(reading, JOIN, 1, member(join("lobby")), compression=1))
        stream(t.good, "frames.longest_body", "14.1 3.1", reading, frame(reading, CMS, 1, bytes(BODY_MAX)))
        stream(t.good, "frames.seven_byte_body", "3.1", reading, frame(reading, JOIN, 1, join("lobby")))
        stream(t.good, "frames.pushes_of_66_kib", "14.10 12.10", reading,
               frame(reading, CMS, 0, bytes(67584), flow=NOTIFY), body_max=67584)
        stream(t.bad, "frames.cut_in_the_header", "2.1", reading, frame(reading, PING, 1), frame(reading, PING, 2)[:10])
        stream(t.bad, "frames.cut_in_the_body", "3.1", reading, b"", frame(reading, JOIN, 1, join("lobby"))[:-1])
        over = 7 if reading == REST else 0
        for name, length in (("one_over", BODY_MAX + 1 + over), ("16_mib", 1 << 24), ("all_ones", 0xFFFFFFFF)):
            stream(t.bad, f"frames.too_large_{name}", "5.14 14.1 14.3", reading, frame(reading, PING, 1),
                   header(length, 2, CMS, 0), {"error": "too_large"})
        stream(t.bad, "frames.too_large_is_sticky", "5.14", reading, b"",
               header(BODY_MAX + 1 + over, 2, CMS, 0) + frame(reading, PING, 3), {"error": "too_large"})
    for length in range(7):
        stream(t.bad, f"frames.rest_len_{length}", "3.16", REST, frame(REST, PING, 1),
               header(length, 2, PING, 0), {"error": "short_len"})
    stream(t.good, "frames.body_len_0", "3.1", BODY, header(0, 2, PING, 0))
    stream(t.good, "frames.body_len_6", "3.1", BODY, header(6, 2, JOIN, 0) + join("room"))
    stream(t.good, "frames.rest_len_7", "3.1", REST, header(7, 2, PING, 0))
    stream(t.good, "frames.rest_len_8", "3.1", REST, header(8, 2, PING, 0) + b"x")
    return t


def gzip_theme():
    t = Theme("gzip", "gzip", "Bodies as sent with compression 1, inflated under a limit.")
    text = b"what the room says, what the room says"

    def good(name, sentences, data, out, limit=BODY_MAX):
        if data:
            assert zlib.decompress(data, 31) == out, name
        t.good(name, sentences, input=data, max=limit, expect={"ok": out})

    def bad(name, sentences, data, error="malformed", limit=BODY_MAX):
        t.bad(name, sentences, input=data, max=limit, expect={"error": error})

    whole = member(text)
    good("gzip.one_member", "6.1 6.3", whole, text)
    good("gzip.stored_block", "6.1", member(text, block=stored), text)
    good("gzip.empty_input", "6.2", b"", b"")
    good("gzip.member_of_nothing", "6.1", member(b""), b"")
    good("gzip.with_name", "6.4", member(text, flags=8, extra=b"room.txt\0"), text)
    good("gzip.with_extra_name_comment", "6.4",
         member(text, flags=4 | 8 | 16, extra=b"\x03\x00abc" + b"n\0" + b"c\0"), text)
    head = bytes([0x1F, 0x8B, 8, 2, 0, 0, 0, 0, 0, 0xFF])
    good("gzip.with_header_crc", "6.4",
         member(text, flags=2, extra=(zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")), text)
    good("gzip.just_the_limit", "6.5 14.1", member(bytes(BODY_MAX)), bytes(BODY_MAX))
    good("gzip.just_the_login_limit", "6.5 14.2", member(bytes(8192)), bytes(8192), 8192)
    for cut in (1, 4, 8, 9, len(whole) - 10, len(whole) - 1):
        bad(f"gzip.cut_by_{cut}", "6.3", whole[:-cut])
    bad("gzip.trailing_byte", "6.3", whole + b"\0")
    bad("gzip.two_members", "6.3", whole + whole)
    bad("gzip.wrong_crc", "6.3", member(text, crc=zlib.crc32(text) ^ 1))
    bad("gzip.wrong_size", "6.3", member(text, size=len(text) + 1))
    bad("gzip.size_says_nothing", "6.3", member(text, size=0))
    bad("gzip.size_says_4_gib", "6.3 6.5", member(text, size=0xFFFFFFFF))
    bad("gzip.bad_magic", "6.1", b"\x1f\x8c" + whole[2:])
    bad("gzip.bad_method", "6.1", member(text, method=7))
    bad("gzip.not_gzip", "6.1", text)
    bad("gzip.zlib_instead", "6.1", bytes.fromhex("789c030000000001"))
    bad("gzip.deflate_instead", "6.1", deflate(text))
    bad("gzip.broken_block", "6.3", whole[:10] + b"\x07" + whole[11:])
    bad("gzip.distance_before_the_start", "6.3", whole[:10] + bytes.fromhex("03020000") + whole[-8:])
    bad("gzip.one_over_the_limit", "6.5 14.1", member(bytes(BODY_MAX + 1)), "too_large")
    bad("gzip.one_over_the_login_limit", "6.5 14.2", member(bytes(8193)), "too_large", 8192)
    bomb = member(bytes(10_000_000))
    assert len(bomb) <= BODY_MAX
    bad("gzip.bomb_10_mb", "6.5 14.1", bomb, "too_large")
    bad("gzip.bomb_and_wrong_size", "6.5 5.21", member(bytes(1_000_000), size=10), "either")
    bad("gzip.bomb_and_cut", "6.5 5.21", bomb[: len(bomb) // 2], "either")
    return t
