/** What a session tells the one that drives it. */

import type { LongwireError, Refused } from "../errors.js";
import type { Message } from "../message.js";

/** Where a room stands: `joining` is after a reconnect, until the server answers; `left` is for good. */
export type RoomState = "joining" | "joined" | "left";

export type SessionEvent =
  /** The first LOGIN was accepted. */
  | { readonly name: "loggedIn" }
  /** A call is done; without `error` it was accepted, after `roundTrip` ms. */
  | { readonly name: "answered"; readonly ticket: number; readonly error?: LongwireError; readonly roundTrip: number }
  | { readonly name: "message"; readonly message: Message }
  | { readonly name: "room"; readonly room: string; readonly state: RoomState }
  | { readonly name: "roundTrip"; readonly ms: number }
  /** A call that nobody waits for was refused. */
  | { readonly name: "refused"; readonly error: Refused }
  /** This body is to be inflated, and handed back by `handleInflated`. */
  | { readonly name: "inflate"; readonly body: Uint8Array }
  /** The connection is to be given up. The last event. */
  | { readonly name: "failed"; readonly error: LongwireError };
