/**
 * Frames on their way in, in their order.
 *
 * A gzipped body inflates in its own time, because the platform's streams do; what is behind it waits as it came.
 * One inflates at a time: so what waits is bounded by the bytes that came, whatever they would become.
 */

import { Fifo } from "../fifo.js";
import { INBOX_BYTES_MAX, INBOX_BYTES_PAUSE, INBOX_FRAME_BYTES } from "../limits.js";
import { Compression, Decoder, type Frame, type LengthReading } from "../wire/frame.js";

export class Inbox {
  readonly #decoder: Decoder;
  readonly #waiting = new Fifo<Frame>();
  #bytes = 0;
  #paused = false;

  constructor(reading: LengthReading, bodyMax: number) {
    this.#decoder = new Decoder(reading, bodyMax);
  }

  /** Whether the transport should stop reading for now. */
  get paused(): boolean {
    if (this.#paused) this.#paused = this.#waiting.length > 0;
    else this.#paused = this.#bytes > INBOX_BYTES_PAUSE;
    return this.#paused;
  }

  /** Takes what the transport brought, cut anywhere. */
  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) {
      this.#waiting.push(frame);
      this.#bytes += cost(frame);
    }
  }

  /** Whether more waits than may. */
  get overrun(): boolean {
    return this.#waiting.length > 1 && this.#bytes > INBOX_BYTES_MAX;
  }

  /** The frame whose turn it is. */
  get head(): Frame | undefined {
    return this.#waiting.head;
  }

  /** Done with `head`. */
  shift(): void {
    const frame = this.#waiting.shift();
    if (frame) this.#bytes -= cost(frame);
  }

  /** Throws away what waits. */
  clear(): void {
    this.#waiting.clear();
    this.#bytes = 0;
  }
}

function cost(frame: Frame): number {
  return frame.body.length + INBOX_FRAME_BYTES;
}

/** Whether a frame has to be inflated before it can be read. */
export function isGzipped(frame: Frame): boolean {
  return frame.compression === Compression.GZIP && frame.body.length > 0;
}
