// Comments as pictures: each is drawn once, when it begins to fly, and then only moved.
//
// The pictures come from a pool and are used again. Bounded: SPRITES_MAX. One that nobody uses is hidden.

import { hash, initial, line } from "../model/text.js";
import type { Palette } from "./palette.js";
import { show, widthOf } from "./picture.js";

/** Comments on the stage at once, at most. */
export const SPRITES_MAX = 96;
/** A sharper picture is not seen, and costs memory by its square. */
const DENSITY_MAX = 2;
/** Characters that can matter in a comment's width. */
const TEXT_MAX = 90;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

export interface Sprite {
  readonly canvas: HTMLCanvasElement;
  /** In CSS pixels. */
  width: number;
}

export interface Comment {
  readonly from: string;
  readonly name: string;
  readonly text: string;
  readonly own: boolean;
}

export class Sprites {
  private free: Sprite[] = [];
  private made = 0;
  private generation = 0;
  private readonly generations = new WeakMap<Sprite, number>();
  private width = 0;
  private height = 0;
  density = 1;

  constructor(private readonly root: HTMLElement) {}

  /** The stage has another size: pictures of the old one are let go as they come back. */
  shape(pill: number, stageWidth: number): void {
    const width = Math.round(Math.min(420, Math.max(220, stageWidth * 0.62)));
    const density = Math.min(DENSITY_MAX, Math.max(1, devicePixelRatio));
    if (width === this.width && pill === this.height && density === this.density) return;
    this.width = width;
    this.height = pill;
    this.density = density;
    this.generation += 1;
    this.made -= this.free.length;
    for (const sprite of this.free) sprite.canvas.remove();
    this.free = [];
  }

  get left(): number {
    return this.free.length + SPRITES_MAX - this.made;
  }

  give(sprite: Sprite): void {
    sprite.canvas.style.visibility = "hidden";
    if (this.generations.get(sprite) === this.generation) this.free.push(sprite);
    else {
      this.made -= 1;
      sprite.canvas.remove();
    }
  }

  private take(): Sprite {
    const again = this.free.pop();
    if (again) return again;
    this.made += 1;
    const canvas = document.createElement("canvas");
    canvas.className = "flying";
    this.root.append(canvas);
    const sprite = { canvas, width: 0 };
    this.generations.set(sprite, this.generation);
    return sprite;
  }

  /** Draws a comment; ask what is `left` first. */
  draw(comment: Comment, palette: Palette): Sprite {
    const sprite = this.take();
    const { height } = this;
    const size = Math.round(height * 0.42);
    const [nameFont, textFont] = [`650 ${size}px ${FONT}`, `400 ${size}px ${FONT}`];
    const badge = height - 10;
    const left = badge + 12;
    const name = line(comment.name, 18);
    const beside = left + widthOf(name, nameFont) + 8;
    const text = fit(line(comment.text, TEXT_MAX), textFont, this.width - beside - 14);
    sprite.width = Math.ceil(beside + widthOf(text, textFont) + 14);
    const [ground, edge, ink] = comment.own ? palette.own : palette.pill;
    const hue = comment.own ? ink : (palette.hues[hash(comment.from) % palette.hues.length] ?? ink);
    show(sprite.canvas, [sprite.width, height, this.density], (context) => {
      context.beginPath();
      context.roundRect(0.5, 0.5, sprite.width - 1, height - 1, height / 2);
      context.fillStyle = ground;
      context.fill();
      context.strokeStyle = edge;
      context.stroke();
      context.beginPath();
      context.arc(5 + badge / 2, height / 2, badge / 2, 0, 2 * Math.PI);
      context.fillStyle = hue;
      context.fill();
      context.textBaseline = "middle";
      context.font = nameFont;
      context.fillText(name, left, height / 2 + 0.5);
      context.font = textFont;
      context.fillStyle = ink;
      context.fillText(text, beside, height / 2 + 0.5);
      context.fillStyle = comment.own ? ground : palette.onHue;
      context.font = `700 ${Math.round(badge * 0.52)}px ${FONT}`;
      context.textAlign = "center";
      context.fillText(initial(comment.name), 5 + badge / 2, height / 2 + 0.5);
    });
    return sprite;
  }
}

/** As much of `text` as fits. */
function fit(text: string, font: string, room: number): string {
  if (widthOf(text, font) <= room) return text;
  const characters = Array.from(text);
  let [fits, over] = [0, characters.length];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (widthOf(`${characters.slice(0, middle).join("")}…`, font) <= room) fits = middle;
    else over = middle;
  }
  return `${characters.slice(0, fits).join("").trimEnd()}…`;
}

export { FONT };
