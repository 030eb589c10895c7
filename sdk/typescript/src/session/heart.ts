/**
 * Heartbeats: when to ping, and when the server counts as dead.
 *
 * Never reads a clock. Two silences matter: our own, which the server punishes, and the server's, which a client
 * that sends all the time would otherwise never notice.
 */

import { IDLE_MS, LATE_MS, STANDSTILL_MS, WAKE_PONG_MS_MAX, WAKE_PONG_MS_MIN, WAKE_PONG_TRIPS } from "../limits.js";

export type Beat = "quiet" | "ping" | "dead";

export class Heart {
  readonly #interval: number;
  readonly #pong: number;
  #spokeAt: number;
  #heardAt: number;
  /** When the PONG of the oldest unanswered PING is due. */
  #due: number | undefined;
  /** Whether `#due` was put off for a standstill of ours already. */
  #excused = false;
  /** How long an answer may take while somebody waits. */
  #soon = WAKE_PONG_MS_MAX;

  constructor(interval: number, pong: number, now: number) {
    this.#interval = interval;
    this.#pong = pong;
    this.#spokeAt = this.#heardAt = now;
  }

  spoke(now: number): void {
    this.#spokeAt = now;
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  /** A round trip took so long. */
  measured(ms: number): void {
    this.#soon = Math.min(WAKE_PONG_MS_MAX, Math.max(WAKE_PONG_MS_MIN, WAKE_PONG_TRIPS * ms));
  }

  /** A PING went out. */
  pinged(now: number): void {
    this.#due ??= now + this.#pong;
  }

  /** A PING was answered; `more`: others are not yet. */
  ponged(now: number, more: boolean): void {
    this.#due = more ? now + this.#pong : undefined;
    this.#excused = false;
  }

  /** Somebody looks: a PONG that is due is due soon. */
  hurry(now: number): void {
    if (this.#due !== undefined) this.#due = Math.min(this.#due, now + this.#soon);
  }

  /** Whether we were silent for so long that the server has closed (PROTOCOL.md 9.3). */
  overslept(now: number): boolean {
    return now - this.#spokeAt >= IDLE_MS;
  }

  /** When to ask for the next beat. */
  get deadline(): number {
    return Math.min(this.#pingAt, this.#due ?? Infinity);
  }

  /** To be asked when `deadline` has passed; earlier is harmless. */
  beat(now: number): Beat {
    if (this.#due !== undefined && this.#due <= now) {
      const late = now - this.#due;
      if (this.#excused || late < LATE_MS) return "dead";
      // The PONG may lie in the socket, and is read before the next deadline.
      this.#excused = true;
      this.#due = now + Math.min(late, STANDSTILL_MS);
    }
    return this.#pingAt <= now ? "ping" : "quiet";
  }

  //= PROTOCOL.md#9.7
  // A client sends a PING after 14 s in which it sent nothing else.
  //= PROTOCOL.md#9.6
  // What the server sends does not count as life.
  get #pingAt(): number {
    const since = this.#due === undefined ? Math.min(this.#spokeAt, this.#heardAt) : this.#spokeAt;
    return since + this.#interval;
  }
}
