// A page that nobody looks at, in real Chromium with its throttling of hidden pages on.
//
// By default a short run: the throttling begins after a second instead of minutes, and the server gives up on silent
// clients after 10 s instead of 30. LONGWIRE_HIDDEN_SECONDS=420 (`./test hidden`) is the real thing: every default, of
// Chromium, the server and the SDK. Either way the page's own ticks say whether it was throttled.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Proxy } from "./proxy.mjs";
import { Scene } from "./scene.mjs";
import { STATES, TELL, Told } from "./told.mjs";

const LONG = Number(process.env.LONGWIRE_HIDDEN_SECONDS ?? 0);
const SCALE = LONG
  ? { hidden: LONG * 1_000, heartbeat: 14_000, beat: 16_000, tail: 110_000, back: 1_000, sets: {}, args: [] }
  : {
      hidden: 20_000,
      heartbeat: 2_000,
      tail: 14_000,
      // Beside other tests: how soon it beats and comes back is the long run's subject.
      beat: 10_000,
      back: 60_000,
      sets: { "wire.timeouts.idle": "10s", "wire.timeouts.heartbeat": "5s" },
      args: ["--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"],
    };
/** What playwright passes so that pages are never throttled: here they shall be. */
const UNTHROTTLED = ["--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"];

/** Tells all that happens to it, when it happens. */
const PAGE = `
  import { Longwire } from "@longwire/client";
  const { url, heartbeat, worker, name } = Object.fromEntries(new URLSearchParams(location.search));
  ${TELL}
  let ticks = 0;
  setInterval(() => (ticks += 1), 1000);
  document.addEventListener("visibilitychange", () => tell(document.visibilityState, { ticks }));
  const options = { timeouts: { heartbeat: Number(heartbeat) }, worker: worker === "yes" };
  const lw = new Longwire(url, options);
  lw.on("state", (state) => tell(state.name, { ticks }));
  lw.on("message", (message) => tell("message", { text: message.text, ticks }));
  await lw.connect();
  const room = await lw.join("hidden");
  room.on("state", (state) => tell("room " + state));
  tell("ready", { visible: document.visibilityState });
`;

const scene = new Scene();
let site, server, browser, bob;
const proxies = [];
const told = new Told(SCALE.hidden + 120_000);

before(async () => {
  const launching = { ignoreDefaultArgs: UNTHROTTLED, args: ["--no-sandbox", ...SCALE.args] };
  ({ site, server, browser } = await scene.begin(PAGE, { files: { "/told": told.take }, sets: SCALE.sets, launching }));
  bob = await scene.speaker("bob", { timeouts: { heartbeat: SCALE.heartbeat } });
});

after(async () => {
  await scene.end();
  await Promise.all(proxies.map((proxy) => proxy.down()));
});

/** A tab of the browser's own window; playwright keeps its hands off it, so it is hidden when another one is in front. */
async function tab(control, name, proxy, worker) {
  const query = new URLSearchParams({ name, worker, heartbeat: SCALE.heartbeat, url: `ws://127.0.0.1:${proxy.port}` });
  const { targetId } = await control.send("Target.createTarget", { url: `${site.origin}/?${query}` });
  await told.said(name, "ready");
  return targetId;
}

/** A message reaches the page with a worker while it is hidden; what it tells then, with the count of its ticks. */
async function ask(room) {
  const since = told.last("worker");
  await room.send("anybody there?");
  return told.said("worker", "message", since);
}

test("hidden, a page with a worker stays connected, and one without is back when it is shown", async () => {
  const control = await browser.newBrowserCDPSession();
  const [kept, lost] = [await Proxy.start(server.port), await Proxy.start(server.port)];
  proxies.push(kept, lost);
  const withWorker = await tab(control, "worker", kept, "yes");
  const without = await tab(control, "plain", lost, "no");
  const theirs = await bob.join("hidden");

  // Each tab hides the one before.
  await control.send("Target.createTarget", { url: "about:blank" });
  const hidden = await told.said("worker", "hidden");
  await told.said("plain", "hidden");
  console.log(`hidden for ${SCALE.hidden / 1_000} s from here`);
  // Time itself is the subject.
  await sleep(SCALE.hidden - SCALE.tail);
  const before = await ask(theirs);
  await sleep(SCALE.tail);
  const still = await ask(theirs);

  const ticks = (from, to) => `${to.ticks - from.ticks} times in ${Math.round((to.at - from.at) / 1_000)} s`;
  console.log(`a timer of 1 s fired ${ticks(hidden, before)}, then ${ticks(before, still)}`);
  assert((still.ticks - before.ticks) * 4_000 < SCALE.tail, "Chromium throttles the page, or this test shows nothing");
  const states = told.of("worker", hidden).filter((one) => STATES.includes(one.what));
  assert.deepEqual(states, [], "the connection was never lost");
  assert.equal(kept.taken, 1);
  const beats = kept.record.filter((entry) => entry.from === "client").map((entry) => entry.at);
  const longest = Math.max(...beats.slice(1).map((at, index) => at - beats[index]));
  console.log(`with a worker: 1 connection, ${beats.length} sends, ${Math.round(longest)} ms between two at most`);
  // A beat that the page's own timers kept would be a minute late.
  assert(longest < SCALE.beat, `the beat was kept: ${longest} ms`);

  // Without a worker it comes and goes, once a minute; it is looked at while it is gone.
  await told.until(() => told.stateOf("plain") === "waiting", "the loss of the connection without a worker");
  const ended = told.last("plain");
  const gone = told.of("plain").filter((one) => one.what === "waiting").length;
  await control.send("Target.activateTarget", { targetId: without });
  const shown = await told.said("plain", "visible", ended);
  const back = await told.said("plain", "room joined", ended);
  console.log(`without: lost ${gone} times, ${lost.taken} connections, back ${Math.round(back.at - shown.at)} ms after it was shown`);
  assert(back.at - shown.at < SCALE.back, `${back.at - shown.at} ms`);

  await control.send("Target.activateTarget", { targetId: withWorker });
  await told.said("worker", "visible");
});
