/** What an entry point wires: sockets, clocks and randomness, which nothing else in this package touches. */

/** The machine below a client. */
export interface Platform {
  /** By URL protocol, `"ws:"` and so on. */
  readonly transports: Readonly<Record<string, OpenTransport>>;
  /** Called at `connect()`; closed once the client is closed: a worker may live in it. */
  readonly timers: () => Timers;
  /** In `[0, 1)`. */
  readonly random: () => number;
  /** Calls `wake` when a look at once is worth it; returns its undoing. Registered from `connect()` until the client is closed. */
  readonly onWake?: (wake: () => void) => () => void;
}

/** A clock and its alarms. A client has at most one alarm set at a time. */
export interface Timers {
  /** In ms, never falling; where possible it goes on while the machine sleeps. */
  now(): number;
  /** Calls `fire` after `ms`. Firing early, late or twice is harmless. */
  set(ms: number, fire: () => void): unknown;
  /** Takes back what `set` returned. */
  clear(alarm: unknown): void;
  /** Nothing is asked of these timers any more. */
  close?(): void;
}

/** Opens a connection. Throwing counts as not being able to connect. */
export type OpenTransport = (url: URL, events: TransportEvents) => Transport;

/** What a transport tells; never from within the call that opened it. */
export interface TransportEvents {
  /** Bytes can be sent from now on. */
  open(): void;
  /** Bytes came, cut anywhere. They are given away: the transport does not write to them again. */
  bytes(bytes: Uint8Array): void;
  /** The connection is gone. Once, and the last; also where it never opened. */
  close(end: TransportEnd): void;
}

/** How a connection ended. */
export interface TransportEnd {
  /** The close code of a WebSocket. */
  readonly code?: number;
  /** What the other side gave as its reason. */
  readonly reason?: string;
  /** What broke. */
  readonly error?: unknown;
}

/** One connection, and whatever bytes it holds for the network. */
export interface Transport {
  /** Takes whole frames. Throws where it is not open: nothing is dropped in silence. */
  send(bytes: Uint8Array): void;
  /** Bytes taken that the network has not. */
  readonly bufferedAmount: number;
  /** Ends it at once and for good; harmless where it is over. Whether `events.close` still comes does not matter. */
  close(): void;
  /** Stops reading, where the transport can. */
  pause?(): void;
  /** Goes on reading. */
  resume?(): void;
}
