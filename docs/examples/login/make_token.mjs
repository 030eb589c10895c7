#!/usr/bin/env node
// A token for one of your users, as your backend would make it at sign-in; Node 18 or later, no package needed.
//
//     node make_token.mjs app.key alice          # prints the token; app.key is the private key

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** `about`: nickname, level, room_level, tags, roles, rooms; what you leave out the client says itself. */
function tokenFor(userId, key, about = {}) {
  const now = Math.floor(Date.now() / 1000); // whole seconds: Date.now() alone is milliseconds, and refused
  const claims = { sub: userId, aud: "chat", iat: now, exp: now + 3600, ...about };
  const signed = `${encode({ alg: "ES256", kid: "app", typ: "JWT" })}.${encode(claims)}`;
  // ES256 is the two numbers as they are (ieee-p1363), not OpenSSL's DER.
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

const [file, userId] = process.argv.slice(2);
const nickname = userId[0].toUpperCase() + userId.slice(1);
console.log(tokenFor(userId, createPrivateKey(readFileSync(file)), { nickname, level: 7 }));
