/**
 * The reconnect schedule: full jitter, a random time between nothing and a ceiling that doubles. Without it every client
 * of a server that restarts comes back in the same instant. Reads no clock; randomness comes as an argument.
 */

/** Doublings beyond which nothing changes, and numbers stay small. */
const DOUBLINGS_MAX = 31;

export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(first: number, most: number, random: () => number) {
    this.#first = first;
    this.#most = most;
    this.#random = random;
  }

  /** How many failures in a row were counted. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. How long to wait, in ms; `floor`: the ceiling is at least this. */
  fail(floor = 0): number {
    const ceiling = this.#first * 2 ** Math.min(this.#failures++, DOUBLINGS_MAX);
    return this.#random() * Math.min(Math.max(ceiling, floor), this.#most);
  }

  /** Something worked: the schedule starts over. */
  reset(): void {
    this.#failures = 0;
  }
}
