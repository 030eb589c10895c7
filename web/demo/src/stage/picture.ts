// Pictures: painted once, at the density of the screen, and copied to where they are in each frame.
//
// At rest or on their way they are copied to whole pixels: nothing is resampled, so text stays as sharp as it was painted.

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

/** A picture so large (in CSS pixels) and so dense. Whoever made it closes it. */
export function picture(
  [width, height, density]: readonly [number, number, number],
  paint: (context: OffscreenCanvasRenderingContext2D) => void,
): ImageBitmap | undefined {
  const on = context();
  if (!on) return undefined;
  on.canvas.width = Math.round(width * density);
  on.canvas.height = Math.round(height * density); // this empties it, and takes every setting back
  on.scale(on.canvas.width / width, on.canvas.height / height);
  paint(on);
  return on.canvas.transferToImageBitmap();
}

/** Copies a picture to the pixel nearest to a place in CSS pixels. */
export function place(context: OffscreenCanvasRenderingContext2D, picture: ImageBitmap | undefined, x: number, y: number, density: number): void {
  if (picture) context.drawImage(picture, Math.round(x * density), Math.round(y * density));
}

/** Gives a picture's memory back, which a collection would do later. */
export function close(picture: ImageBitmap | undefined): void {
  picture?.close();
}
