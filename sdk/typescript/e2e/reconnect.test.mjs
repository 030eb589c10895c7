// A network that drops, stalls and comes back, between the SDK in Node and the real server.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Longwire } from "@longwire/client";
import { Ear, next, reached, within } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { random } from "./random.mjs";
import { Server } from "./server.mjs";

const bob = { userId: "bob", token: "local" };
/** Quick to come back, so that tests wait for events and not for time. */
const QUICK = { reconnect: { first: 20, most: 100 } };
/** Notices silence soon, and not so soon that a busy machine would pass for a dead one. */
const WARY = { timeouts: { heartbeat: 200, pong: 2_000 } };

let server;
before(async () => {
  server = await Server.start();
});
after(() => server.stop());

/** A client behind a proxy, and one that speaks without it, both in `room`. */
async function pair(scheme, room, options = {}) {
  const proxy = await Proxy.start(server.port);
  const lw = new Longwire(server.url(scheme).replace(String(server.port), String(proxy.port)), { ...QUICK, ...options });
  const speaker = new Longwire(server.url("tcp"), { login: bob });
  await Promise.all([lw.connect(), speaker.connect()]);
  const [here, there] = [await lw.join(room), await speaker.join(room)];
  const end = async () => {
    await Promise.all([lw.close(), speaker.close()]);
    await proxy.down();
  };
  return { proxy, lw, here, there, speaker, end };
}

/** Connected again, and a member of the room again. */
async function back(lw, room) {
  await reached(lw, "connected");
  if (room.state !== "joined") await next(room, "state", (state) => state === "joined", "the room joined again");
}

for (const scheme of ["tcp", "ws"]) {
  describe(`over ${scheme}`, () => {
    test(`a cut is told, logged in and joined again (${scheme})`, async () => {
      let asked = 0;
      const login = () => ({ userId: "alice", token: `token ${++asked}` });
      const { proxy, lw, here, there, end } = await pair(scheme, `cut-${scheme}`, { login });
      const states = new Ear(lw, "state");
      const ears = new Ear(here);
      proxy.cut();
      await next(lw, "state", (state) => state.name === "connected");
      await back(lw, here);
      const told = states.rest().map((state) => [state.name, state.back ?? state.attempt]);
      assert.deepEqual(told, [["waiting", 1], ["connecting", 2], ["connected", true]]);
      assert.equal(asked, 2, "the login provider is asked for every connection");
      assert.equal(lw.userId, "alice");
      await there.send("are you back?");
      assert.equal((await ears.take())[0].text, "are you back?");
      await here.send("I am");
      await lw.ping();
      await end();
    });

    test(`a connection that went silent is given up, and nothing of it comes late (${scheme})`, async () => {
      const { proxy, lw, here, there, speaker, end } = await pair(scheme, `stall-${scheme}`, WARY);
      const ears = new Ear(here);
      proxy.stall();
      for (let at = 0; at < 10; at += 1) await there.send(`into the stall ${at}`);
      await speaker.ping();
      const { error } = await next(lw, "state", (state) => state.name === "waiting");
      assert.deepEqual([error.name, error.why], ["Disconnected", "silent"]);
      proxy.resume();
      await back(lw, here);
      await there.send("fresh");
      assert.equal((await ears.take())[0].text, "fresh");
      assert.deepEqual(ears.rest(), []);
      await end();
    });

    test(`while nobody listens it tries on; nothing is kept for later (${scheme})`, async () => {
      const { proxy, lw, here, end } = await pair(scheme, `down-${scheme}`, { login: { userId: "alice", token: "t" } });
      await proxy.down();
      await reached(lw, "waiting");
      await assert.rejects(here.send("to nobody"), { name: "NotConnected" });
      const third = await next(lw, "state", (state) => state.name === "waiting" && state.attempt === 4);
      assert(third.retryIn < 100, `full jitter under reconnect.most: ${third.retryIn}`);
      assert.equal(third.error.why, "unreachable");
      await proxy.up();
      await back(lw, here);
      await here.send("to somebody");
      await lw.ping();
      await end();
    });

    test(`no message comes twice, and none out of order, over any cuts (${scheme})`, async () => {
      const rolls = random();
      let changed = () => {};
      const until = async (holds) => {
        while (!holds()) await within(new Promise((change) => (changed = change)), "a message");
      };
      const { proxy, lw, here, there, speaker, end } = await pair(scheme, `twice-${scheme}`, { gzip: true });
      const [heard, certain] = [[], []];
      here.on("message", (message) => {
        heard.push(Number(message.text.split(" ")[0]));
        changed();
      });
      let said = 0;
      // Every third is long enough to be compressed.
      const say = () => there.send(`${said++} ${said % 3 ? "short" : "long ".repeat(200)}`);
      for (let round = 0; round < 25; round += 1) {
        await back(lw, here);
        const lost = next(lw, "state", (state) => state.name === "waiting");
        const burst = 1 + rolls(40);
        for (let at = 0; at < burst; at += 1) await say();
        // A cut takes with it what is under way; half of the time nothing is.
        if (rolls(2)) {
          await until(() => heard.at(-1) === said - 1);
          for (let number = said - burst; number < said; number += 1) certain.push(number);
        }
        const isCut = rolls(3) > 0;
        if (isCut) proxy.cut();
        else proxy.stall();
        for (let at = rolls(10); at > 0; at -= 1) await say();
        if (!isCut) lw.wake();
        await lost;
        proxy.resume();
      }
      await back(lw, here);
      const last = said;
      const arrived = next(here, "message", (message) => message.text.startsWith(`${last} `));
      await say();
      await arrived;
      assert(heard.every((number, at) => at === 0 || heard[at - 1] < number), `in order, once: ${heard}`);
      assert.deepEqual(certain.filter((number) => !heard.includes(number)), [], "said to a member, and not under way at a cut");
      assert(certain.length > 0);
      await end();
    });
  });
}

test("a server that restarts gets its clients back", async () => {
  const first = await Server.start();
  const clients = Array.from({ length: 5 }, () => new Longwire(first.url("ws"), { reconnect: { first: 50, most: 200 } }));
  await Promise.all(clients.map((lw) => lw.connect()));
  const rooms = await Promise.all(clients.map((lw) => lw.join("restart")));
  const lost = clients.map((lw) => next(lw, "state", (state) => state.name === "waiting"));
  await first.stop();
  for (const { error } of await Promise.all(lost)) assert.deepEqual([error.why, error.code], ["closed", 4000]);
  const second = await Server.start({ listen: `127.0.0.1:${first.port}` });
  await Promise.all(clients.map((lw, at) => back(lw, rooms[at])));
  const speaker = new Longwire(second.url("tcp"), { login: bob });
  await speaker.connect();
  const ears = rooms.map((room) => new Ear(room));
  await (await speaker.join("restart")).send("welcome back");
  for (const ear of ears) assert.equal((await ear.take())[0].text, "welcome back");
  await Promise.all([...clients, speaker].map((lw) => lw.close()));
  await second.stop();
});

test("a sender that the network does not keep up with is told, and nothing piles up", async () => {
  const { proxy, lw, here, end } = await pair("tcp", "slow", { login: { userId: "alice", token: "t" } });
  const content = new Uint8Array(60_000);
  proxy.stall();
  // The kernel's buffers take some megabytes before ours fill.
  const limit = 5_000;
  let error;
  for (let at = 0; at < limit && !error; at += 1) error = await here.send(content).then(() => undefined, (refused) => refused);
  assert.equal(error?.name, "Backpressure");
  assert(error.bufferedAmount > 1024 * 1024 && error.bufferedAmount < 1024 * 1024 + 2 * content.length, `${error.bufferedAmount}`);
  assert.equal(lw.state.name, "connected");
  proxy.resume();
  // Nobody tells when the network has caught up; one looks.
  while (lw.bufferedAmount > 0) await sleep(10);
  await here.send("and on it goes");
  await lw.ping();
  await end();
});

test("what never works is told apart from what may", async () => {
  const guestless = await Server.start({ sets: { "login.guests": "false", "login.sessions": "newest" } });
  const guest = new Longwire(guestless.url("ws"), QUICK);
  await assert.rejects(guest.connect({ retry: true }), { name: "Refused", statusName: "FORBIDDEN", call: { name: "login" } });
  assert.deepEqual([guest.state.name, guest.state.reason], ["closed", "refused"]);

  const older = new Longwire(guestless.url("ws"), { ...QUICK, login: bob });
  await older.connect();
  const newer = new Longwire(guestless.url("ws"), { ...QUICK, login: bob });
  const replaced = next(older, "state", (state) => state.name === "closed");
  await newer.connect();
  assert.equal((await replaced).reason, "replaced");
  await newer.close();
  assert.equal(newer.state.reason, "closed");

  const limited = new Longwire(guestless.url("ws"), { ...QUICK, login: bob, reconnect: { first: 1, most: 1, attempts: 3 } });
  await limited.connect();
  const gaveUp = next(limited, "state", (state) => state.name === "closed");
  await guestless.stop();
  const end = await gaveUp;
  assert.deepEqual([end.reason, end.error.name], ["gave-up", "Disconnected"]);
});

test("over TCP two clients of one user replace each other until reconnect.attempts ends it", async () => {
  const strict = await Server.start({ sets: { "login.sessions": "newest" } });
  const clients = [1, 2].map(() => new Longwire(strict.url("tcp"), { login: bob, reconnect: { first: 20, most: 20, attempts: 3 } }));
  const closed = Promise.race(clients.map((lw) => next(lw, "state", (state) => state.name === "closed")));
  for (const lw of clients) await lw.connect();
  const { reason, error } = await closed;
  //= PROTOCOL.md#8.24
  // The close of 8.16 comes without a frame of its own, so it is a loss like any other.
  assert.deepEqual([reason, error.why], ["gave-up", "closed"]);
  const other = clients.find((lw) => lw.state.name !== "closed");
  await reached(other, "connected");
  await other.close();
  await strict.stop();
});

test("a login provider that fails is asked again", async () => {
  let [asked, failing] = [0, false];
  const login = async () => {
    asked += 1;
    if (failing) throw new Error("the token service is down");
    return { userId: "alice", token: "t" };
  };
  const { proxy, lw, here, end } = await pair("ws", "provider", { login });
  failing = true;
  proxy.cut();
  const { error } = await next(lw, "state", (state) => state.name === "waiting" && state.error.name === "LoginUnavailable");
  assert.equal(error.cause.message, "the token service is down");
  failing = false;
  await back(lw, here);
  assert(asked >= 3);
  await end();
});

test("a client that is closed while it waits does not come back", async () => {
  const { proxy, lw, end } = await pair("tcp", "goodbye", { timeouts: { close: 24 * 3_600_000 } });
  await proxy.down();
  await reached(lw, "waiting");
  await within(lw.close(), "a goodbye that waits for nobody");
  await proxy.up();
  assert.deepEqual([lw.state.name, lw.state.reason], ["closed", "closed"]);
  assert.equal(proxy.open, 0);
  await end();
});
