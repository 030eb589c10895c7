/** The moments at which a page should look at its connection at once, because time may have passed it by. */

const isHidden = (): boolean => typeof document !== "undefined" && document.visibilityState === "hidden";

/** Calls `wake` whenever the page is shown, thawed, or has a network again; returns its undoing. */
export function onWake(wake: () => void): () => void {
  const shown = (): void => {
    if (!isHidden()) wake();
  };
  // `document` is missing where the client itself lives in a worker.
  const page: EventTarget | undefined = globalThis.document;
  page?.addEventListener("visibilitychange", shown);
  // Of the page lifecycle: it was frozen, and is not any more.
  page?.addEventListener("resume", wake);
  // Back from the cache of pages that were left.
  addEventListener("pageshow", wake);
  addEventListener("online", wake);
  return () => {
    page?.removeEventListener("visibilitychange", shown);
    page?.removeEventListener("resume", wake);
    removeEventListener("pageshow", wake);
    removeEventListener("online", wake);
  };
}
