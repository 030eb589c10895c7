/**
 * The time that deadlines are told in: it never falls, and it goes on while the machine sleeps.
 *
 * Neither of the platform's clocks does both: `performance.now()` stands still in some machines' sleep, `Date.now()`
 * leaps when somebody sets it. So: the first, plus whatever the second ran ahead at once.
 */

/** The wall clock ran ahead by more than this between two looks: the machine slept, or somebody set it forward. */
const LEAP_MS = 1_000;

/** A clock in milliseconds from an arbitrary beginning. */
export class Clock {
  readonly #steady: () => number;
  readonly #wall: () => number;
  #offset: number;
  #slept = 0;

  constructor(steady: () => number = () => performance.now(), wall: () => number = () => Date.now()) {
    this.#steady = steady;
    this.#wall = wall;
    this.#offset = wall() - steady();
  }

  now(): number {
    const steady = this.#steady();
    const ahead = this.#wall() - steady - this.#offset;
    if (Math.abs(ahead) > LEAP_MS) {
      this.#offset += ahead;
      this.#slept += Math.max(ahead, 0);
    }
    return steady + this.#slept;
  }
}
