// One visit to a room, over the SDK: one connection, a guest who may become a user on it, and who of those who talk is shown.
//
// Lives in a worker: at thousands of messages a second what the page's own thread hears of is what it shows. Knows no
// stage: the page says how many places it has.

import { Longwire, MessageType, type LongwireError, type Message, type Room } from "../sdk.js";
import { Thinning, type Counts } from "./thinning.js";
import type { Ask, Kind, News, Places, User } from "./words.js";

/** The counters are told this often: faster, nobody could read them. */
const COUNT_MS = 250;
/** More of a text than anything shows; the page cuts it to measure. */
const TEXT_MAX = 2_400;

/** The places of the stage, as a window: so many messages may have gone there in all. */
export class Window {
  private open: Places = { said: 0, gift: 0 };
  private readonly gone = { said: 0, gift: 0 };

  set(open: Places): void {
    this.open = open;
  }

  has(kind: Kind): boolean {
    return this.gone[kind] < this.open[kind];
  }

  take(kind: Kind): void {
    this.gone[kind] += 1;
  }
}

export class Visit {
  private readonly client: Longwire;
  private joined: Room | undefined;
  private readonly thinning = new Thinning();
  private counts: Counts = this.thinning.counts();
  private rate = 0;
  private before = { received: 0, at: performance.now() };
  private readonly counting = setInterval(() => this.count(), COUNT_MS);

  constructor(
    private tell: (news: News) => void,
    private readonly window: Window,
    url: string,
    private readonly room: string,
    private user: User | undefined,
  ) {
    // a worker's timers are not throttled: no other worker has to count for this one
    this.client = new Longwire(url, { login: () => this.user ?? "guest", worker: false });
    this.listen();
    void this.client.connect({ retry: true }).catch(() => undefined); // the state says it, with its reason
  }

  /** Over: the protocol has no way to leave a room, so the connection goes. */
  end(): void {
    clearInterval(this.counting);
    this.tell = () => {};
    void this.client.close();
  }

  async login({ call, user }: Extract<Ask, { ask: "login" }>): Promise<void> {
    try {
      await this.client.login(user);
      this.user = user;
      this.tell({ news: "answer", call });
    } catch (error) {
      this.tell({ news: "answer", call, why: whyOf(error) });
    }
  }

  async send({ call, kind, text, nickname }: Extract<Ask, { ask: "send" }>): Promise<void> {
    const type = kind === "gift" ? MessageType.GIFT : MessageType.NORMAL;
    try {
      const id = await this.joined?.send(text, { type, user: { nickname } });
      this.tell(id === undefined ? { news: "answer", call, why: "NotConnected" } : { news: "answer", call, id });
    } catch (error) {
      this.tell({ news: "answer", call, why: whyOf(error) });
    }
  }

  async measure(): Promise<void> {
    if (this.client.state.name !== "connected") return;
    await this.client.ping().catch(() => undefined); // a connection that went tells of it by its state
  }

  wake(): void {
    this.client.wake();
  }

  private listen(): void {
    const { client } = this;
    client.on("message", (message) => this.take(message));
    client.on("roundTrip", (ms) => this.tell({ news: "roundTrip", ms }));
    client.on("error", (error) => this.refused(error));
    client.on("state", (state) => {
      const { name } = state;
      const back = name === "connected" && state.back;
      const retryIn = name === "waiting" ? state.retryIn : 0;
      this.tell({ news: "state", state: { name, back, retryIn }, userId: client.userId });
      if (name === "connected" && !this.joined) void this.join();
      if (name === "closed" && state.error) this.tell({ news: "refused", why: whyOf(state.error) });
    });
  }

  /** Joins, on the first connection that holds long enough; from then on the SDK does. */
  private async join(): Promise<void> {
    try {
      const joined = await this.client.join(this.room);
      if (this.joined) return;
      this.joined = joined;
      this.tell({ news: "entered" });
      await this.measure();
    } catch (error) {
      this.tell({ news: "refused", why: whyOf(error) });
    }
  }

  /** The hot path: at a flood most messages end here, uncopied and unread. */
  private take(message: Message): void {
    const kind = message.type === MessageType.GIFT ? "gift" : "said";
    const { stage, column } = this.thinning.judge(performance.now(), this.window.has(kind));
    if (!stage && !column) return;
    if (stage) this.window.take(kind);
    const { from, nickname, time } = message;
    const text = (message.text ?? "").slice(0, TEXT_MAX);
    this.tell({ news: "heard", heard: { kind, from, nickname, text, bytes: message.content.length, time, stage, column } });
  }

  private refused(error: LongwireError): void {
    const { call } = error as LongwireError & { call?: { id?: number } };
    this.tell({ news: "refused", why: whyOf(error), ...(call?.id !== undefined && { id: call.id }) });
  }

  private count(): void {
    const counts = this.thinning.counts();
    const rate = this.rateOf(counts);
    if (counts.received === this.counts.received && rate === this.rate) return;
    this.counts = counts;
    this.rate = rate;
    this.tell({ news: "counts", counts, rate });
  }

  /** Messages a second, of the last second. */
  private rateOf({ received }: Counts): number {
    const now = performance.now();
    if (now - this.before.at < 1_000) return this.rate;
    const rate = Math.round(((received - this.before.received) * 1_000) / (now - this.before.at));
    this.before = { received, at: now };
    return rate;
  }
}

function whyOf(error: unknown): string {
  const { statusName, name } = error as { statusName?: string; name?: string };
  return statusName ?? name ?? "Error";
}
