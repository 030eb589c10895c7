/**
 * From `connect()` to closed for good: one connection after the other, and the time between them.
 *
 * Knows nothing of the protocol. Nothing is kept for later while there is no connection: calls fail at once. Has one
 * alarm, which may come early, late or twice.
 */

import { Backoff } from "./backoff.js";
import { Connection, type Parts, type Told } from "./connection.js";
import { Closed, type LongwireError, NotConnected } from "./errors.js";
import { GHOST_MS, LATER_MS, STABLE_MS, WAKE_APART_MS, WAKE_LOSS_MS } from "./limits.js";
import type { Login } from "./message.js";
import { type CloseReason, finality, isLater } from "./verdict.js";

/** Where a client stands; told apart by `name`. */
export type State =
  /** `connect()` was not called yet. */
  | { readonly name: "idle" }
  /** Opening a connection or logging in; `attempt` counts those in a row, from 1. */
  | { readonly name: "connecting"; readonly attempt: number }
  /** Logged in; `back`: it was before, and its rooms are being joined again. */
  | { readonly name: "connected"; readonly back: boolean }
  /** The connection is gone, or none could be made, for this reason; there is another attempt in `retryIn` ms. */
  | { readonly name: "waiting"; readonly error: LongwireError; readonly retryIn: number; readonly attempt: number }
  /** Closed for good. */
  | { readonly name: "closed"; readonly reason: CloseReason; readonly error?: LongwireError };

/** What a driver tells beside what connections do. */
export interface DriverEvents {
  told(event: Told): void;
  state(state: State): void;
}

export class Driver {
  readonly #parts: Parts;
  readonly #events: DriverEvents;
  readonly #backoff: Backoff;
  #connection: Connection | undefined;
  #loggedInAt: number | undefined;
  /** When the last connection that had logged in was lost. */
  #lostAt = -Infinity;
  #wasConnected = false;
  #retryAt = Infinity;
  /** When `wake` made an attempt, and when it last had a connection looked at. */
  #wokeAt = -Infinity;
  #lookedAt = -Infinity;
  #armed: unknown;
  #armedFor = Infinity;
  /** Until when the server may take to close after LOGOUT. */
  #leavingUntil = Infinity;
  #over = false;
  readonly #retry: boolean;
  /** The first login, or the reason why it never came. */
  readonly connected: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: LongwireError) => void;
  readonly #gone: Promise<void>;
  #go!: () => void;

  /** Begins at once. `retry`: the first attempt does not decide. */
  constructor(parts: Parts, retry: boolean, events: DriverEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#retry = retry;
    const { first, most } = parts.config.reconnect;
    this.#backoff = new Backoff(first, most, parts.random);
    this.connected = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#gone = new Promise((resolve) => (this.#go = resolve));
  }

  /** The connection to make calls on. */
  get connection(): Connection {
    if (this.#over) throw new Closed();
    if (!this.#connection) throw new NotConnected();
    return this.#connection;
  }

  get userId(): string | undefined {
    return this.#loggedInAt === undefined ? undefined : this.#connection?.userId;
  }

  get bufferedAmount(): number {
    return this.#connection?.bufferedAmount ?? 0;
  }

  /** Makes an attempt now. */
  attempt(): void {
    this.#retryAt = Infinity;
    this.#loggedInAt = undefined;
    this.#connection = new Connection(this.#parts, {
      told: (event) => this.#told(event),
      changed: () => this.#arm(),
      ended: (error) => this.#ended(error),
    });
    this.#arm();
    this.#events.state({ name: "connecting", attempt: this.#backoff.failures + 1 });
  }

  /** Looks at once: somebody came back, or something did. */
  wake(): void {
    if (this.#over) return;
    const now = this.#now();
    if (this.#connection) {
      this.#lookedAt = now;
      return this.#connection.wake();
    }
    if (this.#retryAt === Infinity || now - this.#wokeAt < WAKE_APART_MS) return;
    this.#wokeAt = now;
    this.attempt();
  }

  leave(room: string): void {
    this.#parts.standing.forget(room);
    this.#connection?.leave(room);
  }

  /** Closes for good; resolves once the transport is gone. */
  close(): Promise<void> {
    if (!this.#over) {
      this.#leavingUntil = this.#now() + this.#parts.config.timeouts.close;
      if (!this.#connection?.logout(new Closed(), () => this.#leave())) this.#leavingUntil = Infinity;
      this.#finish("closed");
    }
    return this.#gone;
  }

  #now(): number {
    return this.#parts.timers.now();
  }

  #told(event: Told): void {
    if (event.name !== "loggedIn") return this.#events.told(event);
    this.#loggedInAt = this.#now();
    const back = this.#wasConnected;
    this.#wasConnected = true;
    this.#resolve();
    this.#events.state({ name: "connected", back });
  }

  #ended(error: LongwireError): void {
    const now = this.#now();
    this.#connection = undefined;
    if (this.#loggedInAt !== undefined && now - this.#loggedInAt >= STABLE_MS) this.#backoff.reset();
    const first = !this.#wasConnected && !this.#retry;
    if (this.#loggedInAt !== undefined) this.#lostAt = now;
    const ghost = now - this.#lostAt < GHOST_MS;
    const final = finality(error, ghost) ?? (first ? "unreachable" : undefined);
    if (final) return this.#finish(final, error);
    const isDistant = isLater(error);
    const wait = this.#backoff.fail(isDistant ? LATER_MS : 0);
    const retryIn = this.#isAwaited(now) && !isDistant ? 0 : wait;
    const { failures } = this.#backoff;
    if (failures > this.#parts.config.reconnect.attempts) return this.#finish("gave-up", error);
    this.#retryAt = now + retryIn;
    this.#arm();
    this.#unjoin();
    if (this.#retryAt < Infinity) this.#events.state({ name: "waiting", error, retryIn, attempt: failures });
  }

  /** Whether a look found the connection dead: who looks comes back alone, and waits. Once a look. */
  #isAwaited(now: number): boolean {
    const isAwaited = this.#loggedInAt !== undefined && now - this.#lookedAt < WAKE_LOSS_MS;
    if (isAwaited) this.#lookedAt = -Infinity;
    return isAwaited;
  }

  #unjoin(): void {
    const { standing } = this.#parts;
    for (const room of standing.rooms) {
      standing.unjoin(room);
      this.#events.told({ name: "room", room, state: "joining" });
    }
  }

  #finish(reason: CloseReason, error?: LongwireError): void {
    this.#over = true;
    this.#retryAt = Infinity;
    const { standing } = this.#parts;
    const { rooms } = standing;
    for (const room of rooms) standing.forget(room);
    this.#reject(error ?? new Closed());
    if (this.#leavingUntil === Infinity) this.#leave();
    else this.#arm();
    for (const room of rooms) this.#events.told({ name: "room", room, state: "left" });
    this.#events.state(error ? { name: "closed", reason, error } : { name: "closed", reason });
  }

  #leave(): void {
    this.#leavingUntil = Infinity;
    this.#connection?.abort();
    this.#connection = undefined;
    const { timers } = this.#parts;
    timers.clear(this.#armed);
    timers.close?.();
    this.#go();
  }

  /** One alarm for the earliest deadline. One that is set for an earlier time stays: it will look again. */
  #arm(): void {
    const deadline = Math.min(this.#over ? Infinity : (this.#connection?.deadline ?? Infinity), this.#retryAt, this.#leavingUntil);
    if (deadline >= this.#armedFor) return;
    const { timers } = this.#parts;
    if (this.#armedFor < Infinity) timers.clear(this.#armed);
    this.#armedFor = deadline;
    this.#armed = timers.set(Math.max(0, deadline - timers.now()), () => this.#fire());
  }

  #fire(): void {
    if (this.#over && this.#leavingUntil === Infinity) return;
    this.#parts.timers.clear(this.#armed);
    this.#armedFor = Infinity;
    const now = this.#now();
    if (this.#leavingUntil <= now) return this.#leave();
    if (this.#retryAt <= now) this.attempt();
    else if (!this.#over) this.#connection?.tick();
    this.#arm();
  }
}

/** Whatever says who logs in, as a function. */
export function asProvider(login: Login | (() => Login | Promise<Login>)): () => Login | Promise<Login> {
  return typeof login === "function" ? login : () => login;
}
