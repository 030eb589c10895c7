// A page that is shown or thawed over a connection that died meanwhile, in real Chromium. What happens is counted; how
// long it takes is computed in test/driver.test.ts, and measured by hidden.test.mjs in its long run.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { Scene } from "./scene.mjs";
import { TELL, Told } from "./told.mjs";

const HEARTBEAT = 1_000;

const PAGE = `
  import { Longwire } from "@longwire/client";
  const { url, worker, name } = Object.fromEntries(new URLSearchParams(location.search));
  ${TELL}
  document.addEventListener("visibilitychange", () => tell(document.visibilityState));
  for (const event of ["freeze", "resume"]) document.addEventListener(event, () => tell(event));
  // A wait of many minutes: whoever is back was not helped by the schedule.
  const reconnect = { first: 3_600_000, most: 3_600_000 };
  const lw = new Longwire(url, { worker: worker === "yes", timeouts: { heartbeat: ${HEARTBEAT} }, reconnect });
  lw.on("state", ({ name, retryIn, error }) => tell(name, { retryIn, why: error?.why }));
  await lw.connect();
  const room = await lw.join("shown");
  room.on("state", (state) => tell("room " + state));
  tell("ready");
`;

const told = new Told();
const scene = new Scene();
let site, server, control;

before(async () => {
  const sets = { "wire.timeouts.idle": "10s", "wire.timeouts.heartbeat": "5s" };
  ({ site, server } = await scene.begin(PAGE, { files: { "/told": told.take }, sets }));
  control = await scene.browser.newBrowserCDPSession();
});

after(() => scene.end());

/** A tab with a client that has joined. Playwright keeps its hands off it, so it can be hidden and frozen. */
async function tab(name, proxy, worker) {
  const url = `${site.origin}/?${new URLSearchParams({ name, worker, url: `ws://127.0.0.1:${proxy.port}` })}`;
  const { targetId } = await control.send("Target.createTarget", { url });
  await told.said(name, "ready");
  return targetId;
}

/** `frozen` or `active`. */
async function lifecycle(targetId, state) {
  const { sessionId } = await control.send("Target.attachToTarget", { targetId, flatten: false });
  const message = JSON.stringify({ id: 1, method: "Page.setWebLifecycleState", params: { state } });
  await control.send("Target.sendMessageToTarget", { sessionId, message });
}

/** From `since` on it was lost once, for this reason, tried again at once, and is back. */
async function isBack(name, since, why) {
  const joined = await told.said(name, "room joined", since);
  const all = told.of(name, since).filter((one) => one.n <= joined.n);
  const states = all.filter((one) => !["visible", "resume"].includes(one.what)).map((one) => one.what);
  assert.deepEqual(states, ["room joining", "waiting", "connecting", "connected", "room joined"], JSON.stringify(all));
  const lost = all.find((one) => one.what === "waiting");
  assert(why.includes(lost.why), JSON.stringify(all));
  return { lost, joined };
}

test("shown over a half-open connection, a page without a worker is back at once", async () => {
  const proxy = await Proxy.start(server.port);
  const targetId = await tab("shown", proxy, "no");
  // A tab hides the one before.
  await control.send("Target.createTarget", { url: "about:blank" });
  await told.said("shown", "hidden");
  proxy.strand();
  const before = told.last("shown");
  await control.send("Target.activateTarget", { targetId });
  const shown = await told.said("shown", "visible", before);
  const { lost, joined } = await isBack("shown", before, ["silent"]);
  assert.equal(lost.retryIn, 0);
  assert.equal(proxy.taken, 2);
  console.log(`given up ${Math.round(lost.at - shown.at)} ms after it was shown, back after ${Math.round(joined.at - shown.at)} ms`);
  await control.send("Target.closeTarget", { targetId });
  await proxy.down();
});

// A frozen page says nothing, and its worker neither. Chromium ends its WebSocket, and it is told of that once it is thawed.
for (const [worker, what, lasts] of [
  ["yes", "until the server gave up on it", (proxy) => within(proxy.emptied(), "the server to give up on a frozen page")],
  // Time itself is the subject.
  ["no", "for three heartbeats", () => sleep(3 * HEARTBEAT)],
]) {
  test(`a page that was frozen ${what} is back once it is thawed (worker: ${worker})`, async () => {
    const proxy = await Proxy.start(server.port);
    const name = `frozen, worker: ${worker}`;
    const targetId = await tab(name, proxy, worker);
    await lifecycle(targetId, "frozen");
    await lasts(proxy);
    const before = told.last(name);
    await lifecycle(targetId, "active");
    const resumed = await told.said(name, "resume", before);
    const { joined } = await isBack(name, before, ["closed", "silent"]);
    assert.equal(proxy.taken, 2);
    console.log(`back ${Math.round(joined.at - resumed.at)} ms after it was thawed`);
    await control.send("Target.closeTarget", { targetId });
    await proxy.down();
  });
}
