/** Protobuf bodies: bytes in, messages out, and back. What PROTOCOL.md calls malformed is refused. */

import { checkBody } from "./check.js";
import { BinaryReader, BinaryWriter, WireType, type MessageType } from "./runtime.js";

const WRITE = { writeUnknownFields: false, writerFactory: () => new BinaryWriter() };
//= PROTOCOL.md#7.6
// Unknown fields are ignored.
const READ = { readUnknownField: false, readerFactory: (bytes: Uint8Array) => new BinaryReader(bytes) } as const;

/** The body that says `message`; fields in ascending order, defaults left out. */
export function encode<T extends object>(type: MessageType<T>, message: T): Uint8Array {
  return type.internalBinaryWrite(message, WRITE.writerFactory(), WRITE).finish();
}

/** A message of strings alone, with field numbers that are known at run time. */
export function encodeStrings(...fields: [no: number, value: string][]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [no, value] of fields) writer.tag(no, WireType.LengthDelimited).string(value);
  return writer.finish();
}

/** The message that `body` is. Throws on what is malformed. */
export function decode<T extends object>(type: MessageType<T>, body: Uint8Array): T {
  checkBody(body, type);
  return type.internalBinaryRead(READ.readerFactory(body), body.length, READ);
}
