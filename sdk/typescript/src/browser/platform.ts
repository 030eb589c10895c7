/** What a browser gives to the client: WebSocket, timers that a hidden page keeps, and word of being shown again. */

import type { Platform } from "../platform.js";
import { webSocketTransport } from "../websocket.js";
import { PageTimers, type WorkerOption } from "./timers.js";
import { onWake } from "./wake.js";

export function browserPlatform(worker: WorkerOption): Platform {
  const transport = webSocketTransport(globalThis.WebSocket);
  return {
    transports: { "ws:": transport, "wss:": transport },
    timers: () => new PageTimers(worker),
    random: Math.random,
    onWake,
  };
}
