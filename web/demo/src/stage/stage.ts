// The stage: comments that ride along the wires, and gifts among them, over the scenery. Draws it all on one canvas.
//
// Lives in a worker, so that what it draws costs the page's own thread nothing. A comment is painted once, and copied to where it is in
// each frame. Without motion (`prefers-reduced-motion`, or the button) comments stand still for a few seconds, gifts show their badge
// alone, and nothing is drawn while nothing changes. Bounded: FLYING_MAX comments, PIXELS_MAX of canvas.

import type { Gift } from "../model/gifts.js";
import { Lanes, type Way } from "../model/lanes.js";
import type { Kind, Look } from "../visit/words.js";
import { Bursts } from "./burst.js";
import { geometryOf, sagAt, type Geometry } from "./geometry.js";
import { paletteOf } from "./palette.js";
import { close, place } from "./picture.js";
import { LINE_SPEED, Scenery } from "./scenery.js";
import { paintComment, type Comment, type Sprite } from "./sprites.js";

/** Comments on the stage at once, at most. */
const FLYING_MAX = 96;
/** A sharper picture is not seen, and costs memory by its square. */
const DENSITY_MAX = 2;
/** Of the canvas: a screen larger than this is drawn less sharply. */
const PIXELS_MAX = 8_000_000;
/** Where nothing moves, this often is looked whose time is over. */
const LOOK_MS = 100;
/** A frame that was longer away does not make the landscape jump. */
const AWAY_MS = 100;

interface Flying {
  readonly sprite: Sprite;
  readonly way: Way;
}

export class WireStage {
  private context: OffscreenCanvasRenderingContext2D | null = null;
  private gave: Readonly<Partial<Record<Gift, string>>> = {};
  private look: Look | undefined;
  private density = 1;
  private geometry: Geometry = geometryOf(0, 0);
  private lanes = new Lanes(2, 1, false);
  private flying: Flying[] = [];
  private readonly bursts = new Bursts();
  private readonly scenery = new Scenery();
  /** How long the landscape has been passing by. */
  private travelled = 0;
  private drawnAt = 0;
  private wasBusy = false;
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Before this there is no stage: it takes nobody. */
  open(canvas: OffscreenCanvas, gave: Readonly<Partial<Record<Gift, string>>>): void {
    this.context = canvas.getContext("2d");
    this.gave = gave;
  }

  see(look: Look): void {
    const before = this.look;
    this.look = look;
    if (look.still !== before?.still) this.clear(); // who flies cannot stand, and the other way round
    const isSame = (["width", "wide", "height", "density", "theme"] as const).every((name) => look[name] === before?.[name]);
    if (!isSame) this.shape(look);
    this.draw(performance.now());
  }

  takes(kind: Kind, now: number): boolean {
    if (!this.context || !this.look?.seen) return false;
    if (kind === "gift") return this.bursts.left > 0;
    return this.flying.length < FLYING_MAX && this.lanes.find(now) !== undefined;
  }

  fly(comment: Comment, now: number): void {
    const at = this.lanes.find(now);
    if (!at || !this.look) return;
    const sprite = paintComment(comment, paletteOf(this.look.theme), this.geometry, this.density);
    this.flying.push({ sprite, way: this.lanes.take(at, sprite.width) });
    this.arm();
  }

  burst({ gift, name, text, times }: { gift: Gift; name: string; text: string; times: number }): void {
    this.bursts.add({ gift, name, times, words: this.gave[gift] ?? text });
    this.arm();
  }

  clear(): void {
    for (const { sprite } of this.flying) close(sprite.picture);
    this.flying = [];
    this.bursts.clear();
    this.lanes = new Lanes(this.geometry.lanes, Math.max(1, this.geometry.width), this.look?.still ?? false);
  }

  private shape({ width, wide, height, density, theme, still }: Look): void {
    if (!this.context) return;
    this.density = Math.min(DENSITY_MAX, Math.max(1, density), Math.sqrt(PIXELS_MAX / Math.max(1, wide * height)));
    this.geometry = geometryOf(width, height);
    this.lanes.shape(this.geometry.lanes, Math.max(1, width), still);
    const { canvas } = this.context;
    canvas.width = Math.max(1, Math.round(wide * this.density));
    canvas.height = Math.max(1, Math.round(height * this.density));
    this.scenery.paint(this.geometry, wide, paletteOf(theme), this.density);
    this.bursts.shape({ width, height, density: this.density, still }, paletteOf(theme));
    this.wasBusy = true; // the canvas is empty: what nobody moves has to be drawn too
  }

  /** The next frame: with the screen's where something moves, now and then where something stands that will go. */
  private arm(): void {
    if (!this.look?.seen || !this.context) return;
    if (!this.look.still) this.frame ||= requestAnimationFrame((now) => this.draw(now));
    else if (this.isBusy) this.timer ??= setTimeout(() => this.draw(performance.now()), LOOK_MS);
  }

  private get isBusy(): boolean {
    return this.flying.length > 0 || this.bursts.isBusy;
  }

  private draw(now: number): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = 0;
    this.timer = undefined;
    if (!this.look?.seen || !this.context) return;
    if (!this.look.still) this.travelled += Math.min(AWAY_MS, Math.max(0, now - this.drawnAt));
    this.drawnAt = now;
    this.land(now);
    this.bursts.advance(now);
    const { isBusy } = this;
    if (this.scenery.move(this.travelled) || isBusy || this.wasBusy) this.paint(this.context, now);
    this.wasBusy = isBusy;
    this.arm();
  }

  private land(now: number): void {
    const isOver = ({ way }: Flying): boolean => now >= way.until;
    if (!this.flying.some(isOver)) return;
    for (const one of this.flying) if (isOver(one)) close(one.sprite.picture);
    this.flying = this.flying.filter((one) => !isOver(one));
  }

  private paint(context: OffscreenCanvasRenderingContext2D, now: number): void {
    this.scenery.draw(context);
    this.bursts.drawShower(context, now); // what is said stays legible above it
    const { top, pitch, pill } = this.geometry;
    const phase = this.scenery.phase(LINE_SPEED);
    for (const { sprite, way } of this.flying) {
      if (now < way.from) continue;
      const x = way.x - way.speed * (now - way.from);
      const y = top + way.lane * pitch + sagAt(this.geometry, x + sprite.width / 2 + phase) - pill / 2;
      place(context, sprite.picture, x, y, this.density);
    }
    this.bursts.drawBadge(context, now);
  }
}
