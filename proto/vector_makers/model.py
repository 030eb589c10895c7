"""How the first LOGIN is told apart, as PROTOCOL.md section 3 says it, to compute what every cut of it means."""

import zlib

from .encode import BODY, REST

LOGIN_MAX = 8192


class Malformed(Exception):
    pass


class TooLarge(Exception):
    pass


def _varint(data, at, bytes_max):
    value = 0
    for i in range(bytes_max):
        if at + i >= len(data):
            raise Malformed("cut varint")
        value |= (data[at + i] & 0x7F) << (7 * i)
        if data[at + i] < 0x80:
            return value, at + i + 1
    raise Malformed("long varint")


def fields(data):
    """(number, wire type, value) of every field, or Malformed."""
    at, out = 0, []
    while at < len(data):
        key, at = _varint(data, at, 5)
        number, kind = key >> 3, key & 7
        if number == 0 or key > 0xFFFFFFFF:
            raise Malformed("tag")
        if kind == 0:
            value, at = _varint(data, at, 10)
            if value >= 1 << 64:
                raise Malformed("varint")
        elif kind in (1, 5, 2):
            size = 8 if kind == 1 else 4
            if kind == 2:
                size, at = _varint(data, at, 5)
            value, at = data[at : at + size], at + size
            if at > len(data):
                raise Malformed("beyond the end")
        else:
            raise Malformed("wire type")
        out.append((number, kind, value))
    return out


def login_fields(data, token=1, user=2):
    """(token, userId) of a LoginRequest, or Malformed."""
    found = {token: "", user: ""}
    for number, kind, value in fields(data):
        if number in found:
            if kind != 2:
                raise Malformed("wire type")
            try:
                found[number] = value.decode()
            except UnicodeDecodeError as error:
                raise Malformed("UTF-8") from error
        elif number == 100 and kind != 0:
            raise Malformed("wire type")
    return found[token], found[user]


def inflate(data, limit):
    if not data:
        return b""
    machine = zlib.decompressobj(31)
    try:
        out = machine.decompress(data, limit + 1)
    except zlib.error as error:
        raise Malformed("gzip") from error
    if len(out) > limit:
        raise TooLarge("gzip")
    if not machine.eof or machine.unused_data:
        raise Malformed("gzip")
    return out


def detect(data, rules):
    """`need_more`, {"refused": reason} or {"login": ...} for the first bytes of a connection."""
    if len(data) < 11:
        return "need_more"
    length = int.from_bytes(data[:4], "big")
    command, flags = data[8], data[9]
    limit = rules.get("login_max", LOGIN_MAX)
    pinned = rules.get("length")
    most = limit if pinned == BODY else limit + 7
    if length > most:
        return {"refused": "too_large"}
    if pinned == REST and length < 7:
        return {"refused": "short_len"}
    if flags & 3:
        return {"refused": "not_request"}
    if command != rules.get("login_code", 1):
        return {"refused": "not_login"}
    if flags >> 2 & 3 > 1:
        return {"refused": "reserved_compression"}
    if "versions" in rules and flags >> 4 not in rules["versions"]:
        return {"refused": "version"}
    try:
        reading = pinned or _reading(data, length, flags >> 2 & 3 == 1, rules)
    except TooLarge:
        return {"refused": "too_large"}
    if reading is None:
        return "need_more"
    if reading == BODY and length > limit:
        return {"refused": "too_large"}
    end = 4 + length if reading == REST else 11 + length
    if len(data) < end:
        return "need_more"
    return {
        "login": {
            "length": reading,
            "version": flags >> 4,
            "gzip": flags >> 2 & 3 == 1,
            "taken": end,
            "body": data[11:end],
        }
    }


def _reading(data, length, gzipped, rules):
    if length < 7:
        return BODY
    if len(data) < 4 + length:
        return None
    candidate = data[11 : 4 + length]
    try:
        plain = inflate(candidate, rules.get("login_max", LOGIN_MAX)) if gzipped else candidate
        token, user = login_fields(plain, **rules.get("login", {}))
    except Malformed:
        return BODY
    if bool(token) != bool(user):
        return BODY
    if gzipped and length > 7:
        return REST
    further = data[4 + length : 5 + length]
    return REST if further in (b"", b"\x00") else BODY
