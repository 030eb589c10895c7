#!/usr/bin/env python3
"""Measures the shapes of docs/benchmarks.md, and draws what was measured.

    tools/benchmarks.py measure [--longwire PATH] [SHAPE...]   run the shapes, worst first; results into results.json
    tools/benchmarks.py draw                                   the table in docs/benchmarks.md and the plot, from it
    tools/benchmarks.py draw --check                           fail where either is not what results.json says

Measure on a machine that does nothing else, with the server and the generator on a core each. A shape that is measured
again replaces its old result; the others stay. Standard library alone.
"""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/benchmarks/results.json"
PLOT = ROOT / "docs/benchmarks/ratios.svg"
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

# name, what it is, arguments behind `longwire bench compare`, the figure that is judged, how, and against what.
# "max"/"min": of the ratio to the bare loop. "add": the figure may be this much above the bare loop's, in microseconds.
# "most": the figure itself. A rate of "half" is half of the message rate that the shape named behind it reached.
CPU, RATE = "server_cpu_per_delivery_us", "deliveries_per_server_cpu_s"
SHAPES = [
    ("w1-10k", "one message a flush, 10,000 members", "--members 10000 --window 1", [(CPU, "max", 1.10)]),
    ("w1-1k", "one message a flush, 1,000 members", "--members 1000 --window 1", [(CPU, "max", 1.10)]),
    ("last-10k", "10,000 members, a message every 200 ms", "--members 10000 --rate 5 --secs 20",
     [("last_member_p50_us", "max", 1.15)]),
    ("half-10k", "10,000 members, half of the saturated rate", "--members 10000 --rate half:w16-10k",
     [("latency_p99_us", "max", 1.5)]),
    ("small", "10 members, 20 messages/s", "--members 10 --rate 20 --secs 20", [("latency_p99_us", "add", 200.0)]),
    ("w16-100", "100 rooms of 100, a saturated sender each", "--rooms 100 --members 100 --window 16",
     [(RATE, "min", 0.80)]),
    ("w16-10k", "10,000 members, a saturated sender", "--members 10000 --window 16", [(RATE, "min", 0.80)]),
    ("w64-1k", "1,000 members, a saturated sender", "--members 1000 --window 64", [(RATE, "min", 0.80)]),
    ("redis", "1,000 members, a saturated sender, in times of Redis pub/sub", "--members 1000 --window 64",
     [(RATE, "min", 1.4)]),
    ("storm", "10,000 logins at once, a room of 1,000 served", "login --connections 10000 --members 1000 --rate 100",
     [("logins_per_s", "min", 0.5), ("latency_p99_us", "most", 100_000.0)]),
]
NAMES = [name for name, *_ in SHAPES]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure", help="run shapes")
    measure.add_argument("--longwire", default="target/release/longwire", help="the binary (default: %(default)s)")
    measure.add_argument("--rounds", default="3", help="of each in turns (default: %(default)s)")
    measure.add_argument("shapes", nargs="*", metavar="SHAPE", help=f"of {', '.join(NAMES)}")
    draw = commands.add_parser("draw", help="the table and the plot")
    draw.add_argument("--check", action="store_true", help="change nothing; fail where something would change")
    args = parser.parse_args()
    if args.command == "measure":
        return measure_shapes(args)
    return draw_all(args.check)


# --- measuring --------------------------------------------------------------------------------------------------------


def measure_shapes(args):
    unknown = [name for name in args.shapes if name not in NAMES]
    if unknown:
        print(f"no shape {unknown[0]}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    results = load()
    wanted = args.shapes or sorted(NAMES, key=lambda name: name == "half-10k")  # it needs another's rate
    for name, _, arguments, _ in sorted(SHAPES, key=lambda shape: wanted.index(shape[0]) if shape[0] in wanted else -1):
        if name in wanted:
            measure = run_beside_redis if name == "redis" else run
            results[name] = measure(args, with_rate(arguments, results))
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    return draw_all(check=False)


def with_rate(arguments, results):
    """Puts the number in for a rate of half of another shape's."""
    words = arguments.split()
    for i, word in enumerate(words):
        if word.startswith("half:"):
            other = word.removeprefix("half:")
            if other not in results:
                sys.exit(f"measure {other} first: its rate is asked for")
            words[i] = str(max(1, round(results[other]["messages_per_s"] / 2)))
    return words


def json_of(command):
    print("$", " ".join(command), flush=True)
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def run_beside_redis(args, words):
    """Like a comparison, with Redis (tools/redis_fanout.py) in the place of the bare loop, in turns."""
    pairs = []
    for _ in range(int(args.rounds)):
        whole = json_of([args.longwire, "bench", "compare", *words, "--rounds", "1", "--json"])
        redis = json_of([str(ROOT / "tools/redis_fanout.py"), *words])
        ours = next(ratio["longwire"] for ratio in whole["ratios"] if ratio["figure"] == RATE)
        pairs.append((ours, redis[RATE]))
    ours, theirs = (sorted(values)[len(pairs) // 2] for values in zip(*pairs))
    each = [ours / theirs for ours, theirs in pairs]
    ratio = {"longwire": ours, "baseline": theirs, "ratio": ours / theirs, "ratio_lowest": min(each), "ratio_highest": max(each)}
    facts = {"machine": whole["machine"], "pinned": whole["pinned"], "warnings": whole["warnings"]}
    return {"arguments": " ".join(words), "rounds": len(pairs), "peer": redis["server"], "figures": {RATE: ratio}, **facts}


def run(args, words):
    whole = json_of([args.longwire, "bench", "compare", *words, "--rounds", args.rounds, "--json"])
    rates = sorted(round_["longwire"]["fanout"]["messages_per_s"] for round_ in whole["rounds"])
    return {
        "arguments": " ".join(words),
        "machine": whole["machine"],
        "pinned": whole["pinned"],
        "rounds": len(whole["rounds"]),
        "messages_per_s": rates[len(rates) // 2],
        "figures": {ratio.pop("figure"): ratio for ratio in whole["ratios"]},
        "warnings": whole["warnings"],
    }


# --- drawing ----------------------------------------------------------------------------------------------------------


def draw_all(check):
    results = load()
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    wanted = {PAGE: before + BEGIN + "\n" + table(results) + END + after, PLOT: plot(results)}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is not what results.json says; tools/benchmarks.py draw", file=sys.stderr)
        else:
            path.write_text(wanted[path])
    return 1 if check and stale else 0


def load():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def rows(results):
    """Each judged figure of each shape: name, what, arguments, judgement, the figure or None."""
    for name, what, arguments, judged in SHAPES:
        result = results.get(name)
        for figure, how, bound in judged:
            values = result and result["figures"].get(figure)
            yield name, what, result["arguments"] if result else arguments, (figure, how, bound), values


def holds(how, bound, values):
    return {
        "max": lambda: values["ratio"] <= bound,
        "min": lambda: values["ratio"] >= bound,
        "add": lambda: values["longwire"] <= values["baseline"] + bound,
        "most": lambda: values["longwire"] <= bound,
    }[how]()


def bar_text(how, bound):
    return {
        "max": f"≤ {bound:.2f} ×",
        "min": f"≥ {bound:.2f} ×",
        "add": f"≤ bare + {bound / 1000:.1f} ms",
        "most": f"≤ {bound / 1000:.0f} ms",
    }[how]


def table(results):
    lines = ["| shape | command, behind `longwire bench compare` | figure | Longwire | bare loop | ratio (rounds) | bar | |",
             "|---|---|---|---|---|---|---|---|"]
    for _, what, arguments, (figure, how, bound), values in rows(results):
        if values is None:
            measured = "not measured | | "
            verdict = ""
        else:
            spread = f"{values['ratio']:.2f} ({values['ratio_lowest']:.2f} to {values['ratio_highest']:.2f})"
            measured = f"{shown(figure, values['longwire'])} | {shown(figure, values['baseline'])} | {spread}"
            verdict = "holds" if holds(how, bound, values) else "**missed**"
        label = figure.removesuffix("_us").replace("_", " ")
        lines.append(f"| {what} | `{arguments}` | {label} | {measured} | {bar_text(how, bound)} | {verdict} |")
    return "\n".join(lines) + "\n"


def shown(figure, value):
    if figure.endswith("_us"):
        return f"{value / 1000:.2f} ms" if value >= 1000 else f"{value:.2f} µs"
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value:,.0f}"


def plot(results):
    """Ratios to the bare loop (in one row, to Redis), a row each, on one scale: a dot, its spread, and the bar it is held to."""
    drawn = [row for row in rows(results) if row[4] is not None and row[3][1] in ("max", "min")]
    left, width, row_height, top = 390, 330, 34, 50
    scale_max = max([2.0, *(values["ratio_highest"] for *_, values in drawn)])

    def x(ratio):
        return left + width * ratio / scale_max

    height = top + row_height * len(drawn) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {height}" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>Longwire in times of the bare loop</title>",
        "<style>text{fill:#222}.grid{stroke:#ccc}.one{stroke:#888}.spread{stroke:#2a6fb0;stroke-width:3}"
        ".dot{fill:#2a6fb0}.bar{stroke:#c0392b;stroke-width:2}.unit{fill:#666;font-size:11px}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.unit{fill:#aaa}}</style>",
        f'<text x="{left}" y="18">Longwire in times of the bare loop; red: the bar it is held to</text>',
    ]
    for tick in [t / 2 for t in range(int(scale_max * 2) + 1)]:
        kind = "one" if tick == 1 else "grid"
        parts.append(f'<line class="{kind}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top - 14}" y2="{height - 26}"/>')
        parts.append(f'<text class="unit" x="{x(tick) - 8:.1f}" y="{height - 10}">{tick:g}</text>')
    for i, (_, what, _, (figure, how, bound), values) in enumerate(drawn):
        y = top + row_height * i
        better = "lower is better" if how == "max" else "higher is better"
        label = figure.removesuffix("_us").replace("_", " ")
        parts += [
            f'<text x="8" y="{y + 2}">{what}</text>',
            f'<text class="unit" x="8" y="{y + 16}">{label}, {better}</text>',
            f'<line class="spread" x1="{x(values["ratio_lowest"]):.1f}" x2="{x(values["ratio_highest"]):.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="dot" cx="{x(values["ratio"]):.1f}" cy="{y}" r="5"/>',
            f'<line class="bar" x1="{x(bound):.1f}" x2="{x(bound):.1f}" y1="{y - 9}" y2="{y + 9}"/>',
            f'<text x="{left + width + 16}" y="{y + 4}">{values["ratio"]:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
