// What a recorded connection said, by PROTOCOL.md: frames in either reading of `len`, protobuf fields by number, and
// RFC 6455 around them. A second opinion: it shares no code with the SDK.
import assert from "node:assert/strict";
import zlib from "node:zlib";

export const LOGIN = 1;
export const LOGOUT = 2;
export const PING = 3;
export const PONG = 4;
export const JOIN = 5;
export const CMS = 6;
const HEADER = 11;
const LEN = 4;

/** The frames of a stream, whole to its last byte; `at` is where each begins. */
export function framesOf(stream, reading = "body") {
  const beside = reading === "body" ? HEADER : LEN;
  const frames = [];
  for (let at = 0; at < stream.length; ) {
    const size = beside + stream.readUInt32BE(at);
    assert(size >= HEADER, `a frame at ${at} is shorter than a header`);
    assert(at + size <= stream.length, `a frame at ${at} is cut`);
    const flag = stream[at + 9];
    const body = stream.subarray(at + HEADER, at + size);
    frames.push({
      at,
      size,
      seq: stream.readUInt32BE(at + 4),
      command: stream[at + 8],
      version: flag >> 4,
      compression: (flag >> 2) & 3,
      flow: flag & 3,
      status: stream[at + 10],
      raw: body,
      body: (flag >> 2) & 3 && body.length > 0 ? zlib.gunzipSync(body) : body,
    });
    at += size;
  }
  return frames;
}

/** The fields of a message in the order they stand: `[number, value]`, a value being bytes or a BigInt. */
export function fieldsOf(data) {
  const fields = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(data[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  while (at < data.length) {
    const tag = Number(varint());
    const [number, type] = [tag >> 3, tag & 7];
    if (type === 0) {
      fields.push([number, varint()]);
    } else {
      assert.equal(type, 2, `wire type ${type} of field ${number}`);
      const length = Number(varint());
      assert(at + length <= data.length, `field ${number} reaches beyond its message`);
      fields.push([number, data.subarray(at, at + length)]);
      at += length;
    }
  }
  return fields;
}

/** A message's fields as an object of texts and BigInts, for messages without repeated fields. */
export function textsOf(data) {
  return Object.fromEntries(fieldsOf(data).map(([number, value]) => [number, Buffer.isBuffer(value) ? value.toString() : value]));
}

/** Splits a WebSocket stream into its HTTP head and its messages: `{ opcode, fin, masked, payload }`. */
export function webSocketOf(stream) {
  const end = stream.indexOf("\r\n\r\n") + 4;
  assert(end > 3, "an HTTP head");
  const messages = [];
  for (let at = end; at < stream.length; ) {
    const [first, second] = [stream[at], stream[at + 1]];
    const masked = second > 127;
    let length = second & 127;
    at += 2;
    if (length === 126) {
      length = stream.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(stream.readBigUInt64BE(at));
      at += 8;
    }
    const mask = masked ? stream.subarray(at, at + 4) : Buffer.alloc(4);
    at += masked ? 4 : 0;
    const payload = Buffer.from(stream.subarray(at, at + length)).map((byte, index) => byte ^ mask[index & 3]);
    messages.push({ fin: first > 127, rsv: (first >> 4) & 7, opcode: first & 15, masked, payload: Buffer.from(payload) });
    at += length;
  }
  return { head: stream.subarray(0, end).toString("latin1"), messages };
}
