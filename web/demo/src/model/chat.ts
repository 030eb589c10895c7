// The room this page is in, and what came: the page's end of its worker, which holds the connection and draws the stage.
//
// Shows nothing itself: it fills signals. Invariant: shown + thinned = received, in every snapshot of `counts`; what one
// says oneself is no part of it, for the server does not send it back.

import { effect, signal } from "@preact/signals";
import type { Counts } from "../visit/thinning.js";
import type { Ask, Kind, Look, Standing, Told, User } from "../visit/words.js";
import { Feed, type Note } from "./feed.js";
import { GIFTS, type Gift } from "./gifts.js";

export type { User };

/** How often a page that is seen asks for the round-trip time. */
const PING_MS = 4_000;
/** Own sends that may still be refused, by their ids. */
const SENT_MAX = 256;

export interface Place {
  readonly url: string;
  readonly needsToken: boolean;
}

/** Where a worker draws. */
export interface Canvases {
  /** One for each worker; undefined: workers cannot draw here, and the column is all there is. */
  fresh(): OffscreenCanvas | undefined;
}

type Answer = Extract<Told, { news: "answer" }>;

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
  private readonly sent = new Map<number, number>();
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private calls = 0;
  private look: Look | undefined;

  /** `gave`: what a gift's badge says of it. */
  constructor(
    readonly place: Place,
    private readonly canvases: Canvases,
    private readonly gave: Readonly<Partial<Record<Gift, string>>>,
  ) {
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
    this.visit += 1;
    this.loseCalls();
    this.worker ??= this.hire();
    this.ask({ ask: "enter", visit: this.visit, url: this.place.url, room, user });
  }

  /** How the stage looks from now on. */
  see(look: Look): void {
    this.look = look;
    this.ask({ ask: "look", look });
  }

  /** A guest becomes a user, on the same connection; where there is none just now, once there is one. */
  async become(user: User): Promise<boolean> {
    this.refusal.value = undefined;
    await this.settled();
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
    const { why, id, line } = await this.call((call) => ({ ask: "send", call, kind, text, nickname: me }));
    this.refusal.value = why;
    if (id === undefined || !line) return false;
    this.sent.set(id, this.feed.add({ ...line, own: true }));
    for (const old of this.sent.keys()) {
      if (this.sent.size <= SENT_MAX) break;
      this.sent.delete(old);
    }
    return true;
  }

  /** Until there is a connection, or will be none. */
  private settled(): Promise<void> {
    return new Promise((resolve) => {
      const stop = effect(() => {
        const { name } = this.state.value;
        if (name !== "connected" && name !== "closed") return;
        resolve();
        queueMicrotask(() => stop());
      });
    });
  }

  private hire(): Worker {
    const worker = new Worker(new URL("../visit/worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Told>) => data.visit === this.visit && this.hear(data);
    worker.onerror = () => this.failed(worker);
    const canvas = this.canvases.fresh();
    if (canvas) worker.postMessage({ ask: "stage", canvas, gave: this.gave } satisfies Ask, [canvas]);
    if (this.look) worker.postMessage({ ask: "look", look: this.look } satisfies Ask);
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
        for (const line of told.lines) this.feed.add({ ...line, own: false });
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

  private note(note: Note): void {
    this.feed.add({ kind: "note", note, time: Date.now() });
  }
}

/** What a gift says on the wire, in English everywhere: the receiver's page has pictures, and words of its own. */
export const WORDS_OF: Record<(typeof GIFTS)[number], string> = {
  rose: "a rose",
  star: "a star",
  rocket: "a rocket",
  crown: "a crown",
};
