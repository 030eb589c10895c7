// The address of a room: `/?room=lobby`. What stands in the address bar can be sent to somebody.

import { id } from "./text.js";

export const LOBBY = "lobby";

export function roomOf(search: string): string {
  return id(new URLSearchParams(search).get("room") ?? "") ?? LOBBY;
}

export function linkTo(room: string): string {
  return `/?room=${encodeURIComponent(room)}`;
}

/** Where the server says its WebSocket is, and whether it asks for tokens. */
export function served(document: Document, location: Location): { url: string; needsToken: boolean } {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="longwire"]');
  const url = new URL(meta?.dataset["ws"] ?? "/ws", location.origin);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return { url: url.href, needsToken: meta?.dataset["login"] !== "open" };
}
