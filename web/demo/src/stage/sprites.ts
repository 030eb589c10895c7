// Comments as pictures: a pill with a badge, a name and as much of the text as fits.

import { hash, initial, line } from "../model/text.js";
import type { Geometry } from "./geometry.js";
import type { Palette } from "./palette.js";
import { picture, widthOf } from "./picture.js";

/** Characters that can matter in a comment's width. */
const TEXT_MAX = 90;
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

export interface Sprite {
  readonly picture: ImageBitmap | undefined;
  /** In CSS pixels. */
  readonly width: number;
}

export interface Comment {
  readonly from: string;
  readonly name: string;
  readonly text: string;
  readonly own: boolean;
}

/** On a stage of this geometry. Whoever asked for it closes its picture. */
export function paintComment(comment: Comment, palette: Palette, { width: stage, pill: height }: Geometry, density: number): Sprite {
  const widest = Math.round(Math.min(420, Math.max(220, stage * 0.62)));
  const size = Math.round(height * 0.42);
  const [nameFont, textFont] = [`650 ${size}px ${FONT}`, `400 ${size}px ${FONT}`];
  const badge = height - 10;
  const left = badge + 12;
  const name = line(comment.name, 18);
  const beside = left + widthOf(name, nameFont) + 8;
  const text = fit(line(comment.text, TEXT_MAX), textFont, widest - beside - 14);
  const width = Math.ceil(beside + widthOf(text, textFont) + 14);
  const [ground, edge, ink] = comment.own ? palette.own : palette.pill;
  const hue = comment.own ? ink : (palette.hues[hash(comment.from) % palette.hues.length] ?? ink);
  const paint = (context: OffscreenCanvasRenderingContext2D): void => {
    context.beginPath();
    context.roundRect(0.5, 0.5, width - 1, height - 1, height / 2);
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
  };
  return { picture: picture([width, height, density], paint), width };
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
