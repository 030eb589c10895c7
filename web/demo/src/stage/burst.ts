// Gifts on the stage: a badge that says who gave what, and a shower of it. One at a time; a few may wait.
//
// Bounded: QUEUE_MAX gifts, PIECES_MAX pieces, and a picture for each kind of gift.

import type { Gift } from "../model/gifts.js";
import type { Palette } from "./palette.js";
import { close, picture, place, widthOf } from "./picture.js";
import { painter } from "./shapes.js";
import { FONT } from "./sprites.js";

export interface Shown {
  readonly gift: Gift;
  readonly name: string;
  /** What the badge says below the name. */
  readonly words: string;
  readonly times: number;
}

interface Room {
  readonly width: number;
  readonly height: number;
  readonly density: number;
  readonly still: boolean;
}

/** Gifts that wait for their turn. */
const QUEUE_MAX = 4;
const PIECES_MAX = 40;
/** The largest piece's side. */
const PIECE = 40;
const LIFE_MS = 2_300;
/** While others wait, each has so long. */
const HURRY_MS = 900;
const BADGE = { widthMin: 260, widthMax: 420, height: 92 };
/** How the badge comes: part of its life, opacity, size. It goes in the last part, upwards. */
const COMING = [[0, 0, 0.6], [0.057, 0.5, 1.01], [0.085, 0.75, 1.016], [0.113, 1, 1]] as const;
const GOING = { from: 0.86, up: 18 };
/** A piece fades at the end of its life. */
const FADE_S = 0.6;

interface Badge {
  readonly picture: ImageBitmap | undefined;
  readonly width: number;
  readonly at: number;
}

/** A piece's way: where it begins, how fast it goes, how it falls, and how it turns. Pixels, radians and seconds. */
interface Flight {
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  readonly fall: number;
  readonly turn: number;
  readonly spin: number;
  readonly size: number;
  readonly delay: number;
}

export class Bursts {
  private queue: Shown[] = [];
  private badge: Badge | undefined;
  private shower: { readonly gift: Gift; readonly at: number; readonly flights: readonly Flight[] } | undefined;
  private room: Room = { width: 0, height: 0, density: 1, still: false };
  private palette: Palette | undefined;
  private readonly pieces = new Map<Gift, ImageBitmap>();

  /** How many more may wait. */
  get left(): number {
    return QUEUE_MAX - this.queue.length;
  }

  get isBusy(): boolean {
    return this.badge !== undefined || this.shower !== undefined || this.queue.length > 0;
  }

  /** The stage has another size or look: what comes next follows it. */
  shape(room: Room, palette: Palette): void {
    if (room.density !== this.room.density) this.forgetPieces();
    this.room = room;
    this.palette = palette;
  }

  /** A gift in a row raises the number of the one that waits, and does not wait behind it. */
  add(shown: Shown): void {
    const last = this.queue.at(-1);
    if (last && last.name === shown.name && last.gift === shown.gift) this.queue.pop();
    if (this.left > 0) this.queue.push(shown);
  }

  clear(): void {
    this.queue = [];
    this.shower = undefined;
    this.endBadge();
  }

  /** Each has its time, less where others wait. Those in a hurry share a shower: it is not cut short. */
  advance(now: number): void {
    if (this.shower && now >= this.shower.at + 2 * LIFE_MS) this.shower = undefined;
    if (this.badge && now < this.badge.at + (this.queue.length > 0 ? HURRY_MS : LIFE_MS)) return;
    this.endBadge();
    const shown = this.queue.shift();
    if (!shown || !this.palette) return;
    this.badge = { ...paintBadge(shown, this.palette, this.room.density), at: now };
    const isFree = !this.shower || now >= this.shower.at + LIFE_MS;
    if (isFree && !this.room.still) this.shower = { gift: shown.gift, at: now, flights: flightsOf(shown.gift, this.room) };
  }

  drawShower(context: OffscreenCanvasRenderingContext2D, now: number): void {
    const piece = this.shower && this.piece(this.shower.gift);
    if (!this.shower || !piece) return;
    const side = piece.width;
    for (const { x, y, vx, vy, fall, turn, spin, size, delay } of this.shower.flights) {
      const age = (now - this.shower.at) / 1_000 - delay;
      if (age < 0 || age > LIFE_MS / 1_000) continue;
      const { density } = this.room;
      const angle = turn + spin * age;
      const [cos, sin] = [(Math.cos(angle) * size * density) / side, (Math.sin(angle) * size * density) / side];
      context.globalAlpha = Math.min(1, (LIFE_MS / 1_000 - age) / FADE_S);
      context.setTransform(cos, sin, -sin, cos, (x + vx * age) * density, (y + vy * age + (fall * age * age) / 2) * density);
      context.drawImage(piece, -side / 2, -side / 2);
    }
    context.resetTransform();
    context.globalAlpha = 1;
  }

  drawBadge(context: OffscreenCanvasRenderingContext2D, now: number): void {
    const { badge } = this;
    if (!badge?.picture) return;
    const { width: room, height, density, still } = this.room;
    const { opacity, size, up } = still ? { opacity: 1, size: 1, up: 0 } : poseOf((now - badge.at) / LIFE_MS);
    const scale = size * Math.min(1, (room - 24) / badge.width);
    const [x, y] = [(room - badge.width * scale) / 2, height * 0.46 - (BADGE.height * scale) / 2 - up];
    context.globalAlpha = opacity;
    if (scale === 1) place(context, badge.picture, x, y, density);
    else context.drawImage(badge.picture, x * density, y * density, badge.width * scale * density, BADGE.height * scale * density);
    context.globalAlpha = 1;
  }

  private endBadge(): void {
    close(this.badge?.picture);
    this.badge = undefined;
  }

  private piece(gift: Gift): ImageBitmap | undefined {
    const paint = (context: OffscreenCanvasRenderingContext2D): void => {
      context.translate(PIECE / 2, PIECE / 2);
      painter(gift)(context, PIECE * 0.92);
    };
    const piece = this.pieces.get(gift) ?? picture([PIECE, PIECE, this.room.density], paint);
    if (piece) this.pieces.set(gift, piece);
    return piece;
  }

  private forgetPieces(): void {
    for (const piece of this.pieces.values()) close(piece);
    this.pieces.clear();
  }
}

/** At a part of its life: straight lines between what stands in COMING, then upwards. */
function poseOf(part: number): { opacity: number; size: number; up: number } {
  if (part >= GOING.from) {
    const gone = Math.min(1, (part - GOING.from) / (1 - GOING.from));
    return { opacity: 1 - gone, size: 1, up: GOING.up * gone };
  }
  const at = COMING.findIndex(([from]) => from > part);
  const [before, after] = [COMING[at - 1], COMING[at]];
  if (!before || !after) return { opacity: 1, size: 1, up: 0 };
  const way = (part - before[0]) / (after[0] - before[0]);
  return { opacity: before[1] + way * (after[1] - before[1]), size: before[2] + way * (after[2] - before[2]), up: 0 };
}

function paintBadge(shown: Shown, palette: Palette, density: number): { picture: ImageBitmap | undefined; width: number } {
  const [nameFont, wordsFont] = [`700 21px ${FONT}`, `400 17px ${FONT}`];
  const left = BADGE.height + 2;
  const beside = shown.times > 1 ? 92 : 34;
  const widest = Math.max(widthOf(shown.name, nameFont), widthOf(shown.words, wordsFont));
  const width = Math.round(Math.min(BADGE.widthMax, Math.max(BADGE.widthMin, left + widest + beside)));
  const [ground, edge, ink] = palette.badge;
  const painted = picture([width, BADGE.height, density], (context) => {
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
  return { picture: painted, width };
}

/** As many as the stage is wide. */
function flightsOf(gift: Gift, room: Room): Flight[] {
  const count = Math.min(PIECES_MAX, Math.round(18 + room.width / 44));
  return Array.from({ length: count }, () => flightOf(gift, room));
}

/** Rockets rise, roses and crowns rain, the others burst. */
function flightOf(gift: Gift, { width, height }: Room): Flight {
  const spread = Math.random() - 0.5;
  const common = { size: 14 + 26 * Math.random(), turn: spread * 2, spin: spread * 3, delay: Math.random() * 0.5 };
  if (gift === "rocket") {
    const vy = -height * (0.5 + 0.6 * Math.random());
    return { ...common, x: width * Math.random(), y: height + 30, vx: spread * 60, vy, fall: 0, turn: spread * 0.3, spin: 0 };
  }
  if (gift === "rose" || gift === "crown") {
    const vy = height * (0.16 + 0.24 * Math.random());
    return { ...common, x: width * Math.random(), y: -40, vx: spread * 90, vy, fall: 160 };
  }
  const angle = 2 * Math.PI * Math.random();
  const speed = 120 + Math.random() * Math.min(width, height) * 0.8;
  const [vx, vy] = [Math.cos(angle) * speed, Math.sin(angle) * speed - 160];
  return { ...common, x: width / 2, y: height * 0.46, vx, vy, fall: vy < 0 ? 0 : 160, delay: Math.random() * 0.12 };
}
