/**
 * Timers that go on while nobody looks at the page.
 *
 * A browser lets the timers of a hidden page fire once a minute, which is too late for a heartbeat of 14 s. Those of a
 * worker it leaves alone. So each timer is set twice, here and in a worker, and fires when the first of the two does.
 * Where there is no worker (forbidden, or failed) the page's own remain; `wake.ts` makes up for their lateness.
 */

import { Clock } from "../clock.js";
import type { Timers } from "../platform.js";
import { BEAT_SOURCE } from "./beat.js";

/** `true`: from a blob, nothing has to be served. A URL: from that file, a copy of `@longwire/client/worker`. */
export type WorkerOption = boolean | string | URL;

interface Waiting {
  readonly fire: () => void;
  readonly own: ReturnType<typeof setTimeout>;
}

/** One client's timers. Holds no more than the client sets: a handful. */
export class PageTimers implements Timers {
  readonly #clock = new Clock();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #blob: string | undefined;
  #ids = 0;

  constructor(worker: WorkerOption) {
    if (worker !== false && typeof Worker === "function") this.#start(worker);
  }

  now(): number {
    return this.#clock.now();
  }

  set(ms: number, fire: () => void): number {
    const id = ++this.#ids;
    this.#waiting.set(id, { fire, own: setTimeout(() => this.#due(id), ms) });
    this.#worker?.postMessage([id, ms]);
    return id;
  }

  clear(handle: unknown): void {
    const waiting = this.#take(handle as number);
    if (waiting) this.#worker?.postMessage([handle, -1]);
  }

  close(): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id);
    this.#end();
  }

  /** The first of the two that set it; the other finds nothing any more. */
  #due(id: number): void {
    this.#take(id)?.fire();
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (!waiting) return undefined;
    this.#waiting.delete(id);
    clearTimeout(waiting.own);
    return waiting;
  }

  #start(source: string | URL | true): void {
    try {
      this.#worker = source === true ? this.#fromBlob() : new Worker(source, { type: "module" });
      this.#worker.onmessage = ({ data }) => this.#due(data as number);
      // A policy that forbids it may say so only now.
      this.#worker.onerror = () => this.#end();
    } catch {
      this.#end();
    }
  }

  #fromBlob(): Worker {
    this.#blob = URL.createObjectURL(new Blob([BEAT_SOURCE], { type: "text/javascript" }));
    return new Worker(this.#blob);
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    if (this.#blob) URL.revokeObjectURL(this.#blob);
    this.#blob = undefined;
  }
}
