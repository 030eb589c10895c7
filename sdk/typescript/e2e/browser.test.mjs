// The SDK in real Chromium against the real server, through a network that drops, stalls and comes back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFileSync } from "node:fs";
import { html, script } from "./chromium.mjs";
import { Ear } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { BODY, Scene } from "./scene.mjs";
import { PATIENCE } from "./server.mjs";

/** What the page offers to the test: a client whose every event is kept, in order. */
const PAGE = `
  import { Longwire } from "@longwire/client";
  window.start = async (url, options) => {
    window.asked = 0;
    const login = options.userId && (() => ({ userId: options.userId, token: "token " + ++window.asked }));
    const lw = (window.lw = new Longwire(url, { ...options, ...(login ? { login } : {}) }));
    window.states = [];
    window.errors = [];
    window.heard = [];
    lw.on("state", (state) => window.states.push(state.name));
    lw.on("error", (error) => window.errors.push({ name: error.name, call: error.call, statusName: error.statusName }));
    lw.on("message", (message) => window.heard.push(message.text));
    await lw.connect();
    window.room = await lw.join("lobby");
  };
`;
const QUICK = { reconnect: { first: 20, most: 100 } };
/** Notices silence soon, and not so soon that a busy machine would pass for a dead one. */
const WARY = { timeouts: { heartbeat: 200, pong: 2_000 } };

const policy = (rules) => html(BODY, { "content-security-policy": `default-src 'self'; connect-src ws: 'self'; ${rules}` });
const FILES = {
  "/no-worker": policy("worker-src 'none'"),
  "/no-blob": policy("worker-src 'self'"),
  "/worker.js": script(readFileSync(new URL("../dist/browser/worker.js", import.meta.url))),
};

const scene = new Scene();
let proxy, site, browser, bob, theirs;

before(async () => {
  ({ site, browser } = await scene.begin(PAGE, { files: FILES }));
  proxy = await Proxy.start(scene.server.port);
  bob = await scene.speaker("bob");
  theirs = await bob.join("lobby");
});

after(async () => {
  await scene.end();
  await proxy?.down();
});

/** A page with a client that has joined the lobby. */
async function opened(options = {}, path = "/") {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(site.origin + path);
  await page.waitForFunction(() => window.start);
  await page.evaluate(([url, given]) => window.start(url, given), [`ws://127.0.0.1:${proxy.port}`, { ...QUICK, ...options }]);
  return page;
}

/** Does what the page's connection does not survive, and waits until it is back, its room included. */
async function lost(page, act, times = 1) {
  const before = await page.evaluate(() => window.states.length);
  await act();
  const hasWaited = ([from, n]) => window.states.slice(from).filter((name) => name === "waiting").length >= n;
  await page.waitForFunction(hasWaited, [before, times]);
}

const back = (page) => page.waitForFunction(() => window.lw.state.name === "connected" && window.room.state === "joined");

const heard = (page, text) => page.waitForFunction((wanted) => window.heard.at(-1) === wanted, text);

/** Waits for the message that begins with this number, or a later one. */
const heardUpTo = (page, number) => page.waitForFunction((wanted) => parseInt(window.heard.at(-1)) >= wanted, number);

const range = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

test("a page and a script hear each other", async () => {
  const page = await opened({ userId: "alice", gzip: true });
  const ears = new Ear(theirs);
  await page.evaluate(() => window.room.send("from a page 你好"));
  assert.deepEqual((await ears.take()).map((message) => [message.from, message.text]), [["alice", "from a page 你好"]]);
  const long = "gzip me ".repeat(1_000);
  await theirs.send(long);
  await heard(page, long);
  ears.undo();
  await page.close();
});

test("a guest is refused by an event, becomes a user, and is heard", async () => {
  const page = await opened();
  const id = await page.evaluate(() => window.room.send("not yet"));
  await page.waitForFunction(() => window.errors.length > 0);
  const error = await page.evaluate(() => window.errors[0]);
  assert.deepEqual(error, { name: "Refused", call: { name: "send", id, room: "lobby" }, statusName: "FORBIDDEN" });
  const ears = new Ear(theirs);
  await page.evaluate(() => window.lw.login({ userId: "carol", token: "t" }));
  await page.evaluate(() => window.room.send("now"));
  assert.deepEqual((await ears.take()).map((message) => [message.from, message.text]), [["carol", "now"]]);
  ears.undo();
  await page.close();
});

test("it comes back from a cut, a stall, a dead network and a dead server", async () => {
  const page = await opened({ userId: "alice", ...WARY });
  await lost(page, () => proxy.cut());
  await back(page);
  const [asked, connections] = await page.evaluate(() => [window.asked, window.states.filter((name) => name === "connecting").length]);
  assert(connections >= 2);
  assert.equal(asked, connections, "the login provider is asked for every connection");
  await lost(page, () => proxy.stall());
  proxy.resume();
  await back(page);
  await lost(page, () => proxy.down(), 3);
  const rejected = await page.evaluate(() => window.room.send("nobody").then(() => "sent", (error) => error.name));
  assert.equal(rejected, "NotConnected");
  await proxy.up();
  await back(page);
  await theirs.send("all is well");
  await heard(page, "all is well");
  await page.close();
});

test("1,000 messages over cuts: none twice, none out of order", async () => {
  const page = await opened({ gzip: true });
  const texts = Array.from({ length: 1_000 }, (_, at) => `${at} ${at % 3 ? "short" : "long ".repeat(150)}`);
  const certain = [];
  let membersSince = 0;
  let cut;
  for (const [at, text] of texts.entries()) {
    await theirs.send(text);
    if (at % 100 === 50) {
      // What is under way at a cut is lost by right: the last twenty may be, and no more.
      await bob.ping();
      await heardUpTo(page, at - 20);
      cut = lost(page, () => proxy.cut());
      certain.push(...range(membersSince, at - 20));
    }
    if (at % 100 === 75) {
      await cut;
      await back(page);
      membersSince = at + 1;
    }
  }
  await heardUpTo(page, texts.length - 1);
  certain.push(...range(membersSince, texts.length - 1));
  const numbers = await page.evaluate(() => window.heard.map((text) => Number(text.split(" ")[0])));
  assert(numbers.every((number, at) => at === 0 || numbers[at - 1] < number), `in order, once: ${numbers}`);
  assert.equal(certain.length, 31 + 9 * 55 + 24);
  assert.deepEqual(certain.filter((number) => !numbers.includes(number)), [], "said to a member, and not under way at a cut");
  await page.close();
});

test("the network that does not keep up is told as Backpressure", async () => {
  const page = await opened({ userId: "alice" });
  proxy.stall();
  const error = await page.evaluate(async () => {
    for (let at = 0; at < 5_000; at += 1) {
      const failed = await window.room.send(new Uint8Array(60_000)).then(() => null, (error) => error);
      if (failed) return { name: failed.name, bufferedAmount: failed.bufferedAmount };
    }
  });
  assert.equal(error?.name, "Backpressure");
  assert(error.bufferedAmount > 1024 * 1024 && error.bufferedAmount < 1024 * 1024 + 120_000, `${error.bufferedAmount}`);
  proxy.resume();
  await page.evaluate(() => window.lw.ping());
  await page.close();
});

test("the beat's worker: from a blob, from a file under a strict policy, and not at all", async () => {
  const usual = await opened();
  assert.deepEqual(usual.workers().map((worker) => worker.url().split(":")[0]), ["blob"]);
  const strict = await opened({ worker: "/worker.js" }, "/no-blob");
  assert.deepEqual(strict.workers().map((worker) => worker.url()), [`${site.origin}/worker.js`]);
  for (const page of [await opened(WARY, "/no-blob"), await opened(WARY, "/no-worker"), await opened({ ...WARY, worker: false })]) {
    await page.waitForFunction(() => window.lw.roundTrip !== undefined, undefined, { polling: 50 });
    assert.deepEqual(page.workers(), [], "none, and the heart beats all the same");
    await page.close();
  }
  await usual.evaluate(() => window.lw.close());
  await usual.waitForFunction(() => window.lw.state.name === "closed");
  if (usual.workers().length > 0) await usual.workers()[0].waitForEvent("close");
  await usual.close();
  await strict.close();
});
