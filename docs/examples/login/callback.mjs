#!/usr/bin/env node
// A login service for Longwire; Node 18 or later, no package needed.
//
//     node callback.mjs webhook.secret 8000
//
// Longwire asks POST /login with {"token", "user_id", "connection", "address", "transport"}, signed as Standard Webhooks.
// Replace `whoIs` by a look at your sessions; keep `isFromLongwire`.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

// Your database of sessions. The tokens are for this example; yours are random.
const SESSIONS = new Map([
  ["token-of-alice", { user_id: "alice", nickname: "Alice", level: 7, tags: ["vip"] }],
  ["token-of-bob", { user_id: "bob", rooms: ["lobby"] }],
]);
const BODY_BYTES_MAX = 16 * 1024;
const CLOCKS_DIFFER_S = 300;

/** The answer's JSON, or undefined: not this user's token. */
function whoIs(token, userId) {
  const user = SESSIONS.get(token);
  return user?.user_id === userId ? user : undefined;
}

/** Whether one of our secrets signed this very body, a moment ago. */
function isFromLongwire(secrets, headers, body, nowS) {
  const [call, sent, given] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`] ?? "");
  if (!/^\d+$/.test(sent) || Math.abs(nowS - Number(sent)) > CLOCKS_DIFFER_S) return false;
  const good = secrets.map((key) => createHmac("sha256", key).update(`${call}.${sent}.`).update(body).digest());
  return given.split(" ").some((one) => {
    const signature = Buffer.from(one.replace(/^v1,/, ""), "base64");
    return good.some((other) => signature.length === other.length && timingSafeEqual(signature, other));
  });
}

function answer(response, status, body) {
  const data = body ? JSON.stringify(body) : "";
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(data) });
  response.end(data);
}

async function read(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const [file, port] = process.argv.slice(2);
const lines = readFileSync(file, "utf8").split("\n").map((line) => line.trim()).filter(Boolean);
const secrets = lines.map((line) => Buffer.from(line.replace(/^whsec_/, ""), "base64"));

const server = createServer(async (request, response) => {
  const body = await read(request);
  if (body === undefined) return answer(response, 413);
  const isLogin = request.method === "POST" && request.url === "/login";
  // 400, not 401: whoever is not Longwire must not be told whether a token is good.
  if (!isLogin || !isFromLongwire(secrets, request.headers, body, Date.now() / 1000)) return answer(response, 400);
  const asked = JSON.parse(body);
  const user = whoIs(asked.token, asked.user_id);
  answer(response, user ? 200 : 401, user);
});
server.keepAliveTimeout = 60_000; // Longwire keeps connections for the next login
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`asks at http://127.0.0.1:${server.address().port}/login`);
});
