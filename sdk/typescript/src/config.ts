/** What a client can be told: raw once, checked once, then plain values with their defaults. */

import { Invalid } from "./errors.js";
import { BODY_BYTES_MAX, FRAME_BYTES_CEILING, FRAME_BYTES_MAX, IDLE_MS, ROOMS_DEFAULT, ROOMS_MAX, WAIT_MS_MAX } from "./limits.js";
import type { Login } from "./message.js";
import type { Platform } from "./platform.js";
import type { LengthReading } from "./wire/frame.js";
import { hasGzip } from "./wire/gzip.js";

/** Asked before the LOGIN of every new connection, so that a token may be fetched fresh. What it throws counts as a failed attempt. */
export type LoginProvider = () => Login | Promise<Login>;

/** The commands that a deployment may give other numbers. */
export type CommandName = "login" | "logout" | "ping" | "pong" | "join" | "cms";

/** When a lost connection is tried again: the n-th failure in a row waits a random time in `[0, min(most, first * 2^(n-1)))`. */
export interface ReconnectOptions {
  /** The ceiling of the first wait, in ms. Default 500. */
  first?: number;
  /** The highest ceiling, in ms. Default 30,000. */
  most?: number;
  /** How many failures in a row are tried again; 0: the first loss closes the client. Default `Infinity`. */
  attempts?: number;
}

/** How long to wait for what, in ms. */
export interface TimeoutOptions {
  /** For a connection to open. Default 5,000. */
  connect?: number;
  /** For the login provider, and then for the answer to LOGIN. Default 10,000. */
  login?: number;
  /** After how much silence of this side a PING goes out. Default 14,000, which the protocol asks for. */
  heartbeat?: number;
  /** For a PONG, before the server counts as dead. Default 10,000. */
  pong?: number;
  /** For the answers of `join`, `login` and `ping`. Default 15,000. */
  call?: number;
  /** For the server to close after LOGOUT. Default 5,000. */
  close?: number;
}

/** What a deployment changed about the wire (PROTOCOL.md, section 19). */
export interface WireOptions {
  /** What `len` counts. Default `"body"`; servers tell the two apart by themselves. */
  length?: LengthReading;
  /** The version of every frame, 0 to 15. Default 0. */
  version?: number;
  /** Default: login 1, logout 2, ping 3, pong 4, join 5, cms 6. */
  commands?: Partial<Record<CommandName, number>>;
  /** The field numbers of LOGIN. Default: token 1, userId 2. */
  loginFields?: { token: number; userId: number };
  /** The largest body sent. Default 64 KiB. */
  bodyMax?: number;
  /** The largest body taken from the server, as sent and inflated. Default 128 KiB. */
  frameMax?: number;
}

/** Everything but the address; all of it has defaults. */
export interface LongwireOptions {
  /** Who to log in as, or a callback that says so before every connection. Default: a guest. */
  login?: Login | LoginProvider;
  /** Lets the server gzip what it pushes, from 512 bytes up. Default `false`. */
  gzip?: boolean;
  /** When a lost connection is tried again. */
  reconnect?: ReconnectOptions;
  /** How long to wait for what. */
  timeouts?: TimeoutOptions;
  /** How many rooms the server lets one connection be in. Default 16, as servers do. */
  rooms?: number;
  /** What a deployment changed about the wire. */
  wire?: WireOptions;
  /** Replaces parts of what the entry point wires: clocks, randomness, transports. */
  platform?: Partial<Platform>;
}

/** Everything settled. */
export interface Config {
  readonly gzip: boolean;
  readonly rooms: number;
  readonly reconnect: Readonly<Required<ReconnectOptions>>;
  readonly timeouts: Readonly<Required<TimeoutOptions>>;
  readonly wire: Readonly<Required<WireOptions>> & { readonly commands: Readonly<Record<CommandName, number>> };
}

const RECONNECT: Required<ReconnectOptions> = { first: 500, most: 30_000, attempts: Infinity };
const TIMEOUTS: Required<TimeoutOptions> = {
  connect: 5_000,
  login: 10_000,
  //= PROTOCOL.md#9.7
  // A client sends a PING after 14 s in which it sent nothing else.
  heartbeat: 14_000,
  pong: 10_000,
  call: 15_000,
  close: 5_000,
};
//= PROTOCOL.md#4.1
// The commands have the codes of this table by default.
const COMMANDS: Readonly<Record<CommandName, number>> = { login: 1, logout: 2, ping: 3, pong: 4, join: 5, cms: 6 };
const WIRE: Required<WireOptions> = {
  length: "body",
  version: 0,
  commands: COMMANDS,
  loginFields: { token: 1, userId: 2 },
  bodyMax: BODY_BYTES_MAX,
  frameMax: FRAME_BYTES_MAX,
};

/** Field numbers from 100 up are kept for extensions (PROTOCOL.md 17.3). */
const LOGIN_FIELD_MAX = 99;

/** The options with their defaults; throws {@link Invalid} where they cannot work. */
export function settle(options: LongwireOptions): Config {
  const { gzip = false, rooms = ROOMS_DEFAULT } = options;
  const reconnect = over(RECONNECT, options.reconnect);
  const timeouts = over(TIMEOUTS, options.timeouts);
  const wire = over(WIRE, options.wire);
  const commands = over(COMMANDS, wire.commands);
  check("gzip", !gzip || hasGzip(), "needs CompressionStream, which this platform lacks");
  whole("rooms", rooms, 1, ROOMS_MAX);
  for (const [name, ms] of Object.entries(timeouts)) whole(`timeouts.${name}`, ms, 1, WAIT_MS_MAX);
  whole("timeouts.heartbeat", timeouts.heartbeat, 1, IDLE_MS - 1);
  whole("reconnect.first", reconnect.first, 1, WAIT_MS_MAX);
  whole("reconnect.most", reconnect.most, reconnect.first, WAIT_MS_MAX);
  check("reconnect.attempts", reconnect.attempts >= 0, "is below 0");
  check("wire.length", wire.length === "body" || wire.length === "rest", 'is neither "body" nor "rest"');
  whole("wire.version", wire.version, 0, 15);
  whole("wire.bodyMax", wire.bodyMax, 1, FRAME_BYTES_CEILING);
  whole("wire.frameMax", wire.frameMax, 1, FRAME_BYTES_CEILING);
  //= PROTOCOL.md#19.2
  // `wire.login` gives token and userId other field numbers in LoginRequest.
  for (const [name, no] of Object.entries(wire.loginFields)) whole(`wire.loginFields.${name}`, no, 1, LOGIN_FIELD_MAX);
  //= PROTOCOL.md#19.1
  // `wire.commands` gives commands other codes, each unique and none of them 0.
  for (const [name, code] of Object.entries(commands)) whole(`wire.commands.${name}`, code, 1, 255);
  check("wire.commands", new Set(Object.values(commands)).size === Object.keys(COMMANDS).length, "has a number twice");
  return { gzip, rooms, reconnect, timeouts, wire: { ...wire, commands } };
}

/** The defaults, and what was said instead; a key that is `undefined` says nothing. */
function over<T extends object>(defaults: T, said: Partial<T> = {}): T {
  const settled = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    const value = said[key];
    if (value !== undefined) settled[key] = value;
  }
  return settled;
}

function whole(field: string, value: number, least: number, most: number): void {
  check(field, Number.isInteger(value) && value >= least && value <= most, `is not a whole number from ${least} to ${most}`);
}

function check(field: string, holds: boolean, reason: string): void {
  if (!holds) throw new Invalid(field, reason);
}
