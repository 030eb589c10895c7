/** gzip by the platform's own streams: one member in, one member out (PROTOCOL.md, section 6). */

import { INFLATE_STEP_BYTES } from "../limits.js";

/** A body that is not what its compression says. */
export class InflateError extends Error {
  constructor(
    readonly kind: "malformed" | "too_large",
    cause?: unknown,
  ) {
    super(kind === "malformed" ? "a body that is no gzip" : "a body that inflates beyond the limit", { cause });
  }
}

/** Whether this platform has the streams. */
export function hasGzip(): boolean {
  return typeof CompressionStream === "function" && typeof DecompressionStream === "function";
}

/** One gzip member of `bytes`; nothing of nothing. */
//= PROTOCOL.md#6.2
// Compression 1 with no body is an empty body.
export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes.length ? through(new CompressionStream("gzip"), bytes, Infinity) : bytes;
}

/** What the one member in `bytes` holds, of which no more than `max` bytes are made, give or take a step's. */
//= PROTOCOL.md#6.5
// Inflating stops at the limit.
export async function gunzip(bytes: Uint8Array, max: number): Promise<Uint8Array> {
  if (!bytes.length) return bytes;
  let plain;
  try {
    plain = await through(new DecompressionStream("gzip"), bytes, max);
  } catch (error) {
    throw error instanceof InflateError ? error : new InflateError("malformed", error);
  }
  //= PROTOCOL.md#6.3
  // A gzip body is exactly one member with its CRC-32 and its ISIZE right.
  // Some platforms go on with a second member, or pass over what is behind: then the last four bytes are not this size.
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
  if (size !== plain.length) throw new InflateError("malformed");
  return plain;
}

async function through(stream: CompressionStream | DecompressionStream, bytes: Uint8Array, max: number): Promise<Uint8Array> {
  const reader = stream.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const written = write(stream.writable.getWriter(), bytes);
  // Where it fails, reading does too, and says so first.
  written.catch(() => {});
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    chunks.push(read.value);
    length += read.value.length;
    if (length > max) {
      reader.cancel().catch(() => {});
      throw new InflateError("too_large");
    }
  }
  await written;
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** In steps, because a browser inflates a whole chunk before anybody can count what comes out. */
async function write(writer: WritableStreamDefaultWriter<BufferSource>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += INFLATE_STEP_BYTES) {
    await writer.write(bytes.slice(at, at + INFLATE_STEP_BYTES));
  }
  await writer.close();
}
