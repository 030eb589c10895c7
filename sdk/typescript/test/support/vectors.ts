/** The golden vectors of proto/vectors, as proto/vectors/README.md describes them. */

import { readFileSync } from "node:fs";

export type Hex = string | (string | { hex: string; times: number })[];

export interface Vector {
  name: string;
  sense: "good" | "bad";
  sentences: string[];
}

/** All vectors of a theme. Numbers that JavaScript would round come as text. */
export function vectors<T>(theme: string): (Vector & T)[] {
  const text = readFileSync(new URL(`../../../../../proto/vectors/${theme}.json`, import.meta.url), "utf8");
  const exact = text.replace(/: (\d{16,})(?=[,}\s])/g, ': "$1"');
  const { format, vectors } = JSON.parse(exact) as { format: number; vectors: (Vector & T)[] };
  if (format !== 1) throw new Error(`${theme}: format ${format} is not known here`);
  if (!vectors.length) throw new Error(`${theme}: no vectors`);
  return vectors;
}

export function bytes(hex: Hex): Uint8Array {
  const parts = typeof hex === "string" ? [hex] : hex;
  return Uint8Array.from(Buffer.from(parts.map((part) => (typeof part === "string" ? part : part.hex.repeat(part.times))).join(""), "hex"));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
