// The room this page is in, and what came: the page's end of its worker, which holds the connection.
//
// Shows nothing itself: it fills signals and tells a stage. Invariant: shown + thinned = received, in every snapshot of
// `counts`; what one says oneself is no part of it, for the server does not send it back.

import { signal } from "@preact/signals";
import type { Counts } from "../visit/thinning.js";
import type { Ask, Heard, Kind, Places, Standing, Told, User } from "../visit/words.js";
import { Feed, type Note } from "./feed.js";
import { Combo, GIFTS, giftOf, type Gift } from "./gifts.js";
import { line } from "./text.js";

export type { User };

/** What a line of the column shows at most; the stage shows less. */
const TEXT_MAX = 600;
export const NAME_MAX = 40;
/** How often a page that is seen asks for the round-trip time. */
const PING_MS = 4_000;
/** How often the worker is told of places on the stage that have come free. */
const PLACES_MS = 100;
/** Own sends that may still be refused, by their ids. */
const SENT_MAX = 256;

/** Where comments fly. */
export interface Stage {
  /** How many comments and gifts could begin now, whatever they say. */
  places(): Places;
  /** False: there was no place. */
  fly(comment: { from: string; name: string; text: string; own: boolean }): boolean;
  burst(gift: { gift: Gift; name: string; text: string; times: number; own: boolean }): void;
  clear(): void;
}

export interface Place {
  readonly url: string;
  readonly needsToken: boolean;
}

type Answer = Extract<Told, { news: "answer" }>;
interface Said {
  readonly from: string;
  readonly name: string;
  readonly text: string;
  readonly kind: Kind;
  readonly own: boolean;
  readonly time: number;
}

export class Chat {
  readonly room = signal("");
  /** Undefined: a guest. */
  readonly me = signal<string | undefined>(undefined);
  readonly state = signal<Standing>({ name: "idle" });
  readonly roundTrip = signal<number | undefined>(undefined);
  readonly counts = signal<Counts>({ received: 0, shown: 0, thinned: 0 });
  /** Messages in the last second. */
  readonly rate = signal(0);
  /** Why the last thing asked for was refused: a status, or the name of an error. */
  readonly refusal = signal<string | undefined>(undefined);
  readonly feed = new Feed();

  /** Undefined: it failed; whoever enters a room has another one. */
  private worker: Worker | undefined;
  private visit = 0;
  private user: User | undefined;
  private readonly combo = new Combo();
  private readonly sent = new Map<number, number>();
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private calls = 0;
  /** What went to the stage, and what the worker knows could. */
  private gone = { said: 0, gift: 0 };
  private told: Places = { said: 0, gift: 0 };

  constructor(
    private readonly place: Place,
    private readonly stage: Stage,
  ) {
    setInterval(() => this.tellPlaces(), PLACES_MS);
    setInterval(() => !document.hidden && this.ask({ ask: "measure" }), PING_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.wake());
    document.addEventListener("resume", () => this.wake());
    addEventListener("pageshow", () => this.wake());
  }

  /** Goes to a room: a new connection, because the protocol has no way to leave one, and its messages would go on coming. */
  enter(room: string, user: User | undefined = this.user): void {
    this.user = user;
    this.room.value = room;
    this.refusal.value = undefined;
    this.roundTrip.value = undefined;
    this.counts.value = { received: 0, shown: 0, thinned: 0 };
    this.rate.value = 0;
    this.sent.clear();
    this.feed.clear();
    this.stage.clear();
    this.visit += 1;
    this.loseCalls();
    this.worker ??= this.hire();
    this.ask({ ask: "enter", visit: this.visit, url: this.place.url, room, user });
  }

  /** A guest becomes a user, on the same connection. */
  async become(user: User): Promise<boolean> {
    this.refusal.value = undefined;
    const { why } = await this.call((call) => ({ ask: "login", call, user }));
    this.refusal.value = why;
    if (why !== undefined) return false;
    this.user = user;
    this.me.value = user.userId;
    this.note("user");
    return true;
  }

  /** A user becomes a guest again: that needs another connection. */
  withdraw(): void {
    this.user = undefined;
    this.me.value = undefined;
    this.enter(this.room.value, undefined);
  }

  say(text: string): Promise<boolean> {
    return this.send(text, "said");
  }

  /** `words`: what others read who know nothing of pictures. */
  give(words: string): Promise<boolean> {
    return this.send(words, "gift");
  }

  /** Try now: whoever looks at a page that waits is not asked for patience. */
  wake(): void {
    this.ask({ ask: "wake" });
  }

  private async send(text: string, kind: Kind): Promise<boolean> {
    const me = this.me.value;
    if (me === undefined) return false;
    this.refusal.value = undefined;
    const { why, id } = await this.call((call) => ({ ask: "send", call, kind, text, nickname: me }));
    this.refusal.value = why;
    if (id === undefined) return false;
    this.sent.set(id, this.show({ from: me, name: me, text, kind, own: true, time: Date.now() }, { stage: true, column: true }));
    for (const old of this.sent.keys()) {
      if (this.sent.size <= SENT_MAX) break;
      this.sent.delete(old);
    }
    return true;
  }

  private hire(): Worker {
    const worker = new Worker("/visit.js", { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Told>) => data.visit === this.visit && this.hear(data);
    worker.onerror = () => this.failed(worker);
    this.gone = { said: 0, gift: 0 };
    this.told = { said: 0, gift: 0 };
    return worker;
  }

  /** Its file did not come, or it met what it was not made for: it is no use any more, and neither is its connection. */
  private failed(worker: Worker): void {
    if (worker !== this.worker) return;
    worker.terminate();
    this.worker = undefined;
    this.loseCalls();
    this.changed({ name: "closed" }, undefined);
  }

  private loseCalls(): void {
    for (const call of [...this.waiting.keys()]) this.answered({ news: "answer", visit: 0, call, why: "Lost" });
  }

  private ask(ask: Ask): void {
    this.worker?.postMessage(ask);
  }

  private call(ask: (call: number) => Ask): Promise<Answer> {
    this.calls += 1;
    if (!this.worker) return Promise.resolve({ news: "answer", visit: this.visit, call: this.calls, why: "NotConnected" });
    this.ask(ask(this.calls));
    return new Promise((resolve) => this.waiting.set(this.calls, resolve));
  }

  private answered(answer: Answer): void {
    this.waiting.get(answer.call)?.(answer);
    this.waiting.delete(answer.call);
  }

  private hear(told: Told): void {
    switch (told.news) {
      case "heard":
        return this.take(told.heard);
      case "counts":
        this.counts.value = told.counts;
        this.rate.value = told.rate;
        return;
      case "state":
        return this.changed(told.state, told.userId);
      case "entered":
        return this.note("entered");
      case "roundTrip":
        this.roundTrip.value = told.ms;
        return;
      case "answer":
        return this.answered(told);
      case "refused": {
        const key = told.id === undefined ? undefined : this.sent.get(told.id);
        if (key === undefined) this.refusal.value = told.why;
        else this.feed.refuse(key, told.why);
      }
    }
  }

  private changed(state: Standing, userId: string | undefined): void {
    const was = this.state.value.name;
    this.state.value = state;
    if (state.name === "waiting" && was === "connected") this.note("lost");
    if (state.name === "waiting" || state.name === "closed") this.roundTrip.value = undefined;
    if (state.name !== "connected") return;
    this.me.value = userId;
    if (state.back) this.note("back");
  }

  private take({ kind, from, nickname, text, bytes, time, stage, column }: Heard): void {
    if (stage) this.gone[kind] += 1;
    const name = line(nickname ?? from, NAME_MAX);
    // what is no text has a size at least
    this.show({ kind, from, name, text: line(text, TEXT_MAX) || `${bytes} B`, own: false, time }, { stage, column });
  }

  /** What has lost its place on the stage since it was judged is in the column: it counts as shown. */
  private show({ from, name, text, kind, own, time }: Said, where: { stage: boolean; column: boolean }): number {
    if (kind === "gift") {
      const gift = giftOf(text);
      const times = this.combo.add(from, gift, time);
      if (where.stage) this.stage.burst({ gift, name, text, times, own });
      return where.column ? this.feed.add({ kind, from, name, text, gift, times, own, time }) : 0;
    }
    const flies = where.stage && this.stage.fly({ from, name, text, own });
    return where.column || !flies ? this.feed.add({ kind, from, name, text, own, time }) : 0;
  }

  private note(note: Note): void {
    this.feed.add({ kind: "note", note, time: Date.now() });
  }

  private tellPlaces(): void {
    const { said, gift } = this.stage.places();
    const places = { said: this.gone.said + said, gift: this.gone.gift + gift };
    if (places.said === this.told.said && places.gift === this.told.gift) return;
    this.told = places;
    this.ask({ ask: "places", places });
  }
}

/** What a gift says on the wire, in English everywhere: the receiver's page has pictures, and words of its own. */
export const WORDS_OF: Record<(typeof GIFTS)[number], string> = {
  rose: "a rose",
  star: "a star",
  rocket: "a rocket",
  crown: "a crown",
};
