/** What the end of a connection means for the next: closed for good, try again, or try again later. */

import { type Disconnected, Invalid, type LongwireError, Refused, Status } from "./errors.js";

/** Why a client is closed for good. */
export type CloseReason =
  /** `close()` was called. */
  | "closed"
  /** LOGIN can never work as it is. */
  | "refused"
  /** A newer session of the same user took the place of this one. */
  | "replaced"
  /** The server does not want this client back unchanged. */
  | "removed"
  /** `connect()` without `retry`: the first attempt failed. */
  | "unreachable"
  /** The attempts of `reconnect` are used up. */
  | "gave-up";

//= PROTOCOL.md#18.13
// Where the server closes, a close frame carries the code of this table: below 4500 come back, from 4500 not unchanged.
const FINAL_FROM = 4500;
const FINAL_TO = 4999;
const TOO_MANY = 4507;
/** The server goes down, is overloaded, has too many, or found this client too fast: it asks for distance. */
const LATER: readonly number[] = [4000, 4003, 4007, TOO_MANY];
const REASONS: Readonly<Record<number, CloseReason>> = { 4503: "refused", 4506: "replaced" };

//= PROTOCOL.md#8.4
// A refused first LOGIN is answered with its status; the code that a WebSocket is closed with then says the same, and this
// client has closed by the time it comes.
const CODES: Readonly<Record<number, number>> = {
  [Status.RATE_LIMITED]: 4007,
  [Status.OVERLOADED]: 4003,
  [Status.INTERNAL]: 4004,
  [Status.TOO_MANY]: TOO_MANY,
};
const LOGIN_REFUSED = 4503;

function codeOf(error: LongwireError): number {
  return error instanceof Refused ? (CODES[error.status] ?? LOGIN_REFUSED) : ((error as Disconnected).code ?? 0);
}

/**
 * Why there will be no further attempt; `undefined`: there may be one.
 *
 * `ghost`: a connection of this client was lost so short a time ago that the server may still count it. Then too many
 * connections may be this one and its own ghost, and pass by themselves.
 */
export function finality(error: LongwireError, ghost: boolean): CloseReason | undefined {
  if (error instanceof Invalid) return "refused";
  const code = codeOf(error);
  if (code < FINAL_FROM || code > FINAL_TO || (code === TOO_MANY && ghost)) return undefined;
  return error instanceof Refused ? "refused" : (REASONS[code] ?? "removed");
}

/** Whether the next attempt should keep its distance. */
export function isLater(error: LongwireError): boolean {
  return LATER.includes(codeOf(error));
}
