/**
 * What can go wrong, by whose fault. `error.name` is the class's name and tells the classes apart without `instanceof`,
 * also where a page carries two copies of this package.
 */

/** The base of everything this package throws, rejects with or tells as an event. */
export class LongwireError extends Error {
  static {
    this.prototype.name = "LongwireError";
  }
}

/** Which call an answer of the server belongs to. */
export type Call =
  | { readonly name: "login" }
  | { readonly name: "join"; readonly room: string }
  /** A room joined again after a reconnect. */
  | { readonly name: "rejoin"; readonly room: string }
  /** `id` is what `send` resolved with. */
  | { readonly name: "send"; readonly id: number; readonly room: string }
  | { readonly name: "ping" }
  /** Nothing this client remembers: too long ago, or the server's mistake. */
  | { readonly name: "unknown"; readonly command: number; readonly seq: number };

//= PROTOCOL.md#5.1
// The status codes are those of this table.
/** The status codes of the protocol. A server may send others, which are refusals too. */
export const Status = {
  OK: 0,
  MALFORMED: 1,
  UNAUTHENTICATED: 2,
  FORBIDDEN: 3,
  NOT_JOINED: 4,
  RATE_LIMITED: 5,
  MUTED: 6,
  BANNED: 7,
  NO_SUCH_ROOM: 8,
  TOO_LARGE: 9,
  UNSUPPORTED: 10,
  OVERLOADED: 11,
  TOO_MANY: 12,
  INTERNAL: 13,
  REJECTED: 14,
} as const;

const STATUS_NAMES: readonly string[] = Object.keys(Status);

/** The server said no: to which call, and why. */
export class Refused extends LongwireError {
  static {
    this.prototype.name = "Refused";
  }

  /** The status's name in the protocol; `STATUS_99` for one this package does not know. */
  readonly statusName: string;

  constructor(
    /** The call that was refused. */
    readonly call: Call,
    /** The server's reason: one of {@link Status}, or a number it does not list. */
    readonly status: number,
  ) {
    const statusName = STATUS_NAMES[status] ?? `STATUS_${status}`;
    super(`${"room" in call ? `${call.name} (${call.room})` : call.name} refused: ${statusName}`);
    this.statusName = statusName;
  }
}

/** There is no connection just now, and nothing was sent. Nothing is kept for later. */
export class NotConnected extends LongwireError {
  static {
    this.prototype.name = "NotConnected";
  }

  constructor() {
    super("not connected");
  }
}

/** The connection was lost before the answer came: whether the server did it is not known. `cause` is the loss. */
export class Lost extends LongwireError {
  static {
    this.prototype.name = "Lost";
  }

  constructor(cause: unknown) {
    super("the connection was lost before the answer came", { cause });
  }
}

/** No answer came in time. */
export class TimedOut extends LongwireError {
  static {
    this.prototype.name = "TimedOut";
  }

  constructor() {
    super("no answer in time");
  }
}

/** The client is closed for good. */
export class Closed extends LongwireError {
  static {
    this.prototype.name = "Closed";
  }

  constructor() {
    super("the client is closed");
  }
}

/** More than 1 MiB waits for the network to take it; nothing was sent. */
export class Backpressure extends LongwireError {
  static {
    this.prototype.name = "Backpressure";
  }

  constructor(
    /** How many bytes wait. */
    readonly bufferedAmount: number,
  ) {
    super(`${bufferedAmount} bytes wait for the network`);
  }
}

/** What was asked for cannot be carried by the protocol; nothing was sent. */
export class Invalid extends LongwireError {
  static {
    this.prototype.name = "Invalid";
  }

  constructor(
    /** The field or option that is wrong. */
    readonly field: string,
    /** What is wrong with it. */
    reason: string,
  ) {
    super(`${field} ${reason}`);
  }
}

/** A bound of this client; nothing was sent. */
export class TooMany extends LongwireError {
  static {
    this.prototype.name = "TooMany";
  }

  constructor(
    what: string,
    /** The bound. */
    readonly max: number,
  ) {
    super(`more than ${max} ${what}`);
  }
}

/** The application's login provider threw, or took too long. `cause` is what it threw. */
export class LoginUnavailable extends LongwireError {
  static {
    this.prototype.name = "LoginUnavailable";
  }

  constructor(cause: unknown) {
    super("no login to send", { cause });
  }
}

/** Why a connection could not be made, or ended. */
export type Why =
  /** It could not be opened. */
  | "unreachable"
  /** It was not open, or LOGIN not answered, in time. */
  | "timeout"
  /** The other side, or something on the way, closed it: `code` has the WebSocket's close code. */
  | "closed"
  /** A PING was not answered in time. */
  | "silent"
  /** The server sent what the protocol does not allow. */
  | "protocol"
  /** It brought more than this side could inflate. */
  | "overrun"
  /** This machine or page slept for so long that the server has given the connection up. */
  | "asleep";

/** A connection could not be made, or ended. */
export class Disconnected extends LongwireError {
  static {
    this.prototype.name = "Disconnected";
  }

  constructor(
    readonly why: Why,
    reason = "",
    /** The close code of a WebSocket. */
    readonly code?: number,
    cause?: unknown,
  ) {
    super(`${why}${code === undefined ? "" : ` (${code})`}${reason && `: ${reason}`}`, { cause });
  }
}
