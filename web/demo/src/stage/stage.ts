// The stage: comments that ride along the wires, and gifts above them, on one canvas over the scenery.
//
// Draws only while something is on it. Without motion (`prefers-reduced-motion`, or the button) comments stand still for
// a few seconds and gifts show their badge alone.

import type { Stage } from "../model/chat.js";
import type { Gift } from "../model/gifts.js";
import { Lanes, type Way } from "../model/lanes.js";
import { Bursts } from "./burst.js";
import { geometryOf, sagAt, type Geometry } from "./geometry.js";
import { paletteOf, type Theme } from "./palette.js";
import { Scenery } from "./scenery.js";
import { Sprites, type Comment, type Sprite } from "./sprites.js";

/** Without motion the stage is looked at this often. */
const STILL_TICK_MS = 250;
/** A size that changes (a window that is dragged) is acted on once it rests. */
const REST_MS = 120;

interface Flying {
  readonly sprite: Sprite;
  readonly way: Way;
}

export class WireStage implements Stage {
  private flying: Flying[] = [];
  private readonly sprites = new Sprites();
  private readonly bursts = new Bursts();
  private readonly scenery: Scenery;
  private readonly context: CanvasRenderingContext2D | null;
  private geometry: Geometry = geometryOf(0, 0);
  private lanes = new Lanes(2, 1, false);
  private theme: Theme = "light";
  private still = false;
  private isTicking = false;
  private resting = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    scenery: HTMLElement,
    private readonly wordsOf: (gift: Gift, text: string) => string,
  ) {
    this.scenery = new Scenery(scenery);
    this.context = canvas.getContext("2d");
    new ResizeObserver(() => {
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.shape(), this.geometry.width === 0 ? 0 : REST_MS);
    }).observe(canvas);
  }

  look(theme: Theme, still: boolean): void {
    const motion = still !== this.still;
    this.theme = theme;
    this.still = still;
    if (motion) this.clear(); // who flies cannot stand, and the other way round
    this.shape();
  }

  hasPlace(now: number, isGift: boolean): boolean {
    if (document.hidden || this.geometry.width === 0) return false;
    if (isGift) return !this.bursts.isFull;
    return this.sprites.isLeft && this.lanes.find(now) !== undefined;
  }

  fly(comment: Comment): void {
    const now = performance.now();
    const place = this.lanes.find(now);
    if (!place || !this.sprites.isLeft || document.hidden) return; // only what one says oneself comes unasked
    const sprite = this.sprites.draw(comment, paletteOf(this.theme));
    if (!sprite) return;
    this.flying.push({ sprite, way: this.lanes.take(place, sprite.width) });
    this.tick();
  }

  burst(gift: { gift: Gift; name: string; text: string; times: number }): void {
    if (document.hidden) return;
    const { name, times } = gift;
    this.bursts.add({ gift: gift.gift, name, times, words: this.wordsOf(gift.gift, gift.text) });
    this.tick();
  }

  clear(): void {
    for (const { sprite } of this.flying) this.sprites.give(sprite);
    this.flying = [];
    this.bursts.clear();
    this.lanes = new Lanes(this.geometry.lanes, Math.max(1, this.geometry.width), this.still);
    this.draw(performance.now());
  }

  private shape(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.geometry = geometryOf(clientWidth, clientHeight);
    this.sprites.shape(this.geometry.pill, clientWidth);
    this.canvas.width = Math.ceil(clientWidth * this.sprites.density);
    this.canvas.height = Math.ceil(clientHeight * this.sprites.density);
    this.lanes.shape(this.geometry.lanes, clientWidth, this.still);
    this.scenery.paint(this.geometry, this.theme, this.still);
    this.draw(performance.now());
  }

  private tick(): void {
    if (this.isTicking) return;
    this.isTicking = true;
    const again = (): void => {
      this.draw(performance.now());
      if (this.flying.length === 0 && this.bursts.isIdle) this.isTicking = false;
      else this.next(again);
    };
    requestAnimationFrame(again);
  }

  private next(again: () => void): void {
    if (this.still) setTimeout(() => requestAnimationFrame(again), this.bursts.isIdle ? STILL_TICK_MS : 0);
    else requestAnimationFrame(again);
  }

  private draw(now: number): void {
    const { context } = this;
    if (!context) return;
    const { density } = this.sprites;
    const { width, height } = this.geometry;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawFlying(context, now, density);
    if (this.bursts.isIdle) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    this.bursts.draw(context, now, { width, height, density, still: this.still }, paletteOf(this.theme));
  }

  /** Whole pixels of the device: the pictures are copied, not resampled. */
  private drawFlying(context: CanvasRenderingContext2D, now: number, density: number): void {
    const phase = this.scenery.phase(this.geometry);
    const { top, pitch, pill } = this.geometry;
    let kept = 0;
    for (const one of this.flying) {
      const { sprite, way } = one;
      if (now >= way.until) {
        this.sprites.give(sprite);
        continue;
      }
      this.flying[kept++] = one;
      if (now < way.from) continue;
      const x = way.x - way.speed * (now - way.from);
      const middle = top + way.lane * pitch + sagAt(this.geometry, x + sprite.width / 2 + phase);
      const wide = Math.min(sprite.canvas.width, Math.ceil(sprite.width * density));
      const [left, above] = [Math.round(x * density), Math.round((middle - pill / 2) * density)];
      context.drawImage(sprite.canvas, 0, 0, wide, sprite.canvas.height, left, above, wide, sprite.canvas.height);
    }
    this.flying.length = kept;
  }
}
