#!/usr/bin/env python3
"""Compares PROTOCOL.md with what cites it; standard library alone.

    python3 tools/citations.py           fails on a citation of a sentence that does not exist, and on a sentence that
                                         no test cites and tools/citations-excused.txt does not excuse
    python3 tools/citations.py --list    says for every sentence where code and tests cite it

A citation is `PROTOCOL.md#4.2` in a source file, or an id in the `sentences` of a vector. Tests are what lies in a
`tests`, `test` or `e2e` folder, in a `#[cfg(test)] mod` (a file or folder of its own, or the rest of the file), in
proto/vectors or fuzz; everything else is code.
"""

import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXCUSED = "tools/citations-excused.txt"
SENTENCE = re.compile(r"^\*\*(\d+\.\d+)\*\* ", re.M)
CITATION = re.compile(r"PROTOCOL\.md#(\d+\.\d+)\b")
TEST_MODULE = re.compile(r"^\s*#\[cfg\(test\)\]\s*\n\s*(?:pub(?:\([a-z]+\))? )?mod (\w+)\s*([{;])", re.M)
SUFFIXES = {".rs", ".py", ".ts", ".js", ".mjs", ".proto", ".md", ".toml", ".txt", ".sh", ".yml", ".yaml"}
SKIPPED = {".git", "target", "node_modules", "build", "dist", "__pycache__", "corpus", "artifacts"}
TEST_FOLDERS = {"tests", "test", "e2e", "fuzz", "vectors"}
# These write about citations: their examples are none.
NOT_READ = {"tools/citations.py", "PROTOCOL.md"}


def sources():
    """Every file that may cite, as a path from the root."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(ROOT)
            if path.suffix in SUFFIXES and path.as_posix() not in NOT_READ:
                yield path


def modules_for_tests(texts):
    """Files and folders that a `#[cfg(test)] mod name;` declares, without `.rs`."""
    out = set()
    for path, text in texts.items():
        own = path.parent if path.stem in ("lib", "main", "mod") else path.with_suffix("")
        out |= {own / name for name, opens in TEST_MODULE.findall(text) if opens == ";" and path.suffix == ".rs"}
    return out


def citations():
    """(sentence, where, whether that is a test)."""
    texts = {path: (ROOT / path).read_text(encoding="utf-8", errors="replace") for path in sources()}
    modules = modules_for_tests(texts)
    for path, text in texts.items():
        whole = bool(TEST_FOLDERS & set(path.parts[:-1]) or modules & {path.with_suffix(""), *path.parents})
        inline = [found for found in TEST_MODULE.finditer(text) if found[2] == "{" and path.suffix == ".rs"]
        for found in CITATION.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            in_module = bool(inline) and found.start() > inline[0].start()
            yield found[1], f"{path.as_posix()}:{line}", whole or in_module
    for path in sorted((ROOT / "proto/vectors").glob("*.json")):
        for vector in json.loads(path.read_text(encoding="utf-8")).get("vectors", []):
            for sentence in vector["sentences"]:
                yield sentence, f"proto/vectors/{path.name} {vector['name']}", True


def excuses():
    """(sentence → reason, what is wrong with the list)."""
    out, wrong = {}, []
    path = ROOT / EXCUSED
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        sentence, _, reason = line.partition(" ")
        if not reason.strip() or sentence in out:
            wrong.append(f"{EXCUSED}:{number}: a line is an id once and its reason: {line!r}")
        out[sentence] = reason.strip()
    return out, wrong


def main():
    known = SENTENCE.findall((ROOT / "PROTOCOL.md").read_text(encoding="utf-8"))
    excused, wrong = excuses()
    cited = {sentence: {True: [], False: []} for sentence in known}
    for sentence, where, is_test in citations():
        if sentence in cited:
            cited[sentence][is_test].append(where)
        else:
            wrong.append(f"{where} cites {sentence}, which PROTOCOL.md does not have")
    wrong += [f"{EXCUSED} excuses {one}, which PROTOCOL.md does not have" for one in excused if one not in cited]
    untested = [one for one in known if not cited[one][True]]
    wrong += [f"{one}: no test cites it, and {EXCUSED} has no reason why not" for one in untested if one not in excused]

    if "--list" in sys.argv[1:]:
        for sentence, places in cited.items():
            tests = places[True]
            shown = f"{tests[0]} and {len(tests) - 1} more" if len(tests) > 1 else "".join(tests)
            shown = shown or f"EXCUSED {excused.get(sentence, 'NOT')}"
            print(f"{sentence:>6}  code: {', '.join(places[False]) or '-'}\n        test: {shown}")
    for one in excused:
        if one in cited and cited[one][True]:
            print(f"note: {one} is excused and tested: drop it from {EXCUSED}")
    for line in wrong:
        print(line, file=sys.stderr)
    tested = len(known) - len(untested)
    print(f"{len(known)} sentences: {tested} cited by tests, {len(untested)} not; "
          f"{sum(1 for one in cited.values() if one[False])} cited by code")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
