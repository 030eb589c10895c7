/**
 * Which answer belongs to which call.
 *
 * Invariant: a call is answered once; a second answer to the same seq finds nothing. Sends are remembered apart,
 * because a send that succeeds is never answered: the oldest are forgotten.
 */

import type { CommandName } from "../config.js";
import type { Call } from "../errors.js";
import { SENDS_REMEMBERED_MAX } from "../limits.js";

/** A call that will be answered. */
export interface Asked {
  readonly call: Call;
  /** The command of the answer. */
  readonly by: CommandName;
  /** Who waits for it; none: nobody, or nobody any more. */
  ticket: number | undefined;
  /** When it was asked. */
  readonly at: number;
}

export class Pending {
  /** By seq, in the order of sending. */
  readonly #asked = new Map<number, Asked>();
  readonly #sent = new Map<number, Call>();

  get size(): number {
    return this.#asked.size;
  }

  /** Whether a PING is unanswered. */
  get pinging(): boolean {
    for (const asked of this.#asked.values()) if (asked.by === "pong") return true;
    return false;
  }

  /** The rooms whose JOIN_CR is unanswered. */
  get joining(): string[] {
    return [...this.#asked.values()].flatMap(({ call }) => (call.name === "join" ? [call.room] : []));
  }

  asked(seq: number, asked: Asked): void {
    this.#asked.set(seq, asked);
  }

  sent(seq: number, call: Call): void {
    if (this.#sent.size >= SENDS_REMEMBERED_MAX) this.#sent.delete(this.#sent.keys().next().value!);
    this.#sent.set(seq, call);
  }

  /** The call that a frame of this command with this seq answers, once. A refused PING is answered as PING. */
  answer(command: CommandName | undefined, seq: number, refused: boolean): Asked | undefined {
    const asked = this.#asked.get(seq);
    if (!asked || !(asked.by === command || (refused && asked.by === "pong" && command === "ping"))) return undefined;
    this.#asked.delete(seq);
    return asked;
  }

  //= PROTOCOL.md#5.19
  // A CMS that is refused is answered with a frame of command CMS, flow 1, its seq, the status, no body.
  /** The send that a refusal with this seq is about, once. */
  refuseSend(seq: number): Call | undefined {
    const call = this.#sent.get(seq);
    this.#sent.delete(seq);
    return call;
  }

  /** The oldest call that somebody waits for. All have the same time: it is the first to run out of it. */
  get oldest(): Asked | undefined {
    for (const asked of this.#asked.values()) if (asked.ticket !== undefined) return asked;
    return undefined;
  }
}
