// 30 s of 2,000 messages a second: how much the page's own thread works a frame, and how long a frame may be away.
//
// Measures, so it is a stage run by name on a machine that does nothing else: `./test demo-load`. Two clocks. Work is what
// Chromium's trace says of the page's main thread, every task between one animation frame and the next: on the clock of the
// processor (what it did) and on the wall's (with what it waited for, other processes' turns among it). Gaps are between the
// times that `requestAnimationFrame` gives to the page. All have the bars of the issue: 10 ms, 10 ms, 250 ms.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, Server, launch, pour, visit } from "../visit.mjs";
import { Shares, framesOf, percentile } from "./measure.mjs";

const PER_SECOND = 2_000;
const WARM_MS = 5_000;
const FLOOD_MS = 30_000;
const WORK_P95_MAX_MS = 10;
const GAP_MAX_MS = 250;

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
const summary = (values) => [0.5, 0.95, 1].map((part) => `${part === 1 ? "max" : `p${part * 100}`} ${percentile(values, part).toFixed(1)}`).join(", ");

test("30 s of flood without stuttering", { timeout: 5 * 60_000 }, async () => {
  const visitor = await visit(browser, `http://127.0.0.1:${server.port}`, { path: "/?room=flood", viewport: DESKTOP });
  const flood = pour(server, { room: "flood", perSecond: PER_SECOND, ms: WARM_MS + FLOOD_MS + 3_000 });
  await sleep(WARM_MS);
  await visitor.page.evaluate(listen);
  const before = await visitor.counts();
  await browser.startTracing(visitor.page, { categories: ["toplevel", "devtools.timeline", "__metadata"] });
  const shares = new Shares();
  await sleep(FLOOD_MS);
  const used = shares.read();
  const frames = await visitor.page.evaluate(() => globalThis.frames_);
  const counts = await visitor.counts();
  const trace = JSON.parse((await browser.stopTracing()).toString());
  const said = await flood;
  const { work, cpu, pushes } = framesOf(trace.traceEvents ?? trace);
  const gaps = frames.slice(1).map((time, at) => time - frames[at]);
  const seconds = FLOOD_MS / 1_000;
  const rate = (counts.received - before.received) / seconds;
  console.log(`${rate.toFixed(0)} messages/s in ${(pushes / seconds).toFixed(0)} pushes/s; ${(frames.length / seconds).toFixed(1)} frames/s`);
  console.log(`main-thread work a frame, ms: ${summary(cpu)} on the processor; ${summary(work)} on the wall's clock`);
  console.log(`from frame to frame, ms: ${summary(gaps)}`);
  console.log(`percent of a core, none pinned: ${used}`);
  console.log(`received ${counts.received} = shown ${counts.shown} + thinned ${counts.thinned}`);
  assert.ok(rate >= 0.95 * PER_SECOND, "the flood was one");
  assert.equal(counts.shown + counts.thinned, counts.received);
  await visitor.page.waitForFunction((all) => Number(document.querySelector(".part.received dd").dataset.value) === all, said);
  assert.ok(percentile(cpu, 0.95) <= WORK_P95_MAX_MS, "work a frame, on the processor");
  assert.ok(percentile(work, 0.95) <= WORK_P95_MAX_MS, "work a frame, on the wall's clock");
  assert.ok(Math.max(...gaps) <= GAP_MAX_MS, "a gap between frames");
  await visitor.isContent();
});

/** Runs in the page: keeps the time of every frame. */
function listen() {
  globalThis.frames_ = [];
  const frame = (time) => {
    globalThis.frames_.push(time);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
