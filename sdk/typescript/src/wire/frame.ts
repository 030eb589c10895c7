/**
 * Frames: 11 bytes of header and a body, in either reading of `len`.
 *
 * Bytes in, values out: holds no socket and no clock. The decoder holds less than one frame at its limit, and what it
 * returns is never written to again.
 */

/** What `len` counts: the body alone, or the rest of the frame behind `len`. */
export type LengthReading = "body" | "rest";

export const HEADER_BYTES = 11;
/** What the reading *rest* counts of the header. */
const REST_BYTES = 7;

//= PROTOCOL.md#2.4
// Flow is 0 in a request of the client, 1 in an answer of the server, 2 in a notify of the server.
export const Flow = { REQUEST: 0, ANSWER: 1, NOTIFY: 2 } as const;
//= PROTOCOL.md#2.5
// Compression is 0 for a body as it is and 1 for gzip.
export const Compression = { NONE: 0, GZIP: 1 } as const;

/** The header, but for `len`. */
export interface Header {
  readonly seq: number;
  readonly command: number;
  readonly version: number;
  readonly compression: number;
  readonly flow: number;
  readonly status: number;
}

export interface Frame extends Header {
  readonly len: number;
  readonly body: Uint8Array;
}

/** A frame that makes every later byte of its connection meaningless. */
export class FrameError extends Error {
  constructor(readonly kind: "too_large" | "short_len") {
    super(kind === "too_large" ? "a frame over the limit" : "a length below 7 in the reading `rest`");
  }
}

//= PROTOCOL.md#2.1
// A header is 11 bytes: len (4), seq (4), command (1), connect flag (1), status (1), in this order.
//= PROTOCOL.md#2.2
// len and seq are unsigned and big-endian.
//= PROTOCOL.md#2.3
// The connect flag holds the version in bits 7-4, the compression in bits 3-2 and the flow in bits 1-0.
export function encodeFrame(reading: LengthReading, header: Header, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length + counted(reading));
  view.setUint32(4, header.seq);
  bytes[8] = header.command;
  bytes[9] = (header.version << 4) | (header.compression << 2) | header.flow;
  bytes[10] = header.status;
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** The header at the start of `bytes`, of which there must be 11. */
export function readHeader(bytes: Uint8Array): Header & { readonly len: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const flag = view.getUint8(9);
  return {
    len: view.getUint32(0),
    seq: view.getUint32(4),
    command: view.getUint8(8),
    version: flag >> 4,
    compression: (flag >> 2) & 3,
    flow: flag & 3,
    status: view.getUint8(10),
  };
}

//= PROTOCOL.md#3.1
// In the reading body a frame is 11 + len bytes long; in the reading rest it is 4 + len bytes long.
function counted(reading: LengthReading): number {
  return reading === "rest" ? REST_BYTES : 0;
}

const NOTHING: Uint8Array = new Uint8Array();

/** Cuts a stream into frames. `push` bytes, then take `next` until it has nothing. */
export class Decoder {
  readonly #reading: LengthReading;
  readonly #bodyMax: number;
  #chunk = NOTHING;
  #at = 0;
  /** A frame that goes on in the next chunk, as long as is known, and how much of it is there. */
  #partial: Uint8Array | undefined;
  #filled = 0;
  /** Sticky: after one bad header no later byte can be trusted. */
  #poison: FrameError | undefined;

  constructor(reading: LengthReading, bodyMax: number) {
    this.#reading = reading;
    this.#bodyMax = bodyMax;
  }

  /** To be called once `next` had nothing. The decoder keeps `bytes`. */
  push(bytes: Uint8Array): void {
    this.#chunk = bytes;
    this.#at = 0;
  }

  /** The next frame; `undefined`: more bytes are needed. */
  next(): Frame | undefined {
    if (this.#poison) throw this.#poison;
    while (this.#at < this.#chunk.length) {
      const bytes = this.#partial ? this.#fill(this.#partial) : this.#chunk.subarray(this.#at);
      if (!bytes) return undefined;
      const total = bytes.length < HEADER_BYTES ? HEADER_BYTES : this.#total(bytes);
      if (bytes.length >= total) {
        if (this.#partial) this.#partial = undefined;
        else this.#at += total;
        return { ...readHeader(bytes), body: bytes.subarray(HEADER_BYTES, total) };
      }
      this.#begin(bytes, total);
    }
    return undefined;
  }

  /** Moves what the partial frame lacks out of the chunk; all of it once nothing is lacking. */
  #fill(partial: Uint8Array): Uint8Array | undefined {
    const some = this.#chunk.subarray(this.#at, this.#at + partial.length - this.#filled);
    partial.set(some, this.#filled);
    this.#filled += some.length;
    this.#at += some.length;
    return this.#filled < partial.length ? undefined : partial;
  }

  /** Goes on with a frame of `total` bytes, of which `bytes` are there: a header, or what is left of the chunk. */
  #begin(bytes: Uint8Array, total: number): void {
    if (!this.#partial) this.#at += bytes.length;
    this.#partial = new Uint8Array(total);
    this.#partial.set(bytes);
    this.#filled = bytes.length;
  }

  #total(bytes: Uint8Array): number {
    const length = readHeader(bytes).len - counted(this.#reading);
    if (length < 0) throw (this.#poison = new FrameError("short_len"));
    if (length > this.#bodyMax) throw (this.#poison = new FrameError("too_large"));
    return HEADER_BYTES + length;
  }
}
