/**
 * What makes a protobuf body malformed, beyond what a protobuf runtime cares for (PROTOCOL.md, section 7).
 *
 * Runtimes disagree on groups, on wire types that are not a field's own and on over-long numbers. Walks a body once by the
 * field tables of the generated code and throws; reads nothing out of it. Strings are checked where they are read.
 */

import type { Field, MessageType } from "./runtime.js";

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
/** What the field tables call the scalar types whose wire type is DELIMITED: string and bytes. */
const DELIMITED_SCALARS = [9, 12];

class Cursor {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly end: number,
  ) {}

  /** A number of at most `bytes` bytes, the last of which is at most `lastMax`. */
  varint(bytes: number, lastMax: number): number {
    let value = 0;
    for (let n = 1, unit = 1; ; n++, unit *= 0x80) {
      const byte = this.at < this.end ? this.bytes[this.at++]! : fail("is cut");
      value += (byte & 0x7f) * unit;
      if (n === bytes && byte > lastMax) fail("has a number that is too long");
      if (byte < 0x80) return value;
    }
  }

  //= PROTOCOL.md#7.13
  // A tag or a length of more than 5 bytes, or over 4294967295, makes its body malformed.
  uint32(): number {
    return this.varint(5, 0x0f);
  }

  //= PROTOCOL.md#7.14
  // A field that reaches beyond the end of its message makes its body malformed.
  skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.end) fail("has a field beyond its end");
  }
}

/** Throws where `bytes` is no well-formed message of this type. */
export function checkBody(bytes: Uint8Array, type: MessageType<object>, from = 0, end = bytes.length): void {
  const cursor = new Cursor(bytes, from, end);
  while (cursor.at < end) {
    const tag = cursor.uint32();
    const no = tag >>> 3;
    const wireType = tag & 7;
    //= PROTOCOL.md#7.11
    // Field number 0 makes its body malformed.
    if (!no) fail("has a field 0");
    const field = fieldOf(type, no);
    //= PROTOCOL.md#7.10
    // A field of section 7 with a wire type other than its own makes its body malformed.
    if (field && wireType !== wireTypeOf(field)) fail("has a field of another type");
    pass(cursor, wireType, field);
  }
}

function pass(cursor: Cursor, wireType: number, field: Field | undefined): void {
  switch (wireType) {
    case VARINT:
      //= PROTOCOL.md#7.12
      // A varint of more than 10 bytes, or of more than 64 bits, makes its body malformed.
      cursor.varint(10, 1);
      break;
    case FIXED64:
      cursor.skip(8);
      break;
    case DELIMITED: {
      const length = cursor.uint32();
      const start = cursor.at;
      cursor.skip(length);
      if (field?.kind === "message") checkBody(cursor.bytes, field.T(), start, cursor.at);
      break;
    }
    case FIXED32:
      cursor.skip(4);
      break;
    default:
      //= PROTOCOL.md#7.9
      // A group (wire type 3 or 4) anywhere makes its body malformed, and so does wire type 6 or 7.
      fail("has a group or an unknown wire type");
  }
}

/** By its number, which in these messages is nearly always its place. */
function fieldOf({ fields }: MessageType<object>, no: number): Field | undefined {
  const guess = fields[no - 1];
  return guess?.no === no ? guess : fields.find((known) => known.no === no);
}

function wireTypeOf(field: Field): number {
  return field.kind === "message" || (field.kind === "scalar" && DELIMITED_SCALARS.includes(field.T)) ? DELIMITED : VARINT;
}

function fail(what: string): never {
  throw new Error(`a body that ${what}`);
}
