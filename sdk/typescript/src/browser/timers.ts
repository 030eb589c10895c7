/** The page's own timers. */

import type { Timers } from "../platform.js";

export function pageTimers(): Timers {
  let last = 0;
  return {
    // Not `performance.now()`, which on some platforms stands still while the machine sleeps.
    now: () => (last = Math.max(last, Date.now())),
    set: (ms, fire) => setTimeout(fire, ms),
    clear: (alarm) => clearTimeout(alarm as number),
  };
}
