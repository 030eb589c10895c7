#!/usr/bin/env python3
"""What newcomers cost those who are there already: the time to a bystander's PONG while strangers knock.

    tools/bystander.py BINARY [--handshakes 10000] [--slow 256] [--json]

Starts `BINARY serve` with one shard and a certificate of its own on the first core; the bystander and the strangers have
the others. Measured one after the other: nobody; TLS handshakes, as many at once as the server lets in, by `BINARY bench
login`; slow readers of HTTP: half a head that dribbles on, half an upgrade, a request whose answer is never read. The bystander
pings every 5 ms; its time counts from when the PING was due, so a server that hangs is not asked less often. Exits with 1
where p99 is above --handshakes-ms (100) or --slow-ms (50), or where a handshake came to nothing.

For a machine that does nothing else: strangers give way to all other work (nice 10), so beside a busy program their handshakes
last ten times as long, and those that last over a second make room for others. Talks to 127.0.0.1 alone.
"""
import argparse
import contextlib
import json
import multiprocessing
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time

PING_EVERY = 0.005
QUIET_SECONDS = 3
SLOW_SECONDS = 5
WAIT_MAX = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--handshakes", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=256)
    parser.add_argument("--handshakes-ms", type=float, default=100)
    parser.add_argument("--slow-ms", type=float, default=50)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(args.binary, pathlib.Path(folder)) as address:
        rows = [
            measure("nobody", address, lambda: time.sleep(QUIET_SECONDS)),
            measure(f"{args.handshakes} handshakes", address, lambda: handshakes(args, address)),
            measure(f"{args.slow} slow HTTP readers", address, lambda: slow_readers(args.slow, address)),
        ]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print("{what:<26} {seconds:6.1f} s  {pings:6} PONGs  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  max {max:7.2f} ms".format(**row))
    over = [row["what"] for row, most in zip(rows[1:], [args.handshakes_ms, args.slow_ms]) if row["p99"] > most]
    if over:
        sys.exit(f"above the bound: {', '.join(over)}")


@contextlib.contextmanager
def server(binary, folder):
    """The real server on a port of its own; ended by its process id."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run(["openssl", "req", "-x509", *key, "-keyout", "key.pem", "-out", "chain.pem", "-days", "2"], cwd=folder,
                   check=True, capture_output=True)
    ports = folder / "ports.json"
    pair = f'[{{ chain = "{folder}/chain.pem", key = "{folder}/key.pem" }}]'
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--shards", "1", "--ports-file", str(ports),
               "--set", f"tls.certificate={pair}", "--set", 'server.transports=["tcp", "tls", "ws", "wss"]']
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.sched_setaffinity(child.pid, {0})
        deadline = time.monotonic() + 30
        while not ports.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server does not start")
            time.sleep(0.05)
        others = set(range(1, os.cpu_count())) or {0}
        os.sched_setaffinity(0, others)
        host, port = json.loads(ports.read_text())["listen"][0].rsplit(":", 1)
        yield host, int(port)
    finally:
        child.terminate()
        child.wait(60)


def measure(what, address, strangers):
    """Runs `strangers` beside a bystander."""
    here, there = multiprocessing.Pipe()
    bystander = multiprocessing.Process(target=ping_until_told, args=(address, there))
    bystander.start()
    here.recv()
    began = time.monotonic()
    strangers()
    seconds = time.monotonic() - began
    here.send(None)
    times = sorted(here.recv())
    bystander.join()
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1000
    return {"what": what, "seconds": seconds, "pings": len(times), "p50": at(0.5), "p99": at(0.99), "max": at(1)}


def ping_until_told(address, told):
    """A guest that pings (PROTOCOL.md, sections 2 and 4)."""
    frame = lambda command, seq: struct.pack(">IIBBB", 0, seq, command, 0, 0)
    client = socket.create_connection(address)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.settimeout(WAIT_MAX)
    answer = client.makefile("rb")
    client.sendall(frame(1, 0))
    answer.read(11)
    told.send(None)
    times, due, seq = [], time.monotonic(), 0
    while not told.poll():
        due, seq = due + PING_EVERY, seq + 1
        time.sleep(max(0, due - time.monotonic()))
        client.sendall(frame(3, seq))
        if struct.unpack(">IIBBB", answer.read(11))[1:3] != (seq, 4):
            sys.exit("not the PONG that was due")
        times.append(time.monotonic() - due)
    told.send(times)


def handshakes(args, address):
    command = [args.binary, "bench", "login", "--addr", "tls://{}:{}".format(*address), "--insecure",
               "--connections", str(args.handshakes), "--secs", str(WAIT_MAX), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_MAX + 60,
                          preexec_fn=lambda: os.nice(10))  # the bystander's own waits are not the server's
    if done.returncode:
        sys.exit(f"bench login: {done.stderr}")
    login = json.loads(done.stdout)["login"]
    if login["failed"]:
        sys.exit(f"{login['failed']} of {login['wanted']} were turned away: a storm that gives up is none")


def slow_readers(count, address):
    """A quarter each: a head that dribbles on, half an upgrade, a request without its last byte, an answer not read."""
    upgrade = (b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    beginnings = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", upgrade[:60], upgrade[:-1], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]

    def connect(at):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.connect(address)
        client.sendall(beginnings[at % 4])
        return client

    readers = [connect(at) for at in range(count)]
    until = time.monotonic() + SLOW_SECONDS
    while time.monotonic() < until:
        for at, reader in enumerate(readers):
            with contextlib.suppress(BlockingIOError):
                try:
                    if at % 4 == 0:
                        reader.sendall(b"x")
                        continue
                    if reader.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                        continue
                except (ConnectionResetError, BrokenPipeError):
                    pass
                readers[at] = connect(at)  # it was closed at its deadline: the next one comes
        time.sleep(0.05)


if __name__ == "__main__":
    main()
