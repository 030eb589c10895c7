// The moving background: a landscape that passes by, with a line of telegraph poles, in a few layers.
//
// Each layer is painted once, when the stage's size or theme changes, and then moved by the compositor: while it moves,
// it costs the page's own thread nothing. A layer repeats after its `period`, so its animation has no seam.

import { sagAt, type Geometry } from "./geometry.js";
import { paletteOf, type Palette, type Theme } from "./palette.js";
import { show } from "./picture.js";

interface Layer {
  readonly name: string;
  /** Pixels a second. */
  readonly speed: number;
  readonly period: (geometry: Geometry) => number;
  /** Its upper and lower edge: what is composed every frame is not larger than what is seen of it. */
  readonly band: (geometry: Geometry) => readonly [number, number];
  readonly paint: (context: OffscreenCanvasRenderingContext2D, width: number, geometry: Geometry, palette: Palette) => void;
}

/** More pixels than this are not seen in hills. */
const DENSITY_MAX = 1.5;

/** The poles', pixels a second. */
export const LINE_SPEED = 16;

const LAYERS: readonly Layer[] = [
  { name: "clouds", speed: 3, period: () => 1400, band: ({ height }) => [0, 0.6 * height], paint: paintSky },
  { name: "far", speed: 4, period: () => 1100, band: ({ height }) => [0.59 * height, 0.84 * height], paint: paintFar },
  { name: "mid", speed: 8, period: () => 900, band: ({ height }) => [0.66 * height, 0.95 * height], paint: paintMid },
  { name: "line", speed: LINE_SPEED, period: ({ span }) => span, band: ({ top, pitch, height }) => [top - pitch, 0.93 * height], paint: paintLine },
  { name: "near", speed: 22, period: () => 1300, band: ({ height }) => [0.78 * height, height], paint: paintNear },
];

export class Scenery {
  private readonly canvases = new Map<string, HTMLCanvasElement>();
  private readonly animations = new Map<string, Animation>();
  private still = false;

  constructor(private readonly root: HTMLElement) {
    for (const { name } of LAYERS) {
      const canvas = document.createElement("canvas");
      canvas.className = `layer ${name}`;
      root.append(canvas);
      this.canvases.set(name, canvas);
    }
  }

  /** `stage`: where the wires hang; the scenery may be wider. */
  paint(stage: Geometry, theme: Theme, still: boolean): void {
    this.still = still;
    const geometry = { ...stage, width: this.root.clientWidth };
    const palette = paletteOf(theme);
    for (const layer of LAYERS) this.paintLayer(layer, geometry, palette);
  }

  private paintLayer(layer: Layer, geometry: Geometry, palette: Palette): void {
    const canvas = this.canvases.get(layer.name);
    if (!canvas) return;
    const period = layer.period(geometry);
    const width = geometry.width + period;
    const density = Math.min(DENSITY_MAX, devicePixelRatio);
    const [top, bottom] = layer.band(geometry).map(Math.round) as [number, number];
    canvas.style.top = `${top}px`;
    show(canvas, [width, bottom - top, density], (context) => {
      context.translate(0, -top);
      layer.paint(context, width, geometry, palette);
    });
    this.move(layer, canvas, period);
  }

  private move(layer: Layer, canvas: HTMLCanvasElement, period: number): void {
    const before = this.animations.get(layer.name);
    const part = before?.effect?.getComputedTiming().progress ?? 0; // a new size or theme is no new journey
    before?.cancel();
    const frames = [{ transform: "translateX(0)" }, { transform: `translateX(${-period}px)` }];
    const duration = (period / layer.speed) * 1_000;
    // whole pixels of the device: nothing is resampled, and between two steps nothing has to be composed anew
    const easing = `steps(${Math.round(period * Math.max(1, Math.round(devicePixelRatio)))})`;
    const animation = canvas.animate(frames, { duration, easing, iterations: Number.POSITIVE_INFINITY });
    animation.currentTime = part * duration;
    if (this.still) animation.pause();
    this.animations.set(layer.name, animation);
  }

  /** How far the poles have come. */
  phase(geometry: Geometry): number {
    return ((Number(this.animations.get("line")?.currentTime ?? 0) * LINE_SPEED) / 1_000) % geometry.span;
  }
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
