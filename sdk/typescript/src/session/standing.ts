/** What a client keeps from one connection to the next: the rooms it holds, and their last records. */

import { RECENT_BYTES_MAX, RECENT_RECORDS_MAX } from "../limits.js";
import { isSame, type Message } from "../message.js";

/** A room that the application holds. */
class Held {
  /** Whether the server has said, on this connection, that it is joined. */
  joined = false;
  readonly recent: Message[] = [];
  recentBytes = 0;
  /** What was handed over before the room was joined again, and how many other records may come before it is forgotten. */
  before: Message[] = [];
  beforeLeft = 0;

  remember(message: Message): void {
    const { recent } = this;
    recent.push(message);
    this.recentBytes += message.content.length;
    while (recent.length > RECENT_RECORDS_MAX || (this.recentBytes > RECENT_BYTES_MAX && recent.length > 1)) {
      this.recentBytes -= recent.shift()!.content.length;
    }
  }
}

export class Standing {
  /** In the order of joining: joined again in this order, a server at its limit leaves the same ones. */
  readonly #rooms = new Map<string, Held>();
  #sends = 0;

  get rooms(): string[] {
    return [...this.#rooms.keys()];
  }

  /** Names the next send among all of this client. */
  nextSend(): number {
    return ++this.#sends;
  }

  holds(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** The connection is new, or the server has left the room by itself: it is to be joined again. */
  unjoin(room: string): void {
    const held = this.#rooms.get(room);
    if (!held) return;
    held.joined = false;
    held.before = held.recent.slice();
    held.beforeLeft = RECENT_RECORDS_MAX;
  }

  /** The server says that the room is joined; held from now on. Whether that is news. */
  enter(room: string): boolean {
    const held = this.#rooms.get(room) ?? new Held();
    this.#rooms.set(room, held);
    if (held.joined) return false;
    held.joined = true;
    return true;
  }

  forget(room: string): void {
    this.#rooms.delete(room);
  }

  //= PROTOCOL.md#10.7
  // A joining member receives no history but for records of that very moment: one of those may have come already,
  // on the connection before this. They come in the room's order, so in front of what is new.
  /** Whether a record of a room is to be handed over: the room is held, and the record was not handed over before. */
  takes(message: Message): boolean {
    const held = this.#rooms.get(message.room);
    if (!held) return false;
    if (held.before.length) {
      const at = held.before.findIndex((one) => isSame(one, message));
      if (at >= 0) {
        held.before.splice(at, 1);
        return false;
      }
      if (--held.beforeLeft <= 0) held.before = [];
    }
    held.remember(message);
    return true;
  }
}
