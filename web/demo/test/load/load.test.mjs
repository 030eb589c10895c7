// The page under 2,000 messages a second: how much its thread works a frame, whether frames stay away, whether its heap
// grows. Measures, so it is a stage run by name: `./test demo-load`. LONGWIRE_BIN should be a release build.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, Server, launch, pour, visit } from "../visit.mjs";

const PER_SECOND = 2_000;
const WARM_MS = 5_000;
const FLOOD_MS = 30_000;
const HEAP_MS = 10 * 60_000;
const SAMPLE_MS = 15_000;

const WORK_P95_MAX_MS = 10;
const GAP_MAX_MS = 250;
/** The last third of the run over the first, each after a full collection. */
const HEAP_GROWTH_MAX = 1.1;

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
});
after(async () => {
  await browser.close();
  await server.stop();
});

const sleep = (ms) => new Promise((done) => setTimeout(done, ms)); // time is what is measured here

test("30 s of flood without stuttering", { timeout: 5 * 60_000 }, async () => {
  const visitor = await visit(browser, `http://127.0.0.1:${server.port}`, { path: "/?room=flood", viewport: DESKTOP });
  const flood = pour(server, { room: "flood", perSecond: PER_SECOND, ms: WARM_MS + FLOOD_MS + 3_000 });
  await sleep(WARM_MS);
  const before = await visitor.counts();
  await browser.startTracing(visitor.page, { categories: ["toplevel", "devtools.timeline", "__metadata"] });
  await sleep(FLOOD_MS);
  const counts = await visitor.counts();
  const trace = JSON.parse((await browser.stopTracing()).toString());
  await flood;
  const { frames, work, cpu, gap } = framesOf(trace.traceEvents ?? trace);
  const rate = (counts.received - before.received) / (FLOOD_MS / 1_000);
  const of = (values) => ["p50 " + at(values, 0.5), "p95 " + at(values, 0.95), "max " + at(values, 1)].join(", ");
  console.log(`${rate.toFixed(0)} messages/s, ${frames} frames (${(frames / (FLOOD_MS / 1_000)).toFixed(1)}/s)`);
  console.log(`main-thread work a frame, ms: ${of(work)}; of it on a processor: ${of(cpu)}; longest gap between frames ${gap.toFixed(1)}`);
  console.log(`received ${counts.received} = shown ${counts.shown} + thinned ${counts.thinned}`);
  assert.ok(rate >= 0.95 * PER_SECOND, "the flood was one");
  assert.ok(at(work, 0.95) <= WORK_P95_MAX_MS, "work a frame");
  assert.ok(gap <= GAP_MAX_MS, "a gap between frames");
  assert.equal(counts.shown + counts.thinned, counts.received);
  await visitor.isContent();
});

test("the heap stays flat for ten minutes", { timeout: HEAP_MS + 120_000 }, async () => {
  const visitor = await visit(browser, `http://127.0.0.1:${server.port}`, { path: "/?room=heap", viewport: DESKTOP });
  const session = await visitor.page.context().newCDPSession(visitor.page);
  const flood = pour(server, { room: "heap", perSecond: PER_SECOND, ms: HEAP_MS });
  const samples = [];
  for (let ms = 0; ms + SAMPLE_MS < HEAP_MS; ms += SAMPLE_MS) {
    await sleep(SAMPLE_MS);
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    samples.push({ usedSize, nodes });
    if (samples.length % 8 === 0) console.log(`${(ms + SAMPLE_MS) / 1_000} s: heap ${(usedSize / 1024).toFixed(0)} KiB, ${nodes} DOM nodes`);
  }
  await flood;
  const third = Math.floor(samples.length / 3);
  const median = (part) => part.map(({ usedSize }) => usedSize).sort((a, b) => a - b)[Math.floor(part.length / 2)];
  const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))];
  const counts = await visitor.counts();
  console.log(`heap after collection: first third ${(first / 1024).toFixed(0)} KiB, last third ${(last / 1024).toFixed(0)} KiB; ${counts.received} messages`);
  assert.ok(last <= first * HEAP_GROWTH_MAX, "the heap is flat");
  assert.equal(counts.shown + counts.thinned, counts.received);
  await visitor.isContent();
});

/** The value below which `part` of them lie. */
function at(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(2));
}

/** From frame to frame of the page: everything its main thread did, in ms, and the longest time without one. */
function framesOf(events) {
  const firsts = events.filter(({ name, ph }) => name === "FireAnimationFrame" && ph === "X");
  const threads = grouped(firsts);
  const [thread, ticks] = [...threads].sort((a, b) => b[1].length - a[1].length)[0];
  const starts = ticks.map(({ ts }) => ts).sort((a, b) => a - b);
  const begins = starts.filter((ts, index) => index === 0 || ts - starts[index - 1] > 2_000); // one frame, however many callbacks
  const tasks = events.filter(({ name, ph, pid, tid }) => name === "ThreadControllerImpl::RunTask" && ph === "X" && `${pid} ${tid}` === thread);
  tasks.sort((a, b) => a.ts - b.ts);
  const [work, cpu] = [new Array(begins.length - 1).fill(0), new Array(begins.length - 1).fill(0)];
  let [frame, end] = [0, 0];
  for (const task of tasks) {
    if (task.ts < end) continue; // inside another one
    end = task.ts + task.dur;
    while (frame < begins.length - 1 && task.ts >= begins[frame + 1]) frame += 1;
    if (task.ts < begins[0] || frame >= work.length) continue;
    work[frame] += task.dur / 1_000;
    cpu[frame] += (task.tdur ?? task.dur) / 1_000;
  }
  const gap = Math.max(...begins.slice(1).map((ts, index) => (ts - begins[index]) / 1_000));
  return { frames: begins.length, work, cpu, gap };
}

function grouped(events) {
  const groups = new Map();
  for (const event of events) {
    const key = `${event.pid} ${event.tid}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(event);
  }
  return groups;
}
