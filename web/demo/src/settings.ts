// How the page looks for this reader: theme, motion, language. What they chose is kept in the browser.

import { computed, signal } from "@preact/signals";
import { languageOf, wordsOf } from "./i18n.js";
import type { Theme } from "./stage/palette.js";

const THEME = "longwire.theme";
const RECENT = "longwire.rooms";
const RECENT_MAX = 5;

const dark = matchMedia("(prefers-color-scheme: dark)");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export const language = languageOf(navigator.languages);
export const words = wordsOf(language);

const systemTheme = signal<Theme>(dark.matches ? "dark" : "light");
const keptTheme = stored(THEME);
const chosenTheme = signal<Theme | undefined>(keptTheme === "dark" || keptTheme === "light" ? keptTheme : undefined);
export const theme = computed<Theme>(() => chosenTheme.value ?? systemTheme.value);
dark.addEventListener("change", () => (systemTheme.value = dark.matches ? "dark" : "light"));

/** Undefined: what the system says. */
const chosenStill = signal<boolean | undefined>(undefined);
const systemStill = signal(calm.matches);
export const still = computed(() => chosenStill.value ?? systemStill.value);
calm.addEventListener("change", () => (systemStill.value = calm.matches));

export function toggleTheme(): void {
  const other = theme.value === "dark" ? "light" : "dark";
  chosenTheme.value = other === systemTheme.value ? undefined : other;
  store(THEME, chosenTheme.value);
}

export function toggleStill(): void {
  chosenStill.value = !still.value;
}

/** Rooms that were visited lately, the last one first. */
export const recent = signal<readonly string[]>((stored(RECENT) ?? "").split("\n").filter(Boolean));

export function remember(room: string): void {
  recent.value = [room, ...recent.value.filter((other) => other !== room)].slice(0, RECENT_MAX);
  store(RECENT, recent.value.join("\n"));
}

/** Storage may be forbidden: then nothing is kept, and nothing else is lost. */
function stored(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function store(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // see above
  }
}
