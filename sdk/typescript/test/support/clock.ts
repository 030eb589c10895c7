/** Virtual time: events happen in the order of their times, and nothing waits for real. */

import type { Timers } from "../../src/platform.js";

interface Alarm {
  at: number;
  order: number;
  fire: () => void;
}

export class Clock {
  now = 1_000_000;
  #alarms: Alarm[] = [];
  #order = 0;

  /** How many alarms are set. */
  get size(): number {
    return this.#alarms.length;
  }

  after(ms: number, fire: () => void): Alarm {
    const alarm = { at: this.now + ms, order: this.#order++, fire };
    this.#alarms.push(alarm);
    return alarm;
  }

  cancel(alarm: unknown): void {
    this.#alarms = this.#alarms.filter((one) => one !== alarm);
  }

  /** Lets everything happen that is due until `until`, promises included. */
  async run(until: number): Promise<void> {
    await settled();
    for (;;) {
      let next: Alarm | undefined;
      for (const alarm of this.#alarms) {
        if (alarm.at <= until && (!next || alarm.at < next.at || (alarm.at === next.at && alarm.order < next.order))) next = alarm;
      }
      if (!next) break;
      this.cancel(next);
      this.now = Math.max(this.now, next.at);
      next.fire();
      await settled();
    }
    this.now = until;
  }

  pass(ms: number): Promise<void> {
    return this.run(this.now + ms);
  }
}

/** Every promise that can go on has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Timers of a client over this clock. `mischief`: some fire early or late, some twice. */
export class TestTimers implements Timers {
  /** Alarms that are set and were neither cleared nor fired. */
  armed = 0;
  armedMost = 0;
  closed = false;

  constructor(
    readonly clock: Clock,
    readonly mischief: () => number = () => 1,
  ) {}

  now(): number {
    return this.clock.now;
  }

  set(ms: number, fire: () => void): unknown {
    if (this.closed) throw new Error("timers are used after they were closed");
    this.armedMost = Math.max(this.armedMost, ++this.armed);
    const state = { armed: true, alarm: undefined as unknown };
    const once = () => {
      if (state.armed) this.armed--;
      state.armed = false;
      fire();
      if (this.mischief() < 0.05) this.clock.after(this.mischief() * 100, fire);
    };
    const dice = this.mischief();
    const when = dice < 0.05 ? ms * this.mischief() : dice < 0.1 ? ms + this.mischief() * 900 : ms;
    state.alarm = this.clock.after(when, once);
    return state;
  }

  clear(alarm: unknown): void {
    const state = alarm as { armed: boolean; alarm: unknown } | undefined;
    if (!state?.armed) return;
    state.armed = false;
    this.armed--;
    this.clock.cancel(state.alarm);
  }

  close(): void {
    this.closed = true;
  }
}
