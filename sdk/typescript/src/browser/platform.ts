/** The browser below a client. */

import type { Platform } from "../platform.js";
import { webSocketTransport } from "../websocket.js";
import { pageTimers } from "./timers.js";

export function browserPlatform(): Platform {
  const open = webSocketTransport(WebSocket);
  return { transports: { "ws:": open, "wss:": open }, timers: pageTimers, random: Math.random, onWake };
}

/** The page is shown, comes out of the back-forward cache or thaws, or the network is back. */
function onWake(wake: () => void): () => void {
  const shown = () => {
    if (document.visibilityState === "visible") wake();
  };
  const sources: [EventTarget, string, () => void][] = [
    [document, "visibilitychange", shown],
    [document, "resume", wake],
    [globalThis, "pageshow", wake],
    [globalThis, "online", wake],
  ];
  for (const [target, event, listener] of sources) target.addEventListener(event, listener);
  return () => {
    for (const [target, event, listener] of sources) target.removeEventListener(event, listener);
  };
}
