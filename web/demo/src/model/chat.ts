// The room this page is in, over the SDK: one connection a visit, a guest who may become a user on it, and what came.
//
// Shows nothing itself: it fills signals and tells a stage. Invariant: shown + thinned = received, in every snapshot of
// `counts`; what one says oneself is no part of it, for the server does not send it back.

import { signal } from "@preact/signals";
import { Longwire, MessageType, type LongwireError, type Message, type Room, type State } from "../sdk.js";
import { Feed, type Note } from "./feed.js";
import { Combo, GIFTS, giftOf, type Gift } from "./gifts.js";
import { line } from "./text.js";
import { Thinning, type Counts } from "./thinning.js";

/** What a line of the column shows at most; the stage shows less. */
const TEXT_MAX = 600;
export const NAME_MAX = 40;
/** How often a page that is seen asks for the round-trip time. */
const PING_MS = 4_000;
/** The counters are read this often: faster, nobody could read them. */
const COUNT_MS = 250;
/** Own sends that may still be refused, by their ids. */
const SENT_MAX = 256;

/** Where comments fly. */
export interface Stage {
  /** Whether a comment (or a gift) could begin now, whatever it says. */
  hasPlace(now: number, isGift: boolean): boolean;
  fly(comment: { from: string; name: string; text: string; own: boolean }): void;
  burst(gift: { gift: Gift; name: string; text: string; times: number; own: boolean }): void;
  clear(): void;
}

export interface Place {
  readonly url: string;
  readonly needsToken: boolean;
}

export interface User {
  readonly userId: string;
  readonly token: string;
}

export class Chat {
  readonly room = signal("");
  /** Undefined: a guest. */
  readonly me = signal<string | undefined>(undefined);
  readonly state = signal<State>({ name: "idle" });
  readonly roundTrip = signal<number | undefined>(undefined);
  readonly counts = signal<Counts>({ received: 0, shown: 0, thinned: 0 });
  /** Messages in the last second. */
  readonly rate = signal(0);
  /** Why the last thing asked for was refused: a status, or the name of an error. */
  readonly refusal = signal<string | undefined>(undefined);
  readonly feed = new Feed();

  private client: Longwire | undefined;
  private joined: Room | undefined;
  private user: User | undefined;
  private thinning = new Thinning();
  private readonly combo = new Combo();
  private readonly sent = new Map<number, number>();
  private before = { received: 0, at: 0 };

  constructor(
    private readonly place: Place,
    private readonly stage: Stage,
  ) {
    setInterval(() => this.count(), COUNT_MS);
    setInterval(() => !document.hidden && this.measure(), PING_MS);
  }

  /** Goes to a room: a new connection, because the protocol has no way to leave one, and its messages would go on coming. */
  async enter(room: string, user: User | undefined = this.user): Promise<void> {
    const before = this.client;
    this.user = user;
    this.room.value = room;
    this.begin();
    const client = new Longwire(this.place.url, { login: () => this.user ?? "guest", worker: "/beat.js" });
    this.client = client;
    void before?.close();
    this.listen(client);
    await client.connect({ retry: true }).catch(() => undefined); // the state says it, with its reason
  }

  /** Joins, on the first connection that holds long enough; from then on the SDK does. */
  private async join(client: Longwire): Promise<void> {
    try {
      const joined = await client.join(this.room.value);
      if (this.client !== client || this.joined) return;
      this.joined = joined;
      joined.on("error", (error) => this.refused(error));
      this.note("entered");
      await this.measure();
    } catch (error) {
      if (this.client === client) this.fail(error);
    }
  }

  /** A guest becomes a user, on the same connection. */
  async become(user: User): Promise<boolean> {
    this.refusal.value = undefined;
    try {
      await this.client?.login(user);
    } catch (error) {
      this.fail(error);
      return false;
    }
    this.user = user;
    this.me.value = user.userId;
    this.note("user");
    return true;
  }

  /** A user becomes a guest again: that needs another connection. */
  async withdraw(): Promise<void> {
    this.user = undefined;
    this.me.value = undefined;
    await this.enter(this.room.value, undefined);
  }

  say(text: string): Promise<boolean> {
    return this.send(text, MessageType.NORMAL);
  }

  /** `words`: what others read who know nothing of pictures. */
  give(words: string): Promise<boolean> {
    return this.send(words, MessageType.GIFT);
  }

  /** Try now: whoever looks at a page that waits is not asked for patience. */
  wake(): void {
    this.client?.wake();
  }

  private async send(text: string, type: number): Promise<boolean> {
    const me = this.me.value;
    if (!this.joined || me === undefined) return false;
    this.refusal.value = undefined;
    try {
      const id = await this.joined.send(text, { type, user: { nickname: me } });
      const key = this.show({ from: me, name: me, text, type, own: true, time: Date.now() }, { stage: true, column: true });
      this.sent.set(id, key);
      for (const old of this.sent.keys()) {
        if (this.sent.size <= SENT_MAX) break;
        this.sent.delete(old);
      }
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  private listen(client: Longwire): void {
    let was = "";
    client.on("message", (message) => this.client === client && this.take(message));
    client.on("roundTrip", (ms) => this.client === client && (this.roundTrip.value = ms));
    client.on("error", (error) => this.client === client && error.name !== "Refused" && this.fail(error));
    client.on("state", (state) => {
      if (this.client !== client) return;
      this.state.value = state;
      if (state.name === "waiting" && was === "connected") this.note("lost");
      if (state.name === "connected") {
        this.me.value = client.userId;
        if (!this.joined) void this.join(client);
        else if (state.back) this.note("back");
      }
      if (state.name === "waiting" || state.name === "closed") this.roundTrip.value = undefined;
      if (state.name === "closed" && state.error) this.fail(state.error);
      was = state.name;
    });
  }

  /** The hot path: at a flood most messages end here, uncopied and unread. */
  private take(message: Message): void {
    const now = performance.now();
    const where = this.thinning.judge(now, this.stage.hasPlace(now, message.type === MessageType.GIFT));
    if (!where.stage && !where.column) return;
    const { from, type, time } = message;
    const name = line(message.nickname ?? from, NAME_MAX);
    this.show({ from, name, text: message.text ?? "", bytes: message.content.length, type, own: false, time }, where);
  }

  private show(
    said: { from: string; name: string; text: string; bytes?: number; type: number; own: boolean; time: number },
    where: { stage: boolean; column: boolean },
  ): number {
    const { from, name, own, time } = said;
    // what is no text has a size at least
    const text = line(said.text, TEXT_MAX) || `${said.bytes ?? 0} B`;
    if (said.type === MessageType.GIFT) {
      const gift = giftOf(text);
      const times = this.combo.add(from, gift, performance.now());
      if (where.stage) this.stage.burst({ gift, name, text, times, own });
      return where.column ? this.feed.add({ kind: "gift", from, name, text, gift, times, own, time }) : 0;
    }
    if (where.stage) this.stage.fly({ from, name, text, own });
    return where.column ? this.feed.add({ kind: "said", from, name, text, own, time }) : 0;
  }

  private note(note: Note): void {
    this.feed.add({ kind: "note", note, time: Date.now() });
  }

  private refused(error: LongwireError): void {
    if (error.name !== "Refused") return;
    const { call, statusName } = error as LongwireError & { call: { name: string; id?: number }; statusName: string };
    const key = call.id === undefined ? undefined : this.sent.get(call.id);
    if (key !== undefined) this.feed.refuse(key, statusName);
    else this.refusal.value = statusName;
  }

  private fail(error: unknown): void {
    const refused = error as { name?: string; statusName?: string };
    this.refusal.value = refused.statusName ?? refused.name ?? "Error";
  }

  private async measure(): Promise<void> {
    if (this.state.value.name !== "connected") return;
    await this.client?.ping().catch(() => undefined); // a connection that went tells of it by its state
  }

  private begin(): void {
    this.joined = undefined;
    this.refusal.value = undefined;
    this.roundTrip.value = undefined;
    this.thinning = new Thinning();
    this.before = { received: 0, at: performance.now() };
    this.sent.clear();
    this.feed.clear();
    this.stage.clear();
    this.count();
  }

  private count(): void {
    const counts = this.thinning.counts();
    if (counts.received !== this.counts.value.received) this.counts.value = counts;
    const now = performance.now();
    if (now - this.before.at < 1_000) return;
    this.rate.value = Math.round(((counts.received - this.before.received) * 1_000) / (now - this.before.at));
    this.before = { received: counts.received, at: now };
  }
}

/** What a gift says on the wire, in English everywhere: the receiver's page has pictures, and words of its own. */
export const WORDS_OF: Record<(typeof GIFTS)[number], string> = {
  rose: "a rose",
  star: "a star",
  rocket: "a rocket",
  crown: "a crown",
};
