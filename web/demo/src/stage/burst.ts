// Gifts on the stage: a badge that says who gave what, and a shower of it. One at a time; a few may wait.
//
// The badge and each piece of the shower are canvases that are painted when the gift begins, and moved by the compositor.
// Bounded: QUEUE_MAX gifts, PIECES_MAX pieces, which are made once.

import type { Gift } from "../model/gifts.js";
import { FONT } from "./sprites.js";
import type { Palette } from "./palette.js";
import { show, widthOf } from "./picture.js";
import { painter } from "./shapes.js";

export interface Shown {
  readonly gift: Gift;
  readonly name: string;
  /** What the badge says below the name. */
  readonly words: string;
  readonly times: number;
}

interface Place {
  readonly width: number;
  readonly height: number;
  readonly density: number;
  readonly still: boolean;
}

/** Gifts that wait for their turn. */
const QUEUE_MAX = 4;
const PIECES_MAX = 40;
const PIECE = 40;
const LIFE_MS = 2_300;
/** While others wait, each has so long. */
const HURRY_MS = 900;
const BADGE = { widthMin: 260, widthMax: 420, height: 92 };
/** How the badge comes: part of LIFE_MS, opacity, size. It goes in the last part, upwards. */
const COMING = [[0, 0, 0.6], [0.057, 0.5, 1.01], [0.085, 0.75, 1.016], [0.113, 1, 1]] as const;
const GOING = 0.86;

/** A piece's way: where it begins, how fast it goes, and how it turns. Pixels and seconds. */
interface Flight {
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  readonly turn: number;
  readonly spin: number;
  readonly size: number;
  readonly delay: number;
}

export class Bursts {
  private queue: Shown[] = [];
  private current: { readonly at: number } | undefined;
  private due = 0;
  private place: Place = { width: 0, height: 0, density: 1, still: false };
  private palette: Palette | undefined;
  private readonly badge = document.createElement("canvas");
  private readonly pieces: HTMLCanvasElement[] = [];
  /** What is painted on the pieces. */
  private painted = "";
  private shower: Animation[] = [];
  private showerUntil = 0;
  private badgeMove: Animation | undefined;

  constructor(private readonly root: HTMLElement) {
    this.badge.className = "gift-badge";
  }

  /** How many more may wait. */
  get left(): number {
    return QUEUE_MAX - this.queue.length;
  }

  /** The stage has another size or look: what comes next follows it. */
  shape(place: Place, palette: Palette): void {
    this.place = place;
    this.palette = palette;
  }

  /** A gift in a row raises the number of the one that waits, and does not wait behind it. */
  add(shown: Shown): void {
    const last = this.queue.at(-1);
    if (last && last.name === shown.name && last.gift === shown.gift) this.queue.pop();
    if (this.left > 0) this.queue.push(shown);
    this.arm();
  }

  clear(): void {
    this.queue = [];
    this.end();
    for (const move of this.shower) move.cancel();
    this.showerUntil = 0;
    clearTimeout(this.due);
  }

  /** One gift has its time, less where others wait. */
  private arm(): void {
    clearTimeout(this.due);
    const age = this.current ? performance.now() - this.current.at : Number.POSITIVE_INFINITY;
    const left = (this.queue.length > 0 ? HURRY_MS : LIFE_MS) - age;
    this.due = setTimeout(() => this.next(), Math.max(0, left));
  }

  private next(): void {
    this.end();
    const shown = this.queue.shift();
    if (!shown || !this.palette) return;
    const now = performance.now();
    this.current = { at: now };
    this.showBadge(this.paintBadge(shown, this.palette));
    // those in a hurry share a shower: it is not cut short
    if (!this.place.still && now >= this.showerUntil) this.scatter(shown.gift, now);
    this.arm();
  }

  private end(): void {
    this.current = undefined;
    this.badgeMove?.cancel();
    this.badge.style.opacity = "";
  }

  /** Returns its width. */
  private paintBadge(shown: Shown, palette: Palette): number {
    const [nameFont, wordsFont] = [`700 21px ${FONT}`, `400 17px ${FONT}`];
    const left = BADGE.height + 2;
    const beside = shown.times > 1 ? 92 : 34;
    const widest = Math.max(widthOf(shown.name, nameFont), widthOf(shown.words, wordsFont));
    const width = Math.round(Math.min(BADGE.widthMax, Math.max(BADGE.widthMin, left + widest + beside)));
    const [ground, edge, ink] = palette.badge;
    show(this.badge, [width, BADGE.height, this.place.density], (context) => {
      context.beginPath();
      context.roundRect(1, 1, width - 2, BADGE.height - 2, BADGE.height / 2);
      context.fillStyle = ground;
      context.fill();
      context.strokeStyle = edge;
      context.stroke();
      context.save();
      context.translate(BADGE.height / 2 + 2, BADGE.height / 2);
      painter(shown.gift)(context, 60);
      context.restore();
      const room = width - left - beside;
      context.fillStyle = ink;
      context.textBaseline = "middle";
      context.font = nameFont;
      context.fillText(shown.name, left, 35, room);
      context.globalAlpha = 0.78;
      context.font = wordsFont;
      context.fillText(shown.words, left, 61, room);
      context.globalAlpha = 1;
      if (shown.times < 2) return;
      context.font = `italic 800 30px ${FONT}`;
      context.textAlign = "right";
      context.fillStyle = palette.hues[1] ?? ink;
      context.fillText(`×${shown.times}`, width - 28, BADGE.height / 2 + 1, 60);
    });
    return width;
  }

  private showBadge(width: number): void {
    const { width: room, height, still } = this.place;
    const fits = Math.min(1, (room - 24) / width);
    const at = (size: number, up: number): string =>
      `translate(${(room - width) / 2}px, ${height * 0.46 - BADGE.height / 2 - up}px) scale(${fits * size})`;
    this.root.append(this.badge); // above the pieces
    this.badge.style.transform = at(1, 0);
    if (still) {
      this.badge.style.opacity = "1";
      return;
    }
    const frames: Keyframe[] = COMING.map(([offset, opacity, size]) => ({ offset, opacity, transform: at(size, 0) }));
    frames.push({ offset: GOING, opacity: 1, transform: at(1, 0) }, { offset: 1, opacity: 0, transform: at(1, 18) });
    this.badgeMove = this.badge.animate(frames, LIFE_MS);
  }

  private scatter(gift: Gift, now: number): void {
    this.showerUntil = now + LIFE_MS;
    this.paintPieces(gift);
    for (const move of this.shower) move.cancel();
    this.shower = this.pieces.map((piece) => {
      const flight = flightOf(gift, this.place);
      return piece.animate(framesOf(flight), { duration: LIFE_MS, delay: flight.delay, fill: "backwards" });
    });
  }

  /** As many as the stage is wide. What was painted for the gift before is right for another of its kind. */
  private paintPieces(gift: Gift): void {
    const { width, density } = this.place;
    const count = Math.min(PIECES_MAX, Math.round(18 + width / 44));
    const look = `${gift} ${density} ${count}`;
    if (look === this.painted) return;
    this.painted = look;
    for (const piece of this.pieces.splice(count)) piece.remove();
    while (this.pieces.length < count) {
      const piece = document.createElement("canvas");
      piece.className = "piece";
      this.root.append(piece);
      this.pieces.push(piece);
    }
    const paint = painter(gift);
    for (const piece of this.pieces) {
      show(piece, [PIECE, PIECE, density], (context) => {
        context.translate(PIECE / 2, PIECE / 2);
        paint(context, PIECE * 0.92);
      });
    }
  }
}

/** Rockets rise, roses and crowns rain, the others burst. */
function flightOf(gift: Gift, { width, height }: Place): Flight {
  const spread = Math.random() - 0.5;
  const common = { size: 14 + 26 * Math.random(), turn: spread * 2, spin: spread * 3, delay: Math.random() * 500 };
  if (gift === "rocket") {
    const vy = -height * (0.5 + 0.6 * Math.random());
    return { ...common, x: width * Math.random(), y: height + 30, vx: spread * 60, vy, turn: spread * 0.3, spin: 0 };
  }
  if (gift === "rose" || gift === "crown") {
    const vy = height * (0.16 + 0.24 * Math.random());
    return { ...common, x: width * Math.random(), y: -40, vx: spread * 90, vy };
  }
  const angle = 2 * Math.PI * Math.random();
  const speed = 120 + Math.random() * Math.min(width, height) * 0.8;
  const [vx, vy] = [Math.cos(angle) * speed, Math.sin(angle) * speed - 160];
  return { ...common, x: width / 2, y: height * 0.46, vx, vy, delay: Math.random() * 120 };
}

/** What goes down falls, in a few straight pieces; all fade at their end. */
function framesOf({ x, y, vx, vy, turn, spin, size }: Flight): Keyframe[] {
  const life = LIFE_MS / 1_000;
  const pieces = 4;
  const fall = vy < 0 ? 0 : 160;
  return Array.from({ length: pieces + 1 }, (_, at) => {
    const age = (life * at) / pieces;
    const [left, top] = [x + vx * age - PIECE / 2, y + vy * age + (fall * age * age) / 2 - PIECE / 2];
    const transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px) rotate(${(turn + spin * age).toFixed(2)}rad) scale(${(size / PIECE).toFixed(2)})`;
    return { transform, opacity: Math.min(1, (life - age) / 0.6) };
  });
}
