/**
 * One connection's conversation: bytes in, events and bytes out.
 *
 * Holds no socket, clock or randomness of its own: time comes as an argument. Whoever drives it hands in what came,
 * sends what `nextBytes` gives, does what `nextEvent` says and comes back at `deadline`.
 * Invariant: after the event `failed` there is nothing more, in neither direction.
 */

import { Backoff } from "../backoff.js";
import type { CommandName, Config } from "../config.js";
import { type Call, Disconnected, type LongwireError, NotConnected, Refused, Status, TimedOut, TooMany } from "../errors.js";
import { Fifo } from "../fifo.js";
import { CALLS_PENDING_MAX } from "../limits.js";
import { joinBody, type Login, loginBody, Message, messageBody, type SendOptions } from "../message.js";
import { decode } from "../proto/codec.js";
import { CRMessageResponse } from "../proto/longwire.js";
import { Compression, encodeFrame, Flow, type Frame } from "../wire/frame.js";
import type { InflateError } from "../wire/gzip.js";
import type { SessionEvent } from "./event.js";
import { Heart } from "./heart.js";
import { Inbox, isGzipped } from "./inbox.js";
import { type Asked, Pending } from "./pending.js";
import type { Standing } from "./standing.js";

/** The body of a connection's first LOGIN, as it goes out. */
export interface FirstLogin {
  readonly body: Uint8Array;
  readonly compression: number;
}

const SEQ_MAX = 0xffff_ffff;
const PING: Call = { name: "ping" };
const LOGIN: Call = { name: "login" };
/** Refusals of a JOIN_CR that may pass by themselves. */
const PASSING: readonly number[] = [Status.RATE_LIMITED, Status.OVERLOADED, Status.TOO_MANY, Status.INTERNAL];

export class Session {
  readonly #config: Config;
  readonly #standing: Standing;
  readonly #inbox: Inbox;
  readonly #pending = new Pending();
  readonly #heart: Heart;
  readonly #names = new Map<number, CommandName>();
  #phase: "loggingIn" | "open" | "loggingOut" | "failed" = "loggingIn";
  readonly #loginDue: number;
  #inflating = false;
  #seq = 0;
  #tickets = 0;
  readonly #bytes = new Fifo<Uint8Array>();
  readonly #events = new Fifo<SessionEvent>();
  /** Rooms that the server has this connection in, in the order of joining. */
  readonly #members: string[] = [];
  /** Rooms whose joining again the server put off, and when to try. */
  readonly #putOff = new Set<string>();
  #rejoinAt = Infinity;
  readonly #rejoinBackoff: Backoff;

  /** Begins with LOGIN. */
  constructor(config: Config, first: FirstLogin, standing: Standing, random: () => number, now: number) {
    const { timeouts, reconnect, wire } = config;
    this.#config = config;
    this.#standing = standing;
    this.#inbox = new Inbox(wire.length, wire.frameMax);
    this.#heart = new Heart(timeouts.heartbeat, timeouts.pong, now);
    this.#rejoinBackoff = new Backoff(reconnect.first, reconnect.most, random);
    this.#loginDue = now + timeouts.login;
    for (const [name, code] of Object.entries(wire.commands)) this.#names.set(code, name as CommandName);
    this.#ask("login", first.body, LOGIN, "login", now, undefined, first.compression);
  }

  // --- calls of the application: each returns a ticket, or throws and sends nothing ---

  //= PROTOCOL.md#8.13
  // The dialect stays the first LOGIN's, whatever a later LOGIN shows.
  login(login: Login, now: number): number {
    this.#mayAsk();
    return this.#ask("login", loginBody(login, this.#config.wire.loginFields), LOGIN, "login", now, ++this.#tickets);
  }

  join(room: string, now: number): number {
    this.#mayAsk();
    const body = joinBody(room);
    const { rooms } = this.#config;
    const asked = new Set([...this.#standing.rooms, ...this.#pending.joining, room]);
    if (asked.size > rooms) throw new TooMany("rooms", rooms);
    return this.#ask("join", body, { name: "join", room }, "join", now, ++this.#tickets);
  }

  ping(now: number): number {
    this.#mayAsk();
    return this.#ping(now, ++this.#tickets);
  }

  /** Returns the id by which a refusal will name it. */
  send(room: string, content: string | Uint8Array, options: SendOptions, now: number): number {
    const body = messageBody(room, content, options, this.#config.wire.bodyMax);
    this.#mustBeOpen();
    const id = this.#standing.nextSend();
    this.#pending.sent(this.#put("cms", body, now), { name: "send", id, room });
    return id;
  }

  //= PROTOCOL.md#10.9
  // There is no command to leave a room.
  leave(room: string): void {
    this.#putOff.delete(room);
    this.#standing.forget(room);
  }

  /** Says goodbye behind everything sent so far, if there is anybody to say it. The server closes; nothing is told any more. */
  logout(now: number): boolean {
    if (this.#phase !== "open") return false;
    this.#put("logout", new Uint8Array(), now);
    this.#phase = "loggingOut";
    this.#inbox.clear();
    this.#events.clear();
    return true;
  }

  // --- what happens to the connection ---

  /** Bytes of the server, cut anywhere. */
  handleBytes(bytes: Uint8Array, now: number): void {
    if (!this.#isLive) return;
    this.#heart.heard(now);
    this.#try(() => {
      this.#inbox.push(bytes);
      this.#advance(now);
      if (this.#inbox.overrun) this.#fail(new Disconnected("overrun", "more came than could be inflated in time"));
    });
  }

  /** What became of the body of the event `inflate`. */
  handleInflated(body: Uint8Array | InflateError, now: number): void {
    const frame = this.#inbox.head;
    if (!this.#isLive || !frame) return;
    this.#inflating = false;
    this.#inbox.shift();
    this.#try(() => {
      if (!(body instanceof Uint8Array)) throw body;
      this.#handleFrame(frame, body, now);
      this.#advance(now);
    });
  }

  /** The time of `deadline` has come; earlier is harmless. */
  handleTimeout(now: number): void {
    if (this.#phase === "loggingIn" && this.#loginDue <= now) this.#fail(new Disconnected("timeout", "LOGIN was not answered"));
    if (this.#phase !== "open") return;
    for (let asked = this.#overdue(now); asked; asked = this.#overdue(now)) {
      const ticket = asked.ticket!;
      asked.ticket = undefined;
      this.#events.push({ name: "answered", ticket, error: new TimedOut(), roundTrip: 0 });
    }
    const beat = this.#heart.beat(now);
    if (beat === "dead") return this.#fail(new Disconnected("silent", "a PING was not answered in time"));
    if (beat === "ping") this.#beat(now);
    if (this.#rejoinAt <= now) this.#rejoin([...this.#putOff], now);
  }

  /** Says that we live; in a hurry where the server has hardly waited for it: this side stood still. */
  #beat(now: number): void {
    const isLate = this.#heart.overslept(now);
    this.#ping(now);
    if (isLate) this.#heart.hurry(now);
  }

  /** Somebody looks, or the machine woke up. */
  wake(now: number): void {
    if (this.#phase !== "open") return;
    //= PROTOCOL.md#9.3
    // The server closes a connection between 30 s and 31 s after the last complete frame that the client sent.
    if (this.#heart.overslept(now)) return this.#fail(new Disconnected("asleep", "30 s without a heartbeat of ours"));
    if (!this.#pending.pinging) this.#ping(now);
    this.#heart.hurry(now);
  }

  // --- what is to be done ---

  get deadline(): number {
    switch (this.#phase) {
      case "loggingIn":
        return this.#loginDue;
      case "open":
        return Math.min(this.#heart.deadline, this.#rejoinAt, this.#dueOf(this.#pending.oldest));
      case "loggingOut":
      case "failed":
        return Infinity;
    }
  }

  /** The next frame for the network. */
  nextBytes(): Uint8Array | undefined {
    return this.#bytes.shift();
  }

  /** What happened next. Bytes go first: an application that hears of something may send behind it. */
  nextEvent(): SessionEvent | undefined {
    return this.#events.shift();
  }

  /** Whether the transport should stop reading for now. */
  get paused(): boolean {
    return this.#inbox.paused;
  }

  // --- inside ---

  get #isLive(): boolean {
    return this.#phase === "loggingIn" || this.#phase === "open";
  }

  #mustBeOpen(): void {
    if (this.#phase !== "open") throw new NotConnected();
  }

  #mayAsk(): void {
    this.#mustBeOpen();
    if (this.#pending.size >= CALLS_PENDING_MAX) throw new TooMany("unanswered calls", CALLS_PENDING_MAX);
  }

  #dueOf(asked: Asked | undefined): number {
    return asked ? asked.at + this.#config.timeouts.call : Infinity;
  }

  #overdue(now: number): Asked | undefined {
    const { oldest } = this.#pending;
    return this.#dueOf(oldest) <= now ? oldest : undefined;
  }

  #put(command: CommandName, body: Uint8Array, now: number, compression: number = Compression.NONE): number {
    const { length, version, commands } = this.#config.wire;
    // 0 is what notifies carry: legal for a request, but easily confused in a dump.
    const seq = (this.#seq = this.#seq === SEQ_MAX ? 1 : this.#seq + 1);
    const header = { seq, command: commands[command], version, compression, flow: Flow.REQUEST, status: Status.OK };
    this.#bytes.push(encodeFrame(length, header, body));
    this.#heart.spoke(now);
    return seq;
  }

  #ask(
    command: CommandName,
    body: Uint8Array,
    call: Call,
    by: CommandName,
    at: number,
    ticket?: number,
    compression?: number,
  ): number {
    this.#pending.asked(this.#put(command, body, at, compression), { call, by, ticket, at });
    return ticket ?? 0;
  }

  #ping(now: number, ticket?: number): number {
    this.#heart.pinged(now);
    return this.#ask("ping", new Uint8Array(), PING, "pong", now, ticket);
  }

  #fail(error: LongwireError): void {
    this.#phase = "failed";
    this.#inbox.clear();
    this.#bytes.clear();
    this.#events.push({ name: "failed", error });
  }

  /** What the server says cannot be trusted: whatever reading it throws ends the connection. */
  #try(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#fail(new Disconnected("protocol", (error as Error).message, undefined, error));
    }
  }

  #advance(now: number): void {
    for (let frame = this.#inbox.head; frame && this.#isLive && !this.#inflating; frame = this.#inbox.head) {
      if (this.#isPush(frame) && isGzipped(frame)) {
        this.#inflating = true;
        this.#events.push({ name: "inflate", body: frame.body });
      } else {
        this.#inbox.shift();
        this.#handleFrame(frame, frame.body, now);
      }
    }
  }

  //= PROTOCOL.md#5.20
  // A client that dispatches on the command alone may read a refused CMS as a push: the flow tells them apart.
  #isPush(frame: Frame): boolean {
    return frame.flow === Flow.NOTIFY && this.#names.get(frame.command) === "cms";
  }

  #handleFrame(frame: Frame, body: Uint8Array, now: number): void {
    if (frame.compression > Compression.GZIP) throw new Error("reserved compression");
    if (frame.flow === Flow.ANSWER) return this.#handleAnswer(frame, now);
    if (frame.flow !== Flow.NOTIFY) throw new Error(`a frame of flow ${frame.flow} from a server`);
    //= PROTOCOL.md#1.4
    // The server sends nothing before LOGIN, whose answer is therefore the first thing that it says.
    if (this.#phase !== "open") throw new Error("something else before LOGIN was answered");
    if (this.#isPush(frame)) this.#handlePush(body);
  }

  //= PROTOCOL.md#12.2
  // A push is of one room, named in `chatroom`.
  //= PROTOCOL.md#12.3
  // A push holds one record or more, in the room's order.
  #handlePush(body: Uint8Array): void {
    const { chatroom, messages } = decode(CRMessageResponse, body);
    if (!this.#standing.holds(chatroom)) return;
    for (const record of messages) {
      const message = new Message(chatroom, record);
      if (this.#standing.takes(message)) this.#events.push({ name: "message", message });
    }
  }

  //= PROTOCOL.md#2.7
  // An answer carries the seq and the command of the request it answers (PONG alone has its own command).
  #handleAnswer({ command, seq, status }: Frame, now: number): void {
    const name = this.#names.get(command);
    const refused = status !== Status.OK;
    const asked = this.#pending.answer(name, seq, refused);
    if (asked) return refused ? this.#handleRefused(asked, status, now) : this.#handleAccepted(asked, now);
    if (this.#phase !== "open") throw new Error("something else before LOGIN was answered");
    if (!refused) return;
    const call: Call = (name === "cms" && this.#pending.refuseSend(seq)) || { name: "unknown", command, seq };
    this.#events.push({ name: "refused", error: new Refused(call, status) });
  }

  #handleAccepted({ call, ticket, at }: Asked, now: number): void {
    const roundTrip = now - at;
    if (this.#phase === "loggingIn") {
      this.#phase = "open";
      this.#heart.measured(roundTrip);
      this.#rejoin(this.#standing.rooms, now);
      this.#events.push({ name: "loggedIn" });
      return;
    }
    if (call.name === "ping") {
      this.#heart.measured(roundTrip);
      this.#heart.ponged(now, this.#pending.pinging);
      this.#events.push({ name: "roundTrip", ms: roundTrip });
    } else if (call.name === "join" || call.name === "rejoin") {
      this.#handleJoined(call, ticket !== undefined, now);
    }
    if (ticket !== undefined) this.#events.push({ name: "answered", ticket, roundTrip });
  }

  #handleRefused({ call, ticket, at }: Asked, status: number, now: number): void {
    const error = new Refused(call, status);
    if (this.#phase === "loggingIn") return this.#fail(error);
    // A refused PING is a sign of life all the same.
    if (call.name === "ping") this.#heart.ponged(now, this.#pending.pinging);
    if (ticket !== undefined) this.#events.push({ name: "answered", ticket, error, roundTrip: now - at });
    else this.#events.push({ name: "refused", error });
    if (call.name === "rejoin") this.#putOffOrForget(call.room, status, now);
  }

  #handleJoined(call: { name: "join" | "rejoin"; room: string }, wanted: boolean, now: number): void {
    const { room } = call;
    const held = this.#standing.holds(room);
    if (call.name === "rejoin") this.#rejoinBackoff.reset();
    this.#putOff.delete(room);
    if ((held || (wanted && call.name === "join")) && this.#standing.enter(room)) {
      this.#events.push({ name: "room", room, state: "joined" });
    }
    this.#enterMembers(room, now);
  }

  //= PROTOCOL.md#10.5
  // A JOIN_CR beyond the number of rooms succeeds, and the connection silently leaves the room it joined longest ago.
  // That one may still be held here, where the newer ones were given up: then it is joined again, and another goes.
  #enterMembers(room: string, now: number): void {
    if (!this.#members.includes(room)) this.#members.push(room);
    if (this.#members.length <= this.#config.rooms) return;
    const gone = this.#members.shift()!;
    if (!this.#standing.holds(gone)) return;
    this.#standing.unjoin(gone);
    this.#events.push({ name: "room", room: gone, state: "joining" });
    this.#rejoin([gone], now);
  }

  #putOffOrForget(room: string, status: number, now: number): void {
    if (!this.#standing.holds(room)) return;
    if (PASSING.includes(status)) {
      this.#putOff.add(room);
      if (this.#rejoinAt === Infinity) this.#rejoinAt = now + this.#rejoinBackoff.fail();
      return;
    }
    this.#standing.forget(room);
    this.#events.push({ name: "room", room, state: "left" });
  }

  #rejoin(rooms: string[], now: number): void {
    this.#rejoinAt = Infinity;
    for (const room of rooms) {
      this.#putOff.delete(room);
      this.#ask("join", joinBody(room), { name: "rejoin", room }, "join", now);
    }
  }
}
