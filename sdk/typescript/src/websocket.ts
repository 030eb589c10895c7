/** The WebSocket transport: over the browser's own class, or any other of its kind. */

import { Disconnected } from "./errors.js";
import type { OpenTransport, TransportEvents } from "./platform.js";

/** The part of the WHATWG's WebSocket that is needed; `ws` for Node has it too. */
export interface WebSocketLike {
  /** Is set to `"arraybuffer"`. */
  binaryType: string;
  /** 1 while it is open. */
  readonly readyState: number;
  /** Bytes that the network has not taken. */
  readonly bufferedAmount: number;
  /** It is open. */
  onopen: ((event: never) => void) | null;
  /** A message came: its `data`. */
  onmessage: ((event: never) => void) | null;
  /** It is over: `code` and `reason`. */
  onclose: ((event: never) => void) | null;
  /** Something broke; `onclose` follows. */
  onerror: ((event: never) => void) | null;
  /** Sends a binary message. */
  send(data: Uint8Array<ArrayBuffer>): void;
  /** Begins its end. */
  close(code?: number): void;
  /** Stops reading: `ws` can, browsers cannot. */
  pause?(): void;
  /** Goes on reading. */
  resume?(): void;
}

/** A class like the browser's WebSocket. */
export type WebSocketClass = new (url: string, protocols: string) => WebSocketLike;

//= PROTOCOL.md#18.7
// The sub-protocol `longwire` is agreed on with a client that asks for it.
const SUB_PROTOCOL = "longwire";
const OPEN = 1;

/** A transport over this class. */
export function webSocketTransport(Class: WebSocketClass): OpenTransport {
  return (url, events) => {
    const socket = new Class(url.href, SUB_PROTOCOL);
    socket.binaryType = "arraybuffer";
    listen(socket, events);
    return {
      //= PROTOCOL.md#18.1
      // One binary message of the client holds one whole frame or more.
      send(bytes) {
        // A socket that is closing would drop them without a word.
        if (socket.readyState !== OPEN) throw new Disconnected("closed", "the WebSocket is not open");
        socket.send(bytes as Uint8Array<ArrayBuffer>);
      },
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      close() {
        socket.onopen = socket.onmessage = socket.onclose = null;
        // `ws` tells an error where it is closed before it is open, and throws it where nobody listens.
        socket.onerror = () => {};
        socket.close();
      },
      pause: () => socket.pause?.(),
      resume: () => socket.resume?.(),
    };
  };
}

function listen(socket: WebSocketLike, events: TransportEvents): void {
  socket.onopen = () => events.open();
  socket.onmessage = ({ data }: { data: ArrayBuffer | string }) => {
    if (typeof data !== "string") return events.bytes(new Uint8Array(data));
    socket.onclose = null;
    socket.close();
    events.close({ error: new Disconnected("protocol", "a text message") });
  };
  // Browsers say nothing about an error but that there was one; `ws` has a message.
  let error: unknown;
  socket.onerror = (event: { message?: unknown }) => {
    error = event.message;
  };
  socket.onclose = ({ code, reason }: { code: number; reason: string }) => events.close({ code, reason, error });
}
