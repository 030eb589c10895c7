/** A network and a server in virtual time: seeded, and as bad as asked for. */

import type { OpenTransport, Transport, TransportEnd, TransportEvents } from "../../src/platform.js";
import { decode, encode } from "../../src/proto/codec.js";
import { ChatroomRequest, CRMessage, CRMessageResponse } from "../../src/proto/longwire.js";
import { Decoder, Flow } from "../../src/wire/frame.js";
import type { Clock } from "./clock.js";
import { CODES, serverFrame } from "./peer.js";

/** What goes wrong, each as a probability per occasion. */
export interface Faults {
  /** A connection is refused, or never opens. */
  refuse: number;
  hang: number;
  /** A connection in use ends: for both sides, for the client alone (the server's side lives on), or for nobody (bytes vanish). */
  cut: number;
  /** Bytes stop on their way for a while. */
  stall: number;
  /** The server says no to a LOGIN, a JOIN_CR, a CMS. */
  refusal: number;
  /** A record that has just been told comes again to who has just joined (PROTOCOL.md 10.7). */
  again: number;
}

export const CALM: Faults = { refuse: 0, hang: 0, cut: 0, stall: 0, refusal: 0, again: 0 };
const FAULT_EVERY_MS = 1_000;
const IDLE_MS = 30_500;

/** One direction of a connection: in order, cut anywhere, late. */
class Line {
  /** Bytes on their way. */
  waiting = 0;
  stalledUntil = 0;
  dead = false;
  /** An empty piece is the end. */
  readonly #pieces: Uint8Array[] = [];

  constructor(
    readonly net: Network,
    readonly arrive: (bytes: Uint8Array) => void,
    readonly ended: () => void = () => {},
  ) {}

  /** Whoever sends has closed: behind all it sent, the other side learns it. */
  end(): void {
    if (this.#pieces.push(new Uint8Array()) === 1) this.#next();
  }

  send(bytes: Uint8Array): void {
    const { net } = this;
    const idle = !this.#pieces.length;
    this.waiting += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const size = net.random() < 0.2 ? 1 + Math.floor(net.random() * 20) : bytes.length - at;
      this.#pieces.push(bytes.slice(at, at + size));
      at += size;
    }
    if (idle) this.#next();
  }

  /** One piece after the other: each takes its time, and none arrives while the line stalls. */
  #next(): void {
    const { clock, random } = this.net;
    const stalled = Math.max(0, this.stalledUntil - clock.now);
    clock.after(stalled || random() ** 3 * 40, () => {
      if (this.dead) return;
      if (clock.now < this.stalledUntil) return this.#next();
      const piece = this.#pieces.shift()!;
      this.waiting -= piece.length;
      if (!piece.length) return this.ended();
      this.arrive(piece);
      if (this.#pieces.length) this.#next();
    });
  }
}

/** One connection, with both its ends. */
class Wire implements Transport {
  readonly up: Line;
  readonly down: Line;
  readonly end: ServerEnd;
  state: "opening" | "open" | "over" = "opening";

  constructor(
    readonly net: Network,
    readonly events: TransportEvents,
  ) {
    this.end = new ServerEnd(this);
    this.up = new Line(net, (bytes) => this.end.receive(bytes));
    this.down = new Line(
      net,
      (bytes) => events.bytes(bytes),
      () => this.tell(this.end.code === undefined ? {} : { code: this.end.code }),
    );
    const { faults, clock, random } = net;
    const dice = random();
    if (dice < faults.hang) return;
    clock.after(5 + random() * 50, () => {
      if (this.state !== "opening") return;
      if (dice < faults.hang + faults.refuse) return this.tell({ error: "refused" });
      this.state = "open";
      net.server.ends.add(this.end);
      this.#mishap();
      this.events.open();
    });
  }

  get bufferedAmount(): number {
    return this.up.waiting;
  }

  send(bytes: Uint8Array): void {
    if (this.state !== "open") throw new Error("sent on a transport that is not open");
    this.up.send(bytes);
  }

  /** The client has closed: what is on its way to it may still come, which it must not mind. */
  close(): void {
    if (this.state === "over") return;
    this.state = "over";
    this.net.clock.after(this.net.random() * 50, () => this.end.close());
  }

  /** The client learns that it is over. */
  tell(end: TransportEnd): void {
    if (this.state === "over") return;
    this.state = "over";
    this.events.close(end);
  }

  #mishap(): void {
    const { clock, random, faults } = this.net;
    if (this.state === "over") return;
    if (random() < faults.cut) {
      const kind = random();
      if (kind < 0.6) this.tell({ code: 1006 });
      if (kind < 0.3) this.end.close();
      if (kind >= 0.6) this.up.dead = this.down.dead = true;
      if (kind >= 0.6) clock.after(IDLE_MS, () => this.end.close());
    }
    if (random() < faults.stall) this.down.stalledUntil = clock.now + random() * 20_000;
    if (random() < faults.stall) this.up.stalledUntil = clock.now + random() * 20_000;
    clock.after(FAULT_EVERY_MS, () => this.#mishap());
  }
}

/** The server's side of a connection. */
class ServerEnd {
  readonly rooms = new Set<string>();
  userId: string | undefined;
  loggedIn = false;
  over = false;
  code: number | undefined;
  heardAt: number;
  readonly #decoder = new Decoder("body", 65_536);

  constructor(readonly wire: Wire) {
    this.heardAt = wire.net.clock.now;
  }

  receive(bytes: Uint8Array): void {
    if (this.over) return;
    this.#decoder.push(bytes);
    for (let frame = this.#decoder.next(); frame && !this.over; frame = this.#decoder.next()) {
      this.heardAt = this.wire.net.clock.now;
      this.#handle(frame.command, frame.seq, frame.body);
    }
  }

  #handle(command: number, seq: number, body: Uint8Array): void {
    const { net } = this.wire;
    const refused = net.random() < net.faults.refusal;
    if (!this.loggedIn && command !== CODES.login) throw new Error(`command ${command} before LOGIN`);
    switch (command) {
      case CODES.login:
        this.say(serverFrame(command, Flow.ANSWER, seq, refused ? 11 : 0));
        this.loggedIn ||= !refused;
        if (refused && !this.loggedIn) this.close(4503);
        return;
      case CODES.logout:
        return this.close(1000);
      case CODES.ping:
        return this.say(serverFrame(CODES.pong, Flow.ANSWER, seq));
      case CODES.join: {
        this.say(serverFrame(command, Flow.ANSWER, seq, refused ? 5 : 0));
        return refused ? undefined : net.server.join(this, decode(ChatroomRequest, body).chatroomId);
      }
      case CODES.cms: {
        const message = decode(CRMessage, body);
        const status = this.rooms.has(message.to) ? (refused ? 6 : 0) : 4;
        net.server.seen(message, status);
        if (status) return this.say(serverFrame(command, Flow.ANSWER, seq, status));
        return net.server.publish(message.to, new TextDecoder().decode(message.messageContent), this);
      }
      default:
        throw new Error(`command ${command}`);
    }
  }

  say(frame: Uint8Array): void {
    if (!this.over) this.wire.down.send(frame);
  }

  close(code?: number): void {
    if (this.over) return;
    this.over = true;
    this.wire.net.server.ends.delete(this);
    this.code = code;
    this.wire.down.end();
  }
}

/** One server, whatever the connections. */
export class Server {
  readonly ends = new Set<ServerEnd>();
  /** What every CMS met, by its text. */
  readonly met = new Map<string, number>();
  readonly #last = new Map<string, { record: CRMessage; at: number }>();

  constructor(readonly net: Network) {
    const sweep = () => {
      for (const end of this.ends) if (net.clock.now - end.heardAt > IDLE_MS) end.close(4002);
      net.clock.after(1_000, sweep);
    };
    sweep();
  }

  join(end: ServerEnd, room: string): void {
    const news = !end.rooms.has(room);
    end.rooms.add(room);
    const last = this.#last.get(room);
    const { clock, random, faults } = this.net;
    if (news && last && clock.now - last.at < 500 && random() < faults.again) this.#push(end, room, last.record);
  }

  seen(message: CRMessage, status: number): void {
    this.met.set(new TextDecoder().decode(message.messageContent), status);
  }

  /** Somebody says something; everybody in the room but `sender` is owed it. */
  publish(room: string, text: string, sender?: ServerEnd): void {
    const { clock } = this.net;
    const content = new TextEncoder().encode(text);
    const record = { messageContent: content, from: "bob", to: room, timestamp: BigInt(clock.now | 0), messageType: 0 };
    this.#last.set(room, { record, at: clock.now });
    for (const end of this.ends) if (end !== sender && end.rooms.has(room)) this.#push(end, room, record);
  }

  /** Every connection is closed with this code. */
  closeAll(code: number): void {
    for (const end of [...this.ends]) end.close(code);
  }

  #push(end: ServerEnd, room: string, record: CRMessage): void {
    const body = encode(CRMessageResponse, { messages: [record], chatroom: room });
    end.say(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, body));
  }
}

export class Network {
  readonly server: Server;
  faults = CALM;
  readonly wires: Wire[] = [];

  constructor(
    readonly clock: Clock,
    readonly random: () => number,
  ) {
    this.server = new Server(this);
  }

  readonly open: OpenTransport = (_url, events) => {
    const wire = new Wire(this, events);
    this.wires.push(wire);
    return wire;
  };

  /** Connections that the client has neither closed nor been told the end of. */
  get live(): Wire[] {
    return this.wires.filter((wire) => wire.state !== "over");
  }
}
