"""Bodies of LOGIN, JOIN_CR and push: what they say, or why they are refused."""

from .encode import *
from .model import Malformed, login_fields
from .vector import Theme

# Broken protobuf that every message must refuse, whatever its fields: (name, sentence, bytes).
BROKEN = [
    ("group", "7.9", bytes.fromhex("9b019c01")),
    ("group_not_closed", "7.9", bytes.fromhex("9b01")),
    ("group_closed_only", "7.9", bytes.fromhex("9c01")),
    ("wire_type_6", "7.9", bytes.fromhex("9e0100")),
    ("wire_type_7", "7.9", bytes.fromhex("9f0100")),
    ("field_0", "7.11", bytes.fromhex("0000")),
    ("field_0_with_a_length", "7.11", bytes.fromhex("0200")),
    ("varint_of_11_bytes", "7.12", bytes.fromhex("9801" + "80" * 10 + "00")),
    ("varint_of_65_bits", "7.12", bytes.fromhex("9801" + "ff" * 9 + "02")),
    ("varint_cut", "7.14", bytes.fromhex("980180")),
    ("tag_of_6_bytes", "7.13", bytes.fromhex("988180808000" + "01")),
    ("tag_over_32_bits", "7.13", bytes.fromhex("9881808010" + "01")),
    ("length_of_6_bytes", "7.13", bytes.fromhex("9a01" + "818080808000" + "61")),
    ("length_over_32_bits", "7.13", bytes.fromhex("9a01" + "8180808010" + "61")),
    ("length_beyond_the_end", "7.14", bytes.fromhex("9a01" + "03" + "6161")),
    ("length_of_4_gib", "7.14", bytes.fromhex("9a01" + "ffffffff0f" + "61")),
    ("length_missing", "7.14", bytes.fromhex("9a01")),
    ("fixed32_cut", "7.14", bytes.fromhex("9d01" + "000000")),
    ("fixed64_cut", "7.14", bytes.fromhex("9901" + "00000000000000")),
    ("tag_cut", "7.14", bytes.fromhex("98")),
]
# Unknown fields that every message passes over: (name, sentences, bytes).
UNKNOWN = [
    ("unknown_varint", "7.6", v(19, 1 << 63)),
    ("unknown_string_of_anything", "7.6 7.16", s(19, b"\xff\x0b\x0c" * 3)),
    ("unknown_fixed32", "7.6", tag(19, 5) + bytes(4)),
    ("unknown_fixed64", "7.6", tag(19, 1) + bytes(8)),
    ("unknown_highest_field", "7.6 7.13", v((1 << 29) - 1, 1)),
    ("unknown_extension", "7.6 17.3", v(100, 3) + s(101, "later")),
    ("padded_varint", "7.15 7.12", tag(19, 0) + varint(1, 10)),
    ("padded_tag", "7.15 7.13", varint(19 << 3, 5) + b"\x01"),
    ("padded_length", "7.15 7.13", tag(19, 2) + varint(1, 5) + b"a"),
    ("sixty_four_bits", "7.12", tag(19, 0) + b"\xff" * 9 + b"\x01"),
    ("unknown_nested_100_deep", "7.16", None),
]


def nested(deep, number=19, out=b""):
    for _ in range(deep):
        out = s(number, out)
    return out


def unknown(entry):
    return nested(100) if entry is None else entry


def bad_ids(name):
    """(name, sentences, value, error) of ids over a limit; `name` is the sentence that sets the limit."""
    return [
        ("of_129_bytes", name, "x" * 129, "too_large"),
        ("of_129_bytes_in_65_letters", name, "é" * 64 + "x", "too_large"),
        ("with_nul", f"{name} 14.7", "a\0b", "malformed"),
        ("with_newline", f"{name} 14.7", "a\nb", "malformed"),
        ("with_unit_separator", f"{name} 14.7", "a\x1fb", "malformed"),
        ("with_delete", f"{name} 14.7", "a\x7fb", "malformed"),
        ("with_c1_control", f"{name} 14.7", "a\u0085b", "malformed"),
        ("with_last_control", f"{name} 14.7", "a\u009fb", "malformed"),
        ("of_bad_utf8", f"{name} 7.8", b"a\xffb", "malformed"),
        ("of_cut_utf8", f"{name} 7.8", b"a\xc3", "malformed"),
        ("of_overlong_utf8", f"{name} 7.8", b"\xc0\xaf", "malformed"),
        ("of_surrogate", f"{name} 7.8", b"\xed\xa0\x80", "malformed"),
        ("beyond_unicode", f"{name} 7.8", b"\xf4\x90\x80\x80", "malformed"),
    ]


GOOD_IDS = [
    ("of_one_byte", "x"),
    ("of_128_bytes", "x" * 128),
    ("of_128_bytes_in_64_letters", "é" * 64),
    ("with_a_space", "a b"),
    ("with_nbsp", "a\u00a0b"),
    ("with_bidi_override", "a\u202eb"),
    ("in_chinese", "聊天室"),
    ("with_emoji", "🚀"),
]


def login_theme():
    t = Theme("login", "login", "LoginRequest bodies: token, userId and features, or why they are refused.")

    def decodes(body):
        try:
            login_fields(body)
        except Malformed:
            return False
        return True

    def good(name, sentences, body, token="", user="", features=0):
        assert decodes(body), name
        t.good(f"login.{name}", sentences, body=body, decodes=True,
               expect={"ok": {"token": token, "userId": user, "features": features}})

    def bad(name, sentences, body, error="malformed"):
        t.bad(f"login.{name}", sentences, body=body, decodes=decodes(body), expect={"error": error})

    good("user", "7.1 7.3", login("sesame", "alice"), "sesame", "alice")
    good("any_order", "7.2", s(2, "alice") + v(100, 9) + s(1, "sesame"), "sesame", "alice", 9)
    good("empty_is_a_guest", "7.3 8.2", b"")
    good("empty_strings_are_absent", "7.3 8.2", login("", ""))
    good("token_alone", "8.3", login("sesame"), "sesame")
    good("user_alone", "8.3", login(None, "alice"), "", "alice")
    good("last_one_counts", "7.4", login("a", "b") + login("c", "d"), "c", "d")
    good("last_one_may_be_empty", "7.4", login("a", "b") + login("", ""))
    good("last_feature_set_counts", "7.4 17.1", v(100, 1) + v(100, 6), features=6)
    good("all_features", "17.1", v(100, (1 << 64) - 1), features=(1 << 64) - 1)
    good("token_of_4096", "14.6", login("t" * 4096, "alice"), "t" * 4096, "alice")
    good("token_with_controls", "14.6", login("a\n\0b", "alice"), "a\n\0b", "alice")
    for name, value in GOOD_IDS:
        good(f"user_{name}", "14.4", login("t", value), "t", value)
    for name, sentences, data in UNKNOWN:
        if name != "unknown_extension":
            good(name, sentences, unknown(data) + login("t", "u"), "t", "u")
    bad("token_of_4097", "14.6 5.8", login("t" * 4097, "alice"), "too_large")
    for name, sentences, value, error in bad_ids("14.4"):
        bad(f"user_{name}", sentences + " 5.8", login("t", value), error)
    bad("token_of_bad_utf8", "7.8", login(b"\xff", "alice"))
    bad("shadowed_string_of_bad_utf8", "7.8", login(b"\xff", "alice") + login("t", "u"))
    for name, sentences, data in BROKEN:
        bad(name, sentences, login("t", "u") + data)
    bad("token_as_varint", "7.10", v(1, 5) + s(2, "u"))
    bad("user_as_fixed32", "7.10", s(1, "t") + tag(2, 5) + bytes(4))
    bad("features_as_string", "7.10", login("t", "u") + s(100, "x"))
    return t


def join_theme():
    t = Theme("join", "join", "ChatroomRequest bodies: the room, or why they are refused.")

    def good(name, sentences, body, room):
        t.good(f"join.{name}", sentences, body=body, expect={"ok": {"chatroomId": room}})

    def bad(name, sentences, body, error="malformed"):
        t.bad(f"join.{name}", sentences, body=body, expect={"error": error})

    good("room", "7.1", join("lobby"), "lobby")
    good("last_one_counts", "7.4", join("attic") + join("lobby"), "lobby")
    for name, value in GOOD_IDS:
        good(f"room_{name}", "14.5 10.10", join(value), value)
    for name, sentences, data in UNKNOWN:
        good(name, sentences, join("lobby") + unknown(data), "lobby")
    bad("no_body", "10.10 14.5", b"")
    bad("empty_room", "10.10 14.5 7.3", join(""))
    bad("last_one_is_empty", "10.10 7.4", join("lobby") + join(""))
    for name, sentences, value, error in bad_ids("14.5"):
        bad(f"room_{name}", sentences + " 10.10", join(value), error)
    bad("shadowed_string_of_bad_utf8", "7.8", join(b"\xff") + join("lobby"))
    for name, sentences, data in BROKEN:
        bad(name, sentences, join("lobby") + data)
    bad("room_as_varint", "7.10", v(1, 5))
    bad("room_as_group", "7.9 7.10", bytes.fromhex("0b0c"))
    bad("text_instead", "7.14", b"lobby")
    return t


def push_theme():
    t = Theme("push", "push", "CRMessageResponse bodies, as a client reads them.")

    def said(content=b"", sender="", to="", timestamp=0, user=None, kind=0):
        return {"messageContent": content, "from": sender, "to": to, "timestamp": timestamp,
                "userInfo": user, "messageType": kind}

    def user(level=0, room_level=0, nickname="", tags=()):
        return {"level": level, "roomLevel": room_level, "nickname": nickname, "tag": list(tags)}

    def good(name, sentences, body, room, *messages):
        t.good(f"push.{name}", sentences, body=body, expect={"ok": {"chatroom": room, "messages": list(messages)}})

    def bad(name, sentences, body):
        t.bad(f"push.{name}", sentences, body=body, expect={"error": "malformed"})

    now = 1700000000000
    hello = message(b"hello", "alice", "lobby", now)
    good("one_record", "7.1 12.1 12.8", push("lobby", hello), "lobby", said(b"hello", "alice", "lobby", now))
    gift = message(b"\x00\xff", "bob", "lobby", now + 1, info(3, 4, "Bob", ("vip", "new")), 2)
    good("two_records", "12.3", push("lobby", hello, gift), "lobby", said(b"hello", "alice", "lobby", now),
         said(b"\x00\xff", "bob", "lobby", now + 1, user(3, 4, "Bob", ("vip", "new")), 2))
    good("of_nothing", "5.20", b"", "")
    good("room_before_records", "7.2", s(2, "lobby") + s(1, hello), "lobby", said(b"hello", "alice", "lobby", now))
    good("extension_behind_the_room", "17.6 7.6", push("lobby", hello) + v(100, 7) + s(101, "x"), "lobby",
         said(b"hello", "alice", "lobby", now))
    good("unknown_message_type", "7.3", push("lobby", message(b"?", "a", "lobby", now, kind=77)), "lobby",
         said(b"?", "a", "lobby", now, kind=77))
    good("notice", "11.8", push("lobby", message(b"!", "system", "lobby", now, kind=1)), "lobby",
         said(b"!", "system", "lobby", now, kind=1))
    good("empty_record", "7.3", push("lobby", b""), "lobby", said())
    good("merged_user_info", "7.5", push("lobby", s(5, info(1, tags=("a",))) + s(5, info(nickname="n", tags=("b",)))),
         "lobby", said(user=user(1, 0, "n", ("a", "b"))))
    for name, sentences, data in UNKNOWN:
        good(name, sentences, push("lobby", hello + unknown(data)), "lobby", said(b"hello", "alice", "lobby", now))
    for name, sentences, data in BROKEN:
        bad(name, sentences, push("lobby", hello) + data)
        bad(f"record_with_{name}", sentences, push("lobby", hello + data))
    bad("room_of_bad_utf8", "7.8", push(b"\xff", hello))
    bad("record_as_varint", "7.10", v(1, 5) + s(2, "lobby"))
    return t
