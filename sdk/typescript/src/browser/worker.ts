/**
 * The worker as a file, for the option `worker` of pages whose policy allows no blob (`worker-src 'self'`).
 *
 * Counts time for a page and does nothing else: timers of a worker go on while the page is hidden and its own are
 * throttled. `[id, ms]` sets a timer, `[id, -1]` clears it; the answer is `id` once it is due.
 */

interface Scope {
  onmessage: ((event: { data: [id: number, ms: number] }) => void) | null;
  postMessage(id: number): void;
}

const scope = globalThis as unknown as Scope;
const timers = new Map<number, ReturnType<typeof setTimeout>>();

scope.onmessage = ({ data: [id, ms] }) => {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (ms < 0) return;
  const due = (): void => {
    timers.delete(id);
    scope.postMessage(id);
  };
  timers.set(id, setTimeout(due, ms));
};

export {};
