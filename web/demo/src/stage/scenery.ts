// The moving background: a landscape that passes by, with a line of telegraph poles, in a few layers.
//
// Each layer is painted once, when the stage's size or theme changes, as a tile that repeats after its `period` without a seam. Where they
// have moved, a few times a second, they are put together into one picture, which each frame begins with.

import { sagAt, type Geometry } from "./geometry.js";
import type { Palette } from "./palette.js";
import { close, picture } from "./picture.js";

interface Layer {
  /** Pixels a second. */
  readonly speed: number;
  readonly period: (geometry: Geometry) => number;
  /** Its upper and lower edge. */
  readonly band: (geometry: Geometry) => readonly [number, number];
  readonly paint: (context: OffscreenCanvasRenderingContext2D, width: number, geometry: Geometry, palette: Palette) => void;
}

/** The poles', pixels a second. */
export const LINE_SPEED = 16;
/** From one step of the landscape to the next: the fastest layer moves by a pixel. */
const STEP_MS = 1_000 / 24;

/** From far to near. */
const LAYERS: readonly Layer[] = [
  { speed: 3, period: () => 1400, band: ({ height }) => [0, 0.6 * height], paint: paintSky },
  { speed: 4, period: () => 1100, band: ({ height }) => [0.59 * height, 0.84 * height], paint: paintFar },
  { speed: 8, period: () => 900, band: ({ height }) => [0.66 * height, 0.95 * height], paint: paintMid },
  { speed: LINE_SPEED, period: ({ span }) => span, band: ({ top, pitch, height }) => [top - pitch, 0.93 * height], paint: paintLine },
  { speed: 22, period: () => 1300, band: ({ height }) => [0.78 * height, height], paint: paintNear },
];

/** A layer from one repetition to the next. */
interface Tile {
  readonly picture: ImageBitmap;
  readonly speed: number;
  /** In pixels of the canvas. */
  readonly top: number;
}

export class Scenery {
  private tiles: Tile[] = [];
  private whole: OffscreenCanvasRenderingContext2D | null = null;
  private density = 1;
  /** Undefined: to be put together. */
  private step: number | undefined;

  /** `wide`: the landscape may be wider than the part of it that wires are hung over. */
  paint(geometry: Geometry, wide: number, palette: Palette, density: number): void {
    for (const tile of this.tiles) close(tile.picture);
    this.density = density;
    this.tiles = LAYERS.flatMap((layer) => paintTile(layer, geometry, palette, density) ?? []);
    this.whole ??= new OffscreenCanvas(1, 1).getContext("2d");
    if (!this.whole) return;
    this.whole.canvas.width = Math.max(1, Math.round(wide * density)); // of an empty picture no copy can be made
    this.whole.canvas.height = Math.max(1, Math.round(geometry.height * density));
    this.step = undefined;
  }

  /** Brings it to where it is after so long; false: that is where it was. */
  move(travelled: number): boolean {
    const step = Math.floor(travelled / STEP_MS);
    if (step === this.step || !this.whole) return false;
    this.step = step;
    const { width, height } = this.whole.canvas;
    this.whole.clearRect(0, 0, width, height);
    for (const { picture: tile, speed, top } of this.tiles) {
      const gone = Math.round(this.phase(speed) * this.density) % tile.width;
      for (let x = -gone; x < width; x += tile.width) this.whole.drawImage(tile, x, top);
    }
    return true;
  }

  /** How far what passes at this speed has come. */
  phase(speed: number): number {
    return ((this.step ?? 0) * STEP_MS * speed) / 1_000;
  }

  /** In the place of all that was there. */
  draw(context: OffscreenCanvasRenderingContext2D): void {
    if (!this.whole) return;
    context.globalCompositeOperation = "copy";
    context.drawImage(this.whole.canvas, 0, 0);
    context.globalCompositeOperation = "source-over";
  }
}

function paintTile({ speed, period, band, paint }: Layer, geometry: Geometry, palette: Palette, density: number): Tile | undefined {
  const width = period(geometry);
  const [top, bottom] = band(geometry).map(Math.round) as [number, number];
  const tile = picture([width, Math.max(1, bottom - top), density], (context) => {
    context.translate(0, -top);
    paint(context, width, geometry, palette);
  });
  return tile && { picture: tile, speed, top: Math.round(top * density) };
}

/** A number in [0, 1) for each place: the same landscape every time. */
function chance(place: number): number {
  const value = Math.sin(place * 127.1 + 311.7) * 43758.5453;
  return value - Math.floor(value);
}

/** A line of hills that repeats: a sum of waves that all fit the period. */
function ridge(x: number, period: number, waves: readonly (readonly [number, number, number])[]): number {
  const turn = (2 * Math.PI * x) / period;
  return waves.reduce((sum, [times, height, shift]) => sum + height * Math.sin(turn * times + shift), 0);
}

function paintRidge(
  context: OffscreenCanvasRenderingContext2D,
  width: number,
  height: number,
  [edge, foot]: readonly [string, string],
  heightAt: (x: number) => number,
): void {
  const fill = context.createLinearGradient(0, heightAt(0) - 40, 0, height);
  fill.addColorStop(0, edge);
  fill.addColorStop(1, foot);
  context.fillStyle = fill;
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width + 4; x += 4) context.lineTo(x, heightAt(x));
  context.lineTo(width, height);
  context.fill();
}

/** Stars go by with the clouds, as slowly. */
function paintSky(context: OffscreenCanvasRenderingContext2D, width: number, geometry: Geometry, palette: Palette): void {
  paintStars(context, width, geometry, palette);
  context.globalAlpha = 1;
  paintClouds(context, width, geometry, palette);
}

function paintStars(context: OffscreenCanvasRenderingContext2D, width: number, { height }: Geometry, palette: Palette): void {
  if (!palette.stars) return;
  const period = 1400;
  for (let at = 0; at < period / 7; at++) {
    const y = chance(at + 0.5) ** 1.6 * height * 0.62;
    context.globalAlpha = (0.25 + 0.7 * chance(at * 3)) * (1 - y / (height * 0.72));
    context.fillStyle = chance(at * 5) > 0.8 ? "#ffe3c4" : "#ffffff";
    const size = chance(at * 11) > 0.93 ? 1.5 : 0.8;
    for (let x = chance(at) * period; x < width; x += period) {
      context.beginPath();
      context.arc(x, y, size, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

function paintClouds(context: OffscreenCanvasRenderingContext2D, width: number, { height }: Geometry, palette: Palette): void {
  const period = 1400;
  for (let cloud = 0; cloud < 6; cloud++) {
    const x = chance(cloud + 40) * period;
    const y = height * (0.1 + 0.4 * chance(cloud + 60));
    const long = 90 + 130 * chance(cloud + 80);
    for (const left of [x - period, x, x + period, x + 2 * period]) {
      if (left > width + 300 || left < -300) continue;
      paintCloud(context, left, y, long, cloud, palette);
    }
  }
}

/** One outline, filled once, flat below: puffs that overlap are still one cloud. */
function paintCloud(context: OffscreenCanvasRenderingContext2D, x: number, y: number, long: number, cloud: number, palette: Palette): void {
  context.save();
  context.beginPath();
  context.rect(x - long, y - 80, 2 * long, 86);
  context.clip();
  const fill = context.createLinearGradient(0, y - 44, 0, y + 6);
  fill.addColorStop(0, palette.cloud);
  fill.addColorStop(1, `${palette.cloud}00`);
  context.fillStyle = fill;
  context.globalAlpha = palette.stars ? 0.16 : 0.8;
  context.beginPath();
  for (let puff = 0; puff < 6; puff++) {
    const part = puff / 5 - 0.5;
    const size = (long / 7) * (0.55 + Math.cos(part * Math.PI) * (0.55 + 0.5 * chance(cloud * 7 + puff)));
    context.moveTo(x + part * long + size, y);
    context.arc(x + part * long, y, size, 0, 2 * Math.PI);
  }
  context.fill();
  context.restore();
}

function paintFar(context: OffscreenCanvasRenderingContext2D, width: number, { height }: Geometry, palette: Palette): void {
  const waves = [[1, 26, 0.4], [2, 20, 2.1], [5, 9, 4.4], [9, 5, 1.3], [17, 2.4, 0.2]] as const;
  const scale = Math.min(1, height / 700);
  paintRidge(context, width, height * 0.84, palette.far, (x) => height * 0.68 - scale * ridge(x, 1100, waves));
}

function paintMid(context: OffscreenCanvasRenderingContext2D, width: number, { height }: Geometry, palette: Palette): void {
  const period = 900;
  const scale = Math.min(1, height / 700);
  const waves = [[1, 22, 3.4], [2, 15, 0.6], [3, 8, 5.1], [7, 3, 2.2]] as const;
  const top = (x: number): number => height * 0.78 - scale * ridge(x, period, waves);
  paintRidge(context, width, height * 0.95, palette.mid, top);
  for (let house = 0; house < 5; house++) {
    const x = (0.08 + 0.2 * house + 0.07 * chance(house + 7)) * period;
    for (let left = x; left < width; left += period) paintHouse(context, left, top(left) + 5, 0.7 + 0.4 * chance(house), palette);
  }
}

function paintHouse(context: OffscreenCanvasRenderingContext2D, x: number, y: number, size: number, palette: Palette): void {
  context.save();
  context.translate(x, y);
  context.scale(size, size);
  context.fillStyle = palette.house;
  context.fillRect(-11, -14, 22, 16);
  context.fillStyle = palette.stars ? "#1a1436" : "#b6604a";
  context.beginPath();
  context.moveTo(-14, -13);
  context.lineTo(0, -24);
  context.lineTo(14, -13);
  context.fill();
  context.fillStyle = palette.window;
  context.fillRect(-7, -9, 5, 6);
  context.fillRect(2, -9, 5, 6);
  context.restore();
}

function paintNear(context: OffscreenCanvasRenderingContext2D, width: number, { height }: Geometry, palette: Palette): void {
  const period = 1300;
  const scale = Math.min(1, height / 700);
  const waves = [[1, 14, 5.2], [2, 11, 1.1], [4, 5, 3.3], [11, 1.6, 0.4]] as const;
  const top = (x: number): number => height * 0.89 - scale * ridge(x, period, waves);
  context.fillStyle = palette.trees;
  for (let tree = 0; tree < 46; tree++) {
    // in groves, with meadows between them
    const grove = Math.floor(chance(tree + 200) * 5);
    const x = ((grove + 0.2 + 0.55 * chance(tree)) / 5) * period;
    const high = scale * (20 + 30 * chance(tree + 90));
    for (let left = x; left < width + 20; left += period) paintTree(context, left, top(left) + 5, high);
  }
  paintRidge(context, width, height, palette.near, top);
}

function paintTree(context: OffscreenCanvasRenderingContext2D, x: number, y: number, high: number): void {
  for (let tier = 0; tier < 3; tier++) {
    const wide = high * (0.26 - 0.06 * tier);
    const foot = y - high * 0.27 * tier;
    context.beginPath();
    context.moveTo(x - wide, foot);
    context.lineTo(x, foot - high * 0.46);
    context.lineTo(x + wide, foot);
    context.fill();
  }
}

/** Poles and wires. A comment follows the same sag, so it rides on its wire. */
function paintLine(context: OffscreenCanvasRenderingContext2D, width: number, geometry: Geometry, palette: Palette): void {
  const { span, top, pitch, lanes, height } = geometry;
  context.strokeStyle = palette.wire;
  context.lineWidth = 1.2;
  for (let lane = 0; lane < lanes; lane++) {
    context.beginPath();
    for (let x = 0; x <= width; x += 10) context.lineTo(x, top + lane * pitch + sagAt(geometry, x));
    context.stroke();
  }
  for (let x = 0; x <= width; x += span) {
    const trunk = span / 80;
    context.fillStyle = palette.pole;
    context.fillRect(x - trunk / 2, top - pitch * 0.55, trunk, height - top + pitch);
    for (let lane = 0; lane < lanes; lane++) paintArm(context, x, top + lane * pitch, span * 0.058, palette);
  }
}

function paintArm(context: OffscreenCanvasRenderingContext2D, x: number, y: number, half: number, palette: Palette): void {
  context.fillStyle = palette.pole;
  context.fillRect(x - half, y + 4, 2 * half, 3.5);
  for (const side of [-0.82, 0.82]) {
    context.fillStyle = palette.insulator;
    context.fillRect(x + side * half - 2, y - 2.5, 4, 6.5);
  }
}
