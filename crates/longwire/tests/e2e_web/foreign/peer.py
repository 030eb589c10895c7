"""One side of a conversation between two clients that other people wrote: Python's `websockets`.

Knows PROTOCOL.md, by way of tools/peers, and nothing of Longwire's code. Joins a room, says so, and on "go" sends COUNT
messages and one of the largest size, while it hears as many of its peer, in order and whole.

    peer.py URL USER PEER COUNT body|rest plain|gzip
"""

import asyncio
import gzip
import pathlib
import sys

import websockets

sys.path.append(str(pathlib.Path(__file__).parents[5] / "tools/peers"))
from talk import CMS, HEADER, JOIN, LOGIN, PING, WINDOW, field, fields

LARGEST = 64 * 1024 - 64


class Peer:
    def __init__(self, socket, reading, gzipped):
        self.socket, self.extra, self.gzipped, self.seq = socket, 7 if reading == "rest" else 0, gzipped, 0

    def frame(self, command, body=b""):
        self.seq += 1
        flag = 0
        if self.gzipped and body:
            body, flag = gzip.compress(body), 4
        return HEADER.pack(len(body) + self.extra, self.seq, command, flag, 0) + body

    async def receive(self):
        """The next message, which is one frame: command, flow, status, body."""
        message = await self.socket.recv()
        assert isinstance(message, bytes), "a text message"
        length, _, command, flag, status = HEADER.unpack_from(message)
        assert length - self.extra == len(message) - 11, "a message is one whole frame"
        body = message[11:]
        return command, flag & 3, status, gzip.decompress(body) if flag & 4 else body

    async def ask(self, command, body=b""):
        await self.socket.send(self.frame(command, body))
        answered, flow, status, _ = await self.receive()
        assert (flow, status) == (1, 0), (command, answered, flow, status)

    async def heard(self):
        """(from, content) of the next push's messages."""
        command, flow, _, body = await self.receive()
        assert (command, flow) == (CMS, 2), (command, flow)
        for number, record in fields(body):
            if number == 1:
                values = dict(fields(record))
                yield values[2].decode(), values.get(1, b"")

    async def say(self, content):
        frame = self.frame(CMS, field(1, content) + field(3, b"lobby"))
        if self.seq % 50 == 0:  # now and then in fragments
            await self.socket.send([frame[:5], frame[5:12], frame[12:]])
        else:
            await self.socket.send(frame)


def content(user, at, count):
    return user.encode() * (LARGEST // len(user)) if at == count else f"{user} {at}".encode()


async def main(url, user, other, count, reading, gzipped):
    async with websockets.connect(url, subprotocols=["longwire"], max_size=1 << 20, ping_interval=None) as socket:
        assert socket.subprotocol == "longwire"
        peer = Peer(socket, reading, gzipped)
        await peer.ask(LOGIN, field(1, b"sesame") + field(2, user.encode()))
        await peer.ask(JOIN, field(1, b"lobby"))
        await (await socket.ping(b"are you there?"))
        print("joined", flush=True)
        heard = -1  # "go" is the first that is heard
        moved = asyncio.Event()

        async def hear():
            nonlocal heard
            while heard <= count:
                async for sender, text in peer.heard():
                    expected = ("conductor", b"go") if heard < 0 else (other, content(other, heard, count))
                    assert (sender, text) == expected, (sender, text[:50], heard)
                    heard += 1
                    moved.set()

        listening = asyncio.create_task(hear())
        sent = 0
        while sent <= count:
            if heard < 0 or sent > heard + WINDOW:
                moved.clear()
                waiting = asyncio.create_task(moved.wait())
                await asyncio.wait([waiting, listening], return_when=asyncio.FIRST_COMPLETED)
                if listening.done() and heard <= count:
                    listening.result()
                continue
            await peer.say(content(user, sent, count))
            sent += 1
        await listening
        await peer.ask(PING)
        await socket.close(1000)
        assert socket.close_code == 1000, socket.close_code
    print("done", flush=True)


url, user, other, count, reading, compression = sys.argv[1:]
asyncio.run(asyncio.wait_for(main(url, user, other, int(count), reading, compression == "gzip"), 300))
