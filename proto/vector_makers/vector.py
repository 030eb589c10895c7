"""One vector, and how it is written down."""

PERIODS = (1, 13)  # one byte over and over; thirteen bytes: eight matches of a fixed-Huffman run
RUN_BYTES_MIN = 64


class Theme:
    """The vectors of one file, in the order they were added."""

    def __init__(self, name, kind, about):
        self.name, self.kind, self.about, self.vectors = name, kind, about, []

    def add(self, sense, name, sentences, **data):
        """`sense`: does the input keep the rule ("good") or break it ("bad")?"""
        assert sense in ("good", "bad")
        names = sentences.split()
        self.vectors.append({"name": name, "sense": sense, "sentences": names} | data)

    def good(self, name, sentences, **data):
        self.add("good", name, sentences, **data)

    def bad(self, name, sentences, **data):
        self.add("bad", name, sentences, **data)

    def document(self):
        return plain({"format": 1, "theme": self.name, "about": self.about, "vectors": self.vectors})


def plain(value):
    """`value` with all bytes as hex, or as parts where they repeat."""
    if isinstance(value, bytes):
        return written(value)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def written(data):
    """A hex string; or, where a piece of `data` repeats, a list of hex strings and {hex, times}."""
    parts, start, at = [], 0, 0
    while at < len(data):
        period, times = _run(data, at)
        if times == 0:
            at += 1
            continue
        if start < at:
            parts.append(data[start:at].hex())
        parts.append({"hex": data[at : at + period].hex(), "times": times})
        at += period * times
        start = at
    if not parts:
        return data.hex()
    if start < len(data):
        parts.append(data[start:].hex())
    return parts


def _run(data, at):
    for period in PERIODS:
        piece, end = data[at : at + period], at + period
        while data[end : end + period] == piece and len(piece) == period:
            end += period
        if end - at >= RUN_BYTES_MIN and end - at > period:
            return period, (end - at) // period
    return 0, 0


def read(value):
    """The bytes that `written` wrote."""
    if isinstance(value, str):
        return bytes.fromhex(value)
    return b"".join(
        bytes.fromhex(part) if isinstance(part, str) else bytes.fromhex(part["hex"]) * part["times"]
        for part in value
    )
