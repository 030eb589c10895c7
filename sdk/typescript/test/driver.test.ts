/** From `connect()` to closed for good: attempts, losses, looks and goodbyes, with the server played by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { State } from "../src/driver.js";
import { Disconnected, Invalid, Refused, Status } from "../src/errors.js";
import { decode } from "../src/proto/codec.js";
import { LoginRequest } from "../src/proto/longwire.js";
import { settled } from "./support/clock.js";
import { Bench, failure, names } from "./support/line.js";
import { CODES } from "./support/peer.js";

test("the first attempt decides, unless it is told to retry", async () => {
  const bench = new Bench();
  const failed = failure(bench.client.connect());
  await settled();
  bench.line.events.close({ error: new Error("nobody there") });
  const error = await failed;
  assert.ok(error instanceof Disconnected);
  assert.equal(error.why, "unreachable");
  assert.match(error.message, /nobody there/);
  assert.deepEqual([bench.client.state.name, (bench.client.state as { reason: string }).reason], ["closed", "unreachable"]);
  const connected = bench.client.connect({ retry: true });
  await settled();
  bench.line.events.close({});
  assert.deepEqual(bench.client.state, { name: "waiting", error: (bench.client.state as { error: Error }).error, retryIn: 250, attempt: 1 });
  await bench.clock.pass(250);
  await bench.accept();
  await connected;
  assert.equal(bench.lines.length, 3);
});

test("who does not await connect has the states, and no unhandled rejection", async () => {
  const bench = new Bench();
  void bench.client.connect();
  await settled();
  bench.line.events.close({});
  await settled();
  assert.deepEqual([bench.client.state.name, (bench.client.state as { reason: string }).reason], ["closed", "unreachable"]);
});

test("a client that a listener closes as soon as it connects was never connected", async () => {
  const bench = new Bench();
  bench.client.on("state", ({ name }) => {
    if (name === "connecting") void bench.client.close();
  });
  assert.equal((await failure(bench.client.connect())).name, "Closed");
  await settled();
  assert.deepEqual([bench.client.state.name, bench.lines.length], ["closed", 0]);
});

test("connecting has its time, and so has logging in, and so has the provider", async () => {
  const bench = new Bench();
  const unopened = failure(bench.client.connect());
  await bench.clock.pass(5_000);
  assert.deepEqual([((await unopened) as Disconnected).why, bench.line.closed], ["timeout", true]);
  const unanswered = failure(bench.client.connect());
  await settled();
  bench.line.events.open();
  await bench.clock.pass(10_000);
  assert.deepEqual([((await unanswered) as Disconnected).why, bench.line.closed], ["timeout", true]);
  const waiting = new Bench({ login: () => new Promise(() => {}) });
  const unasked = failure(waiting.client.connect());
  await waiting.clock.pass(10_000);
  assert.deepEqual([(await unasked).name, waiting.lines.length], ["LoginUnavailable", 0]);
});

test("a refused login closes for good with its status; one that may pass is tried again at a distance", async () => {
  const bench = new Bench({ login: { userId: "alice", token: "wrong" } });
  const refused = failure(bench.client.connect({ retry: true }));
  await settled();
  bench.line.events.open();
  bench.line.hears(bench.line.answer(Status.OVERLOADED));
  assert.deepEqual([bench.client.state.name, (bench.client.state as { retryIn: number }).retryIn], ["waiting", 1_000]);
  await bench.clock.pass(1_000);
  bench.line.events.open();
  bench.line.hears(bench.line.answer(Status.UNAUTHENTICATED));
  assert.equal(((await refused) as Refused).statusName, "UNAUTHENTICATED");
  assert.deepEqual([bench.client.state.name, (bench.client.state as { reason: string }).reason], ["closed", "refused"]);
  await bench.clock.pass(100_000);
  assert.deepEqual([bench.lines.length, bench.timers.armed], [2, 0]);
});

test("too many connections are waited out while they may be our own lost one, and then believed", async () => {
  const bench = await Bench.connected({ login: { userId: "alice", token: "t" } });
  const state = (): State => bench.client.state;
  bench.line.events.close({ code: 1006 });
  const refuse = async () => {
    await bench.clock.pass(30_000);
    bench.line.events.open();
    bench.line.hears(bench.line.answer(Status.TOO_MANY));
  };
  // A connection that nobody opens in time is one more attempt: several are made in these 30 s.
  await refuse();
  assert.equal(state().name, "waiting");
  await refuse();
  await refuse();
  assert.deepEqual([state().name, (state() as { reason: string }).reason], ["closed", "refused"]);
});

test("a login that cannot be sent, or a provider that throws, is told as such", async () => {
  const invalid = new Bench({ login: { userId: "", token: "t" } });
  assert.ok((await failure(invalid.client.connect({ retry: true }))) instanceof Invalid);
  assert.equal((invalid.client.state as { reason: string }).reason, "refused");
  let asked = 0;
  const throwing = new Bench({
    login: () => {
      if (++asked === 1) throw new Error("no token");
      return "guest";
    },
  });
  const connected = throwing.client.connect({ retry: true });
  await settled();
  assert.equal((throwing.client.state as { error: Error }).error.name, "LoginUnavailable");
  await throwing.clock.pass(250);
  await throwing.accept();
  await connected;
});

test("the provider is asked before every connection, and its answer is what goes out", async () => {
  let asked = 0;
  const bench = await Bench.connected({ login: async () => ({ userId: "alice", token: `token ${++asked}` }) });
  for (let n = 2; n < 5; n++) {
    bench.line.events.close({ code: 4006 });
    await bench.clock.pass(5_000);
    await bench.accept();
    assert.equal(decode(LoginRequest, bench.line.sent[0]!.body).token, `token ${n}`);
  }
});

test("a transport that takes nothing any more ends the connection; a send does not pretend", async () => {
  const bench = await Bench.connected({}, "lobby");
  bench.line.broken = true;
  assert.equal((await failure(bench.client.rooms[0]!.send("x"))).name, "NotConnected");
  assert.equal(bench.client.state.name, "waiting");
});

test("closed for good is told apart: replaced, removed, gave up", async () => {
  const table = [
    [{ code: 4506 }, "replaced"],
    [{ code: 4504 }, "removed"],
  ] as const;
  for (const [end, reason] of table) {
    const bench = await Bench.connected({}, "lobby");
    const room = bench.client.rooms[0]!;
    bench.line.events.close(end);
    assert.deepEqual([bench.client.state.name, (bench.client.state as { reason: string }).reason, room.state], ["closed", reason, "left"]);
    for (const call of [room.send("x"), bench.client.ping(), bench.client.join("lobby")]) assert.equal((await failure(call)).name, "Closed");
  }
  const bench = await Bench.connected({ reconnect: { attempts: 0 } });
  bench.line.events.close({});
  assert.equal((bench.client.state as { reason: string }).reason, "gave-up");
});

test("what an old connection still brings is nobody's", async () => {
  const bench = await Bench.connected({}, "lobby");
  const [old] = bench.lines;
  const texts: string[] = [];
  bench.client.on("message", ({ text }) => texts.push(text ?? ""));
  old!.events.close({});
  await bench.clock.pass(500);
  await bench.accept();
  bench.line.hears(bench.line.answer());
  old!.hears(old!.push("lobby", { text: "late" }));
  old!.events.open();
  old!.events.close({ code: 4506 });
  bench.line.hears(bench.line.push("lobby", { text: "now" }));
  assert.deepEqual([texts, bench.client.state.name], [["now"], "connected"]);
});

test("close while connecting, asking, waiting or leaving ends it all and answers everybody", async () => {
  const connecting = new Bench();
  const first = failure(connecting.client.connect());
  await settled();
  await connecting.client.close();
  assert.deepEqual([(await first).name, connecting.line.closed, connecting.timers.closed], ["Closed", true, true]);
  const asking = new Bench({ login: () => new Promise(() => {}) });
  const second = failure(asking.client.connect());
  await settled();
  await asking.client.close();
  assert.deepEqual([(await second).name, asking.lines.length], ["Closed", 0]);
  let answer: (login: "guest") => void = () => {};
  const late = new Bench({ login: () => new Promise((resolve) => (answer = resolve)) });
  const third = failure(late.client.connect());
  await settled();
  await late.client.close();
  answer("guest");
  await settled();
  assert.deepEqual([(await third).name, late.lines.length], ["Closed", 0], "nothing is opened for a login that comes too late");
  const waiting = await Bench.connected();
  waiting.line.events.close({});
  await waiting.client.close();
  await waiting.clock.pass(60_000);
  assert.equal(waiting.lines.length, 1);
  const leaving = await Bench.connected();
  const pinging = failure(leaving.client.ping());
  const closed = leaving.client.close();
  assert.equal((await pinging).name, "Closed");
  let again = false;
  void leaving.client.close().then(() => (again = true));
  await leaving.clock.pass(4_999);
  assert.deepEqual([leaving.line.closed, again], [false, false]);
  await leaving.clock.pass(1);
  await closed;
  await settled();
  assert.deepEqual([leaving.line.closed, again], [true, true], "a server that does not close is not waited for longer than 5 s");
  await new Bench().client.close();
});

test("a client that is closed may connect again, with its listeners and without its rooms", async () => {
  const bench = await Bench.connected({}, "lobby");
  const texts: string[] = [];
  bench.client.on("message", ({ text }) => texts.push(text ?? ""));
  bench.line.events.close({ code: 4506 });
  const again = bench.client.connect();
  await bench.accept();
  await again;
  assert.deepEqual([bench.client.rooms, bench.line.sent.length], [[], 1]);
  const joined = bench.client.join("lobby");
  bench.line.hears(bench.line.answer());
  await joined;
  await settled();
  bench.line.hears(bench.line.push("lobby", { text: "back" }));
  assert.deepEqual(texts, ["back"]);
});

test("a platform that wakes at once does not connect twice", async () => {
  const bench = new Bench({ platform: { onWake: (wake) => (wake(), () => {}) } });
  const connected = bench.client.connect();
  await bench.accept();
  await connected;
  assert.equal(bench.lines.length, 1);
});

test("waking tries at once while waiting, but not more than once a second", async () => {
  const bench = await Bench.connected();
  const state = (): State => bench.client.state;
  bench.line.events.close({});
  bench.wake!();
  assert.equal(state().name, "connecting");
  await settled();
  bench.line.events.close({});
  bench.wake!();
  assert.equal(state().name, "waiting");
  await bench.clock.pass(1_000);
  await bench.accept();
  assert.equal(state().name, "connected");
  bench.clock.now += 31_000;
  bench.wake!();
  assert.deepEqual([state().name, (state() as { retryIn: number }).retryIn], ["waiting", 0]);
  await bench.clock.pass(0);
  await bench.accept();
  assert.deepEqual(state(), { name: "connected", back: true });
  void bench.client.close();
  assert.equal(bench.wake, undefined);
});

test("shown over a half-open connection, a client with a round trip of 40 ms is back within a second", async () => {
  const bench = await Bench.connected({}, "lobby");
  const states: State[] = [];
  const room = bench.client.rooms[0]!;
  bench.client.on("state", (state) => states.push(state));
  await bench.clock.pass(14_000 + 40);
  bench.line.hears(bench.line.answer()); // the heartbeat's
  await bench.clock.pass(5_000);
  const shown = bench.clock.now;
  bench.wake!();
  assert.equal(bench.line.sent.at(-1)!.command, CODES.ping);
  await bench.clock.pass(500);
  assert.deepEqual([names(states), (states[0] as { retryIn: number }).retryIn], ["waiting connecting", 0]);
  assert.equal(bench.lines.length, 2, "at once, whatever the jitter says");
  // TCP, the upgrade, LOGIN, JOIN_CR.
  await bench.clock.pass(80);
  bench.line.events.open();
  await bench.clock.pass(40);
  bench.line.hears(bench.line.answer(0, bench.line.sent[0]));
  await bench.clock.pass(40);
  bench.line.hears(bench.line.answer());
  assert.equal(room.state, "joined");
  assert.ok(bench.clock.now - shown < 1_000, `${bench.clock.now - shown} ms`);
});

test("a look brings one attempt forward, none where the server asked for distance, and none later", async () => {
  const state = (bench: Bench): { name: string; retryIn?: number } => bench.client.state;
  const bench = await Bench.connected();
  bench.wake!();
  bench.line.events.close({ code: 1006 });
  assert.equal(state(bench).retryIn, 0);
  await bench.clock.pass(0);
  await bench.accept();
  bench.line.events.close({ code: 1006 });
  assert.equal(state(bench).retryIn, 500, "the second loss of one look");
  await bench.clock.pass(500);
  await bench.accept();
  bench.wake!();
  bench.line.events.close({ code: 4000 });
  assert.ok(state(bench).retryIn! > 0, "the server goes down");
  await bench.clock.pass(state(bench).retryIn!);
  await bench.accept();
  bench.wake!();
  bench.line.hears(bench.line.answer());
  await bench.clock.pass(4_000);
  bench.line.events.close({ code: 1006 });
  assert.ok(state(bench).retryIn! > 0, "the look found it alive");
});

/** Time passes over a connection that is well. */
async function live(bench: Bench, ms: number): Promise<void> {
  for (const until = bench.clock.now + ms; bench.clock.now < until; ) {
    await bench.clock.pass(Math.min(5_000, until - bench.clock.now));
    bench.line.hears(bench.line.answer());
  }
}

//= PROTOCOL.md#8.24
// No frame tells who is replaced, so over TCP that is a loss like any other: two of one user could go on for ever.
test("connections that do not last are failures in a row, and reconnect.attempts bounds them", async () => {
  const lost = async (ms: number): Promise<number> => {
    const bench = await Bench.connected({ reconnect: { attempts: 6 } });
    const state = (): { name: string; reason?: string; retryIn?: number } => bench.client.state;
    for (let connections = 1; connections <= 20; connections++) {
      await live(bench, ms);
      bench.line.events.close({});
      if (state().reason === "gave-up") return connections;
      await bench.clock.pass(state().retryIn!);
      await bench.accept();
    }
    return Infinity;
  };
  assert.deepEqual([await lost(1_000), await lost(59_000), await lost(60_000)], [7, 7, Infinity]);
});
