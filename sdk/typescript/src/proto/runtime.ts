/**
 * The part of protobuf-ts's runtime that the generated code needs to read and write bytes.
 *
 * Its own `MessageType` brings JSON, reflection and type checks along, 7 KB of the 15 that a browser's bundle may have;
 * `npm run generate` lets the generated code take this one instead. Readers, writers and types are the runtime's own.
 */

import type { BinaryReadOptions, BinaryWriteOptions, IBinaryReader, IBinaryWriter } from "@protobuf-ts/runtime";

export type {
  BinaryReadOptions,
  BinaryWriteOptions,
  FieldInfo,
  IBinaryReader,
  IBinaryWriter,
  PartialFieldInfo,
  PartialMessage,
} from "@protobuf-ts/runtime";
export { BinaryReader, BinaryWriter, UnknownFieldHandler, WireType } from "@protobuf-ts/runtime";

/** What is known of a field beside how to read and write it. */
export type Field =
  | { readonly no: number; readonly name: string; readonly kind: "scalar"; readonly T: number }
  | { readonly no: number; readonly name: string; readonly kind: "enum" }
  | { readonly no: number; readonly name: string; readonly kind: "message"; readonly T: () => MessageType<object> };

/** A generated message type. */
export abstract class MessageType<T extends object> {
  /** New messages are plain objects. */
  protected readonly messagePrototype: object = Object.prototype;

  constructor(
    readonly typeName: string,
    readonly fields: readonly Field[],
  ) {}

  abstract create(value?: Partial<T>): T;
  abstract internalBinaryRead(reader: IBinaryReader, length: number, options: BinaryReadOptions, target?: T): T;
  abstract internalBinaryWrite(message: T, writer: IBinaryWriter, options: BinaryWriteOptions): IBinaryWriter;
}

/** What `create(value)` of the generated code calls; this package gives whole values, so that shallow is enough. */
export function reflectionMergePartial<T extends object>(_type: unknown, target: T, source: object): void {
  Object.assign(target, source);
}
