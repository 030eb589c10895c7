/** Typed events, told at once and in order: nothing is queued. */

type Listener<T> = (value: T) => void;

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Calls `listener` from now on; returns its undoing. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void {
    let listeners = this.#listeners.get(event);
    if (!listeners) this.#listeners.set(event, (listeners = new Set()));
    listeners.add(listener);
    return () => this.off(event, listener);
  }

  /** Takes a listener back. */
  off<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): void {
    this.#listeners.get(event)?.delete(listener);
  }

  /** @internal */
  protected emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])] as Listener<Events[E]>[]) {
      try {
        listener(value);
      } catch (error) {
        // A listener's fault is the application's: it surfaces as uncaught, and breaks nothing here.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
