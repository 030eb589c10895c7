#!/usr/bin/env python3
"""A login service for Longwire, in Python's standard library alone.

    python3 callback.py webhook.secret 8000

Longwire asks POST /login with {"token", "user_id", "connection", "address", "transport"}, signed as Standard Webhooks.
Replace `who_is` by a look at your sessions; keep `is_from_longwire`.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Your database of sessions. The tokens are for this example; yours are random.
SESSIONS = {"token-of-alice": {"user_id": "alice", "nickname": "Alice", "level": 7, "tags": ["vip"]},
            "token-of-bob": {"user_id": "bob", "rooms": ["lobby"]}}
BODY_BYTES_MAX = 16 * 1024
CLOCKS_DIFFER_S = 300


def who_is(token, user_id):
    """The answer's JSON, or None: not this user's token."""
    user = SESSIONS.get(token)
    return user if user and user["user_id"] == user_id else None


def is_from_longwire(secrets, headers, body, now):
    """Whether one of our secrets signed this very body, a moment ago."""
    call, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdigit() or abs(now - int(sent)) > CLOCKS_DIFFER_S:
        return False
    signed = f"{call}.{sent}.".encode() + body
    good = [b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in secrets]
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(one, other) for one in good for other in given)


class Login(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # Longwire keeps connections for the next login
    timeout = 60
    secrets = []

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > BODY_BYTES_MAX:
            return self.answer(413)
        body = self.rfile.read(length)
        # 400, not 401: whoever is not Longwire must not be told whether a token is good.
        if self.path != "/login" or not is_from_longwire(self.secrets, self.headers, body, time.time()):
            return self.answer(400)
        asked = json.loads(body)
        user = who_is(asked["token"], asked["user_id"])
        self.answer(200, user) if user else self.answer(401)

    def answer(self, status, body=None):
        data = json.dumps(body).encode() if body else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    file, port = sys.argv[1], int(sys.argv[2])
    with open(file) as lines:
        Login.secrets = [base64.b64decode(line.strip().removeprefix("whsec_")) for line in lines if line.strip()]
    server = ThreadingHTTPServer(("127.0.0.1", port), Login)
    print(f"asks at http://127.0.0.1:{server.server_port}/login", flush=True)
    server.serve_forever()
