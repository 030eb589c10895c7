/** What an application calls and hears, with the server played by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../src/client.js";
import type { State } from "../src/driver.js";
import { Backpressure, Disconnected, Invalid, type LongwireError, Lost, Refused, Status } from "../src/errors.js";
import { decode } from "../src/proto/codec.js";
import { LoginRequest } from "../src/proto/longwire.js";
import { Compression, Flow } from "../src/wire/frame.js";
import { gunzip, gzip } from "../src/wire/gzip.js";
import { settled } from "./support/clock.js";
import { Bench, failure, names } from "./support/line.js";
import { CODES, pushBody, serverFrame } from "./support/peer.js";

test("connect, join, send, receive, close", async () => {
  const bench = new Bench({ login: { userId: "alice", token: "sesame" } });
  const { client } = bench;
  const states: State[] = [];
  client.on("state", (state) => states.push(state));
  assert.deepEqual([client.state.name, client.userId], ["idle", undefined]);
  const connected = client.connect();
  assert.equal(client.connect(), connected);
  await bench.accept();
  await connected;
  await client.connect();
  assert.deepEqual([names(states), client.userId, bench.lines.length], ["connecting connected", "alice", 1]);
  const { line } = bench;
  const joined = client.join("lobby");
  line.hears(line.answer());
  const room = await joined;
  await settled();
  assert.deepEqual([room.id, room.state, client.rooms[0] === room], ["lobby", "joined", true]);
  const id = await room.send("hello", { type: 2, user: { nickname: "Al" } });
  assert.equal(line.sent.at(-1)!.command, CODES.cms);
  const texts: (string | undefined)[] = [];
  room.on("message", ({ text, nickname }) => texts.push(`room ${text} ${nickname}`));
  const undo = client.on("message", ({ text }) => texts.push(text));
  line.hears(line.push("lobby", { text: "hi" }));
  undo();
  line.hears(line.push("lobby", { text: "ho" }));
  assert.deepEqual(texts, ["room hi undefined", "hi", "room ho undefined"]);
  const errors: LongwireError[] = [];
  room.on("error", (error) => errors.push(error));
  client.on("error", (error) => errors.push(error));
  line.hears(line.answer(Status.RATE_LIMITED));
  assert.equal(errors.length, 2);
  assert.deepEqual((errors[0] as Refused).call, { name: "send", id, room: "lobby" });
  const closed = client.close();
  assert.equal(line.sent.at(-1)!.command, CODES.logout);
  assert.deepEqual([client.state.name, room.state, line.closed], ["closed", "left", false], "the server closes");
  line.events.close({ code: 1000 });
  await closed;
  assert.equal(names(states), "connecting connected closed");
  assert.equal(bench.timers.closed, true);
});

test("what comes in one piece with a room's answer is heard by who awaited the room, wrapped a few times", async () => {
  const bench = await Bench.connected();
  const { client, line } = bench;
  const wrapped = async () => await (async () => await (async () => client.join("lobby"))())();
  const texts: (string | undefined)[] = [];
  const joining = (async () => {
    const room = await wrapped();
    room.on("message", ({ text }) => texts.push(text));
  })();
  line.hears(line.answer(), line.push("lobby", { text: "1" }), line.push("lobby", { text: "2" }));
  await joining;
  await settled();
  assert.deepEqual(texts, ["1", "2"]);
});

test("a guest becomes a user on the same connection, and stays one over a reconnect", async () => {
  const bench = await Bench.connected({}, "lobby");
  const { client } = bench;
  const login = client.login({ userId: "alice", token: "sesame" });
  await settled();
  bench.line.hears(bench.line.answer());
  await login;
  assert.deepEqual([client.userId, client.rooms[0]!.state, bench.lines.length], ["alice", "joined", 1]);
  const worse = failure(client.login(() => ({ userId: "alice", token: "worse" })));
  await settled();
  bench.line.hears(bench.line.answer(Status.UNAUTHENTICATED));
  assert.deepEqual([(await worse).name, client.userId], ["Refused", "alice"]);
  bench.line.events.close({});
  await bench.clock.pass(500);
  await bench.accept();
  assert.equal(decode(LoginRequest, bench.line.sent[0]!.body).token, "sesame");
  assert.deepEqual(client.state, { name: "connected", back: true });
});

test("while there is no connection calls reject at once and nothing is kept; who waits for an answer is told of the loss", async () => {
  const bench = await Bench.connected({}, "lobby");
  const { client } = bench;
  const room = client.rooms[0]!;
  const pinging = failure(client.ping());
  bench.line.events.close({ code: 4000, reason: "draining" });
  const lost = await pinging;
  assert.ok(lost instanceof Lost && lost.cause instanceof Disconnected);
  assert.deepEqual([lost.cause.code, lost.cause.message], [4000, "closed (4000): draining"]);
  assert.equal(room.state, "joining");
  for (const call of [room.send("x"), client.ping(), client.join("attic"), client.login("guest")]) {
    assert.equal((await failure(call)).name, "NotConnected");
  }
  await bench.clock.pass(1_000);
  await bench.accept();
  assert.deepEqual(bench.line.sent.map(({ command }) => command), [CODES.login, CODES.join], "nothing but these was kept");
  bench.line.hears(bench.line.answer());
  assert.equal(room.state, "joined");
});

test("past 1 MiB of what the network has not taken calls reject with Backpressure, and nothing is sent", async () => {
  const bench = await Bench.connected({}, "lobby");
  const { client, line } = bench;
  const room = client.rooms[0]!;
  line.bufferedAmount = 1024 * 1024;
  await room.send("at the limit");
  line.bufferedAmount++;
  const sent = line.sent.length;
  for (const call of [room.send("past it"), client.ping(), client.join("attic")]) {
    const error = await failure(call);
    assert.ok(error instanceof Backpressure);
    assert.equal(error.bufferedAmount, 1024 * 1024 + 1);
  }
  assert.deepEqual([line.sent.length, client.bufferedAmount], [sent, 1024 * 1024 + 1]);
});

test("a listener that throws breaks nothing but itself", async () => {
  const bench = await Bench.connected({}, "lobby");
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
  const texts: string[] = [];
  const undo = bench.client.on("message", () => {
    undo();
    throw new Error("the application's own");
  });
  bench.client.on("message", ({ text }) => texts.push(text ?? ""));
  bench.line.hears(bench.line.push("lobby", { text: "1" }, { text: "2" }));
  assert.deepEqual(texts, ["1", "2"]);
  assert.match(String(await thrown), /the application's own/);
  for (const other of others) process.on("uncaughtException", other);
});

test("a listener may close, leave and send in the middle of what it hears", async () => {
  const bench = await Bench.connected({}, "lobby");
  const room = bench.client.rooms[0]!;
  const texts: string[] = [];
  room.on("message", ({ text }) => {
    texts.push(text ?? "");
    if (text === "1") void room.send("me too");
    if (text === "2") room.leave();
  });
  bench.line.hears(bench.line.push("lobby", { text: "1" }, { text: "2" }, { text: "3" }));
  assert.deepEqual([texts, room.state, bench.line.sent.at(-1)!.command], [["1", "2"], "left", CODES.cms]);
  assert.equal((await failure(room.send("x"))).name, "Closed");
  const closing = await Bench.connected({}, "lobby");
  let heard = 0;
  closing.client.on("message", () => {
    heard++;
    void closing.client.close();
  });
  closing.line.hears(closing.line.push("lobby", { text: "1" }, { text: "2" }));
  assert.equal(heard, 1);
});

//= PROTOCOL.md#6.7
// The server compresses only if the first LOGIN had compression 1; a LOGIN without a body shows it as well.
test("with gzip the first LOGIN is gzipped, and nothing else is", async () => {
  const guest = await Bench.connected({ gzip: true });
  assert.deepEqual([guest.line.sent[0]!.compression, guest.line.sent[0]!.body.length], [1, 0]);
  const bench = new Bench({ gzip: true, login: { userId: "alice", token: "sesame" } });
  const connected = bench.client.connect();
  while (!bench.lines.length) await settled();
  await bench.accept();
  await connected;
  const [login] = bench.line.sent;
  assert.equal(login!.compression, Compression.GZIP);
  assert.equal(decode(LoginRequest, await gunzip(login!.body, 8_192)).userId, "alice");
  const joined = bench.client.join("lobby");
  bench.line.hears(bench.line.answer());
  await (await joined).send("x".repeat(10_000));
  assert.deepEqual(bench.line.sent.map(({ compression }) => compression), [1, 0, 0]);
});

test("1,000 pushes, every third gzipped, are heard in their order, in pieces or in one", async () => {
  for (const together of [true, false]) {
    const bench = await Bench.connected({}, "lobby");
    const texts: string[] = [];
    const all = new Promise<void>((resolve) =>
      bench.client.on("message", ({ text }) => {
        if (texts.push(text ?? "") === 1_000) resolve();
      }),
    );
    const frames: Uint8Array[] = [];
    for (let n = 0; n < 1_000; n++) {
      const body = pushBody("lobby", [{ text: `${n} ${"and on ".repeat(n % 50)}` }]);
      const zipped = n % 3 === 0;
      frames.push(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, zipped ? await gzip(body) : body, zipped ? 1 : 0));
    }
    if (together) bench.line.hears(...frames);
    else for (const frame of frames) bench.line.hears(frame);
    await all;
    assert.deepEqual(texts.map((text) => Number(text.split(" ")[0])), Array.from({ length: 1_000 }, (_, n) => n));
    assert.deepEqual(bench.line.pauses, [true, false], "so much at once paused the transport");
  }
});

test("addresses: web ones mean their WebSocket, no path the default one; what is not served is refused", () => {
  const transports = { "ws:": () => assert.fail(), "wss:": () => assert.fail(), "tcp:": () => assert.fail() };
  const platform = { transports, timers: () => assert.fail(), random: Math.random };
  const at = (url: string | URL) => new Client(platform, url, {}).url.href;
  assert.equal(at("ws://host:7610"), "ws://host:7610/ws");
  assert.equal(at("https://host/"), "wss://host/ws");
  assert.equal(at(new URL("http://host/chat?x=1#y")), "ws://host/chat?x=1");
  assert.equal(at("tcp://host:7610"), "tcp://host:7610");
  for (const bad of ["host", "/ws", "ftp://host", "toString://host", ""]) assert.throws(() => at(bad), Invalid, bad);
});

test("options that cannot work are refused at once, each by its name", () => {
  const refused: [string, object][] = [
    ["rooms", { rooms: 0 }],
    ["rooms", { rooms: 1_025 }],
    ["timeouts.heartbeat", { timeouts: { heartbeat: 30_000 } }],
    ["timeouts.call", { timeouts: { call: Infinity } }],
    ["reconnect.first", { reconnect: { first: 0 } }],
    ["reconnect.most", { reconnect: { first: 600, most: 500 } }],
    ["reconnect.attempts", { reconnect: { attempts: -1 } }],
    ["wire.version", { wire: { version: 16 } }],
    ["wire.length", { wire: { length: "all" } }],
    ["wire.frameMax", { wire: { frameMax: 16 * 1024 * 1024 } }],
    ["wire.commands.login", { wire: { commands: { login: 0 } } }],
    ["wire.commands", { wire: { commands: { login: 6 } } }],
    ["wire.loginFields.token", { wire: { loginFields: { token: 0, userId: 2 } } }],
  ];
  for (const [field, options] of refused) {
    assert.throws(() => new Bench(options), (error) => error instanceof Invalid && error.field === field, field);
  }
  new Bench({ rooms: 1_024, timeouts: {}, wire: { length: "rest", version: 15 }, reconnect: { attempts: Infinity } });
});
