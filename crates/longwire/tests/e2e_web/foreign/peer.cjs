// One side of a conversation between two clients that other people wrote: Node's `ws`. Does what peer.py does.
//
//     peer.cjs URL USER PEER COUNT body|rest plain|gzip
"use strict";
const assert = require("node:assert");
const zlib = require("node:zlib");
const { WebSocket } = require("ws");

const peers = require("../../../../../tools/peers/talk.js");

const { LOGIN, PING, JOIN, CMS, WINDOW, fields } = peers;
const LARGEST = 64 * 1024 - 64;

const [url, user, other, countText, reading, compression] = process.argv.slice(2);
const [count, extra, gzipped] = [Number(countText), reading === "rest" ? 7 : 0, compression === "gzip"];

const field = (number, text) => peers.field(number, Buffer.from(text));

let seq = 0;
function frame(command, body = Buffer.alloc(0)) {
  const zipped = gzipped && body.length > 0;
  const bytes = zipped ? zlib.gzipSync(body) : body;
  const header = Buffer.alloc(11);
  header.writeUInt32BE(bytes.length + extra, 0);
  header.writeUInt32BE(++seq, 4);
  header[8] = command;
  header[9] = zipped ? 4 : 0;
  return Buffer.concat([header, bytes]);
}

/** The one frame of a message. */
function read(message) {
  assert.strictEqual(message.readUInt32BE(0) - extra, message.length - 11, "a message is one whole frame");
  const body = message.subarray(11);
  const flag = message[9];
  return { command: message[8], flow: flag & 3, status: message[10], body: flag & 4 ? zlib.gunzipSync(body) : body };
}

function content(name, at) {
  return at === count ? Buffer.from(name.repeat(Math.floor(LARGEST / name.length))) : Buffer.from(`${name} ${at}`);
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

const socket = new WebSocket(url, ["longwire"], { perMessageDeflate: true });
setTimeout(() => fail(new Error("five minutes are enough")), 300_000).unref();
socket.on("error", fail);

let [heard, sent, state] = [-1, 0, "login"];

socket.on("open", () => {
  assert.strictEqual(socket.protocol, "longwire");
  assert.strictEqual(socket.extensions, "");
  const login = Buffer.concat([field(1, "sesame"), field(2, user)]);
  socket.send(frame(LOGIN, login));
});

socket.on("pong", (payload) => {
  assert.strictEqual(payload.toString(), "are you there?");
  console.log("joined");
});

socket.on("message", (message, isBinary) => {
  assert(isBinary);
  const { command, flow, status, body } = read(message);
  if (flow === 1) return answered(command, status);
  assert.deepStrictEqual([command, flow], [CMS, 2]);
  for (const [number, record] of fields(body)) {
    if (number === 1) hear(Object.fromEntries(fields(record)));
  }
  speak();
});

function answered(command, status) {
  assert.strictEqual(status, 0, `command ${command} in state ${state}`);
  if (state === "login") {
    state = "join";
    socket.send(frame(JOIN, field(1, "lobby")));
  } else if (state === "join") {
    state = "talk";
    socket.ping("are you there?");
  } else {
    assert.strictEqual(state, "leave");
    socket.close(1000);
  }
}

function hear(record) {
  const said = [record[2].toString(), Buffer.from(record[1] ?? [])];
  const [sender, text] = heard < 0 ? ["conductor", Buffer.from("go")] : [other, content(other, heard)];
  assert.strictEqual(said[0], sender);
  assert(said[1].equals(text), `${said[1].subarray(0, 50)} for ${text.subarray(0, 50)}`);
  heard += 1;
}

function speak() {
  while (heard >= 0 && sent <= count && sent <= heard + WINDOW) {
    const bytes = frame(CMS, Buffer.concat([field(1, content(user, sent)), field(3, "lobby")]));
    if (sent % 50 === 0) {
      socket.send(bytes.subarray(0, 5), { fin: false });
      socket.send(bytes.subarray(5), { fin: true });
    } else {
      socket.send(bytes);
    }
    sent += 1;
  }
  if (sent > count && heard > count && state === "talk") {
    state = "leave";
    socket.send(frame(PING));
  }
}

socket.on("close", (code) => {
  assert.deepStrictEqual([state, code], ["leave", 1000]);
  console.log("done");
  process.exit(0);
});
