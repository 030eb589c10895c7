// Drawings of ours: each a few filled paths on a square of 24. The page shows them as SVG, the stage on its canvas.

import type { Gift } from "../model/gifts.js";

export interface Part {
  readonly d: string;
  readonly fill: string;
}

export const SIDE = 24;

export const SHAPES: Readonly<Record<Gift, readonly Part[]>> = {
  rose: [
    { d: "M11.3 12h1.5v10.5h-1.5z", fill: "#3f8f57" },
    { d: "M12.4 19.6c.4-3 2.6-4.4 5.8-4.2-.2 3-2.4 4.8-5.8 4.200z", fill: "#4fa968" },
    { d: "M11.7 17.600c-.4-2.4-2.2-3.6-4.9-3.4.1 2.5 2 4 4.9 3.400z", fill: "#4fa968" },
    { d: "M12 1.500c4 0 6.7 2.6 6.7 6.2 0 3.9-2.8 6.6-6.7 6.600s-6.7-2.7-6.7-6.600c0-3.6 2.7-6.2 6.7-6.200z", fill: "#d92d5b" },
    { d: "M5.6 5.800c2.6.3 5.2 2.4 6.4 8.5-4 .1-6.9-2.8-6.7-6.7 0-.6.1-1.2.3-1.800z", fill: "#f0567f" },
    { d: "M18.4 5.800c-2.6.3-5.2 2.4-6.4 8.5 4 .1 6.9-2.8 6.7-6.7 0-.6-.1-1.2-.3-1.800z", fill: "#e63f6c" },
    { d: "M12 3.400c2.3 0 3.8 1.3 3.8 3.100S14.3 9.8 12 9.8 8.2 8.3 8.2 6.5 9.7 3.4 12 3.400z", fill: "#b81d49" },
    { d: "M12 4.700c1.3 0 2.2.7 2.2 1.700S13.3 8.1 12 8.100s-2.2-.7-2.2-1.7.9-1.7 2.2-1.700z", fill: "#f27a9b" },
  ],
  star: [
    { d: "M12 1.600l3.1 6.5 7.1 1-5.2 5 1.3 7.100L12 17.800l-6.3 3.400L7 14.100l-5.2-5 7.1-1z", fill: "#f5a623" },
    { d: "M12 1.600v16.200l-6.3 3.400L7 14.100l-5.2-5 7.1-1z", fill: "#ffc84a" },
  ],
  rocket: [
    { d: "M9.2 16h5.600L12 23.200z", fill: "#ffb03a" },
    { d: "M10.5 16h3L12 20.500z", fill: "#fff0b8" },
    { d: "M7.8 10.2 4.3 14.900v3.900l4.3-2.600z", fill: "#d9433f" },
    { d: "M16.2 10.200l3.5 4.700v3.900l-4.3-2.600z", fill: "#b92f35" },
    { d: "M12 .9c3.6 3 5.2 7 4.7 11.900L15.4 16.500H8.600L7.3 12.800C6.8 7.9 8.4 3.9 12 .9z", fill: "#e8ecf6" },
    { d: "M12 .9c3.6 3 5.2 7 4.7 11.900L15.4 16.500H12z", fill: "#c3cbe0" },
    { d: "M12 .9c1.7 1.4 3 3.1 3.8 5H8.200c.8-1.9 2.1-3.6 3.8-5z", fill: "#e85550" },
    { d: "M12 7.300a2.4 2.4 0 1 1 0 4.8 2.4 2.4 0 0 1 0-4.800z", fill: "#3b7ddd" },
    { d: "M12 8.300a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.800z", fill: "#a8d3ff" },
  ],
  crown: [
    { d: "M3 17.5 1.8 6.800l5.4 4.500L12 3.200l4.8 8.1 5.4-4.500L21 17.500z", fill: "#f7b733" },
    { d: "M3 17.5 1.8 6.800l5.4 4.500L12 3.200v14.300z", fill: "#ffd261" },
    { d: "M3.2 18.600h17.600v2.600H3.200z", fill: "#d98f16" },
    { d: "M12 12.200l1.7 2.2-1.7 2.2-1.7-2.200z", fill: "#d92d5b" },
    { d: "M1.8 5.200a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM12 1.500a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.200zM22.2 5.200a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z", fill: "#fff0b8" },
  ],
  box: [
    { d: "M3.6 10.500h16.800V22H3.600z", fill: "#e0457b" },
    { d: "M2.4 6.600h19.200v4.600H2.400z", fill: "#f0668f" },
    { d: "M10.5 6.600h3V22h-3z", fill: "#ffd261" },
    { d: "M12 6.800C8 7 5.6 5.7 6 3.700s4.2-2.2 6 3.100zM12 6.800c4 .2 6.4-1.1 6-3.100s-4.2-2.2-6 3.100z", fill: "#f7b733" },
  ],
};

/** A shape on a canvas, its middle where the context's origin is. */
export function painter(gift: Gift): (context: OffscreenCanvasRenderingContext2D, side: number) => void {
  const paths = SHAPES[gift].map(({ d, fill }) => ({ path: new Path2D(d), fill }));
  return (context, side) => {
    context.save();
    context.scale(side / SIDE, side / SIDE);
    context.translate(-SIDE / 2, -SIDE / 2);
    for (const { path, fill } of paths) {
      context.fillStyle = fill;
      context.fill(path);
    }
    context.restore();
  };
}
