// The column's lines: what is said, given, and what the page itself has to say. Bounded, oldest first.
//
// Lines gather in `next` and are shown together, at most once a frame: a list of components for every message would be
// more work than the messages.

import { signal } from "@preact/signals";
import type { Gift } from "./gifts.js";

/** Lines that are kept; what scrolls further back is gone. */
export const LINES_MAX = 160;

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

export class Feed {
  readonly lines = signal<readonly Line[]>([]);
  private next: Line[] = [];
  private keys = 0;
  private due = false;

  add(line: Fresh): number {
    this.keys += 1;
    this.next.push({ ...line, key: this.keys } as Line);
    if (this.next.length > LINES_MAX) this.next.shift();
    if (!this.due) {
      this.due = true;
      // a hidden page has no frames, and nobody to show them to
      if (document.hidden) setTimeout(() => this.show(), 1_000);
      else requestAnimationFrame(() => this.show());
    }
    return this.keys;
  }

  private show(): void {
    this.due = false;
    this.lines.value = [...this.lines.value, ...this.next].slice(-LINES_MAX);
    this.next = [];
  }

  refuse(key: number, why: string): void {
    this.show();
    const refuse = (line: Line): Line => (line.key === key && line.kind !== "note" ? { ...line, refused: why } : line);
    this.lines.value = this.lines.value.map(refuse);
  }

  clear(): void {
    this.next = [];
    this.lines.value = [];
  }
}
