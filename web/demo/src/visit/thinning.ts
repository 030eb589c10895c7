// Who is shown when more is said than anybody could read.
//
// Each message is judged once, when it comes: it has a place on the stage, or in the column, or both; then it is shown.
// Else it is thinned out. Nothing waits to be judged, so at every moment shown + thinned = received.

/** What a reader of the column can follow for a while, and what they catch up with by themselves. */
export const COLUMN_PER_SECOND = 8;
export const COLUMN_BURST = 40;

export interface Counts {
  readonly received: number;
  readonly shown: number;
  readonly thinned: number;
}

/** A bucket of permits: `burst` at once, `perSecond` after that. */
export class Bucket {
  private permits: number;
  private at = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.permits = burst;
  }

  take(now: number): boolean {
    if (now > this.at) {
      const back = ((now - this.at) / 1000) * this.perSecond;
      this.permits = Math.min(this.burst, this.permits + back);
      this.at = now;
    }
    if (this.permits < 1) return false;
    this.permits -= 1;
    return true;
  }
}

export class Thinning {
  private received = 0;
  private shown = 0;
  private readonly column = new Bucket(COLUMN_PER_SECOND, COLUMN_BURST);

  /** Judges one message. `onStage`: a lane has room for it. The answer says where it goes; nowhere: thinned out. */
  judge(now: number, onStage: boolean): { stage: boolean; column: boolean } {
    const column = this.column.take(now);
    this.received += 1;
    if (column || onStage) this.shown += 1;
    return { stage: onStage, column };
  }

  counts(): Counts {
    return { received: this.received, shown: this.shown, thinned: this.received - this.shown };
  }
}
