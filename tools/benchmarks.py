#!/usr/bin/env python3
"""Measures the shapes of docs/benchmarks.md, and draws what was measured.

    tools/benchmarks.py measure [--longwire PATH] [SHAPE...]   run the shapes, worst first; results into results.json
    tools/benchmarks.py draw                                   the table in docs/benchmarks.md and the plot, from it
    tools/benchmarks.py draw --check                           fail where either is not what results.json says

Measure on a machine that does nothing else, with the server and the generator on a core each. A shape that is measured
again replaces its old result; the others stay. Standard library alone.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/benchmarks/results.json"
PLOT = ROOT / "docs/benchmarks/ratios.svg"
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

# What is judged: "max" and "min" are of the ratio to the baseline; with "add" the figure may be this much above the
# baseline's, in microseconds; with "most" the figure itself may be so much.
CPU, RATE, HELD = "server_cpu_per_delivery_us", "deliveries_per_server_cpu_s", "connections_held"
MEMORY = "user_memory_per_connection_bytes"


@dataclasses.dataclass
class Shape:
    """One row or more of the table. A rate of `half:NAME` is half of the message rate that the shape NAME reached."""

    name: str
    what: str
    arguments: str  # behind `longwire bench compare`
    judged: list  # of (figure, how, bound)
    baseline: str = "bare loop"
    rounds: int = 3
    how: str = "compare"
    by_name: bool = False  # takes so long that it runs only when it is asked for


TCP = "the same over TCP"
SHAPES = [
    Shape("w1-10k", "one message a flush, 10,000 members", "--members 10000 --window 1", [(CPU, "max", 1.10)], rounds=5),
    Shape("w1-1k", "one message a flush, 1,000 members", "--members 1000 --window 1", [(CPU, "max", 1.10)]),
    Shape("last-10k", "10,000 members, a message every 200 ms", "--members 10000 --rate 5 --secs 20",
          [("last_member_p50_us", "max", 1.15)], rounds=5),
    Shape("half-10k", "10,000 members, half of the saturated rate", "--members 10000 --rate half:w16-10k",
          [("latency_p99_us", "max", 1.5)]),
    Shape("small", "10 members, 20 messages/s", "--members 10 --rate 20 --secs 20", [("latency_p99_us", "add", 200.0)],
          rounds=5),
    Shape("w16-100", "100 rooms of 100, a saturated sender each", "--rooms 100 --members 100 --window 16",
          [(RATE, "min", 0.80)]),
    Shape("w16-10k", "10,000 members, a saturated sender", "--members 10000 --window 16", [(RATE, "min", 0.80)]),
    Shape("w64-1k", "1,000 members, a saturated sender", "--members 1000 --window 64", [(RATE, "min", 0.80)]),
    Shape("redis", "the same, in times of Redis pub/sub", "--members 1000 --window 64", [(RATE, "min", 1.4)],
          baseline="Redis", how="redis"),
    Shape("shards", "the same room over 2 shards", "--members 10000 --window 16", [(RATE, "min", 0.9)],
          baseline="1 shard", how="shards"),
    Shape("stop", "a tenth of 1,000 stops reading: the others", "--members 1000 --window 16 --stop 10",
          [("deliveries_per_s", "min", 0.95), ("latency_p99_us", "max", 1.25)], baseline="all reading", rounds=5),
    Shape("storm", "10,000 logins at once, a room of 1,000 served", "login --connections 10000 --members 1000 --rate 100",
          [("logins_per_s", "min", 0.5), ("latency_p99_us", "most", 100_000.0)]),
    Shape("ws-w1", "WebSocket, one message a flush", "--members 10000 --window 1 --transport ws",
          [(CPU, "max", 1.05)], baseline=TCP, rounds=5),
    Shape("ws-w16", "WebSocket, a saturated sender", "--members 10000 --window 16 --transport ws",
          [(CPU, "max", 1.05)], baseline=TCP, rounds=5),
    Shape("tls-w1", "TLS 1.3, one message a flush", "--members 10000 --window 1 --transport tls",
          [(CPU, "max", 1.25)], baseline=TCP, rounds=5, how="tls"),
    Shape("tls-w16", "TLS 1.3, a saturated sender", "--members 10000 --window 16 --transport tls",
          [(CPU, "max", 1.25)], baseline=TCP, rounds=5, how="tls"),
    Shape("idle-guests", "100,000 idle guests, each in a room", "idle --connections 100000 --hold 30s",
          [(MEMORY, "most", 256)], rounds=1),
    Shape("idle-users", "100,000 idle users, each in a room", "idle --connections 100000 --hold 30s --user u",
          [(MEMORY, "most", 256)], rounds=1),
    Shape("million", "1,000,000 idle guests for 10 minutes", "idle --connections 1000000 --hold 10m",
          [(HELD, "min", 0.9), ("lost", "most", 0)], rounds=1, how="namespace", by_name=True),
]
NAMES = [shape.name for shape in SHAPES]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure", help="run shapes")
    measure.add_argument("--longwire", default="target/release/longwire", help="the binary (default: %(default)s)")
    measure.add_argument("--rounds", type=int, help="of each in turns (default: what stands beside the shape)")
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
    wanted = args.shapes or [shape.name for shape in SHAPES if not shape.by_name]
    ways = {"compare": run, "redis": run_beside_redis, "shards": run_shards, "tls": run_tls, "namespace": run_in_namespace}
    # a shape that needs another's rate comes behind it
    for shape in sorted(SHAPES, key=lambda shape: "half:" in shape.arguments):
        if shape.name in wanted:
            rounds = args.rounds or shape.rounds
            results[shape.name] = ways[shape.how](args.longwire, with_rate(shape.arguments, results), rounds)
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


def run(longwire, words, rounds):
    whole = json_of([longwire, "bench", "compare", *words, "--rounds", str(rounds), "--json"])
    return result_of(whole, words)


def result_of(whole, words):
    """What is kept of a comparison: its medians, and where and how it was made."""
    result = {
        "arguments": " ".join(words),
        "machine": whole["machine"],
        "pinned": whole["pinned"],
        "rounds": len(whole["rounds"]),
        "figures": {ratio.pop("figure"): ratio for ratio in whole["ratios"]},
        "warnings": whole["warnings"],
    }
    fanouts = [round_["longwire"]["fanout"] for round_ in whole["rounds"]]
    if all(fanouts):
        result["messages_per_s"] = statistics.median(fanout["messages_per_s"] for fanout in fanouts)
    idles = [(round_["longwire"]["idle"], round_["baseline"]["idle"]) for round_ in whole["rounds"]]
    if all(all(pair) for pair in idles):
        result["figures"]["lost"] = ratio_of([[idle["failed"] + idle["dropped"] for idle in pair] for pair in idles])
    return result


def ratio_of(pairs):
    """Medians of ours and theirs, their ratio, and the ratios of single rounds."""
    ours, theirs = (statistics.median(values) for values in zip(*pairs))
    each = [times(*pair) for pair in pairs]
    return {"longwire": ours, "baseline": theirs, "ratio": times(ours, theirs), "ratio_lowest": min(each), "ratio_highest": max(each)}


def times(ours, theirs):
    """Nothing is as much as nothing; something is more than any number of times nothing."""
    return ours / theirs if theirs else math.inf if ours else 1.0


def run_beside_redis(longwire, words, rounds):
    """Like a comparison, with Redis (tools/redis_fanout.py) in the place of the bare loop, in turns."""
    pairs = []
    for _ in range(rounds):
        whole = json_of([longwire, "bench", "compare", *words, "--rounds", "1", "--json"])
        redis = json_of([str(ROOT / "tools/redis_fanout.py"), *words])
        ours = next(ratio["longwire"] for ratio in whole["ratios"] if ratio["figure"] == RATE)
        pairs.append((ours, redis[RATE]))
    facts = {"machine": whole["machine"], "pinned": whole["pinned"], "warnings": whole["warnings"]}
    return {"arguments": " ".join(words), "rounds": rounds, "peer": redis["server"], "figures": {RATE: ratio_of(pairs)}, **facts}


def run_shards(longwire, words, rounds):
    """The same load on servers of 2 shards and of 1, in turns; nobody is pinned."""
    reports = {1: [], 2: []}
    for _ in range(rounds):
        for shards, kept in reports.items():
            with serving(longwire, ["--shards", str(shards)]) as (address, pid):
                kept.append(json_of([longwire, "bench", "fanout", *words, "--addr", address, "--pid", pid, "--json"]))
    pairs = [[report["server_use"]["deliveries_per_cpu_s"] for report in (two, one)] for two, one in zip(reports[2], reports[1])]
    last = reports[2][-1]
    facts = {"machine": last["machine"], "pinned": None, "warnings": last["warnings"]}
    return {"arguments": " ".join(words), "rounds": rounds, "figures": {RATE: ratio_of(pairs)}, **facts}


def run_tls(longwire, words, rounds):
    """A comparison with TCP against one server, which has a certificate made for the run."""
    with tempfile.TemporaryDirectory() as folder:
        chain, key = f"{folder}/chain.pem", f"{folder}/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", chain],
            check=True, stderr=subprocess.DEVNULL)
        ask = ['--set', f'tls.certificate=[{{ chain = "{chain}", key = "{key}" }}]',
               "--set", 'server.transports=["tcp", "tls"]', "--shards", "1"]
        with serving(longwire, ask, ["taskset", "-c", "0"]) as (address, pid):
            whole = json_of(["taskset", "-c", "1", longwire, "bench", "compare", *words, "--rounds", str(rounds), "--json",
                             "--ca", chain, "--addr", address, "--pid", pid, "--pin", "none"])
    whole["pinned"] = [[0], [1]]
    return result_of(whole, words)


def run_in_namespace(longwire, words, rounds):
    """A million in a network namespace of its own (root), whose table of established connections is large enough: the
    machine's own is sized at boot, for a quarter of a million, and beyond that every packet walks a chain.

    The bare echo holds as many for a minute: what it can hold is known once they are all there.
    """
    asked = {"net/ipv4/tcp_child_ehash_entries": (4_194_304, 0), "net/ipv4/tcp_mem": (4_000_000, 1)}
    for name, (least, column) in asked.items():
        value = int(pathlib.Path("/proc/sys", name).read_text().split()[column])
        if value < least:
            words_of = {"net/ipv4/tcp_mem": '"3000000 4000000 5000000"'}.get(name, least)
            sys.exit(f"too little for a million: sysctl -w {name.replace('/', '.')}={words_of}   (it is {value})")
    pairs, reports = [], []
    for _ in range(rounds):
        with namespace() as inside:
            ask = ["--shards", "64", "--set", "server.connections_max=1000000"]
            with serving(longwire, ask, inside) as (address, pid):
                ours = json_of([*inside, longwire, "bench", *words, "--addr", address, "--pid", pid, "--json"])
            shape = " ".join(words).split(" --hold")[0].split()
            bare = json_of([*inside, longwire, "bench", "limit", *shape, "--hold", "1m", "--pin", "none", "--json"])
        pairs.append((ours, bare))
        reports.append(ours)
    figures = {
        HELD: ratio_of([[report["idle"]["held"] for report in pair] for pair in pairs]),
        "lost": ratio_of([[report["idle"]["failed"] + report["idle"]["dropped"] for report in pair] for pair in pairs]),
        MEMORY: ratio_of([[report["idle"]["user_bytes_per_connection"] for report in pair] for pair in pairs]),
        "server_cpu_cores": ratio_of([[report["server_use"]["cpu_cores"] for report in pair] for pair in pairs]),
        "late_pongs": ratio_of([[report["idle"]["late_pongs"] for report in pair] for pair in pairs]),
        "pongs": ratio_of([[report["idle"]["pongs"] for report in pair] for pair in pairs]),
    }
    facts = {"machine": reports[-1]["machine"], "pinned": None, "warnings": reports[-1]["warnings"]}
    return {"arguments": " ".join(words), "rounds": rounds, "figures": figures, **facts}


@contextlib.contextmanager
def namespace():
    """A network namespace with a loopback alone: what to put before a command that is to run there."""
    name = f"longwire-bench-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        inside = ["ip", "netns", "exec", name]
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        subprocess.run([*inside, "sysctl", "-q", "-w", "net.core.somaxconn=65535"], check=True)
        yield inside
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@contextlib.contextmanager
def serving(longwire, words, before=()):
    """A server with these arguments: its address and its process's number."""
    with tempfile.TemporaryDirectory() as folder:
        ports = pathlib.Path(folder, "ports.json")
        command = [*before, longwire, "serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--ports-file", str(ports)]
        server = subprocess.Popen([*command, *words])
        try:
            while not ports.exists() or not ports.read_text().strip():
                if server.poll() is not None:
                    sys.exit(f"the server ended with {server.returncode}")
                time.sleep(0.05)
            yield json.loads(ports.read_text())["listen"][0], str(server.pid)
        finally:
            server.terminate()
            server.wait()


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
    """Each judged figure of each shape: the shape, its arguments, the judgement, the figure or None."""
    for shape in SHAPES:
        result = results.get(shape.name)
        for figure, how, bound in shape.judged:
            values = result and result["figures"].get(figure)
            yield shape, result["arguments"] if result else shape.arguments, (figure, how, bound), values


def holds(how, bound, values):
    return {
        "max": lambda: values["ratio"] <= bound,
        "min": lambda: values["ratio"] >= bound,
        "add": lambda: values["longwire"] <= values["baseline"] + bound,
        "most": lambda: values["longwire"] <= bound,
    }[how]()


def bar_text(figure, how, bound):
    return {
        "max": f"≤ {bound:.2f} ×",
        "min": f"≥ {bound:.2f} ×",
        "add": f"≤ {bound / 1000:.1f} ms more",
        "most": f"≤ {shown(figure, bound)}",
    }[how]


def table(results):
    lines = ["| shape | command, behind `longwire bench compare` | figure | Longwire | baseline | ratio (rounds) | bar | |",
             "|---|---|---|---|---|---|---|---|"]
    for shape, arguments, (figure, how, bound), values in rows(results):
        if values is None:
            measured = f"not measured | {shape.baseline} | "
            verdict = ""
        else:
            spread = f"{values['ratio']:.2f} ({values['ratio_lowest']:.2f} to {values['ratio_highest']:.2f})"
            measured = f"{shown(figure, values['longwire'])} | {shape.baseline}: {shown(figure, values['baseline'])} | {spread}"
            verdict = "holds" if holds(how, bound, values) else "**missed**"
        command = "see below" if shape.how in ("redis", "shards") else f"`{arguments}`"
        lines.append(f"| {shape.what} | {command} | {label(figure)} | {measured} | {bar_text(figure, how, bound)} | {verdict} |")
    return "\n".join(lines) + "\n"


def label(figure):
    return figure.removesuffix("_us").removesuffix("_bytes").replace("_", " ")


def shown(figure, value):
    if figure.endswith("_us"):
        return f"{value / 1000:.2f} ms" if value >= 1000 else f"{value:.2f} µs"
    if figure.endswith("_bytes"):
        return f"{value:.0f} B"
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value:,.0f}"


def plot(results):
    """Ratios to the baseline, a row each, on one scale: a dot, its spread, and the bar it is held to."""
    drawn = [row for row in rows(results) if row[3] is not None and row[2][1] in ("max", "min")]
    left, width, row_height, top = 390, 330, 34, 50
    scale_max = max([2.0, *(values["ratio_highest"] for *_, values in drawn)])

    def x(ratio):
        return left + width * ratio / scale_max

    height = top + row_height * len(drawn) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {height}" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>Longwire in times of what it is compared with</title>",
        "<style>text{fill:#222}.grid{stroke:#ccc}.one{stroke:#888}.spread{stroke:#2a6fb0;stroke-width:3}"
        ".dot{fill:#2a6fb0}.bar{stroke:#c0392b;stroke-width:2}.unit{fill:#666;font-size:11px}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.unit{fill:#aaa}}</style>",
        f'<text x="{left}" y="18">Longwire in times of the bare loop, or of what is named; red: the bar it is held to</text>',
    ]
    for tick in [t / 2 for t in range(int(scale_max * 2) + 1)]:
        kind = "one" if tick == 1 else "grid"
        parts.append(f'<line class="{kind}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top - 14}" y2="{height - 26}"/>')
        parts.append(f'<text class="unit" x="{x(tick) - 8:.1f}" y="{height - 10}">{tick:g}</text>')
    for i, (shape, _, (figure, how, bound), values) in enumerate(drawn):
        y = top + row_height * i
        better = "lower is better" if how == "max" else "higher is better"
        against = "" if shape.baseline == "bare loop" else f", against {shape.baseline}"
        parts += [
            f'<text x="8" y="{y + 2}">{shape.what}</text>',
            f'<text class="unit" x="8" y="{y + 16}">{label(figure)}{against}; {better}</text>',
            f'<line class="spread" x1="{x(values["ratio_lowest"]):.1f}" x2="{x(values["ratio_highest"]):.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="dot" cx="{x(values["ratio"]):.1f}" cy="{y}" r="5"/>',
            f'<line class="bar" x1="{x(bound):.1f}" x2="{x(bound):.1f}" y1="{y - 9}" y2="{y + 9}"/>',
            f'<text x="{left + width + 16}" y="{y + 4}">{values["ratio"]:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
