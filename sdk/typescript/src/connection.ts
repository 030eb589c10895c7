/**
 * One connection, from asking for its login to its end: a transport and a session, tied together.
 *
 * Decides nothing about the protocol, and nothing about what comes after. Invariant: after `ended` was told, nothing is told any
 * more, whatever the transport, a login provider or an inflating body still bring; and every call was answered.
 */

import type { Config } from "./config.js";
import { Backpressure, Disconnected, LoginUnavailable, LongwireError, Lost, NotConnected } from "./errors.js";
import { BUFFERED_BYTES_MAX } from "./limits.js";
import { type Login, loginBody } from "./message.js";
import type { OpenTransport, Timers, Transport, TransportEnd } from "./platform.js";
import type { SessionEvent } from "./session/event.js";
import { type FirstLogin, Session } from "./session/session.js";
import type { Standing } from "./session/standing.js";
import { Compression } from "./wire/frame.js";
import { gunzip, gzip, type InflateError } from "./wire/gzip.js";

/** What a connection is made of. */
export interface Parts {
  readonly config: Config;
  readonly url: URL;
  readonly open: OpenTransport;
  readonly timers: Timers;
  readonly random: () => number;
  readonly standing: Standing;
  readonly login: () => Login | Promise<Login>;
}

/** The events of a session that are the application's. */
export type Told = Exclude<SessionEvent, { name: "answered" | "inflate" | "failed" }>;

/** What a connection tells. */
export interface ConnectionEvents {
  told(event: Told): void;
  /** The deadline may be another. */
  changed(): void;
  /** It is over. */
  ended(error: LongwireError): void;
}

interface Waiter {
  resolve(roundTrip: number): void;
  reject(error: LongwireError): void;
}

/**
 * After a call is answered, what came behind the answer is told this many microtasks later: by then whoever awaits a
 * `join` has the room and its listeners in place, a few `async` functions of the application's own in between.
 */
const ANSWERED_MICROTASKS = 16;

export class Connection {
  readonly #parts: Parts;
  readonly #events: ConnectionEvents;
  /** Of opening; of the session there is one of its own. */
  #due: number;
  #userId: string | undefined;
  #first: FirstLogin | undefined;
  #transport: Transport | undefined;
  #session: Session | undefined;
  #paused = false;
  #telling = false;
  #over = false;
  readonly #waiters = new Map<number, Waiter>();
  /** Who waits for the transport to close, after LOGOUT. */
  #gone: (() => void) | undefined;

  /** Begins at once; tells nothing before this returned. */
  constructor(parts: Parts, events: ConnectionEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#due = parts.timers.now() + parts.config.timeouts.login;
    void this.#open();
  }

  /** Who this connection logged in as; `undefined`: a guest. */
  get userId(): string | undefined {
    return this.#userId;
  }

  get bufferedAmount(): number {
    return this.#transport?.bufferedAmount ?? 0;
  }

  /** When to call `tick`. */
  get deadline(): number {
    return this.#session ? this.#session.deadline : this.#due;
  }

  /** Time has passed. */
  tick(): void {
    if (this.#over) return;
    const now = this.#now();
    if (this.#session) this.#session.handleTimeout(now);
    else if (this.#due <= now) return this.#end(this.#late());
    this.#pump();
  }

  wake(): void {
    this.#session?.wake(this.#now());
    this.#pump();
  }

  /** A call that the server answers: resolves with its round trip in ms. */
  call(make: (session: Session, now: number) => number): Promise<number> {
    return new Promise((resolve, reject) => {
      const ticket = this.#take(make);
      this.#waiters.set(ticket, { resolve, reject });
      this.#pump();
    });
  }

  /** A send: its bytes are with the transport when this returns. */
  send(make: (session: Session, now: number) => number): number {
    const id = this.#take(make);
    this.#flush();
    if (this.#over) throw new NotConnected();
    this.#events.changed();
    return id;
  }

  async login(login: Login): Promise<void> {
    await this.call((session, now) => session.login(login, now));
    this.#userId = login === "guest" ? undefined : login.userId;
  }

  leave(room: string): void {
    this.#session?.leave(room);
  }

  /**
   * The application wants no more: calls are answered with `error`. Where there is a session, LOGOUT goes out behind
   * everything sent so far, and the transport stays for the server to close: then `gone` is called, and `true` returned.
   */
  logout(error: LongwireError, gone: () => void): boolean {
    if (this.#over) return false;
    const leaving = this.#session?.logout(this.#now()) ?? false;
    this.#flush();
    if (this.#over) return false;
    this.#gone = gone;
    this.#answerAll(error);
    if (!leaving) this.#transport?.close();
    return leaving;
  }

  /** Ends it without a word. */
  abort(): void {
    this.#gone = undefined;
    this.#answerAll(new NotConnected());
    this.#transport?.close();
  }

  // --- opening ---

  async #open(): Promise<void> {
    try {
      const login = await this.#askLogin();
      const { config, url, open, timers } = this.#parts;
      const body = loginBody(login, config.wire.loginFields);
      this.#userId = login === "guest" ? undefined : login.userId;
      //= PROTOCOL.md#6.7
      // The server compresses only if the first LOGIN had compression 1; a LOGIN without a body shows it as well.
      this.#first = config.gzip
        ? { body: await gzip(body), compression: Compression.GZIP }
        : { body, compression: Compression.NONE };
      if (this.#over) return;
      this.#due = timers.now() + config.timeouts.connect;
      this.#transport = this.#openTransport(open, url);
      this.#events.changed();
    } catch (error) {
      this.#end(error instanceof LongwireError ? error : new Disconnected("unreachable", String(error), undefined, error));
    }
  }

  async #askLogin(): Promise<Login> {
    await undefined;
    try {
      return await this.#parts.login();
    } catch (error) {
      throw new LoginUnavailable(error);
    }
  }

  #openTransport(open: OpenTransport, url: URL): Transport {
    return open(url, {
      open: () => {
        if (!this.#over) this.#begin();
      },
      bytes: (bytes) => {
        this.#session?.handleBytes(bytes, this.#now());
        this.#pump();
      },
      close: (end) => {
        this.#end(this.#closed(end));
        this.#gone?.();
      },
    });
  }

  #begin(): void {
    const { config, standing, random } = this.#parts;
    this.#session ??= new Session(config, this.#first!, standing, random, this.#now());
    this.#pump();
  }

  #closed({ code, reason, error }: TransportEnd): LongwireError {
    if (error instanceof LongwireError) return error;
    const why = this.#session ? "closed" : "unreachable";
    return new Disconnected(why, reason || (error === undefined ? "" : String(error)), code, error);
  }

  #late(): LongwireError {
    return this.#first ? new Disconnected("timeout", "it did not open") : new LoginUnavailable(new Error("no answer in time"));
  }

  // --- serving ---

  #now(): number {
    return this.#parts.timers.now();
  }

  #take(make: (session: Session, now: number) => number): number {
    if (this.#over || !this.#session) throw new NotConnected();
    const { bufferedAmount } = this;
    if (bufferedAmount > BUFFERED_BYTES_MAX) throw new Backpressure(bufferedAmount);
    return make(this.#session, this.#now());
  }

  /** Does what the session asks for: its bytes first, then what it tells. */
  #pump(): void {
    this.#flush();
    if (this.#telling) return;
    this.#telling = true;
    let answered = false;
    while (!answered && !this.#over) {
      const event = this.#session?.nextEvent();
      if (!event) break;
      answered = event.name === "answered";
      this.#tell(event);
      this.#flush();
    }
    if (this.#over) return;
    if (answered) return void this.#pumpLater();
    this.#telling = false;
    this.#pace();
    this.#events.changed();
  }

  async #pumpLater(): Promise<void> {
    for (let n = 0; n < ANSWERED_MICROTASKS; n++) await undefined;
    this.#telling = false;
    this.#pump();
  }

  //= PROTOCOL.md#3.15
  // A client in the reading body hands its LOGIN to the network in one piece.
  #flush(): void {
    try {
      for (let bytes = this.#session?.nextBytes(); bytes; bytes = this.#session?.nextBytes()) this.#transport?.send(bytes);
    } catch (error) {
      this.#end(this.#closed({ error }));
    }
  }

  #pace(): void {
    const paused = this.#session?.paused ?? false;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#transport?.pause?.();
    else this.#transport?.resume?.();
  }

  #tell(event: SessionEvent): void {
    switch (event.name) {
      case "answered":
        return this.#answer(event.ticket, event.error, event.roundTrip);
      case "inflate":
        return void this.#inflate(event.body);
      case "failed":
        return this.#end(event.error);
      default:
        this.#events.told(event);
    }
  }

  #answer(ticket: number, error: LongwireError | undefined, roundTrip: number): void {
    const waiter = this.#waiters.get(ticket);
    this.#waiters.delete(ticket);
    if (error) waiter?.reject(error);
    else waiter?.resolve(roundTrip);
  }

  async #inflate(body: Uint8Array): Promise<void> {
    const { frameMax } = this.#parts.config.wire;
    const inflated = await gunzip(body, frameMax).catch((error: InflateError) => error);
    this.#session?.handleInflated(inflated, this.#now());
    this.#pump();
  }

  // --- the end ---

  #end(error: LongwireError): void {
    if (this.#over) return;
    this.#answerAll(new Lost(error));
    this.#transport?.close();
    this.#events.ended(error);
  }

  #answerAll(error: LongwireError): void {
    this.#over = true;
    this.#session = undefined;
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
  }
}
