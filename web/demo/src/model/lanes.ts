// Where a bullet comment may fly, and when: lanes of one speed each, so that nobody overtakes.
//
// Pure: time and widths come in, places go out. Times in ms, lengths in CSS pixels.

/** Between two comments of a lane. */
const GAP = 28;
/** A comment may be sent on its way so long before its lane is free: it enters right behind the last one. */
const AHEAD_MS = 700;
/** Without motion a comment stands still for so long. */
export const STILL_MS = 5_000;

/** The way of one comment. Moving: its left edge is at `x - speed * (now - from)`. Still: speed is 0. */
export interface Way {
  readonly lane: number;
  readonly x: number;
  readonly speed: number;
  readonly from: number;
  readonly until: number;
}

/** Somewhere a comment may go. */
export interface Place {
  readonly lane: number;
  readonly slot: number;
  readonly at: number;
}

export class Lanes {
  /** Moving: when each lane is free again. Still: the same for each slot of it. */
  private free: number[] = [];
  private slots = 1;

  constructor(
    private count: number,
    private width: number,
    private still: boolean,
  ) {
    this.shape(count, width, still);
  }

  /** The stage has another size, or motion was switched. What is under way keeps its way. */
  shape(count: number, width: number, still: boolean): void {
    const slots = still ? Math.max(1, Math.floor(width / 300)) : 1;
    if (still !== this.still || slots !== this.slots || count !== this.count || this.free.length === 0) {
      this.free = new Array<number>(count * slots).fill(Number.NEGATIVE_INFINITY);
    }
    this.count = count;
    this.width = width;
    this.still = still;
    this.slots = slots;
  }

  /** The place that has been free longest; undefined: all are taken for a while. */
  find(now: number): Place | undefined {
    let best = 0;
    for (let at = 1; at < this.free.length; at++) {
      if ((this.free[at] ?? 0) < (this.free[best] ?? 0)) best = at;
    }
    const free = this.free[best];
    if (free === undefined || free > now + (this.still ? 0 : AHEAD_MS)) return undefined;
    // lanes that were never used are not taken from top to bottom
    const from = free === Number.NEGATIVE_INFINITY ? this.unused(now) : best;
    return { lane: Math.floor(from / this.slots), slot: from % this.slots, at: Math.max(now, free) };
  }

  /** Some place that nobody has used yet: in an order that looks like none. */
  private unused(now: number): number {
    const open: number[] = [];
    this.free.forEach((free, at) => free === Number.NEGATIVE_INFINITY && open.push(at));
    return open[Math.floor(now * 7.31) % open.length] ?? 0;
  }

  /** Takes a place for a comment of this width. */
  take(place: Place, width: number): Way {
    const at = place.lane * this.slots + place.slot;
    if (this.still) {
      const until = place.at + STILL_MS;
      this.free[at] = until;
      const room = this.width / this.slots;
      const x = place.slot * room + Math.max(0, (room - width) / 2);
      return { lane: place.lane, x, speed: 0, from: place.at, until };
    }
    const speed = this.speed(place.lane);
    this.free[at] = place.at + (width + GAP) / speed;
    return { lane: place.lane, x: this.width, speed, from: place.at, until: place.at + (this.width + width) / speed };
  }

  /** Pixels a millisecond: about nine seconds for a way, some lanes a little faster than others. */
  private speed(lane: number): number {
    const base = Math.min(0.19, Math.max(0.075, this.width / 9_000));
    return base * (1 + 0.16 * Math.sin(lane * 2.4));
  }
}
