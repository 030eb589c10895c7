// Pictures: canvases that are painted once and then only moved.
//
// A canvas with a `2d` context is read out anew at every commit of a page that is composed without a GPU, whether it has changed
// or not; one with a `bitmaprenderer` is handed over once. So painting happens on one canvas that nobody sees, and what
// comes of it is given to the one that is shown.

let easel: OffscreenCanvasRenderingContext2D | null | undefined;

/** Where to paint, and to measure text before; made once, for everybody. */
function context(): OffscreenCanvasRenderingContext2D | null {
  return (easel ??= new OffscreenCanvas(1, 1).getContext("2d"));
}

/** How wide a text is in this font. */
export function widthOf(text: string, font: string): number {
  const measure = context();
  if (!measure) return 0;
  measure.font = font;
  return measure.measureText(text).width;
}

/** Shows on `canvas`, so large (in CSS pixels) and so dense, what `paint` paints. */
export function show(
  canvas: HTMLCanvasElement,
  [width, height, density]: readonly [number, number, number],
  paint: (context: OffscreenCanvasRenderingContext2D) => void,
): void {
  const on = context();
  const shown = canvas.getContext("bitmaprenderer");
  if (!on || !shown) return;
  on.canvas.width = Math.ceil(width * density);
  on.canvas.height = Math.ceil(height * density); // this empties it, and takes every setting back
  on.scale(density, density);
  paint(on);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  shown.transferFromImageBitmap(on.canvas.transferToImageBitmap());
}
