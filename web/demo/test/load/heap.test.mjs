// Ten minutes of 2,000 messages a second: what the page and its worker hold after a full collection stays what it was, and so do
// the page's nodes and the memory of the process that both live in, pictures among it.
//
// `./test demo-heap`. LONGWIRE_HEAP_SECONDS is another time. What is measured is bytes, so other work on the machine does no harm.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, counts, pour, setting } from "../visit.mjs";
import { percentile, residentOf } from "./measure.mjs";
import { openUnheard, workerOf } from "./target.mjs";

const PER_SECOND = 2_000;
const HEAP_MS = Number(process.env.LONGWIRE_HEAP_SECONDS ?? 600) * 1_000;
const SAMPLES = 40;
/** The column's lines: what is measured before they are all there is a page that fills. */
const LINES = 145;
const FULL_MS = 30_000;
/** The last third of the run over the first, by their medians. */
const GROWTH_MAX = { page: 1.1, worker: 1.1, nodes: 1.1, process: 1.2 };

const { browser, server, origin } = await setting();

const sleep = (ms) => new Promise((done) => setTimeout(done, ms)); // time is what is measured here
const KiB = (bytes) => `${(bytes / 1_024).toFixed(0)} KiB`;

test(`the heap stays flat for ${HEAP_MS / 1_000} s`, { timeout: HEAP_MS + 180_000 }, async () => {
  const opened = await openUnheard(browser, `${origin}/?room=heap`, DESKTOP);
  const [{ page }, worker] = [opened, await workerOf(opened)];
  const flood = pour(server, { room: "heap", perSecond: PER_SECOND, ms: FULL_MS + HEAP_MS });
  const began = performance.now();
  await page.until((lines) => document.querySelectorAll(".lines .row").length >= lines, LINES);
  console.log(`the column is full after ${((performance.now() - began) / 1_000).toFixed(0)} s`);
  const samples = [];
  for (let at = 1; at <= SAMPLES; at++) {
    await sleep(HEAP_MS / SAMPLES);
    const sample = await heapsOf(page, worker);
    samples.push(sample);
    const { page: heap, worker: other, nodes, process } = sample;
    if (at % 8 === 0) console.log(`${(at * HEAP_MS) / SAMPLES / 1_000} s: page ${KiB(heap)}, worker ${KiB(other)}, ${nodes} nodes, process ${KiB(process)}`);
  }
  const said = await flood;
  await page.until((all) => Number(document.querySelector(".part.received dd").dataset.value) === all, said);
  const { received, shown, thinned } = await page.evaluate(counts);
  assert.equal(shown + thinned, received);
  console.log(`${received} messages, ${shown} shown`);
  const third = Math.floor(SAMPLES / 3);
  for (const [what, most] of Object.entries(GROWTH_MAX)) {
    const median = (part) => percentile(part.map((sample) => sample[what]), 0.5);
    const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))];
    console.log(`${what}: median of the first third ${first}, of the last ${last}`);
    assert.ok(last <= first * most, `${what} is flat`);
  }
});

/** The heaps of the page and of its worker, collected before, how many nodes there are, and the process's memory. */
async function heapsOf(page, worker) {
  await page.send("HeapProfiler.collectGarbage");
  await worker.send("HeapProfiler.collectGarbage");
  const [heap, other] = await Promise.all([page.send("Runtime.getHeapUsage"), worker.send("Runtime.getHeapUsage")]);
  const { nodes } = await page.send("Memory.getDOMCounters");
  return { page: heap.usedSize, worker: other.usedSize, nodes, process: residentOf("renderer") };
}
