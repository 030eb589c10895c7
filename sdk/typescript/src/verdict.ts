/** What the end of a connection means for the next: closed for good, try again, or try again later. */

import { Disconnected, Invalid, type LongwireError, Refused, Status } from "./errors.js";

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

/** Refusals of LOGIN that the same login meets again. The others pass: throttled, overloaded, too many. */
//= PROTOCOL.md#8.4
// A refused first LOGIN is answered with 2, 3, 5, 7, 11 or 12.
const FINAL_STATUSES: readonly number[] = [
  Status.MALFORMED,
  Status.UNAUTHENTICATED,
  Status.FORBIDDEN,
  Status.BANNED,
  Status.TOO_LARGE,
  Status.UNSUPPORTED,
];

//= PROTOCOL.md#18.13
// Where the server closes, a close frame carries the code of this table: below 4500 come back, from 4500 not unchanged.
const FINAL_FROM = 4500;
const FINAL_TO = 4999;
const REASONS: Readonly<Record<number, CloseReason>> = { 4503: "refused", 4506: "replaced" };
/** The server goes down, is overloaded, or found this client too fast: it asks for distance. */
const LATER_CODES: readonly unknown[] = [4000, 4003, 4007];
const LATER_STATUSES: readonly number[] = [Status.RATE_LIMITED, Status.OVERLOADED, Status.TOO_MANY];

/** Why there will be no further attempt; `undefined`: there may be one. */
export function finality(error: LongwireError): CloseReason | undefined {
  if (error instanceof Invalid) return "refused";
  if (error instanceof Refused) return FINAL_STATUSES.includes(error.status) ? "refused" : undefined;
  const { code = 0 } = error as Disconnected;
  if (code < FINAL_FROM || code > FINAL_TO) return undefined;
  return REASONS[code] ?? "removed";
}

/** Whether the next attempt should keep its distance. */
export function isLater(error: LongwireError): boolean {
  return error instanceof Refused ? LATER_STATUSES.includes(error.status) : LATER_CODES.includes((error as Disconnected).code);
}
