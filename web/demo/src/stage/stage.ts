// The stage: comments that ride along the wires, and gifts above them, over the scenery.
//
// Draws nothing a frame: each comment and each piece of a gift is a small canvas that is painted once, and moved by the
// compositor. Without motion (`prefers-reduced-motion`, or the button) comments stand still for a few seconds, and gifts
// show their badge alone.

import type { Stage } from "../model/chat.js";
import type { Gift } from "../model/gifts.js";
import { Lanes, type Way } from "../model/lanes.js";
import type { Places } from "../visit/words.js";
import { Bursts } from "./burst.js";
import { geometryOf, sagAt, type Geometry } from "./geometry.js";
import { paletteOf, type Theme } from "./palette.js";
import { LINE_SPEED, Scenery } from "./scenery.js";
import { Sprites, type Comment, type Sprite } from "./sprites.js";

/** A size that changes (a window that is dragged) is acted on once it rests. */
const REST_MS = 120;
/** Between two poles a wire is followed in so many straight pieces. */
const PIECES = 10;

interface Flying {
  readonly sprite: Sprite;
  readonly way: Way;
  move?: Animation;
  landing?: number;
}

export class WireStage implements Stage {
  private readonly flying = new Set<Flying>();
  private readonly sprites: Sprites;
  private readonly bursts: Bursts;
  private readonly scenery: Scenery;
  private geometry: Geometry = geometryOf(0, 0);
  private lanes = new Lanes(2, 1, false);
  private theme: Theme = "light";
  private still = false;
  private resting = 0;

  /** `sky`: an empty element over the whole stage; what flies is put into it. */
  constructor(
    private readonly sky: HTMLElement,
    scenery: HTMLElement,
    private readonly wordsOf: (gift: Gift, text: string) => string,
  ) {
    this.scenery = new Scenery(scenery);
    this.sprites = new Sprites(sky);
    this.bursts = new Bursts(sky);
    new ResizeObserver(() => {
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.shape(), this.geometry.width === 0 ? 0 : REST_MS);
    }).observe(sky);
  }

  look(theme: Theme, still: boolean): void {
    const motion = still !== this.still;
    this.theme = theme;
    this.still = still;
    if (motion) this.clear(); // who flies cannot stand, and the other way round
    this.shape();
  }

  places(): Places {
    if (document.hidden || this.geometry.width === 0) return { said: 0, gift: 0 };
    return { said: Math.min(this.sprites.left, this.lanes.places(performance.now())), gift: this.bursts.left };
  }

  fly(comment: Comment): boolean {
    const now = performance.now();
    const place = this.lanes.find(now);
    if (!place || this.sprites.left === 0 || document.hidden) return false;
    const sprite = this.sprites.draw(comment, paletteOf(this.theme));
    const one = { sprite, way: this.lanes.take(place, sprite.width) };
    this.flying.add(one);
    this.launch(one, now);
    return true;
  }

  burst(gift: { gift: Gift; name: string; text: string; times: number }): void {
    if (document.hidden) return;
    const { name, times } = gift;
    this.bursts.add({ gift: gift.gift, name, times, words: this.wordsOf(gift.gift, gift.text) });
  }

  clear(): void {
    for (const one of this.flying) this.land(one);
    this.bursts.clear();
    this.lanes = new Lanes(this.geometry.lanes, Math.max(1, this.geometry.width), this.still);
  }

  private shape(): void {
    const { clientWidth, clientHeight } = this.sky;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.geometry = geometryOf(clientWidth, clientHeight);
    this.sprites.shape(this.geometry.pill, clientWidth);
    this.lanes.shape(this.geometry.lanes, clientWidth, this.still);
    this.scenery.paint(this.geometry, this.theme, this.still);
    const { density } = this.sprites;
    this.bursts.shape({ width: clientWidth, height: clientHeight, density, still: this.still }, paletteOf(this.theme));
    const now = performance.now();
    for (const one of this.flying) this.launch(one, now); // the wires hang elsewhere now
  }

  /** Sends a comment on its way, or what is left of it. */
  private launch(one: Flying, now: number): void {
    const { sprite, way } = one;
    one.move?.cancel();
    clearTimeout(one.landing);
    const frames = this.frames(one, now);
    sprite.canvas.style.visibility = "visible";
    if (way.speed === 0) {
      sprite.canvas.style.transform = frames[0] ?? "";
    } else {
      const options = { duration: way.until - way.from, delay: way.from - now, fill: "backwards" } as const;
      one.move = sprite.canvas.animate({ transform: frames }, options);
    }
    one.landing = setTimeout(() => this.land(one), way.until - now);
  }

  private land(one: Flying): void {
    if (!this.flying.delete(one)) return;
    one.move?.cancel();
    clearTimeout(one.landing);
    this.sprites.give(one.sprite);
  }

  /** Where a comment is, in equal steps of time from its start to its end: on its wire, which passes by as well. */
  private frames({ sprite, way }: Flying, now: number): string[] {
    const { top, pitch, pill, span } = this.geometry;
    const ms = way.until - way.from;
    const start = this.scenery.phase(this.geometry) + (LINE_SPEED * (way.from - now)) / 1_000;
    const count = way.speed === 0 ? 1 : Math.ceil((way.speed * ms) / (span / PIECES)) + 1;
    return Array.from({ length: count }, (_, at) => {
      const age = count === 1 ? 0 : (ms * at) / (count - 1);
      const x = way.x - way.speed * age;
      const phase = this.still ? start : start + (LINE_SPEED * age) / 1_000;
      const y = top + way.lane * pitch + sagAt(this.geometry, x + sprite.width / 2 + phase) - pill / 2;
      return `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    });
  }
}
