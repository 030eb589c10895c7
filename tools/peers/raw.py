"""Raw sockets: frames over TCP, over TLS (Python's ssl, or `openssl s_client` as a pipe), and WebSocket written by hand.

The tasks come on standard input (talk.py). "through": "openssl" has s_client carry the bytes.
"""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import subprocess

import talk
from talk import FRAME_BYTES_MAX, PATIENCE_SECONDS, Wrong, check

READ_BYTES = 256 * 1024
VERSIONS = {"tls 1.2": ssl.TLSVersion.TLSv1_2, "tls 1.3": ssl.TLSVersion.TLSv1_3}
# RFC 6455, 1.3
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, BINARY, CLOSE, WS_PING, WS_PONG, FIN = 0, 2, 8, 9, 10, 0x80


class Frames:
    """Frames on a stream of bytes, cut anywhere."""

    def __init__(self, stream, task):
        self.stream, self.input = stream, bytearray()
        self.around = 4 if task["reading"] == "rest" else talk.HEADER.size

    def send(self, frames):
        self.stream.sendall(b"".join(frames))

    def receive(self):
        read(self.stream, self.input)
        frames = []
        while len(self.input) >= 4:
            whole = self.around + int.from_bytes(self.input[:4], "big")
            if len(self.input) < whole:
                break
            frames.append(bytes(self.input[:whole]))
            del self.input[:whole]
        return frames

    def end(self):
        check(not self.input, "the stream goes on:", bytes(self.input))
        check(self.stream.recv(1) == b"", "something follows the LOGOUT")
        self.stream.close()


class Messages:
    """Frames in the binary messages of a WebSocket: one or many in, fragmented now and then, exactly one out."""

    def __init__(self, stream, task):
        self.stream, self.input, self.sent, self.pings, self.pongs = stream, bytearray(), 0, 0, 0
        key = base64.b64encode(os.urandom(16))
        head = (f"GET /ws HTTP/1.1\r\nHost: {task['address']}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: longwire\r\n\r\n")
        self.stream.sendall(head.encode())
        while b"\r\n\r\n" not in self.input:
            read(self.stream, self.input)
        head, _, self.input = self.input.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        check(status.startswith("HTTP/1.1 101 "), status)
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        check(headers.get("sec-websocket-accept") == accept, "accept is", headers.get("sec-websocket-accept"))
        check(headers.get("sec-websocket-protocol") == "longwire", "no sub-protocol")
        check("sec-websocket-extensions" not in headers, "an extension nobody asked for")

    def send(self, frames):
        out = b""
        for message in talk.messages_of(frames):
            self.sent += 1
            if talk.is_cut(self.sent, message):  # in three fragments, with a ping between them
                self.pings += 1
                out += ws_frame(BINARY, message[:5]) + ws_frame(CONTINUATION, message[5:12])
                out += ws_frame(WS_PING | FIN, b"still there?") + ws_frame(CONTINUATION | FIN, message[12:])
            else:
                out += ws_frame(BINARY | FIN, message)
        self.stream.sendall(out)

    def receive(self):
        read(self.stream, self.input)
        frames = []
        while (cut := self.cut()) is not None:
            opcode, payload = cut
            if opcode == WS_PONG:
                check(payload == b"still there?", "a pong of", payload)
                self.pongs += 1
            else:
                check(opcode == BINARY, "opcode", opcode, payload)
                frames.append(payload)
        return frames

    def end(self):
        while (cut := self.cut()) is None or cut[0] == WS_PONG:
            if cut is None:
                read(self.stream, self.input)
            else:
                self.pongs += 1
        check(cut[0] == CLOSE and cut[1][:2] == (1000).to_bytes(2, "big"), "after the LOGOUT comes", *cut)
        check(not self.input and self.stream.recv(1) == b"", "something follows the close")
        with contextlib.suppress(OSError):  # s_client ends with the server's side, and takes no more
            self.stream.sendall(ws_frame(CLOSE | FIN, cut[1][:2]))
        check((self.pongs > 0) == (self.pings > 0), self.pings, "pings, and", self.pongs, "pongs")
        self.stream.close()

    def cut(self):
        """One frame of the server, if all of it is here: final, not masked, its length in the shortest form."""
        data = self.input
        if len(data) < 2:
            return None
        check(data[0] & 0xF0 == FIN and data[1] & 0x80 == 0, "a frame begins with", bytes(data[:2]))
        size, at = data[1], 2
        if size > 125:
            wide = 2 if size == 126 else 8
            if len(data) < 2 + wide:
                return None
            size, at = int.from_bytes(data[2 : 2 + wide], "big"), 2 + wide
            check(size > (125 if wide == 2 else 65_535), "not the shortest form of", size)
        if len(data) < at + size:
            return None
        opcode, payload = data[0] & 15, bytes(data[at : at + size])
        del data[: at + size]
        return opcode, payload


def ws_frame(first, payload):
    """A client's frame, masked."""
    size, mask = len(payload), os.urandom(4)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65_536:
        head = bytes([first, 0xFE]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 0xFF]) + size.to_bytes(8, "big")
    pad = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return head + mask + masked.to_bytes(size, "big")


def read(stream, into):
    data = stream.recv(READ_BYTES)
    if not data:
        raise Wrong(f"the server ended the stream; unread: {bytes(into[:40])}")
    into += data
    check(len(into) <= READ_BYTES + 2 * FRAME_BYTES_MAX, "no frame is so long")


# --- what carries the bytes -------------------------------------------------------------------------------------------


def connect(task):
    transport, (host, port) = task["transport"], task["address"].split(":")
    if task.get("through") == "openssl":
        stream = ThroughOpenssl(task)
    else:
        stream = socket.create_connection((host, int(port)), PATIENCE_SECONDS)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if transport in VERSIONS or transport == "wss":
            stream = over_tls(stream, task)
    return (Messages if transport in ("ws", "wss") else Frames)(stream, task)


def over_tls(stream, task):
    context = ssl.create_default_context(cafile=task["ca"])
    version = VERSIONS.get(task["transport"])
    if version:
        context.minimum_version = context.maximum_version = version
    # a stream that is cut off is no end: close_notify is asked for
    tls = context.wrap_socket(stream, server_hostname="localhost", suppress_ragged_eofs=False)
    spoken = {"tls 1.2": "TLSv1.2"}.get(task["transport"], "TLSv1.3")
    check(tls.version() == spoken, "they agree on", tls.version())
    return tls


class ThroughOpenssl:
    """A socket whose other end is s_client's standard input and output."""

    def __init__(self, task):
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(PATIENCE_SECONDS)
        versions = {"tls 1.2": ["-tls1_2"], "tls 1.3": ["-tls1_3"]}.get(task["transport"], [])
        command = ["openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-CAfile", task["ca"],
                   "-connect", task["address"], "-servername", "localhost", "-verify_hostname", "localhost", *versions]
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs)
        theirs.close()
        self.sendall, self.recv = self.ours.sendall, self.ours.recv

    def close(self):
        self.ours.close()
        check(self.child.wait(PATIENCE_SECONDS) == 0, "openssl ends with", self.child.returncode)

    def __del__(self):
        self.ours.close()
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()




if __name__ == "__main__":
    talk.serve(connect)
