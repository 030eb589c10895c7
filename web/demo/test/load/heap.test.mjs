// Ten minutes of 2,000 messages a second: the page's heap after a full collection, and its nodes, stay what they were.
//
// `./test demo-heap`. LONGWIRE_HEAP_SECONDS is another time. What is measured is bytes, so other work on the machine does no harm.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, Server, launch, pour, visit } from "../visit.mjs";
import { percentile } from "./measure.mjs";

const PER_SECOND = 2_000;
const HEAP_MS = Number(process.env.LONGWIRE_HEAP_SECONDS ?? 600) * 1_000;
const SAMPLES = 40;
/** The last third of the run over the first, by their medians. */
const GROWTH_MAX = 1.1;

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
const KiB = (bytes) => `${(bytes / 1_024).toFixed(0)} KiB`;

test(`the heap stays flat for ${HEAP_MS / 1_000} s`, { timeout: HEAP_MS + 180_000 }, async () => {
  const visitor = await visit(browser, `http://127.0.0.1:${server.port}`, { path: "/?room=heap", viewport: DESKTOP });
  const heaps = await heapsOf(browser, visitor.page);
  const flood = pour(server, { room: "heap", perSecond: PER_SECOND, ms: HEAP_MS });
  const samples = [];
  for (let at = 1; at <= SAMPLES; at++) {
    await sleep(HEAP_MS / SAMPLES);
    const { page, worker, nodes } = await heaps();
    samples.push({ page, worker, nodes });
    if (at % 8 === 0) console.log(`${(at * HEAP_MS) / SAMPLES / 1_000} s: page ${KiB(page)}, worker ${KiB(worker)}, ${nodes} nodes`);
  }
  const said = await flood;
  await visitor.page.waitForFunction((all) => Number(document.querySelector(".part.received dd").dataset.value) === all, said);
  const counts = await visitor.counts();
  assert.equal(counts.shown + counts.thinned, counts.received);
  console.log(`${counts.received} messages, ${counts.shown} shown`);
  const third = Math.floor(SAMPLES / 3);
  for (const what of ["page", "worker", "nodes"]) {
    const median = (part) => percentile(part.map((sample) => sample[what]), 0.5);
    const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))];
    console.log(`${what}: median of the first third ${first}, of the last ${last}`);
    assert.ok(last <= first * GROWTH_MAX, `${what} is flat`);
  }
  await visitor.isContent();
});

/** How to read the heaps of the page and of its worker, collected before, and how many nodes there are. */
async function heapsOf(browser, page) {
  const session = await page.context().newCDPSession(page);
  const [worker] = page.workers();
  const root = await browser.newBrowserCDPSession();
  const { targetInfos } = await root.send("Target.getTargets", { filter: [{ type: "worker" }] });
  const target = targetInfos.find(({ url }) => url === worker.url());
  const { sessionId } = await root.send("Target.attachToTarget", { targetId: target.targetId, flatten: false });
  let ids = 0;
  // the old way to speak to a target: playwright keeps the sessions of workers to itself
  const ofWorker = (method) =>
    new Promise((done) => {
      const id = ++ids;
      const heard = ({ sessionId: from, message }) => {
        const answer = JSON.parse(message);
        if (from !== sessionId || answer.id !== id) return;
        root.off("Target.receivedMessageFromTarget", heard);
        done(answer.result);
      };
      root.on("Target.receivedMessageFromTarget", heard);
      void root.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) });
    });
  return async () => {
    await session.send("HeapProfiler.collectGarbage");
    await ofWorker("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    return { page: usedSize, worker: (await ofWorker("Runtime.getHeapUsage")).usedSize, nodes };
  };
}
