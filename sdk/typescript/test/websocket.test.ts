/** The WebSocket transport, over a class that does what the test says. Real ones are in the end-to-end tests. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Disconnected } from "../src/errors.js";
import type { TransportEnd } from "../src/platform.js";
import { type WebSocketLike, webSocketTransport } from "../src/websocket.js";

class Fake implements WebSocketLike {
  static last: Fake;
  binaryType = "";
  readyState = 0;
  bufferedAmount = 7;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly sent: Uint8Array[] = [];
  closed = 0;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Fake.last = this;
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }

  close(): void {
    this.closed++;
  }

  tell(event: "onopen" | "onmessage" | "onclose" | "onerror", value: object = {}): void {
    this[event]?.(value as never);
  }
}

function opened() {
  const heard: (string | Uint8Array | TransportEnd)[] = [];
  const transport = webSocketTransport(Fake)(new URL("ws://host/ws"), {
    open: () => heard.push("open"),
    bytes: (bytes) => heard.push(bytes),
    close: (end) => heard.push(end),
  });
  return { heard, transport, socket: Fake.last };
}

//= PROTOCOL.md#18.7
// The sub-protocol `longwire` is agreed on with a client that asks for it.
test("it opens, takes and brings bytes, and says how it ended", () => {
  const { heard, transport, socket } = opened();
  assert.deepEqual([socket.url, socket.protocol, socket.binaryType], ["ws://host/ws", "longwire", "arraybuffer"]);
  socket.readyState = 1;
  socket.tell("onopen");
  transport.send(Uint8Array.of(1));
  socket.tell("onmessage", { data: Uint8Array.of(2, 3).buffer });
  socket.tell("onerror", { message: "it broke" });
  socket.tell("onclose", { code: 4000, reason: "draining" });
  assert.deepEqual(socket.sent, [Uint8Array.of(1)]);
  assert.equal(transport.bufferedAmount, 7);
  assert.deepEqual(heard, ["open", Uint8Array.of(2, 3), { code: 4000, reason: "draining", error: "it broke" }]);
});

test("while it is opening, closing or closed it takes nothing in silence", () => {
  const { transport, socket } = opened();
  for (const state of [0, 2, 3]) {
    socket.readyState = state;
    assert.throws(() => transport.send(Uint8Array.of(1)), Disconnected);
  }
  assert.deepEqual(socket.sent, []);
});

test("a text message ends it, once", () => {
  const { heard, socket } = opened();
  socket.tell("onmessage", { data: "hello" });
  socket.tell("onclose", { code: 1005, reason: "" });
  assert.equal(heard.length, 1);
  assert.equal(((heard[0] as TransportEnd).error as Disconnected).why, "protocol");
  assert.equal(socket.closed, 1);
});

test("closed by this side it is silent, also where it never opened", () => {
  const { heard, transport, socket } = opened();
  transport.close();
  for (const event of ["onopen", "onmessage", "onerror", "onclose"] as const) socket.tell(event, { data: new ArrayBuffer(1) });
  assert.deepEqual([heard, socket.closed, socket.onerror !== null], [[], 1, true]);
});
