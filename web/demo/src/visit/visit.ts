// One visit to a room, over the SDK: one connection, a guest who may become a user on it, and who of those who talk is shown.
//
// Lives in the page's worker: at thousands of messages a second what the page's own thread hears of is the lines of its
// column and three numbers, a few times a second. Once it is over, nothing of it reaches the page or the stage.

import { Combo, giftOf, type Gift } from "../model/gifts.js";
import { NAME_MAX, line } from "../model/text.js";
import { Longwire, MessageType, type LongwireError, type Message, type Room } from "../sdk.js";
import { Thinning } from "./thinning.js";
import type { Ask, Heard, Kind, News, User } from "./words.js";

/** From one time to the next that the page is told what came: to show three lines costs it hardly more than to show one. */
const NEWS_MS = 400;
const RATE_MS = 1_000;
/** What a line of the column shows at most; the stage shows less. */
const TEXT_MAX = 600;

/** Where comments fly. */
export interface Stage {
  /** Whether something of this kind could begin now, whatever it says. Then it may. */
  takes(kind: Kind, now: number): boolean;
  fly(comment: { from: string; name: string; text: string; own: boolean }, now: number): void;
  burst(gift: { gift: Gift; name: string; text: string; times: number }): void;
}

export class Visit {
  private readonly client: Longwire;
  private joined: Room | undefined;
  private isOver = false;
  private readonly thinning = new Thinning();
  private readonly combo = new Combo();
  /** For the page, when the time comes: no more than the column takes in so long. */
  private lines: Heard[] = [];
  private due: ReturnType<typeof setTimeout> | undefined;
  private toldAt = Number.NEGATIVE_INFINITY;
  private rate = 0;
  private before = { received: 0, at: performance.now() };
  private readonly counting = setInterval(() => this.count(), RATE_MS);

  constructor(
    private readonly tell: (news: News) => void,
    private readonly stage: Stage,
    url: string,
    private readonly room: string,
    private user: User | undefined,
  ) {
    // a worker's timers are not throttled: no other worker has to count for this one
    this.client = new Longwire(url, { login: () => this.user ?? "guest", worker: false });
    this.listen();
    void this.client.connect({ retry: true }).catch(() => undefined); // the state says it, with its reason
  }

  /** The protocol has no way to leave a room, so the connection goes. */
  end(): void {
    this.isOver = true;
    clearInterval(this.counting);
    clearTimeout(this.due);
    void this.client.close();
  }

  async login({ call, user }: Extract<Ask, { ask: "login" }>): Promise<void> {
    try {
      await this.client.login(user);
      this.user = user;
      this.say({ news: "answer", call });
    } catch (error) {
      this.say({ news: "answer", call, why: whyOf(error) });
    }
  }

  async send({ call, kind, text, nickname }: Extract<Ask, { ask: "send" }>): Promise<void> {
    const type = kind === "gift" ? MessageType.GIFT : MessageType.NORMAL;
    try {
      const id = await this.joined?.send(text, { type, user: { nickname } });
      if (id === undefined) return this.say({ news: "answer", call, why: "NotConnected" });
      if (this.isOver) return;
      const heard = this.heard(kind, nickname, nickname, text, Date.now());
      const now = performance.now();
      if (this.stage.takes(kind, now)) this.put(heard, true, now);
      this.say({ news: "answer", call, id, line: heard });
    } catch (error) {
      this.say({ news: "answer", call, why: whyOf(error) });
    }
  }

  async measure(): Promise<void> {
    if (this.client.state.name !== "connected") return;
    await this.client.ping().catch(() => undefined); // a connection that went tells of it by its state
  }

  wake(): void {
    this.client.wake();
  }

  private say(news: News): void {
    if (!this.isOver) this.tell(news);
  }

  private listen(): void {
    const { client } = this;
    client.on("message", (message) => this.take(message));
    client.on("roundTrip", (ms) => this.say({ news: "roundTrip", ms }));
    client.on("error", (error) => this.refused(error));
    client.on("state", (state) => {
      const { name } = state;
      const back = name === "connected" && state.back;
      const retryIn = name === "waiting" ? state.retryIn : 0;
      this.say({ news: "state", state: { name, back, retryIn }, userId: client.userId });
      if (name === "connected" && !this.joined) void this.join();
      if (name === "closed" && state.error) this.say({ news: "refused", why: whyOf(state.error) });
    });
  }

  /** Joins, on the first connection that holds long enough; from then on the SDK does. */
  private async join(): Promise<void> {
    try {
      const joined = await this.client.join(this.room);
      if (this.joined) return;
      this.joined = joined;
      this.say({ news: "entered" });
      await this.measure();
    } catch (error) {
      this.say({ news: "refused", why: whyOf(error) });
    }
  }

  /** The hot path: at a flood most messages end here, uncopied and unread. */
  private take(message: Message): void {
    if (this.isOver) return;
    const now = performance.now();
    const kind = message.type === MessageType.GIFT ? "gift" : "said";
    const { stage, column } = this.thinning.judge(now, this.stage.takes(kind, now));
    this.arm(now);
    if (!stage && !column) return;
    const { from, nickname, time, content } = message;
    // what is no text has a size at least
    const heard = this.heard(kind, from, nickname ?? from, message.text ?? "", time, `${content.length} B`);
    if (stage) this.put(heard, false, now);
    if (column) this.lines.push(heard);
  }

  private heard(kind: Kind, from: string, name: string, text: string, time: number, size = ""): Heard {
    const said = { kind, from, name: line(name, NAME_MAX), text: line(text, TEXT_MAX) || size, time };
    if (kind === "said") return said;
    const gift = giftOf(said.text);
    return { ...said, gift, times: this.combo.add(from, gift, time) };
  }

  private put({ from, name, text, gift, times = 1 }: Heard, own: boolean, now: number): void {
    if (gift) this.stage.burst({ gift, name, text, times });
    else this.stage.fly({ from, name, text, own }, now);
  }

  private refused(error: LongwireError): void {
    const { call } = error as LongwireError & { call?: { id?: number } };
    this.say({ news: "refused", why: whyOf(error), ...(call?.id !== undefined && { id: call.id }) });
  }

  /** What came is told at once where it is quiet, a few times a second where it is not. */
  private arm(now: number): void {
    this.due ??= setTimeout(() => this.report(), Math.max(0, this.toldAt + NEWS_MS - now));
  }

  private report(): void {
    this.due = undefined;
    this.toldAt = performance.now();
    const { lines, rate } = this;
    this.lines = [];
    this.say({ news: "heard", lines, counts: this.thinning.counts(), rate });
  }

  /** Messages a second, of the last second. */
  private count(): void {
    const now = performance.now();
    const { received } = this.thinning.counts();
    const rate = Math.round(((received - this.before.received) * 1_000) / (now - this.before.at));
    this.before = { received, at: now };
    if (rate === this.rate) return;
    this.rate = rate;
    this.arm(now);
  }
}

function whyOf(error: unknown): string {
  const { statusName, name } = error as { statusName?: string; name?: string };
  return statusName ?? name ?? "Error";
}
