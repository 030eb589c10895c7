/** What Node gives to the client: TCP, TLS and WebSocket (of the package `ws`), and its timers. */

import { WebSocket } from "ws";
import { Clock } from "../clock.js";
import type { Platform, Timers } from "../platform.js";
import { webSocketTransport } from "../websocket.js";
import { openTcp, openTls, type TlsOptions } from "./sockets.js";

export function nodePlatform(options: TlsOptions, messageMax: number): Platform {
  const webSocket = webSocketTransport(webSocketClass(options, messageMax));
  return {
    transports: { "tcp:": openTcp, "tls:": openTls(options), "ws:": webSocket, "wss:": webSocket },
    timers: nodeTimers,
    random: Math.random,
  };
}

/** `ws` with what browsers do not let a page choose: whom to trust, and how much one message may hold. */
function webSocketClass(options: TlsOptions, messageMax: number): typeof WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { ...options, maxPayload: messageMax, perMessageDeflate: false });
    }
  } as typeof WebSocket;
}

function nodeTimers(): Timers {
  const clock = new Clock();
  return {
    now: () => clock.now(),
    set: (ms, fire) => setTimeout(fire, ms),
    clear: (handle) => clearTimeout(handle as NodeJS.Timeout),
  };
}
