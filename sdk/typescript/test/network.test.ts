/**
 * A whole client over a seeded network that refuses, cuts, stalls and leaves connections half open, in virtual time.
 *
 * A failure names its seed: `LONGWIRE_SEED=n npm test` runs that one alone; `LONGWIRE_SEEDS` sets how many there are.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../src/client.js";
import type { State } from "../src/driver.js";
import { type LongwireError, Refused } from "../src/errors.js";
import { isLater } from "../src/verdict.js";
import { Clock, settled, TestTimers } from "./support/clock.js";
import { CALM, Network } from "./support/network.js";
import { random, seeds } from "./support/random.js";

const ROOMS = ["attic", "cellar", "lobby"];
/** Past every timeout of a client. */
const LONG_MS = 120_000;
const BUFFERED_MAX = 1024 * 1024 + 65_536 + 11;

const NEXT: Record<State["name"], State["name"][]> = {
  idle: ["connecting"],
  connecting: ["connected", "waiting", "closed"],
  connected: ["waiting", "closed"],
  waiting: ["connecting", "closed"],
  closed: ["connecting"],
};

/** A client, its network, and an account of all that it was told. */
class World {
  readonly clock = new Clock();
  readonly dice: () => number;
  readonly net: Network;
  readonly timers: TestTimers;
  readonly client: Client;
  readonly heard = new Map<string, number>();
  readonly lastOf = new Map<string, number>();
  readonly refused = new Set<number>();
  states: string[] = [];
  broken: string[] = [];
  calls = 0;
  open = 0;
  logins = 0;
  said = 0;
  was: State["name"] = "idle";

  constructor(readonly seed: number) {
    this.dice = random(seed);
    this.net = new Network(this.clock, this.dice);
    this.timers = new TestTimers(this.clock, random(seed + 1));
    const platform = { transports: { "sim:": this.net.open }, timers: () => this.timers, random: random(seed + 2) };
    this.client = new Client(platform, "sim://server", { login: this.login });
    this.client.on("message", (message) => this.#hear(message.room, message.text ?? ""));
    this.client.on("state", (state) => this.#stand(state));
    this.client.on("error", (error) => this.#err(error));
  }

  readonly login = () => ({ userId: "alice", token: `token ${++this.logins}` });

  /** A promise that was broken. A listener that throws would be the application's fault, so it is kept. */
  #hold(holds: boolean, what: string): void {
    if (!holds) this.broken.push(what);
  }

  #hear(room: string, text: string): void {
    this.heard.set(text, (this.heard.get(text) ?? 0) + 1);
    this.#hold(this.heard.get(text) === 1, `${text} was handed over twice`);
    const number = Number(text.split(" ")[1]);
    if (text.startsWith("srv")) {
      this.#hold(number > (this.lastOf.get(room) ?? 0), `${text} came behind ${this.lastOf.get(room)} in ${room}`);
      this.lastOf.set(room, number);
    }
  }

  #stand(state: State): void {
    this.#hold(NEXT[this.was].includes(state.name), `${this.was} is not followed by ${state.name}`);
    this.#hold(this.client.state === state, "the state told is not the state");
    this.was = state.name;
    this.states.push(state.name);
    if (state.name !== "waiting") return;
    const ceiling = Math.min(30_000, Math.max(500 * 2 ** (state.attempt - 1), isLater(state.error) ? 2_000 : 0));
    this.#hold(state.retryIn >= 0 && state.retryIn < ceiling, `a wait of ${state.retryIn}, attempt ${state.attempt}`);
    this.#hold(this.client.rooms.every((room) => room.state === "joining"), "a room is joined without a connection");
  }

  #err(error: LongwireError): void {
    this.#hold(error instanceof Refused, `${error.name} as an event`);
    if (error instanceof Refused && error.call.name === "send") this.refused.add(error.call.id);
  }

  /** A call that must be answered, one way or the other. */
  async call(make: () => Promise<unknown>): Promise<boolean> {
    this.calls++;
    this.open++;
    try {
      await make();
      return true;
    } catch (error) {
      assert.ok(["NotConnected", "Lost", "TimedOut", "Refused", "Backpressure", "Closed"].includes((error as Error).name), String(error));
      return false;
    } finally {
      this.open--;
    }
  }

  /** One thing that an application or the rest of the world may do. */
  act(): void {
    const { client, dice } = this;
    const room = ROOMS[Math.floor(dice() * ROOMS.length)]!;
    const held = client.rooms.find(({ id }) => id === room);
    const what = dice();
    if (what < 0.5) this.net.server.publish(room, `srv ${++this.said}`);
    else if (what < 0.75 && held) void this.call(() => held.send(`own ${++this.said} ${"x".repeat(dice() * 2_000)}`));
    else if (what < 0.85) void this.call(() => client.ping());
    else if (what < 0.92) void this.call(() => client.join(room));
    else if (what < 0.94) void this.call(() => client.login(this.login));
    else if (what < 0.97) client.wake();
    else if (what < 0.98) this.net.server.closeAll([4000, 4001, 4002, 4003, 4006, 4007][Math.floor(dice() * 6)]!);
    this.check();
  }

  check(): void {
    assert.deepEqual(this.broken, []);
    const live = this.net.live;
    assert.ok(live.length <= 1, `${live.length} connections at once`);
    assert.ok((live[0]?.bufferedAmount ?? 0) <= BUFFERED_MAX, "the transport holds more than may wait");
    assert.ok(this.timers.armedMost <= 1, `${this.timers.armedMost} alarms at once`);
  }
}

async function live(seed: number): Promise<World> {
  const world = new World(seed);
  const { client, clock, net, dice } = world;
  const connected = world.call(() => client.connect({ retry: true }));
  await clock.pass(1_000);
  assert.ok(await connected);
  for (const room of ROOMS) assert.ok(await run(world, () => client.join(room)));
  const bad = () => dice() ** 2 * 0.3;
  net.faults = { refuse: bad(), hang: bad(), cut: bad() / 2, stall: bad() / 2, refusal: bad(), again: 0.5 };
  for (let n = 0; n < 150; n++) {
    world.act();
    await clock.pass(dice() * 2_000);
  }
  net.faults = CALM;
  await clock.pass(LONG_MS);
  return world;
}

/** Lets time pass until a call is answered. */
async function run(world: World, make: () => Promise<unknown>): Promise<boolean> {
  const done = world.call(make);
  await world.clock.pass(1_000);
  return done;
}

const SEEDS = seeds(Number(process.env["LONGWIRE_SEEDS"] ?? 60));

test(`whatever the network does, a client comes back and keeps its word (${SEEDS.length} seeds)`, async () => {
  const totals = { heard: 0, calls: 0, connections: 0, logins: 0 };
  for (const seed of SEEDS) {
    try {
      const world = await live(seed);
      const { client, net, clock } = world;
      world.check();
      assert.equal(world.open, 0, "a call was never answered");
      assert.equal(client.state.name, "connected");
      assert.deepEqual(client.rooms.map(({ id, state }) => `${id} ${state}`).sort(), ROOMS.map((room) => `${room} joined`));
      assert.ok(world.logins >= world.states.filter((state) => state === "connected").length, "the provider is asked each time");
      for (const room of ROOMS) net.server.publish(room, `srv ${++world.said}`);
      await clock.pass(1_000);
      for (let n = world.said - 2; n <= world.said; n++) assert.equal(world.heard.get(`srv ${n}`), 1, "a room was not joined again");
      void world.call(() => client.close());
      await clock.pass(10_000);
      assert.deepEqual([world.open, net.live.length, world.timers.armed, world.timers.closed], [0, 0, 0, true]);
      totals.heard += world.heard.size;
      totals.calls += world.calls;
      totals.connections += net.wires.length;
      totals.logins += world.logins;
    } catch (error) {
      throw new Error(`LONGWIRE_SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
  console.log(`# ${JSON.stringify(totals)}`);
  // The network must have been bad, and the clients must have come through.
  assert.ok(totals.connections > SEEDS.length && totals.heard > SEEDS.length * 20, JSON.stringify(totals));
});

test("the same seed is the same run", async () => {
  const [a, b] = [await live(SEEDS[0]!), await live(SEEDS[0]!)];
  assert.deepEqual([a.states, [...a.heard]], [b.states, [...b.heard]]);
  await settled();
});
