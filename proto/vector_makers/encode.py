"""Bytes of frames, protobuf fields and gzip members, built by hand from PROTOCOL.md.

Shares nothing with the Rust code: two people read one text, and the vectors show where they differ. Deflate is
written here too (stored and fixed-Huffman blocks), because zlib's output changes between its versions and the
vectors must not.
"""

import struct
import zlib

LOGIN, LOGOUT, PING, PONG, JOIN, CMS = 1, 2, 3, 4, 5, 6
REQUEST, ANSWER, NOTIFY = 0, 1, 2
BODY, REST = "body", "rest"
READINGS = (BODY, REST)


def header(length, seq, command, flag, status=0):
    return struct.pack(">IIBBB", length, seq, command, flag, status)


def flag(version=0, compression=0, flow=REQUEST):
    return version << 4 | compression << 2 | flow


def frame(reading, command, seq, body=b"", version=0, compression=0, flow=REQUEST, status=0):
    length = len(body) + (7 if reading == REST else 0)
    return header(length, seq, command, flag(version, compression, flow), status) + body


def varint(value, pad_to=0):
    """`value` as a varint; `pad_to` bytes long where that is more than it needs."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    while len(out) < pad_to:
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def v(number, value):
    """A varint field."""
    return tag(number, 0) + varint(value)


def s(number, value):
    """A length-delimited field."""
    data = value.encode() if isinstance(value, str) else value
    return tag(number, 2) + varint(len(data)) + data


def login(token=None, user=None, rest=b"", token_field=1, user_field=2):
    body = b"" if token is None else s(token_field, token)
    return body + (b"" if user is None else s(user_field, user)) + rest


def join(room):
    return s(1, room)


def message(content=None, sender=None, to=None, timestamp=None, info=None, kind=None, rest=b""):
    """A CRMessage with exactly the given fields, in ascending order."""
    out = b"" if content is None else s(1, content)
    out += b"" if sender is None else s(2, sender)
    out += b"" if to is None else s(3, to)
    out += b"" if timestamp is None else v(4, timestamp)
    out += b"" if info is None else s(5, info)
    out += b"" if kind is None else v(6, kind)
    return out + rest


def info(level=None, room_level=None, nickname=None, tags=()):
    """A UserInfo with exactly the given fields, in ascending order."""
    out = b"" if level is None else v(1, level)
    out += b"" if room_level is None else v(2, room_level)
    out += b"" if nickname is None else s(3, nickname)
    return out + b"".join(s(4, one) for one in tags)


def push(room, *records):
    return b"".join(s(1, record) for record in records) + s(2, room)


class _Bits:
    """Deflate's bit order: from the lowest bit up, Huffman codes highest bit first."""

    def __init__(self):
        self.out, self.hold, self.count = bytearray(), 0, 0

    def put(self, value, width):
        self.hold |= value << self.count
        self.count += width
        while self.count >= 8:
            self.out.append(self.hold & 0xFF)
            self.hold >>= 8
            self.count -= 8

    def code(self, value, width):
        self.put(int(format(value, f"0{width}b")[::-1], 2), width)

    def done(self):
        if self.count:
            self.put(0, 8 - self.count)
        return bytes(self.out)


def _literal(bits, byte):
    if byte < 144:
        bits.code(0x30 + byte, 8)
    else:
        bits.code(0x190 + byte - 144, 9)


def deflate(data):
    """`data` as one fixed-Huffman block: literals, and runs of one byte as matches of 258 at distance 1."""
    bits = _Bits()
    bits.put(1, 1)  # the last block
    bits.put(1, 2)  # fixed Huffman codes
    at = 0
    while at < len(data):
        _literal(bits, data[at])
        run = at + 1
        while run + 258 <= len(data) and data[run : run + 258] == data[at : at + 1] * 258:
            bits.code(0xC5, 8)  # length 258
            bits.code(0, 5)  # distance 1
            run += 258
        at = run
    bits.code(0, 7)  # end of block
    out = bits.done()
    assert zlib.decompress(out, -15) == data
    return out


def stored(data):
    """`data` (under 64 KiB) as one stored block."""
    return b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def member(data, flags=0, extra=b"", crc=None, size=None, block=deflate, method=8):
    """One gzip member; `crc` and `size` replace the right ones."""
    head = bytes([0x1F, 0x8B, method, flags, 0, 0, 0, 0, 0, 0xFF]) + extra
    tail = struct.pack(
        "<II", zlib.crc32(data) if crc is None else crc, len(data) if size is None else size
    )
    return head + block(data) + tail
