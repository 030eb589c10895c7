#!/usr/bin/env python3
"""Redis pub/sub under the fan-out load of `longwire bench`: the fastest known peer, for one ratio.

    tools/redis_fanout.py [--members 1000] [--window 64] [--size 128] [--secs 8]

Starts the redis-server of the path on a free port, without persistence, on the first core, itself on the second. One
publisher keeps WINDOW messages under way that not every member has yet; members are subscribers, whose bytes are
counted, not parsed. Prints one JSON object: deliveries a second of wall-clock and of server CPU, and messages a flush
(records that one read of a member found, as Redis put them into one write). Standard library alone.
"""

import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import time

CHANNEL = b"lobby"
READ_BYTES = 256 * 1024
WARM_S = 2.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--secs", type=float, default=8)
    args = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    server, port = start_redis(cores[0])
    try:
        os.sched_setaffinity(0, {cores[-1]})
        print(json.dumps(fan_out(server.pid, port, args)))
    finally:
        server.terminate()
        server.wait()


def start_redis(core):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["taskset", "-c", str(core), "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
               "--appendonly", "no", "--loglevel", "warning", "--client-output-buffer-limit", "pubsub 0 0 0"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, port
        except ConnectionRefusedError:
            if server.poll() is not None:
                sys.exit(f"redis-server ended with status {server.returncode}")
            time.sleep(0.01)  # it has no other way to say that it listens
    sys.exit("redis-server does not listen")


def bulk(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def fan_out(pid, port, args):
    payload = b"x" * args.size
    record = len(bulk(b"message", CHANNEL, payload))
    request = bulk(b"PUBLISH", CHANNEL, payload)
    members = [subscribe(port) for _ in range(args.members)]
    publisher = socket.create_connection(("127.0.0.1", port))
    poll = selectors.EpollSelector()
    for at, member in enumerate(members):
        poll.register(member, selectors.EVENT_READ, at)
    poll.register(publisher, selectors.EVENT_READ, -1)
    got = [0] * args.members
    reads = sent = 0
    began = measured = time.monotonic()
    base = None
    while True:
        now = time.monotonic()
        if base is None and now - began >= WARM_S:
            base, measured = (sum(got), reads, cpu_s(pid)), now
        if base is not None and now - measured >= args.secs:
            break
        free = args.window - (sent - min(got) // record)
        if free > 0:
            publisher.sendall(request * free)
            sent += free
        for key, _ in poll.select():
            data = key.fileobj.recv(READ_BYTES)
            if not data:
                sys.exit("redis closed a connection")
            if key.data >= 0:
                got[key.data] += len(data)
                reads += 1
    deliveries = (sum(got) - base[0]) / record
    cpu = cpu_s(pid) - base[2]
    return {
        "server": version(port),
        "deliveries_per_s": deliveries / (now - measured),
        "deliveries_per_server_cpu_s": deliveries / cpu,
        "messages_per_flush": deliveries / (reads - base[1]),
        "server_cpu_s": cpu,
    }


def subscribe(port):
    member = socket.create_connection(("127.0.0.1", port))
    member.sendall(bulk(b"SUBSCRIBE", CHANNEL))
    member.recv(256)  # the confirmation, so that every byte behind it is a record's
    member.setblocking(False)
    return member


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def version(port):
    with socket.create_connection(("127.0.0.1", port)) as ask:
        ask.sendall(b"INFO server\r\n")
        text = ask.recv(65536).decode()
    return "redis " + next(line.split(":")[1] for line in text.splitlines() if line.startswith("redis_version"))


if __name__ == "__main__":
    main()
