#!/usr/bin/env python3
"""A token for one of your users, as your backend would make it at sign-in.

    pip install "pyjwt[crypto]"
    python3 make_token.py app.key alice          # prints the token; app.key is the private key
"""

import sys
import time

import jwt


def token_for(user_id, key, **about):
    """`about`: nickname, level, room_level, tags, roles, rooms; what you leave out the client says itself."""
    now = int(time.time())  # whole seconds: a float is refused
    claims = {"sub": user_id, "aud": "chat", "iat": now, "exp": now + 3600, **about}
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "app"})


if __name__ == "__main__":
    file, user_id = sys.argv[1:]
    with open(file) as key:
        print(token_for(user_id, key.read(), nickname=user_id.title(), level=7))
