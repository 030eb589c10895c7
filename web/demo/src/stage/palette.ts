// The colours of the stage: a morning and an evening. The page's own colours stand in style.css.

export type Theme = "light" | "dark";

export interface Palette {
  /** Ridges from far to near: their upper edge, and where they fade to. */
  readonly far: readonly [string, string];
  readonly mid: readonly [string, string];
  readonly near: readonly [string, string];
  readonly trees: string;
  readonly house: string;
  readonly window: string;
  readonly cloud: string;
  readonly pole: string;
  readonly wire: string;
  readonly insulator: string;
  readonly stars: boolean;
  /** Comments: ground, edge, text; one's own the same. */
  readonly pill: readonly [string, string, string];
  readonly own: readonly [string, string, string];
  readonly badge: readonly [string, string, string];
  /** What is written on a coloured badge. */
  readonly onHue: string;
  readonly hues: readonly string[];
}

const MORNING: Palette = {
  far: ["#a9c6e3", "#cfdfee"],
  mid: ["#7fa6c4", "#a9c3d2"],
  near: ["#4f7f86", "#3d6670"],
  trees: "#43717a",
  house: "#f3efe6",
  window: "#5b7d94",
  cloud: "#ffffff",
  pole: "#5d6f86",
  wire: "rgba(52, 70, 100, 0.42)",
  insulator: "#f6fbff",
  stars: false,
  pill: ["rgba(255, 255, 255, 0.94)", "rgba(40, 60, 100, 0.14)", "#17233b"],
  own: ["#c23a1f", "rgba(255, 255, 255, 0.5)", "#ffffff"],
  badge: ["#ffffff", "rgba(40, 60, 100, 0.12)", "#17233b"],
  onHue: "#ffffff",
  hues: ["#b4233c", "#a3490a", "#7a5c00", "#2f6b1f", "#00696b", "#1d5fb8", "#5a45c9", "#9c2b8a"],
};

const EVENING: Palette = {
  far: ["#4a3768", "#7c4a72"],
  mid: ["#2d2450", "#473060"],
  near: ["#17132f", "#0e0c20"],
  trees: "#131029",
  house: "#221b40",
  window: "#ffcf7a",
  cloud: "#c98fae",
  pole: "#0d0b1c",
  wire: "rgba(255, 226, 205, 0.32)",
  insulator: "#e9b48f",
  stars: true,
  pill: ["rgba(23, 19, 46, 0.9)", "rgba(255, 255, 255, 0.2)", "#f4f1fb"],
  own: ["#ff9466", "rgba(255, 255, 255, 0.4)", "#2a0f14"],
  badge: ["#17132e", "rgba(255, 255, 255, 0.2)", "#f8f5ff"],
  onHue: "#17112c",
  hues: ["#ff9aa8", "#ffb37c", "#f2cf63", "#a5dd8f", "#6fdcd6", "#8ec5ff", "#b9aaff", "#f3a0e2"],
};

export function paletteOf(theme: Theme): Palette {
  return theme === "dark" ? EVENING : MORNING;
}
