// The column's lines: what is said, given, and what the page itself has to say. Bounded, oldest first.
//
// Lines gather in `next` and are shown together in the next frame; at a flood the worker tells of them a few times a second.
// They are kept in chunks: where a line is added, all chunks but the last stay the very same value, so that nothing is done
// about them. The oldest chunk goes as a whole.

import { signal } from "@preact/signals";
import type { Gift } from "./gifts.js";

const CHUNK = 12;
/** Chunks that are kept; what scrolls further back is gone. */
const CHUNKS_MAX = 13;
export const LINES_MAX = CHUNK * CHUNKS_MAX;
/** A hidden page has no frames, and nobody to show them to. */
const HIDDEN_MS = 1_000;

export type Line =
  | {
      readonly key: number;
      readonly kind: "said" | "gift";
      readonly from: string;
      readonly name: string;
      readonly text: string;
      readonly gift?: Gift;
      readonly times?: number;
      readonly own: boolean;
      readonly time: number;
      /** Why the server refused it: the name of a status. */
      readonly refused?: string;
    }
  | { readonly key: number; readonly kind: "note"; readonly note: Note; readonly time: number };

/** What the page says by itself, in words of the reader's language. */
export type Note = "entered" | "lost" | "back" | "user";

/** A line without its key: a key is given once, in order. */
type Fresh = Line extends infer One ? (One extends Line ? Omit<One, "key"> : never) : never;

/** Never empty; its key is its first line's. */
export interface Chunk {
  readonly key: number;
  readonly lines: readonly Line[];
}

export class Feed {
  readonly chunks = signal<readonly Chunk[]>([]);
  /** Whether anybody has said anything. */
  readonly hasSpoken = signal(false);
  private next: Line[] = [];
  private keys = 0;
  private due = false;

  add(line: Fresh): number {
    this.keys += 1;
    this.next.push({ ...line, key: this.keys } as Line);
    if (this.next.length > LINES_MAX) this.next.shift();
    if (!this.due) this.arm();
    return this.keys;
  }

  private arm(): void {
    this.due = true;
    if (document.hidden) setTimeout(() => this.show(), HIDDEN_MS);
    else requestAnimationFrame(() => this.show());
  }

  private show(): void {
    this.due = false;
    const { next } = this;
    this.next = [];
    if (next.some((line) => line.kind !== "note")) this.hasSpoken.value = true;
    const chunks = [...this.chunks.value];
    for (let last = chunks.pop(); last || next.length > 0; last = undefined) {
      const lines = [...(last?.lines ?? []), ...next.splice(0, CHUNK - (last?.lines.length ?? 0))];
      chunks.push({ key: last?.key ?? lines[0]?.key ?? 0, lines });
    }
    this.chunks.value = chunks.slice(-CHUNKS_MAX);
  }

  refuse(key: number, why: string): void {
    this.show();
    const refuse = (line: Line): Line => (line.key === key && line.kind !== "note" ? { ...line, refused: why } : line);
    const has = (chunk: Chunk): boolean => chunk.lines.some((line) => line.key === key);
    this.chunks.value = this.chunks.value.map((chunk) => (has(chunk) ? { ...chunk, lines: chunk.lines.map(refuse) } : chunk));
  }

  clear(): void {
    this.next = [];
    this.chunks.value = [];
    this.hasSpoken.value = false;
  }
}
