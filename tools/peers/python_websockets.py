"""Python's `websockets`, by its blocking interface (tests/e2e_web has the other one). Tasks come on standard input."""

import ssl

import talk
from talk import PATIENCE_SECONDS, check
from websockets.exceptions import ConnectionClosedOK
from websockets.sync import client


class Messages:
    def __init__(self, task):
        secure = ssl.create_default_context(cafile=task["ca"]) if task["transport"] == "wss" else None
        # It offers permessage-deflate, as it does by default. A proxy of the environment is not asked.
        self.socket = client.connect(task["url"], ssl=secure, subprotocols=["longwire"], proxy=None, legacy=True)
        check(self.socket.subprotocol == "longwire", "no sub-protocol")
        check("Sec-WebSocket-Extensions" not in self.socket.response.headers, "an extension is agreed on")
        self.sent = 0

    def send(self, frames):
        for message in talk.messages_of(frames):
            self.sent += 1
            cut = talk.is_cut(self.sent, message)
            self.socket.send([message[:5], message[5:12], message[12:]] if cut else message)

    def receive(self):
        message = self.socket.recv(PATIENCE_SECONDS)
        check(isinstance(message, bytes), "a text message")
        return [message]

    def end(self):
        try:
            check(False, "after the LOGOUT comes", self.socket.recv(PATIENCE_SECONDS))
        except ConnectionClosedOK as closed:
            check(closed.rcvd.code == 1000, closed)


if __name__ == "__main__":
    talk.serve(Messages)
