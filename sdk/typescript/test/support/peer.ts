/** A session and the server on its other side, by hand and without a network. */

import assert from "node:assert/strict";
import { type LongwireOptions, settle } from "../../src/config.js";
import { loginBody } from "../../src/message.js";
import { decode, encode } from "../../src/proto/codec.js";
import { ChatroomRequest, CRMessage, CRMessageResponse } from "../../src/proto/longwire.js";
import type { SessionEvent } from "../../src/session/event.js";
import { type FirstLogin, Session } from "../../src/session/session.js";
import { Standing } from "../../src/session/standing.js";
import { Decoder, encodeFrame, Flow, type Frame } from "../../src/wire/frame.js";

/** The commands by their default codes. */
export const CODES = { login: 1, logout: 2, ping: 3, pong: 4, join: 5, cms: 6 } as const;

export interface Said {
  text?: string;
  from?: string;
  time?: number;
  type?: number;
}

/** The body of a push. */
export function pushBody(chatroom: string, said: Said[]): Uint8Array {
  const messages = said.map(({ text = "", from = "bob", time = 1, type: messageType = 0 }) => ({
    messageContent: new TextEncoder().encode(text),
    from,
    to: chatroom,
    timestamp: BigInt(time),
    messageType,
  }));
  return encode(CRMessageResponse, { messages, chatroom });
}

/** A frame of a server. */
export function serverFrame(
  command: number,
  flow: number,
  seq: number,
  status = 0,
  body: Uint8Array = new Uint8Array(),
  compression = 0,
): Uint8Array {
  return encodeFrame("body", { command, flow, seq, status, version: 0, compression }, body);
}

export class Peer {
  readonly standing: Standing;
  readonly session: Session;
  now = 1_000_000;
  readonly #decoder = new Decoder("body", 131_072);

  constructor(options: LongwireOptions = {}, standing = new Standing(), first: Partial<FirstLogin> = {}) {
    this.standing = standing;
    const body = loginBody({ token: "sesame", userId: "alice" }, { token: 1, userId: 2 });
    this.session = new Session(settle(options), { body, compression: 0, ...first }, standing, () => 0.5, this.now);
  }

  /** One that is logged in, with nothing left to read. */
  static loggedIn(options: LongwireOptions = {}, standing?: Standing): Peer {
    const peer = new Peer(options, standing);
    peer.answer(peer.take());
    assert.deepEqual(peer.events(), [{ name: "loggedIn" }]);
    return peer;
  }

  /** One that is logged in and in these rooms. */
  static inRooms(...rooms: string[]): Peer {
    const peer = Peer.loggedIn();
    for (const room of rooms) peer.joins(room);
    return peer;
  }

  joins(room: string): void {
    this.session.join(room, this.now);
    this.answer(this.take());
    this.events();
  }

  /** The frames that the session has for the network. */
  frames(): Frame[] {
    const frames: Frame[] = [];
    for (let bytes = this.session.nextBytes(); bytes; bytes = this.session.nextBytes()) {
      this.#decoder.push(bytes);
      for (let frame = this.#decoder.next(); frame; frame = this.#decoder.next()) frames.push(frame);
    }
    return frames;
  }

  /** The one frame that the session has for the network. */
  take(): Frame {
    const frames = this.frames();
    assert.equal(frames.length, 1, `one frame, not ${JSON.stringify(frames)}`);
    return frames[0]!;
  }

  /** The rooms of the JOIN_CRs that the session has for the network. */
  joinsAsked(): string[] {
    return this.frames().map((frame) => {
      assert.equal(frame.command, CODES.join);
      return decode(ChatroomRequest, frame.body).chatroomId;
    });
  }

  events(): SessionEvent[] {
    const events: SessionEvent[] = [];
    for (let event = this.session.nextEvent(); event; event = this.session.nextEvent()) events.push(event);
    return events;
  }

  /** The names of the events, and what the messages say. */
  heard(): string[] {
    return this.events().map((event) => (event.name === "message" ? (event.message.text ?? "?") : event.name));
  }

  bytes(bytes: Uint8Array): void {
    this.session.handleBytes(bytes, this.now);
  }

  /** Answers a request as a server does. */
  answer({ command, seq }: { command: number; seq: number }, status = 0): void {
    const answer = command === CODES.ping && status === 0 ? CODES.pong : command;
    this.bytes(serverFrame(answer, Flow.ANSWER, seq, status));
  }

  push(room: string, ...said: Said[]): void {
    this.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, pushBody(room, said)));
  }

  /** Lets time pass, with everything that is due on the way. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.session.deadline <= until) {
      this.now = Math.max(this.now, this.session.deadline);
      this.session.handleTimeout(this.now);
    }
    this.now = until;
  }
}

export function sentMessage(frame: Frame): CRMessage {
  assert.equal(frame.command, CODES.cms);
  return decode(CRMessage, frame.body);
}
