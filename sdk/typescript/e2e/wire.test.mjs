// What the SDK puts on the wire, held against PROTOCOL.md sentence by sentence: a capture of real conversations with
// the real server, read by code that shares nothing with the SDK, and by `longwire decode`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Longwire } from "@longwire/client";
import { CMS, JOIN, LOGIN, LOGOUT, PING, PONG, fieldsOf, framesOf, textsOf, webSocketOf } from "./frames.mjs";
import { Ear, next } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { Server, binary } from "./server.mjs";

/** PROTOCOL.md, 9.7 and 9.3; the tests' own copies of the numbers. */
const HEARTBEAT = 14_000;
const IDLE = 30_000;

/** Everything a client of the SDK can say, over a recording proxy. */
async function conversation(scheme) {
  const proxy = await Proxy.start(server.port);
  const lw = new Longwire(server.url(scheme).replace(String(server.port), String(proxy.port)), { gzip: true, wire: { version: 5 } });
  const bob = new Longwire(server.url("tcp"), { login: { userId: "bob", token: "local" } });
  await Promise.all([lw.connect(), bob.connect()]);
  const [lobby, other, theirs] = [await lw.join("lobby"), await lw.join("大厅"), await bob.join("lobby")];
  const ears = new Ear(lobby);
  const refused = next(lw, "error");
  await lobby.send("a guest may not");
  await refused;
  await lw.login({ userId: "alice", token: "sesame" });
  // 6.8: only bodies of 512 bytes and more are compressed towards a client. Before anything of our own in this room: what is
  // pushed together with that is made for us alone, and not compressed.
  await theirs.send("long ".repeat(200));
  await ears.take();
  await lobby.send("hello");
  await other.send(new Uint8Array([0, 255, 10]), { type: 2, user: { nickname: "Alice", level: 1, roomLevel: 2, tag: ["a", "b"] } });
  await refusedHere(lw, lobby);
  const spoke = performance.now();
  await lw.ping();
  // Time itself is the subject: says nothing until the heart beats by itself.
  await next(lw, "roundTrip");
  await lw.close();
  await bob.close();
  await proxy.down();
  return { proxy, spoke };
}

/** What the protocol cannot carry: refused in the client, nothing of it is sent. */
async function refusedHere(lw, room) {
  //= PROTOCOL.md#14.4
  // A userId has 1 to 128 bytes of UTF-8 and no control character.
  await assert.rejects(lw.login({ userId: "界".repeat(43), token: "t" }), { name: "Invalid" });
  await assert.rejects(lw.login({ userId: "tab\there", token: "t" }), { name: "Invalid" });
  //= PROTOCOL.md#8.3
  // A LOGIN with exactly one of token and userId is refused.
  await assert.rejects(lw.login({ userId: "alice", token: "" }), { name: "Invalid" });
  //= PROTOCOL.md#14.6
  // A token has at most 4,096 bytes.
  await assert.rejects(lw.login({ userId: "alice", token: "t".repeat(4_097) }), { name: "Invalid" });
  //= PROTOCOL.md#14.5
  // A chatroomId has 1 to 128 bytes of UTF-8 and no control character.
  for (const id of ["", "r".repeat(129), "line\n", "\u0085"]) await assert.rejects(lw.join(id), { name: "Invalid" });
  //= PROTOCOL.md#14.1
  // A client's body is at most 65,536 bytes.
  await assert.rejects(room.send(new Uint8Array(65_530)), { name: "Invalid" });
  //= PROTOCOL.md#11.12
  // userInfo of more than 1,024 bytes is refused.
  await assert.rejects(room.send("x", { user: { nickname: "n".repeat(1_100) } }), { name: "Invalid" });
  //= PROTOCOL.md#11.13
  // More than 64 tags are refused.
  await assert.rejects(room.send("x", { user: { tag: Array(65).fill("t") } }), { name: "Invalid" });
}

/** The frames of one side, each with the time at which its last byte passed. */
function timed(proxy, from, frames) {
  const ends = [];
  let size = 0;
  for (const entry of proxy.record.filter((one) => one.from === from && one.bytes)) {
    size += entry.bytes.length;
    ends.push({ size, at: entry.at });
  }
  return frames.map((frame) => ({ ...frame, time: ends.find((end) => end.size >= frame.at + frame.size)?.at }));
}

let server;
const conversations = {};

// Both at the same time: they are long silences, mostly.
before(async () => {
  server = await Server.start();
  for (const scheme of ["tcp", "ws"]) conversations[scheme] = conversation(scheme);
  await Promise.all(Object.values(conversations));
});
after(() => server.stop());

describe("over TCP", () => {
  let proxy, spoke, sent, came, first;

  before(async () => {
    ({ proxy, spoke } = await conversations.tcp);
    sent = timed(proxy, "client", framesOf(proxy.sent(0)));
    came = timed(proxy, "server", framesOf(proxy.sent(0, "server")));
    first = sent[0];
  });

  const of = (command) => sent.filter((frame) => frame.command === command);

  test("a connection, and what it begins with", () => {
    //= PROTOCOL.md#1.1
    // A client holds one TCP connection, and both sides send frames on it.
    assert.equal(proxy.taken, 1);
    //= PROTOCOL.md#1.7
    // A connection's first byte tells what it is: 0x00 frames.
    assert.equal(proxy.sent(0)[0], 0);
    //= PROTOCOL.md#1.4
    // The first frame is a LOGIN of the client; the server sends nothing before it.
    assert.equal(first.command, LOGIN);
    assert(first.time < came[0].time);
    //= PROTOCOL.md#3.15
    // A client in the reading body hands its LOGIN to the network in one piece.
    assert(proxy.record[0].bytes.length >= first.size);
    //= PROTOCOL.md#3.4
    // A first len below 7 is the reading *body*: so is a guest's, who has nothing to say.
    assert.equal(first.size, 11);
  });

  test("every header is one of a request", () => {
    //= PROTOCOL.md#3.1
    // In the reading body a frame is 11 + len bytes: read so, the stream splits into frames to its last byte.
    assert(sent.length >= 10);
    for (const frame of sent) {
      //= PROTOCOL.md#4.1
      // The commands have the codes of section 4: of these a client sends five.
      assert([LOGIN, LOGOUT, PING, JOIN, CMS].includes(frame.command), `command ${frame.command}`);
      //= PROTOCOL.md#2.4
      // Flow is 0 in a request.
      assert.equal(frame.flow, 0);
      //= PROTOCOL.md#2.5
      // Compression is 0 or 1; 2 and 3 are never sent.
      assert(frame.compression < 2);
      //= PROTOCOL.md#2.3
      // Bits 7-4 of the flag hold the version, here the one that was chosen.
      //= PROTOCOL.md#8.13
      // The dialect stays the first LOGIN's, also behind a later one.
      assert.equal(frame.version, 5);
      //= PROTOCOL.md#2.11
      // status says nothing in a request.
      assert.equal(frame.status, 0);
    }
  });

  test("a seq each, by which answers are told apart", () => {
    //= PROTOCOL.md#2.6
    // seq belongs to the client: it gives each request one of its own.
    assert.equal(new Set(sent.map((frame) => frame.seq)).size, sent.length);
    assert(sent.every((frame, at) => frame.seq === first.seq + at), "in order, without gaps");
    for (const answer of came.filter((frame) => frame.flow === 1)) {
      //= PROTOCOL.md#2.7
      // An answer carries the seq and the command of its request; PONG alone has its own.
      const request = sent.find((frame) => frame.seq === answer.seq);
      assert.equal(answer.command, request.command === PING ? PONG : request.command);
    }
  });

  test("the bodies are the messages of section 7, with nothing else in them", () => {
    //= PROTOCOL.md#8.2
    // A first LOGIN with neither token nor userId is a guest's.
    assert.deepEqual(fieldsOf(first.body), []);
    //= PROTOCOL.md#6.7
    // The server compresses only towards clients whose first LOGIN had compression 1.
    assert.equal(first.compression, 1);
    //= PROTOCOL.md#6.6
    // A client may compress any of its bodies: this one does not, behind the first LOGIN.
    assert(sent.slice(1).every(({ compression }) => compression === 0));
    //= PROTOCOL.md#17.1
    // features (field 100) would ask for extensions.
    //= PROTOCOL.md#17.3
    // Field numbers from 100 up are kept for extensions in every message: none is used.
    assert(sent.flatMap(({ body }) => fieldsOf(body)).every(([number]) => number < 100));
    //= PROTOCOL.md#8.7
    // A later LOGIN with a userId and a valid token makes a guest a user.
    assert.deepEqual(of(LOGIN).slice(1).map((frame) => textsOf(frame.body)), [{ 1: "sesame", 2: "alice" }]);
    //= PROTOCOL.md#7.1
    // JOIN_CR carries a ChatroomRequest, CMS one CRMessage.
    assert.deepEqual(of(JOIN).map((frame) => textsOf(frame.body)), [{ 1: "lobby" }, { 1: "大厅" }]);
    const [guest, hello, gift] = of(CMS).map((frame) => frame.body);
    assert.deepEqual([guest, hello].map(textsOf), [{ 1: "a guest may not", 3: "lobby" }, { 1: "hello", 3: "lobby" }]);
    //= PROTOCOL.md#11.3
    // from and timestamp (11.4) are the server's to set: a client need not send them.
    const fields = Object.fromEntries(fieldsOf(gift));
    assert.deepEqual(Object.keys(fields), ["1", "3", "5", "6"]);
    assert.deepEqual([[...fields[1]], fields[3].toString(), fields[6]], [[0, 255, 10], "大厅", 2n]);
    const user = fieldsOf(fields[5]).map(([number, value]) => [number, Buffer.isBuffer(value) ? value.toString() : value]);
    assert.deepEqual(user, [[1, 1n], [2, 2n], [3, "Alice"], [4, "a"], [4, "b"]]);
    for (const frame of [...of(PING), ...of(LOGOUT)]) {
      //= PROTOCOL.md#1.3
      // A body is one message, or empty.
      assert.equal(frame.raw.length, 0);
    }
    assert.equal(of(CMS).length, 3, "what the client refuses by itself is not sent");
  });

  test("a room is spoken in once it is joined", () => {
    for (const message of of(CMS)) {
      const to = fieldsOf(message.body).find(([number]) => number === 3)[1].toString();
      const joined = of(JOIN).find((frame) => textsOf(frame.body)[1] === to);
      //= PROTOCOL.md#11.1
      // `to` names a room that the connection has joined.
      const answer = came.find((frame) => frame.command === JOIN && frame.seq === joined.seq);
      assert(answer.status === 0 && answer.time < message.time);
    }
  });

  test("a heartbeat after 14 s without anything else, and no sooner", () => {
    // The last but LOGOUT; before it there is the PING that was asked for.
    const [asked, beat] = sent.slice(-3);
    assert.deepEqual([asked.command, beat.command, of(PING).length], [PING, PING, 2]);
    //= PROTOCOL.md#9.7
    // A client sends a PING after 14 s in which it sent nothing else.
    assert(beat.time - spoke >= HEARTBEAT, `${beat.time - spoke} ms`);
    //= PROTOCOL.md#9.3
    // The server closes a connection between 30 s and 31 s after the last complete frame that the client sent.
    assert(beat.time - asked.time < IDLE, `${beat.time - asked.time} ms`);
    for (const beat of of(PING)) {
      //= PROTOCOL.md#4.5
      // A PING is answered by a PONG with its seq.
      assert(came.some((frame) => frame.command === PONG && frame.seq === beat.seq));
    }
  });

  test("what was sent is followed by a PING, whose PONG says that no refusal is on its way", () => {
    const spoken = sent.findLastIndex(({ command }) => command === CMS);
    //= PROTOCOL.md#11.18
    // A client that wants to know that its CMS was not refused sends a PING behind it.
    assert.equal(sent[spoken + 1].command, PING);
    //= PROTOCOL.md#5.19
    // A CMS that is refused is answered with a frame of command CMS, flow 1, its seq, the status, no body: the guest's alone.
    const refusals = came.filter(({ command, flow }) => command === CMS && flow === 1);
    assert.deepEqual(refusals.map(({ seq, status, size }) => [seq, status, size]), [[of(CMS)[0].seq, 3, 11]]);
  });

  test("LOGOUT is the last that it says", () => {
    //= PROTOCOL.md#13.4
    // Whatever a client sends behind a LOGOUT is thrown away: there is nothing.
    assert.deepEqual([of(LOGOUT).length, sent.at(-1).command], [1, LOGOUT]);
    //= PROTOCOL.md#13.3
    // After a LOGOUT the server closes; the client has waited for that.
    const ends = proxy.record.filter((entry) => entry.bytes === null).map((entry) => entry.from);
    assert.equal(ends[0], "server");
  });

  test("a gzipped push was among what it understood", () => {
    //= PROTOCOL.md#6.9
    // What is compressed is the server's choice, body by body.
    assert(came.some((frame) => frame.command === CMS && frame.flow === 2 && frame.compression === 1));
  });

  test("`longwire decode` finds nothing to complain of", () => {
    for (const from of ["client", "server"]) {
      const { status, stdout } = spawnSync(binary(), ["decode", "--raw", "--from", from, "--length", "body", "--json"], {
        input: proxy.sent(0, from),
      });
      assert.equal(status, 0, String(stdout));
      const lines = String(stdout).trim().split("\n");
      assert.equal(lines.length, (from === "client" ? sent : came).length);
    }
  });
});

describe("over WebSocket", () => {
  let proxy, head, messages, sent;

  before(async () => {
    ({ proxy } = await conversations.ws);
    ({ head, messages } = webSocketOf(proxy.sent(0)));
    sent = messages.filter((message) => message.opcode === 2).flatMap((message) => framesOf(message.payload));
  });

  test("the handshake asks for what there is", () => {
    //= PROTOCOL.md#18.7
    // RFC 6455, version 13, at /ws; the sub-protocol longwire is agreed on with who asks for it, no extension ever.
    assert.match(head, /^GET \/ws HTTP\/1\.1\r\n/);
    assert.match(head, /\r\nsec-websocket-version: 13\r\n/i);
    assert.match(head, /\r\nsec-websocket-protocol: longwire\r\n/i);
    assert.doesNotMatch(head, /sec-websocket-extensions/i);
    //= PROTOCOL.md#18.12
    // Without an Origin it is no browser's.
    assert.doesNotMatch(head, /^origin:/im);
  });

  test("binary messages of whole frames, and nothing that breaks RFC 6455", () => {
    for (const message of messages) {
      //= PROTOCOL.md#18.9
      // Whatever breaks RFC 6455 closes with 1002: a client masks, and sets no reserved bit.
      assert(message.masked && message.rsv === 0);
      //= PROTOCOL.md#18.4
      // A text message closes with 1003: binary ones alone, and control frames.
      assert([2, 8, 9, 10].includes(message.opcode), `opcode ${message.opcode}`);
      //= PROTOCOL.md#18.1
      // One binary message holds one whole frame or more.
      //= PROTOCOL.md#18.3
      // A later message that ends inside a frame closes with 1002: each splits into whole ones.
      //= PROTOCOL.md#18.8
      // A message has at most 64 fragments: these have one.
      if (message.opcode === 2) assert(message.fin && framesOf(message.payload).length > 0);
    }
    assert.deepEqual([sent[0].command, sent.at(-1).command], [LOGIN, LOGOUT]);
    assert.deepEqual(sent.map((frame) => frame.seq), sent.map((_, at) => sent[0].seq + at));
  });

  test("life is shown by PING, not by control frames", () => {
    //= PROTOCOL.md#18.6
    // Ping and pong of WebSocket are no sign of life: the client beats by frames of its own.
    assert(sent.filter((frame) => frame.command === PING).length >= 2);
    assert.equal(messages.filter((message) => message.opcode === 9).length, 0);
  });

  test("after LOGOUT the server's 1000 is answered", () => {
    //= PROTOCOL.md#18.11
    // A close frame is answered by one with its code; the server's comes first after a LOGOUT.
    const last = messages.at(-1);
    assert.deepEqual([last.opcode, last.payload.readUInt16BE(0)], [8, 1000]);
    const came = webSocketOf(proxy.sent(0, "server"));
    const close = came.messages.at(-1);
    assert.deepEqual([close.opcode, close.payload.readUInt16BE(0)], [8, 1000]);
  });
});
