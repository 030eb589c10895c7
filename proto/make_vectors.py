#!/usr/bin/env python3
"""Writes proto/vectors/*.json, the golden vectors of PROTOCOL.md, from nothing but this directory.

    python3 proto/make_vectors.py            write them
    python3 proto/make_vectors.py --check    say whether what is checked in is what would be written

Standard library alone, and nothing shared with the Rust code: what both agree on was read twice. The output is the
same on every machine. Fails where a sentence of PROTOCOL.md has neither vectors nor a reason
(vector_makers/coverage.py), or where its walk-through shows other bytes than the vectors.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "vectors"
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from vector_makers.bodies import join_theme, login_theme, push_theme  # noqa: E402
from vector_makers.conversations import conversation_theme  # noqa: E402
from vector_makers.coverage import table  # noqa: E402
from vector_makers.detection import detection_theme  # noqa: E402
from vector_makers.framing import frames_theme, gzip_theme, header_theme  # noqa: E402
from vector_makers.records import records_theme  # noqa: E402
from vector_makers.vector import plain, read  # noqa: E402

THEMES = [header_theme, detection_theme, frames_theme, login_theme, join_theme, records_theme, push_theme, gzip_theme,
          conversation_theme]


def walk_through(protocol):
    """The frames that section 20 shows, by name and reading."""
    shown, name, reading = {}, None, None
    for line in protocol[protocol.index("## 20."):].splitlines():
        if found := re.match(r"(walk\.\w+)", line):
            name = found[1]
        elif name and (found := re.match(r"  (body|rest|    )  *((?:[0-9a-f]{2} +)*[0-9a-f]{2})(?:   .*)?$", line)):
            reading = found[1].strip() or reading
            key = f"{name}.{reading}"
            shown[key] = shown.get(key, b"") + bytes.fromhex(found[2])
        elif line.startswith("```"):
            name = None
    return shown


def walk_through_faults(protocol, frames):
    made = {v["name"]: v["input"] for v in frames.vectors if v["name"].startswith("walk.")}
    made = {name: data for name, data in made.items() if "version_0" not in name}
    shown = walk_through(protocol)
    return [f"PROTOCOL.md section 20 and vector {name} differ" for name in sorted(made | shown)
            if made.get(name) != shown.get(name)]


def as_text(document):
    """JSON with one vector a line, so that a diff shows which vectors changed."""
    vectors = document.pop("vectors")
    head = json.dumps(document, indent=1, ensure_ascii=False)[:-2]
    lines = ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in vectors)
    return f'{head},\n "vectors": [\n{lines}\n ]\n}}\n'


def coverage_text(covered):
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in covered.items())
    return f'{{\n "format": 1,\n "sentences": {{\n{lines}\n }}\n}}\n'


def make():
    """(file name → text, what is wrong)."""
    protocol = (HERE.parent / "PROTOCOL.md").read_text(encoding="utf-8")
    themes = [theme() for theme in THEMES]
    covered, wrong = table(protocol, themes)
    wrong += walk_through_faults(protocol, next(t for t in themes if t.name == "frames"))
    files = {f"{theme.name}.json": as_text(theme.document()) for theme in themes}
    files["coverage.json"] = coverage_text(covered)
    for theme in themes:  # what is written reads back as what was meant
        for vector in theme.vectors:
            if isinstance(vector.get("input"), bytes):
                assert read(plain(vector["input"])) == vector["input"], vector["name"]
    return files, wrong


def main():
    files, wrong = make()
    if "--check" in sys.argv[1:]:
        here = {path.name for path in OUT.glob("*.json")}
        wrong += [f"proto/vectors/{name} is not made by the script" for name in sorted(here - set(files))]
        for name, text in files.items():
            path = OUT / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                wrong.append(f"proto/vectors/{name} is stale: run python3 proto/make_vectors.py")
    else:
        OUT.mkdir(exist_ok=True)
        for name, text in files.items():
            (OUT / name).write_text(text, encoding="utf-8")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
