/**
 * What the worker does, as text: a page makes a blob of it, so that no file has to be served for it.
 *
 * `worker.ts` is the same as a file, for pages whose policy allows no blob; a test holds the two together.
 */

/** `[id, ms]` sets a timer, `[id, -1]` clears it; the answer is `id` once it is due. */
export const BEAT_SOURCE =
  "const t=new Map;onmessage=({data:[i,m]})=>{clearTimeout(t.get(i));t.delete(i);" +
  "m<0||t.set(i,setTimeout(()=>{t.delete(i);postMessage(i)},m))}";
