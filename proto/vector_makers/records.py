"""A client's CMS and the record that the server makes of it."""

from .bodies import BROKEN, GOOD_IDS, UNKNOWN, bad_ids, nested, unknown
from .encode import *
from .vector import Theme

NOW = 1700000000000


def records_theme():
    t = Theme("record", "record", "A CMS body, and the record that is made of it for `from` at `timestamp`.")
    _plain(t)
    _user_info(t)
    _relay(t)
    _ids_and_broken(t)
    return t


def _good(t, name, sentences, body, record, to="lobby", content=b"hello", kind=0, **options):
    """`record`: the CRMessage that goes out, without the tag and length of `messages`."""
    t.good(f"record.{name}", sentences, body=body, timestamp=NOW, **{"from": "alice"}, **options,
           expect={"ok": {"messageContent": content, "to": to, "messageType": kind, "record": record}})


def _bad(t, name, sentences, body, error="malformed", **options):
    t.bad(f"record.{name}", sentences, body=body, timestamp=NOW, **{"from": "alice"}, **options,
          expect={"error": error})


def _out(content=b"hello", to="lobby", user=None, kind=None, rest=b""):
    return message(content or None, "alice", to, NOW, user or None, kind or None, rest)


def _plain(t):
    _good(t, "plain", "7.1 11.1 12.6", message(b"hello", None, "lobby"), _out())
    _good(t, "spoofed_from", "11.3", message(b"hello", "root", "lobby"), _out())
    _good(t, "spoofed_long_from", "11.3 14.4", message(b"hello", "r" * 5000, "lobby"), _out())
    _good(t, "spoofed_from_with_controls", "11.3", message(b"hello", "r\0\n", "lobby"), _out())
    _good(t, "spoofed_timestamp", "11.4", message(b"hello", None, "lobby", 1), _out())
    _good(t, "spoofed_timestamp_of_64_bits", "11.4", message(b"hello", None, "lobby", (1 << 64) - 1), _out())
    _good(t, "gift", "11.7 12.6", message(b"rose", None, "lobby", kind=2), _out(b"rose", kind=2), content=b"rose", kind=2)
    _good(t, "type_1_is_parsed", "7.1", message(b"hello", None, "lobby", kind=1), _out(kind=1), kind=1)
    _good(t, "type_of_64_bits_is_cut", "7.7", message(b"hello", None, "lobby", kind=(7 << 32) + 2), _out(kind=2), kind=2)
    _good(t, "type_0_is_left_out", "12.6 7.3", message(b"hello", None, "lobby", kind=0), _out())
    _good(t, "empty_content", "11.10 12.6", message(b"", None, "lobby"), _out(b""), content=b"")
    _good(t, "no_content", "11.10 7.3", message(None, None, "lobby"), _out(b""), content=b"")
    _good(t, "content_of_any_bytes", "11.11", message(bytes(range(256)), None, "lobby"), _out(bytes(range(256))),
          content=bytes(range(256)))
    long = bytes(65536 - 4 - 7)
    body = message(long, None, "lobby")
    assert len(body) == 65536
    _good(t, "longest_content", "14.8 12.10", body, _out(long), content=long)
    any_order = v(6, 2) + s(5, info(1)) + v(4, 5) + s(3, "lobby") + s(2, "x") + s(1, b"hello")
    _good(t, "any_order", "7.2 12.6", any_order, _out(user=info(1), kind=2), kind=2)
    twice = message(b"one", "a", "attic", 1, None, 1) + message(b"two", "b", "lobby", 2, None, 2)
    _good(t, "last_one_counts", "7.4", twice, _out(b"two", kind=2), content=b"two", kind=2)
    back = message(b"one", None, "lobby", kind=2) + message(b"", kind=0)
    _good(t, "last_one_may_be_the_default", "7.4", back, _out(b""), content=b"")


def _user_info(t):
    def case(name, sentences, infos, expected, **options):
        body = message(b"hello", None, "lobby", rest=b"".join(s(5, one) for one in infos))
        _good(t, name, sentences, body, _out(user=expected), **options)

    full = info(3, 4, "Alice", ("vip", "new"))
    case("user_info", "11.6 12.7", [full], full)
    case("user_info_backwards", "12.7 7.2", [s(4, "vip") + s(3, "Alice") + v(2, 4) + s(4, "new") + v(1, 3)], full)
    case("user_info_defaults_left_out", "12.7", [info(0, 0, "", ("vip",))], info(tags=("vip",)))
    case("user_info_empty_is_left_out", "12.7", [b""], None)
    case("user_info_of_defaults_is_left_out", "12.7", [info(0, 0, "")], None)
    case("user_info_of_unknown_is_left_out", "12.7 11.15", [v(9, 9)], None)
    case("user_info_unknown_left_out", "12.7 11.15", [full + v(9, 9) + s(100, "x")], full)
    case("user_info_empty_tag_stays", "12.7", [info(tags=("", "a"))], info(tags=("", "a")))
    case("user_info_merged", "7.5 12.7", [info(1, 2, "A", ("a",)), info(7, None, "B", ("b",))], info(7, 2, "B", ("a", "b")))
    case("user_info_merged_with_default", "7.5", [info(1, 2, "A"), info(0)], info(None, 2, "A"))
    case("user_info_level_cut_to_32_bits", "7.7", [info((1 << 32) + 5, (1 << 63) + 6)], info(5, 6))
    case("user_info_padded_number", "7.15", [tag(1, 0) + varint(3, 10)], info(3))
    case("user_info_nickname_of_anything", "14.9", [info(nickname="\u202e\x1b[31m\0")], info(nickname="\u202e\x1b[31m\0"))
    case("user_info_of_64_tags", "11.13", [info(tags=["t"] * 64)], info(tags=["t"] * 64))
    case("user_info_of_64_tags_in_two", "11.13 7.5", [info(tags=["a"] * 32), info(tags=["b"] * 32)],
         info(tags=["a"] * 32 + ["b"] * 32))
    nick = "n" * (1024 - 3)
    assert len(info(nickname=nick)) == 1024
    case("user_info_of_1024_bytes", "11.12", [info(nickname=nick)], info(nickname=nick))
    claims = {"level": 9, "roomLevel": 0, "nickname": "Real", "tag": ["staff"]}
    case("claims_replace_user_info", "11.6", [full], info(9, None, "Real", ("staff",)), claims=claims)
    case("claims_without_user_info", "11.6", [], info(9, None, "Real", ("staff",)), claims=claims)

    def refused(name, sentences, infos, error="malformed", **options):
        _bad(t, name, sentences, message(b"hello", None, "lobby", rest=b"".join(s(5, one) for one in infos)), error, **options)

    refused("user_info_of_1025_bytes", "11.12", [info(nickname=nick + "n")], "too_large")
    refused("user_info_of_1025_bytes_in_two", "11.12 7.5", [info(nickname="n" * 600), info(nickname="n" * 419)], "too_large")
    refused("user_info_of_1025_unknown_bytes", "11.12", [s(9, bytes(1022))], "too_large")
    refused("user_info_of_65_tags", "11.13", [info(tags=["t"] * 65)], "too_large")
    refused("user_info_of_65_tags_in_two", "11.13 7.5", [info(tags=["a"] * 64), info(tags=["b"])], "too_large")
    refused("user_info_of_65_empty_tags", "11.13", [info(tags=[""] * 65)], "too_large")
    refused("nickname_of_bad_utf8", "7.8", [info(nickname=b"\xff")])
    refused("shadowed_nickname_of_bad_utf8", "7.8", [info(nickname=b"\xff"), info(nickname="n")])
    refused("tag_of_bad_utf8", "7.8", [info(tags=[b"\xc3"])])
    refused("level_as_string", "7.10", [s(1, "3")])
    refused("tag_as_varint", "7.10", [v(4, 3)])
    _bad(t, "user_info_as_varint", "7.10", message(b"hello", None, "lobby", rest=v(5, 3)))
    refused("user_info_bad_under_claims", "11.6 7.8", [info(nickname=b"\xff")],
            claims={"level": 1, "roomLevel": 0, "nickname": "", "tag": []})
    for name, sentences, data in BROKEN:
        refused(f"user_info_with_{name}", sentences, [info(1) + data])


def _relay(t):
    plain = message(b"hello", None, "lobby")
    for name, sentences, data in UNKNOWN:
        _good(t, name, sentences + " 11.15", plain + unknown(data), _out())
    extra = s(8, "reply-7") + v(9, 5)
    _good(t, "unknown_not_relayed", "11.15 19.5", plain + extra, _out())
    _good(t, "relayed", "19.5 12.6", plain + extra, _out(rest=s(8, "reply-7")), relay_fields=[8])
    _good(t, "relayed_in_the_order_they_came", "12.6 19.5", v(9, 5) + s(8, "a") + plain + v(9, 6),
          _out(rest=v(9, 5) + s(8, "a") + v(9, 6)), relay_fields=[8, 9])
    kinds = tag(8, 5) + bytes(4) + tag(9, 1) + bytes(8)
    _good(t, "relayed_fixed_sizes", "19.5", kinds + plain, _out(rest=kinds), relay_fields=[8, 9])
    padded = varint(8 << 3, 3) + varint(5, 4)
    _good(t, "relayed_byte_for_byte", "19.5 7.15", plain + padded, _out(rest=padded), relay_fields=[8])
    deep = nested(7, 8, v(1, 1))
    _good(t, "relayed_8_deep", "7.16 7.17 19.5", plain + deep, _out(rest=deep), relay_fields=[8])
    _bad(t, "relayed_9_deep", "7.16 7.17 19.5", plain + s(8, deep), relay_fields=[8])
    _good(t, "not_relayed_9_deep", "7.16", plain + s(8, deep), _out())
    _bad(t, "relayed_group", "7.9 19.5", plain + bytes.fromhex("4344"), relay_fields=[8])


def _ids_and_broken(t):
    for name, value in GOOD_IDS:
        _good(t, f"to_{name}", "14.5 11.14", message(b"hello", None, value), _out(to=value), to=value)
    _bad(t, "no_body", "11.14", b"")
    _bad(t, "no_to", "11.14", message(b"hello"))
    _bad(t, "empty_to", "11.14", message(b"hello", None, ""))
    for name, sentences, value, error in bad_ids("14.5"):
        _bad(t, f"to_{name}", sentences + " 11.14", message(b"hello", None, value), error)
    _bad(t, "from_of_bad_utf8", "7.8 11.3", message(b"hello", b"\xff", "lobby"))
    for name, sentences, data in BROKEN:
        _bad(t, name, sentences, message(b"hello", None, "lobby") + data)
    for number, name in ((1, "content"), (2, "from"), (3, "to")):
        _bad(t, f"{name}_as_varint", "7.10", message(b"hello", None, "lobby") + v(number, 1))
    for number, name in ((4, "timestamp"), (6, "type")):
        _bad(t, f"{name}_as_string", "7.10", message(b"hello", None, "lobby") + s(number, "1"))
        _bad(t, f"{name}_as_fixed64", "7.10", message(b"hello", None, "lobby") + tag(number, 1) + bytes(8))
