// 30 s of 2,000 messages a second: how much the page's own thread works a frame, and how long a frame may be away.
//
// Measures, so it is a stage run by name on a machine that does nothing else: `./test demo-load`. Two clocks. Work is what
// Chromium's trace says of the page's main thread, every task between one animation frame and the next: on the clock of the
// processor (what it did) and on the wall's (with what it waited for, other processes' turns among it). Gaps are between the
// times that `requestAnimationFrame` gives to the page. All have a bar: 10 ms, 10 ms, 250 ms.
//
// The trace holds the tasks of all threads and the marks of the frames, no more, and nobody else listens to the page: what is measured is
// the page, not what looks at it. All that a visit is made of runs on the same cores: browser, compositor (there is no GPU), server, crowd.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, counts, pour, setting } from "../visit.mjs";
import { CATEGORIES, FRAME, Shares, framesOf, markFrames, percentile } from "./measure.mjs";
import { openUnheard } from "./target.mjs";

const PER_SECOND = 2_000;
const WARM_MS = 5_000;
const FLOOD_MS = 30_000;
const WORK_P95_MAX_MS = 10;
const GAP_MAX_MS = 250;

const { browser, server, origin } = await setting();

const sleep = (ms) => new Promise((done) => setTimeout(done, ms)); // time is what is measured here
const summary = (values) => [0.5, 0.95, 1].map((part) => `${part === 1 ? "max" : `p${part * 100}`} ${percentile(values, part).toFixed(1)}`).join(", ");

test("30 s of flood without stuttering", { timeout: 5 * 60_000 }, async () => {
  const { page } = await openUnheard(browser, `${origin}/?room=flood`, DESKTOP);
  const flood = pour(server, { room: "flood", perSecond: PER_SECOND, ms: WARM_MS + FLOOD_MS + 3_000 });
  await sleep(WARM_MS);
  await browser.startTracing(undefined, { categories: CATEGORIES });
  await page.evaluate(markFrames, FRAME);
  const [before, began] = [await page.evaluate(counts), performance.now()];
  const shares = new Shares();
  await sleep(FLOOD_MS);
  const used = shares.read();
  const [now, seconds] = [await page.evaluate(counts), (performance.now() - began) / 1_000];
  const frames = await page.evaluate(() => globalThis.frames_);
  const trace = JSON.parse((await browser.stopTracing()).toString());
  const said = await flood;
  const { work, cpu } = framesOf(trace.traceEvents ?? trace);
  const gaps = frames.slice(1).map((time, at) => time - frames[at]);
  const rate = (now.received - before.received) / seconds;
  console.log(`${rate.toFixed(0)} messages/s; ${(frames.length / seconds).toFixed(1)} frames/s`);
  console.log(`main-thread work a frame, ms: ${summary(cpu)} on the processor; ${summary(work)} on the wall's clock; ${cpu.length} frames`);
  console.log(`from frame to frame, ms: ${summary(gaps)}`);
  console.log(`percent of a core, none pinned: ${used}`);
  console.log(`received ${now.received} = shown ${now.shown} + thinned ${now.thinned}`);
  assert.ok(rate >= 0.95 * PER_SECOND, "the flood was one");
  assert.equal(now.shown + now.thinned, now.received);
  await page.until((all) => Number(document.querySelector(".part.received dd").dataset.value) === all, said);
  assert.ok(cpu.length >= 0.9 * frames.length, "the trace has the frames");
  assert.ok(percentile(cpu, 0.95) <= WORK_P95_MAX_MS, "work a frame, on the processor");
  assert.ok(percentile(work, 0.95) <= WORK_P95_MAX_MS, "work a frame, on the wall's clock");
  assert.ok(Math.max(...gaps) <= GAP_MAX_MS, "a gap between frames");
});
