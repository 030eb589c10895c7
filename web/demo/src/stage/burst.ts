// Gifts on the stage: a badge that says who gave what, and a shower of it. One at a time; a few may wait.
//
// Bounded: QUEUE_MAX gifts, PARTICLES_MAX pieces in one array that is made once.

import type { Gift } from "../model/gifts.js";
import { FONT } from "./sprites.js";
import type { Palette } from "./palette.js";
import { painter } from "./shapes.js";

export interface Shown {
  readonly gift: Gift;
  readonly name: string;
  /** What the badge says below the name. */
  readonly words: string;
  readonly times: number;
}

/** Gifts that wait for their turn. */
export const QUEUE_MAX = 4;
const PARTICLES_MAX = 96;
const LIFE_MS = 2_300;
/** While others wait, each has so long. */
const HURRY_MS = 900;
const BADGE = { widthMin: 260, widthMax: 420, height: 92 };

interface Particle {
  x: number;
  y: number;
  vx: number;
  vy: number;
  turn: number;
  spin: number;
  size: number;
  born: number;
}

export class Bursts {
  private queue: Shown[] = [];
  private current: (Shown & { at: number }) | undefined;
  private readonly particles: Particle[] = [];
  private readonly badge = document.createElement("canvas");
  private width = 0;
  private readonly piece = document.createElement("canvas");

  get isFull(): boolean {
    return this.queue.length >= QUEUE_MAX;
  }

  get isIdle(): boolean {
    return this.current === undefined && this.queue.length === 0;
  }

  /** A gift in a row raises the number of the one that waits, and does not wait behind it. */
  add(shown: Shown): void {
    const last = this.queue.at(-1);
    if (last && last.name === shown.name && last.gift === shown.gift) this.queue.pop();
    if (!this.isFull) this.queue.push(shown);
  }

  clear(): void {
    this.queue = [];
    this.current = undefined;
    this.particles.length = 0;
  }

  draw(context: CanvasRenderingContext2D, now: number, stage: { width: number; height: number; density: number; still: boolean }, palette: Palette): void {
    const age = this.current ? now - this.current.at : Number.POSITIVE_INFINITY;
    if (age > (this.queue.length > 0 ? HURRY_MS : LIFE_MS)) this.next(now, stage, palette);
    if (!this.current) return;
    if (!stage.still) this.drawParticles(context, now, stage);
    this.drawBadge(context, now - this.current.at, stage);
  }

  private next(now: number, stage: { width: number; height: number; density: number; still: boolean }, palette: Palette): void {
    const next = this.queue.shift();
    this.current = next && { ...next, at: now };
    if (!next) {
      this.particles.length = 0;
      return;
    }
    this.paintBadge(next, stage.density, palette);
    this.paintPiece(next.gift, stage.density);
    this.scatter(next.gift, now, stage);
  }

  private paintBadge(shown: Shown, density: number, palette: Palette): void {
    const context = fresh(this.badge, BADGE.widthMax * density, BADGE.height * density);
    if (!context) return;
    context.scale(density, density);
    const left = BADGE.height + 2;
    const beside = shown.times > 1 ? 92 : 34;
    context.font = `700 21px ${FONT}`;
    const widest = Math.max(context.measureText(shown.name).width, context.measureText(shown.words).width * 0.86);
    const width = Math.round(Math.min(BADGE.widthMax, Math.max(BADGE.widthMin, left + widest + beside)));
    this.width = width;
    const [ground, edge, ink] = palette.badge;
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
    context.font = `700 21px ${FONT}`;
    context.fillText(shown.name, left, 35, room);
    context.globalAlpha = 0.78;
    context.font = `400 17px ${FONT}`;
    context.fillText(shown.words, left, 61, room);
    context.globalAlpha = 1;
    if (shown.times < 2) return;
    context.font = `italic 800 30px ${FONT}`;
    context.textAlign = "right";
    context.fillStyle = palette.hues[1] ?? ink;
    context.fillText(`×${shown.times}`, width - 28, BADGE.height / 2 + 1, 60);
    context.textAlign = "left";
  }

  private paintPiece(gift: Gift, density: number): void {
    const side = 40 * density;
    const context = fresh(this.piece, side, side);
    if (!context) return;
    context.translate(side / 2, side / 2);
    painter(gift)(context, side * 0.92);
  }

  /** Rockets rise, roses and crowns rain, the others burst. */
  private scatter(gift: Gift, now: number, { width, height }: { width: number; height: number }): void {
    this.particles.length = 0;
    const count = Math.min(PARTICLES_MAX, Math.round(28 + width / 22));
    for (let at = 0; at < count; at++) {
      const spread = Math.random() - 0.5;
      const size = 14 + 24 * Math.random();
      const common = { size, turn: spread * 2, spin: spread * 3, born: now + Math.random() * 500 };
      if (gift === "rocket") {
        const x = width * Math.random();
        this.particles.push({ ...common, x, y: height + 30, vx: spread * 60, vy: -height * (0.5 + 0.6 * Math.random()), turn: spread * 0.3, spin: 0 });
      } else if (gift === "rose" || gift === "crown") {
        this.particles.push({ ...common, x: width * Math.random(), y: -40, vx: spread * 90, vy: height * (0.16 + 0.24 * Math.random()) });
      } else {
        const angle = 2 * Math.PI * Math.random();
        const speed = 120 + Math.random() * Math.min(width, height) * 0.8;
        this.particles.push({ ...common, x: width / 2, y: height * 0.46, vx: Math.cos(angle) * speed, vy: Math.sin(angle) * speed - 160, born: now + Math.random() * 120 });
      }
    }
  }

  private drawParticles(context: CanvasRenderingContext2D, now: number, { height }: { height: number }): void {
    for (const particle of this.particles) {
      const age = (now - particle.born) / 1_000;
      if (age < 0) continue;
      const fall = particle.vy < 0 ? 0 : 160;
      const x = particle.x + particle.vx * age;
      const y = particle.y + particle.vy * age + (fall * age * age) / 2;
      if (y < -60 || y > height + 60) continue;
      const life = LIFE_MS / 1_000;
      context.globalAlpha = Math.max(0, Math.min(1, (life - age) / 0.6));
      context.save();
      context.translate(x, y);
      context.rotate(particle.turn + particle.spin * age);
      context.drawImage(this.piece, -particle.size / 2, -particle.size / 2, particle.size, particle.size);
      context.restore();
    }
    context.globalAlpha = 1;
  }

  private drawBadge(context: CanvasRenderingContext2D, age: number, { width, height, still }: { width: number; height: number; still: boolean }): void {
    const come = Math.min(1, age / 260);
    const go = Math.min(1, Math.max(0, (age - (LIFE_MS - 320)) / 320));
    const fits = Math.min(1, (width - 24) / this.width);
    const spring = still ? 1 : 1 + 0.22 * Math.sin(come * Math.PI) * (1 - come) - 0.4 * (1 - come) ** 2;
    const scale = fits * spring;
    context.globalAlpha = come * (1 - go);
    const y = height * 0.46 - (still ? 0 : 18 * go);
    const part = (this.badge.width * this.width) / BADGE.widthMax;
    const [left, top] = [width / 2 - (this.width / 2) * scale, y - (BADGE.height / 2) * scale];
    context.drawImage(this.badge, 0, 0, part, this.badge.height, left, top, this.width * scale, BADGE.height * scale);
    context.globalAlpha = 1;
  }
}

function fresh(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  canvas.width = Math.ceil(width);
  canvas.height = Math.ceil(height);
  return canvas.getContext("2d");
}
