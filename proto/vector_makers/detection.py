"""The first LOGIN, cut at every byte: which reading, which dialect, or why it is refused.

What every cut means is computed by `model.detect`; each case states by hand what the whole input means, and
the two are compared here.
"""

import zlib

from .encode import *
from .model import detect
from .vector import Theme

USER = login("sesame", "alice")


def detection_theme():
    t = Theme("detect", "detect", "What the first bytes of a connection mean, at every cut of them.")
    _readings(t)
    _pins(t)
    _gzip(t)
    _refusals(t)
    _options(t)
    return t


def _case(add, name, sentences, data, whole, rules=None):
    """`whole`: body, rest, need_more or the reason of the refusal, when all of `data` is there."""
    rules = rules or {}
    cuts = []
    for end in range(len(data) + 1):
        outcome = detect(data[:end], rules)
        if cuts and cuts[-1]["expect"] == outcome:
            cuts[-1]["to"] = end
        else:
            cuts.append({"from": end, "to": end, "expect": outcome})
    last = cuts[-1]["expect"]
    seen = last if isinstance(last, str) else last.get("refused") or last["login"]["length"]
    assert seen == whole, (name, seen, whole)
    add(name, sentences, rules=rules, input=data, cuts=cuts)


def _readings(t):
    """Every kind of LOGIN in both readings, alone and with the next frame behind it."""
    bodies = {
        "bare_guest": b"",
        "user": USER,
        "long_user": login("t" * 300, "u" * 128),
        "guest_with_unknown_fields": s(3, "phone") + v(4, 7),
        "guest_with_features": v(100, 5),
        "user_with_features": USER + v(100, 1),
        "user_before_token": s(2, "alice") + s(1, "sesame"),
        "empty_strings_are_a_guest": login("", ""),
    }
    for reading in READINGS:
        for n, (name, body) in enumerate(bodies.items()):
            data = frame(reading, LOGIN, 1, body, version=n)
            followers = {"alone": b"", "then_ping": frame(reading, PING, 2)}
            if name == "user":
                followers["then_join"] = frame(reading, JOIN, 2, join("lobby"))
            for follower, behind in followers.items():
                sentences = "3.2 3.5 1.5 2.9" + (" 3.4" if reading == BODY and len(body) < 7 else "")
                _case(t.good, f"detect.{name}.{follower}.{reading}", sentences, data + behind, reading)


def _pins(t):
    """The rules one by one, where they bite."""
    _case(t.good, "detect.seven_bytes_of_user_id_are_late", "3.7", frame(BODY, LOGIN, 1, USER), BODY)
    _case(t.good, "detect.token_alone_in_rest_is_body_and_waits", "3.7 3.12",
          frame(REST, LOGIN, 1, login("sesame")), "need_more")
    _case(t.bad, "detect.half_a_login_in_body", "3.7", frame(BODY, LOGIN, 1, login("sesame", None, v(3, 1))), BODY)
    _case(t.good, "detect.candidate_ends_inside_a_field", "3.6", frame(BODY, LOGIN, 1, login("sesame", "alicia")), BODY)
    _case(t.good, "detect.zero_byte_means_rest", "3.10", frame(REST, LOGIN, 1) + b"\x00", REST)
    _case(t.bad, "detect.other_byte_means_body", "3.10", header(7, 1, LOGIN, 0) + b"\x1a\x05phone", BODY)
    _case(t.bad, "detect.rest_guest_then_garbage_is_body_and_waits", "3.10 3.12", frame(REST, LOGIN, 1) + b"\x47", "need_more")
    _case(t.good, "detect.no_further_byte_means_rest", "3.11", frame(REST, LOGIN, 1), REST)
    _case(t.good, "detect.undecidable_seven_bytes_are_late", "3.14", header(7, 1, LOGIN, 0) + s(3, "phone"), BODY)
    _case(t.good, "detect.undecidable_last_field_is_late", "3.14",
          frame(BODY, LOGIN, 1, USER + s(3, "phone")), BODY)
    _case(t.good, "detect.body_in_one_piece", "3.15", frame(BODY, LOGIN, 1, USER + s(3, "phone")), BODY)
    for length in range(7):
        body = v(3, 1) * 3 if length == 6 else bytes([0x18, 1] * 3)[:length]
        _case(t.good, f"detect.len_{length}_is_body", "3.4 3.1", header(length, 1, LOGIN, 0) + body, BODY)
    _case(t.good, "detect.body_of_eight_bytes", "3.5", header(8, 1, LOGIN, 0) + v(3, 1) * 4, BODY)
    filler = s(3, bytes(8192 - 3))
    assert len(filler) == 8192
    _case(t.good, "detect.longest_rest", "3.3 14.2", frame(REST, LOGIN, 1, filler), REST)
    _case(t.good, "detect.longest_body", "3.3 3.13 14.2", frame(BODY, LOGIN, 1, filler), BODY)
    _case(t.bad, "detect.body_one_over", "3.13 14.2", frame(BODY, LOGIN, 1, s(3, bytes(8193 - 3))), "too_large")
    _case(t.bad, "detect.rest_one_over", "3.3 14.2", frame(REST, LOGIN, 1, s(3, bytes(8193 - 3))), "too_large")
    _case(t.bad, "detect.malformed_body_waits_as_body", "3.6 3.12",
          frame(REST, LOGIN, 1, b"\x0a\x7f" + b"x" * 9), "need_more")
    # Only what decodes counts: an id over its limit is refused later, not read as another dialect.
    _case(t.good, "detect.limits_do_not_count.rest", "3.6", frame(REST, LOGIN, 1, login("t", "u" * 129)), REST)
    _case(t.good, "detect.controls_do_not_count.rest", "3.6", frame(REST, LOGIN, 1, login("t", "a\x07b")), REST)
    _case(t.bad, "detect.bad_utf8_is_not_complete", "3.6 7.8", frame(REST, LOGIN, 1, login("t", b"\xff\xfe")), "need_more")
    _case(t.bad, "detect.group_is_not_complete", "3.6 7.9", frame(REST, LOGIN, 1, USER + b"\x1b\x1c"), "need_more")


def _gzip(t):
    for reading in READINGS:
        for name, body in (("user", member(USER)), ("bare_guest", b""), ("guest_member", member(b""))):
            data = frame(reading, LOGIN, 1, body, version=1, compression=1)
            sentences = "3.8 6.7" + (" 3.9" if reading == REST and body else "")
            for follower, behind in (("alone", b""), ("then_ping", frame(reading, PING, 2))):
                _case(t.good, f"detect.gzip_{name}.{follower}.{reading}", sentences, data + behind, reading)
    whole = frame(REST, LOGIN, 1, member(USER), compression=1)
    _case(t.good, "detect.gzip_rest_whatever_follows", "3.9", whole + b"\x47", REST)
    for name, body in (
        ("wrong_crc", member(USER, crc=zlib.crc32(USER) ^ 1)),
        ("wrong_size", member(USER, size=1)),
        ("trailing_byte", member(USER) + b"\0"),
        ("two_members", member(USER) * 2),
        ("not_a_login", member(b"\x0a\x7f")),
        ("half_a_login", member(login("sesame"))),
    ):
        sentences = "3.8 3.12" + (" 3.7" if name == "half_a_login" else "")
        _case(t.bad, f"detect.gzip_{name}_is_body_and_waits", sentences,
              frame(REST, LOGIN, 1, body, compression=1), "need_more")
        _case(t.bad, f"detect.gzip_{name}.body", sentences, frame(BODY, LOGIN, 1, body, compression=1), BODY)


    for reading in READINGS:
        bomb = frame(reading, LOGIN, 1, member(s(3, bytes(9000))), compression=1)
        _case(t.bad, f"detect.gzip_bomb.{reading}", "3.17 6.5 14.2", bomb, "too_large")


def _refusals(t):
    for length in (8200, 65536, 0x00FFFFFF, 0xFFFFFFFF):
        _case(t.bad, f"detect.len_{length}", "3.3 5.9 14.3", header(length, 1, LOGIN, 0), "too_large")
    for command in (0, 2, 3, 4, 5, 6, 7, 64, 255):
        _case(t.bad, f"detect.command_{command}", "1.4 5.3 5.4 5.9", header(7, 1, command, 0), "not_login")
    for flow in (1, 2, 3):
        _case(t.bad, f"detect.flow_{flow}", "5.5 5.9", header(7, 1, LOGIN, flow), "not_request")
    for compression in (2, 3):
        _case(t.bad, f"detect.compression_{compression}", "5.6 5.9", header(7, 1, LOGIN, compression << 2), "reserved_compression")
    _case(t.bad, "detect.faults_length_first", "5.17", header(8200, 1, CMS, 0xFF), "too_large")
    _case(t.bad, "detect.faults_flow_second", "5.17", header(7, 1, CMS, 0xFF), "not_request")
    _case(t.bad, "detect.faults_command_third", "5.17", header(7, 1, CMS, 0x0C), "not_login")
    for name, data in (
        ("http", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("tls", bytes.fromhex("1603010200010001fc0303") + bytes(32)),
        ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("proxy", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    ):
        _case(t.bad, f"detect.{name}", "1.7 5.3" if name == "tls" else "5.3", data, "too_large")


def _options(t):
    for reading in READINGS:
        rules = {"length": reading}
        data = frame(reading, LOGIN, 1, USER)
        _case(t.good, f"detect.pinned.{reading}", "19.3", data, reading, rules)
        _case(t.good, f"detect.pinned_guest.{reading}", "19.3", frame(reading, LOGIN, 1), reading, rules)
    _case(t.good, "detect.pinned_body_decides_the_undecidable", "19.3 3.14",
          header(7, 1, LOGIN, 0) + s(3, "phone"), BODY, {"length": BODY})
    _case(t.bad, "detect.pinned_rest_len_6", "19.3", header(6, 1, LOGIN, 0), "short_len", {"length": REST})
    _case(t.bad, "detect.pinned_body_8193", "19.3 14.2", header(8193, 1, LOGIN, 0), "too_large", {"length": BODY})
    _case(t.good, "detect.served_version", "19.4", frame(REST, LOGIN, 1, version=3), REST, {"versions": [1, 3]})
    _case(t.bad, "detect.version_not_served", "19.4", frame(REST, LOGIN, 1, version=2), "version", {"versions": [1, 3]})
    mapped = {"login_code": 17}
    _case(t.good, "detect.mapped_command", "19.1", frame(REST, 17, 1), REST, mapped)
    _case(t.bad, "detect.default_code_of_a_mapped_command", "19.1", frame(REST, LOGIN, 1), "not_login", mapped)
    fields = {"login": {"token": 7, "user": 9}}
    moved = login("sesame", "alice", token_field=7, user_field=9)
    _case(t.good, "detect.mapped_fields", "19.2", frame(REST, LOGIN, 1, moved), REST, fields)
    _case(t.good, "detect.mapped_fields_seven_late", "19.2 3.7", frame(BODY, LOGIN, 1, moved), BODY, fields)
    _case(t.bad, "detect.default_fields_where_mapped_are_unknown", "19.2 3.14", frame(BODY, LOGIN, 1, USER), BODY, fields)
    _case(t.bad, "detect.smaller_login_max", "19.6 3.3", header(108, 1, LOGIN, 0), "too_large", {"login_max": 100})
    _case(t.good, "detect.just_the_smaller_login_max", "19.6 3.3",
          frame(REST, LOGIN, 1, s(3, bytes(98))), REST, {"login_max": 100})
