// The page's end of the stage: an element that a worker draws on, and how large and in which light it is to be drawn.

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { still, theme } from "../settings.js";
import type { Look } from "../visit/words.js";

/** A size that changes (a window that is dragged) is acted on once it rests. */
const REST_MS = 120;

export class Backdrop {
  private readonly size = signal({ width: 0, wide: 0, height: 0, density: 1 });
  private readonly seen = signal(!document.hidden);
  readonly look: ReadonlySignal<Look> = computed(() => ({ ...this.size.value, theme: theme.value, still: still.value, seen: this.seen.value }));

  /** `scenery`: what all of it is drawn in; `stage`: the part that nothing covers. */
  constructor(
    private readonly scenery: HTMLElement,
    private readonly stage: HTMLElement,
  ) {
    this.measure();
    let resting: ReturnType<typeof setTimeout>;
    const observer = new ResizeObserver(() => {
      clearTimeout(resting);
      resting = setTimeout(() => this.measure(), REST_MS);
    });
    observer.observe(scenery);
    observer.observe(stage);
    document.addEventListener("visibilitychange", () => (this.seen.value = !document.hidden));
  }

  /** An element for one worker: what was drawn by the one before goes with it. Undefined: this browser's workers do not draw. */
  fresh(): OffscreenCanvas | undefined {
    const canvas = document.createElement("canvas");
    if (!("transferControlToOffscreen" in canvas)) return undefined;
    this.scenery.replaceChildren(canvas);
    return canvas.transferControlToOffscreen();
  }

  private measure(): void {
    const { width, wide, height, density } = this.size.peek();
    const now = { width: this.stage.clientWidth, wide: this.scenery.clientWidth, height: this.scenery.clientHeight, density: devicePixelRatio };
    if (now.width !== width || now.wide !== wide || now.height !== height || now.density !== density) this.size.value = now;
  }
}
