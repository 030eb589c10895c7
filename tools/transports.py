#!/usr/bin/env python3
"""Has clients that other people wrote talk over every transport, and writes the table of docs/transports.md.

    tools/transports.py BINARY                      every cell: 10,000 messages each way and one of the largest size
    tools/transports.py BINARY --check              the same; changes nothing, fails where the page says something else
    tools/transports.py BINARY --messages 200 ...   fewer messages: the page is only compared, all but that number

A cell is a transport, a client, a reading of `len`, and gzip or not. Its client (tools/peers) talks in a room of its own
with a raw socket over plain TCP; each says and hears everything, and checks every byte of it. Fails where one cell fails,
where the server's own books know of a record that was not delivered, and where the server does not end well. Needs what
`./test tools` installs. Talks to 127.0.0.1 alone.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from tls_audit import certificate

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "tools/peers"
PAGE = ROOT / "docs/transports.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
MESSAGES = 10_000
# PROTOCOL.md, 14.1: a client's longest body.
LONGEST = 65_536
START_MAX_SECONDS = 30
# A cell takes seconds; this is for a machine that does much else.
CELL_MAX_SECONDS = 180

TRANSPORTS = ["tcp", "tls 1.2", "tls 1.3", "ws", "wss"]
READINGS = ["body", "rest"]
WEB, TLS = ["ws", "wss"], ["tls 1.2", "tls 1.3", "wss"]
# name, the worker that plays it, what it adds to a task, where it can be, and what it is where it cannot.
CLIENTS = [
    ("raw sockets", "raw", {}, TRANSPORTS, ""),
    ("Python `websockets`", "websockets", {}, WEB, "WebSocket alone"),
    ("Node `ws`", "ws", {}, WEB, "WebSocket alone"),
    ("`openssl s_client`", "raw", {"through": "openssl"}, TLS, "TLS alone"),
    ("Chromium", "chromium", {}, WEB, "WebSocket alone"),
]


class Failed(Exception):
    """A cell, or the run."""


# --- processes --------------------------------------------------------------------------------------------------------


class Worker:
    """A peer: tasks go in by lines, what it saw comes out by lines. Its complaints go to our standard error."""

    def __init__(self, name, command, environment=None):
        self.name, self.command, self.environment, self.child = name, command, environment, None

    def start(self):
        environment = {**os.environ, **(self.environment or {})}
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, args=(self.child.stdout, self.lines), daemon=True).start()

    @staticmethod
    def read(source, lines):
        for line in source:
            lines.put(line)
        lines.put(None)

    def begin(self, task):
        if self.child is None:
            self.start()
        try:
            self.child.stdin.write(json.dumps(task) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{self.name} has ended") from None

    def says(self, patience=CELL_MAX_SECONDS):
        try:
            line = self.lines.get(timeout=patience)
        except queue.Empty:
            raise Failed(f"{self.name} says nothing for {patience} s") from None
        if line is None:
            raise Failed(f"{self.name} has ended: {self.child.wait()}")
        said = json.loads(line)
        if "wrong" in said:
            raise Failed(f"{self.name}: {said['wrong']}")
        return said

    def stop(self):
        """By itself, at the end of its input; else by force."""
        if self.child is not None:
            with contextlib.suppress(BrokenPipeError):
                self.child.stdin.close()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """It begins anew with the next task."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


class Server:
    """The real one, speaking everything, to pages of `origin` too."""

    def __init__(self, binary, folder, origin):
        pair = f'[{{ chain = "{folder}/server.pem", key = "{folder}/server.key" }}]'
        settings = [f"tls.certificate={pair}", f"server.transports={json.dumps(['tcp', 'tls', 'ws', 'wss'])}",
                    f"web.ws.origins={json.dumps([origin])}"]
        ports, self.log = folder / "ports.json", folder / "log"
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--ports-file", str(ports)]
        command += [word for setting in settings for word in ("--set", setting)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LONGWIRE_")}
        with self.log.open("w") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + START_MAX_SECONDS
        while not ports.exists():
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.05)  # for a file to appear
        self.address = json.loads(ports.read_text())["listen"][0]

    def stop(self):
        """Ends it as an operator does: what its books say of records that clients sent."""
        self.child.terminate()
        if self.child.wait(60) != 0:
            raise Failed(f"the server ends with {self.child.returncode}:\n{self.log.read_text()[-3000:]}")
        for line in reversed(self.log.read_text().splitlines()):
            fields = json.loads(line)
            books = fields.get("books") or fields.get("fields", {}).get("books")
            if books:
                return json.loads(books)["normal"]
        raise Failed("no books in the server's log")

    def kill(self):
        self.child.kill()
        self.child.wait()


def key_hash(folder):
    """SHA-256 of the certificate's public key, in base64: how Chromium names a certificate to take."""
    public = subprocess.run(["openssl", "x509", "-in", folder / "leaf.pem", "-pubkey", "-noout"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public.stdout, capture_output=True, check=True)
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der.stdout, capture_output=True, check=True)
    return base64.b64encode(digest.stdout).decode()


def workers(folder, foreign):
    chromium = os.environ.get("LONGWIRE_CHROMIUM") or shutil.which("chromium")
    modules = {"NODE_PATH": str(foreign / "node/node_modules")}
    for needed in (foreign / "python/websockets", foreign / "node/node_modules/ws", foreign / "node/node_modules/playwright-core"):
        if not needed.exists():
            raise Failed(f"{needed} is not there: `./test tools` installs it")
    if not chromium:
        raise Failed("chromium is not there: `./test tools` installs it; LONGWIRE_CHROMIUM names another path")
    python = [sys.executable, "-u"]
    return {
        "other": Worker("the other end", [*python, PEERS / "raw.py"]),
        "raw": Worker("raw.py", [*python, PEERS / "raw.py"]),
        "websockets": Worker("python_websockets.py", [*python, PEERS / "python_websockets.py"],
                             {"PYTHONPATH": str(foreign / "python")}),
        "ws": Worker("node_ws.cjs", ["node", PEERS / "node_ws.cjs"], modules),
        "chromium": Worker("chromium.cjs", ["node", PEERS / "chromium.cjs", chromium, key_hash(folder)], modules),
    }


# --- cells ------------------------------------------------------------------------------------------------------------


def cells():
    """(transport, reading, gzip, client): all that can exist."""
    for transport in TRANSPORTS:
        for reading in READINGS:
            for gzip in (False, True):
                for client, _, _, where, _ in CLIENTS:
                    if transport in where:
                        yield transport, reading, gzip, client


def run_cell(cell, number, messages, server, peers, folder):
    """Has both ends of a cell talk. What they saw: (heard by the client, heard of the client, longest body)."""
    transport, reading, gzip, client = cell
    worker, extra = next((worker, extra) for name, worker, extra, _, _ in CLIENTS if name == client)
    scheme = {"ws": "ws", "wss": "wss"}.get(transport)
    common = {"address": server.address, "room": f"cell {number}", "count": messages, "ca": str(folder / "ca.pem"),
              "url": f"{scheme}://{server.address}/ws"}
    other, peer = peers["other"], peers[worker]
    try:
        other.begin({**common, "transport": "tcp", "me": "other", "other": "client", "reading": "body", "gzip": False,
                     "first": False})
        other.says()
        peer.begin({**common, **extra, "transport": transport, "me": "client", "other": "other", "reading": reading,
                    "gzip": gzip, "first": True})
        seen, of_other = peer.says(), other.says()
    except Failed as fault:
        with contextlib.suppress(queue.Empty, AttributeError):
            fault.add_note(f"the other end: {other.lines.get_nowait()}")
        other.kill()
        if worker != "chromium":  # a page that failed is closed, and the browser goes on
            peer.kill()
        raise
    everything = messages + 1
    for said in (seen, of_other):
        if (said["sent"], said["heard"], said["longest"]) != (everything, everything, LONGEST):
            raise Failed(f"not everything was said and heard: {said}")
    if (seen["gzipped"] > 0) != gzip or of_other["gzipped"] > 0:
        raise Failed(f"gzip is {gzip}, and so many pushes were compressed: {seen['gzipped']}, {of_other['gzipped']}")
    return seen["heard"], of_other["heard"], seen["longest"]


def run(args, only):
    """Every cell's result, and whether all of them are good."""
    results, failed = {}, []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        certificate(folder)
        peers = workers(folder, args.foreign)
        for peer in peers.values():
            stack.callback(peer.stop)
        browser = {"origin": "same", "version": "not started"}
        if any(client == "Chromium" for *_, client in only):
            peers["chromium"].start()
            browser = peers["chromium"].says()  # its page's origin must be allowed
        server = Server(args.binary, folder, browser["origin"])
        stack.callback(server.kill)
        for number, cell in enumerate(only):
            transport, reading, gzip, client = cell
            name = f"{transport}, {client}, {reading}{', gzip' if gzip else ''}"
            began = time.monotonic()
            try:
                results[cell] = run_cell(cell, number, args.messages, server, peers, folder)
                print(f"{name}: {results[cell]} in {time.monotonic() - began:.1f} s", flush=True)
            except Failed as fault:
                failed.append(name)
                notes = "; ".join(getattr(fault, "__notes__", []))
                print(f"{name}: FAILED: {fault} {notes}", file=sys.stderr, flush=True)
        books = server.stop()
    if not failed and (books["owed"] != books["delivered"] or books["owed"] != 2 * len(results) * (args.messages + 1)):
        raise Failed(f"the server's books: {books}")
    print(f"{len(results)} cells, Chromium {browser['version']}; the server's books: {books}")
    if failed:
        raise Failed(f"{len(failed)} cells failed: {'; '.join(failed)}")
    return results


# --- the table --------------------------------------------------------------------------------------------------------


def table(results):
    lines = ["| transport | `len` | gzip | " + " | ".join(name for name, *_ in CLIENTS) + " |",
             "|---|---|---|" + "---|" * len(CLIENTS)]
    for transport in TRANSPORTS:
        for reading in READINGS:
            for gzip in (False, True):
                shown = [cell_text(results, (transport, reading, gzip, name), why) for name, _, _, _, why in CLIENTS]
                lines.append(f"| {transport} | {reading} | {'yes' if gzip else 'no'} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def cell_text(results, cell, why):
    if cell not in results:
        return f"none: {why}"
    heard, of_it, longest = results[cell]
    return f"{heard:,} in, {of_it:,} out, {longest:,} B"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="of each side, and one of the largest size (%(default)s)")
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the page says something else")
    parser.add_argument("--only", default="", help="only cells whose transport or client begins so; the page is left alone")
    parser.add_argument("--foreign", type=pathlib.Path, help="where `./test tools` installs (default: beside the binary's folder)")
    args = parser.parse_args()
    args.binary = str(pathlib.Path(args.binary).resolve())
    args.foreign = args.foreign or pathlib.Path(args.binary).parent.parent / "foreign"
    chosen = [cell for cell in cells() if cell[0].startswith(args.only) or cell[3].startswith(args.only)]
    try:
        results = run(args, chosen)
    except Failed as fault:
        sys.exit(str(fault))
    if args.only:
        return
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    # A short run has seen everything but the whole number.
    drawn = table(results).replace(f"{args.messages + 1:,} ", f"{MESSAGES + 1:,} ")
    wanted = before + BEGIN + "\n" + drawn + END + after
    if wanted == PAGE.read_text():
        return
    if args.check or args.messages != MESSAGES:
        sys.exit(f"{PAGE.relative_to(ROOT)} says something else; tools/transports.py {sys.argv[1]} writes what is so")
    PAGE.write_text(wanted)


if __name__ == "__main__":
    main()
