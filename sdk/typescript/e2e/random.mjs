// Numbers from a seed that is printed: LONGWIRE_SEED=… repeats a run.

/** A function that gives whole numbers below its argument. */
export function random() {
  const seed = Number(process.env.LONGWIRE_SEED ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}`);
  let state = seed;
  // mulberry32
  const roll = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (below) => Math.floor(roll() * below);
}
