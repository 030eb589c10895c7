/** A room that a client holds. */

import { Emitter } from "./emitter.js";
import { Closed, type LongwireError } from "./errors.js";
import type { Message, SendOptions } from "./message.js";
import type { RoomState } from "./session/event.js";

/** What a room tells its listeners. */
export interface RoomEvents {
  /** Somebody said something here. */
  message: Message;
  /** Where the room stands now. */
  state: RoomState;
  /** A send to this room was refused, or it could not be joined again. */
  error: LongwireError;
}

/** What a room needs of its client. */
export interface RoomHost {
  send(room: string, content: string | Uint8Array, options: SendOptions): number;
  leave(room: string): void;
}

/** A room that is joined, and joined again after every reconnect. Made by {@link Longwire.join}. */
export class Room extends Emitter<RoomEvents> {
  /** The chatroomId. */
  readonly id: string;
  readonly #host: RoomHost;
  #state: RoomState = "joined";

  /** @internal */
  constructor(id: string, host: RoomHost) {
    super();
    this.id = id;
    this.#host = host;
  }

  /** Where it stands. `joining`: after a reconnect, until the server answers; what is sent meanwhile goes behind that. */
  get state(): RoomState {
    return this.#state;
  }

  /**
   * Sends a message. Resolves, with the send's id, once its bytes are handed to the transport.
   *
   * That is no acknowledgement. The protocol is silent where a message succeeds; a refusal comes as the event `error`
   * of this room and of the client, whose `call` is `{ name: "send", id, room }`. Rejects with
   * {@link NotConnected} where there is no connection (nothing is kept for later), {@link Backpressure} where more than 1 MiB
   * waits for the network, {@link Invalid} where the protocol cannot carry it, {@link Closed} once the room is left.
   */
  async send(content: string | Uint8Array, options: SendOptions = {}): Promise<number> {
    if (this.#state === "left") throw new Closed();
    return this.#host.send(this.id, content, options);
  }

  /**
   * Gives the room up: its messages are thrown away from now on, and it is not joined again.
   *
   * The protocol has no way to leave, so the server goes on sending them until this connection ends.
   */
  leave(): void {
    if (this.#state !== "left") this.#host.leave(this.id);
  }

  /** @internal */
  tell<E extends keyof RoomEvents>(event: E, value: RoomEvents[E]): void {
    if (event === "state") this.#state = value as RoomState;
    this.emit(event, value);
  }
}
