/** A transport whose other end is the test's own hands. */

import assert from "node:assert/strict";
import { Client } from "../../src/client.js";
import type { LongwireOptions } from "../../src/config.js";
import type { State } from "../../src/driver.js";
import type { OpenTransport, Transport, TransportEvents } from "../../src/platform.js";
import { Decoder, Flow, type Frame } from "../../src/wire/frame.js";
import { Clock, settled, TestTimers } from "./clock.js";
import { CODES, pushBody, type Said, serverFrame } from "./peer.js";

export class Line implements Transport {
  bufferedAmount = 0;
  closed = false;
  broken = false;
  pauses: boolean[] = [];
  readonly sent: Frame[] = [];
  readonly #decoder = new Decoder("body", 131_072);

  constructor(readonly events: TransportEvents) {}

  send(bytes: Uint8Array): void {
    if (this.broken || this.closed) throw new Error("not open");
    this.#decoder.push(bytes);
    for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) this.sent.push(frame);
  }

  close(): void {
    this.closed = true;
  }

  pause(): void {
    this.pauses.push(true);
  }

  resume(): void {
    this.pauses.push(false);
  }

  /** The bytes of an answer to the last frame that was sent, or to this one. */
  answer(status = 0, { command, seq } = this.sent.at(-1)!): Uint8Array {
    return serverFrame(command === CODES.ping && !status ? CODES.pong : command, Flow.ANSWER, seq, status);
  }

  /** The bytes of a push. */
  push(room: string, ...said: Said[]): Uint8Array {
    return serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, pushBody(room, said));
  }

  hears(...frames: Uint8Array[]): void {
    this.events.bytes(Uint8Array.from(frames.flatMap((frame) => [...frame])));
  }
}

/** A client, and every line it opened. */
export class Bench {
  readonly clock = new Clock();
  readonly timers = new TestTimers(this.clock);
  readonly lines: Line[] = [];
  readonly client: Client;
  wake: (() => void) | undefined;

  constructor(options: LongwireOptions = {}) {
    const open: OpenTransport = (_url, events) => {
      const line = new Line(events);
      this.lines.push(line);
      return line;
    };
    const onWake = (wake: () => void) => {
      this.wake = wake;
      return () => (this.wake = undefined);
    };
    const timers = () => {
      this.timers.closed = false;
      return this.timers;
    };
    const platform = { transports: { "ws:": open }, timers, random: () => 0.5, onWake };
    this.client = new Client(platform, "ws://server", options);
  }

  get line(): Line {
    return this.lines.at(-1)!;
  }

  /** A client that is connected, and in these rooms. */
  static async connected(options: LongwireOptions = {}, ...rooms: string[]): Promise<Bench> {
    const bench = new Bench(options);
    const connected = bench.client.connect();
    await bench.accept();
    await connected;
    for (const room of rooms) {
      const joined = bench.client.join(room);
      bench.line.hears(bench.line.answer());
      assert.equal((await joined).id, room);
      await settled();
    }
    return bench;
  }

  /** The server takes the connection that is being opened, and the login. */
  async accept(): Promise<void> {
    await settled();
    this.line.events.open();
    this.line.hears(this.line.answer());
    await settled();
  }
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail("it did not reject");
}

/** The states that a client went through, in a line. */
export function names(states: State[]): string {
  return states.map(({ name }) => name).join(" ");
}
