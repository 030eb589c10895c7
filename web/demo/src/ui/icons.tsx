// Icons of ours, as SVG: strokes in the colour of the text around them. All are ornaments beside words or labels.

import type { Gift } from "../model/gifts.js";
import { SHAPES } from "../stage/shapes.js";

const PATHS = {
  hash: "M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  chevron: "m6 9.5 6 6 6-6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4",
  moon: "M20 14.500A8.5 8.5 0 1 1 9.5 4a6.8 6.8 0 0 0 10.5 10.500z",
  pause: "M8.5 5.500v13M15.5 5.500v13",
  play: "M8 5.200v13.600L19 12z",
  send: "M4.5 12h14M12.5 5.5 19 12l-6.5 6.5",
  gift: "M4.5 11.500h15v8.500h-15zM3.5 7.500h17v4h-17zM12 7.500v12.500M12 7.500c-3.5 0-5-1-4.7-2.700S10.5 3 12 7.500zM12 7.500c3.5 0 5-1 4.7-2.700S13.5 3 12 7.500z",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1.2 1.200M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.700l1.2-1.2",
  down: "M12 5v14M5.5 12.5 12 19l6.5-6.5",
  tab: "M13.5 5h-8v14h14v-8M14.5 4.500h5v5M19 5l-8 8",
  leave: "M14 4.500H5.500v15H14M10.5 12h10M17 8.500l3.5 3.5-3.5 3.5",
  check: "m5 12.5 4.5 4.500L19 7.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function GiftIcon({ gift }: { gift: Gift }) {
  return (
    <svg class="gift-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {SHAPES[gift].map(({ d, fill }) => (
        <path d={d} fill={fill} />
      ))}
    </svg>
  );
}

/** Two wires, and something on its way. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <rect width="64" height="64" rx="17" class="mark-ground" />
      <path d="M7 24q25 19 50 0M7 39q25 19 50 0" class="mark-wire" />
      <circle cx="32" cy="33.5" r="7.5" class="mark-bead" />
    </svg>
  );
}
