/** Seeded randomness: the same numbers for the same seed, on every machine. */

/** In [0, 1), by mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seeds of a run: `LONGWIRE_SEED` alone where it is set, else so many from a start that differs from run to run. */
export function seeds(count: number): number[] {
  const one = process.env["LONGWIRE_SEED"];
  if (one !== undefined) return [Number(one)];
  const start = Number(process.env["LONGWIRE_SEED_START"] ?? Date.now() % 1e9);
  console.log(`# seeds ${start} to ${start + count - 1}`);
  return Array.from({ length: count }, (_, n) => start + n);
}
