// People in a room: they talk, give, come and go; the network and the server fail them and come back.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { OFFLINE, Proxy, Server, arrive, binary, send, setting, visit } from "../visit.mjs";

const { browser, server, origin } = await setting();

test("two browsers talk to each other", async () => {
  const [mira, otto] = await Promise.all([visit(browser, origin), visit(browser, origin)]);
  await mira.joins("Mira");
  await mira.says("hello over there");
  await otto.hears("hello over there", "Mira");
  await otto.joins("Otto");
  await otto.says("hello yourself");
  await mira.hears("hello yourself", "Otto");
  await mira.gives("a rocket");
  const gift = await otto.hears("sent a rocket", "Mira");
  assert.equal(await gift.locator(".gift-icon").count(), 1);
  await otto.page.waitForFunction(() => document.querySelector(".part.received dd").dataset.value === "2");
  assert.deepEqual(await otto.counts(), { received: 2, shown: 2, thinned: 0 });
  await mira.isContent();
  await otto.isContent();
});

test("a guest becomes a user on the same connection, and a guest again", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=names" });
  assert.equal(await visitor.page.locator("#message").count(), 0, "guests have nowhere to write");
  await send(server, { room: "names", lines: ["before"] });
  await visitor.hears("before", "bob");
  await visitor.joins();
  await visitor.says("now me");
  assert.equal(visitor.sockets, 1, "one connection for both");
  await visitor.hears("before"); // still there: it is the same visit
  const own = await visitor.hears("now me");
  assert.equal(await own.locator(".own-mark").textContent(), "you");
  await visitor.page.reload();
  await visitor.page.locator("#message").waitFor(); // the tab remembers who one was
  await visitor.page.getByRole("button", { name: "Back to watching" }).click();
  await visitor.page.locator("#name").waitFor();
  await visitor.isContent();
});

test("who joins before there is a connection is in once there is", async () => {
  const visitor = await arrive(browser, origin);
  const { page } = visitor;
  let isTyped;
  const typed = new Promise((resolve) => (isTyped = resolve));
  await page.route("**/visit.js", async (route) => {
    await typed;
    await route.continue();
  });
  await page.goto(`${origin}/?room=early`);
  await page.getByLabel("Your name").fill("Lev");
  await page.getByLabel("Your name").press("Enter");
  await page.getByRole("button", { name: "Join in", disabled: true }).waitFor();
  isTyped();
  await page.getByLabel("Write as Lev").waitFor();
  await visitor.says("early bird");
  await visitor.hears("early bird", "Lev");
  await visitor.isContent();
});

test("the command that a quiet room shows works as it stands", async () => {
  const visitor = await visit(browser, origin, { path: `/?room=${encodeURIComponent("it's quiet")}` });
  const shown = await visitor.page.locator(".quiet code").textContent();
  await promisify(execFile)("sh", ["-c", `longwire() { "$LONGWIRE" "$@"; }\n${shown}`], { env: { LONGWIRE: binary() } });
  await visitor.hears("sent a rose", "bob");
  await visitor.isContent();
});

test("a link invites to a room", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=porch", permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = visitor;
  await page.getByRole("button", { name: /^Room porch/ }).click();
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByRole("status").getByText("Link copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${origin}/?room=porch`);
  await visitor.isContent();
});

test("a gift from the command line is seen", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=gifts" });
  await send(server, { room: "gifts", args: ["--type", "gift"], lines: ["a rose", "a rose", "socks"] });
  const row = await visitor.hears("sent a rose", "bob");
  assert.equal(await row.locator(".gift-icon").count(), 1);
  assert.equal(await visitor.page.locator(".times").first().textContent(), "×2");
  await visitor.hears("sent a gift");
  await visitor.isContent();
});

test("the newest line stays in sight when gifts unfold below it", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=shelf" });
  await visitor.joins("Suki");
  await send(server, { room: "shelf", lines: Array.from({ length: 30 }, (_, at) => `line ${at}`) });
  await visitor.hears("line 29");
  await visitor.gives("a star");
  const gift = await visitor.hears("sent a star", "Suki");
  const isInSight = (row) => row.getBoundingClientRect().bottom <= document.querySelector(".lines").getBoundingClientRect().bottom;
  assert.ok(await gift.evaluate(isInSight));
  assert.equal(await visitor.page.locator(".to-end").count(), 0);
  await visitor.isContent();
});

test("who loses the connection is told, and comes back", async () => {
  const proxy = await Proxy.start(server.port);
  const visitor = await visit(browser, `http://127.0.0.1:${proxy.port}`, { path: "/?room=away" });
  await visitor.joins("Noor");
  proxy.cut();
  await visitor.page.locator(".note.lost").waitFor();
  await visitor.page.locator(".note.back").waitFor();
  await visitor.says("back again");
  await send(server, { room: "away", lines: ["welcome back"] });
  await visitor.hears("welcome back", "bob");
  assert.equal(await visitor.page.locator("#message").count(), 1, "still a user");
  await visitor.isContent(OFFLINE);
  await proxy.down();
});

test("a server that is started anew finds everybody back", async () => {
  const other = await Server.start();
  const visitor = await visit(browser, `http://127.0.0.1:${other.port}`);
  await visitor.joins("Theo");
  const listen = `127.0.0.1:${other.port}`;
  await other.stop();
  await visitor.page.locator(".outage").getByText("Next try in").waitFor();
  const again = await Server.start({ listen });
  // whoever is faster: the button, or the client by itself
  await visitor.page.locator(".outage button").click({ timeout: 1_000 }).catch(() => {});
  await visitor.page.locator(".note.back").waitFor();
  assert.equal(await visitor.page.locator(".outage").count(), 0);
  await send(again, { lines: ["a fresh start"] });
  await visitor.hears("a fresh start");
  await visitor.isContent(OFFLINE);
  await again.stop();
});

test("a page whose worker did not load gets another one", async () => {
  const visitor = await arrive(browser, origin);
  const { page } = visitor;
  await page.route("**/visit.js", (route) => route.abort());
  const failed = () => page.waitForEvent("requestfailed", (request) => request.url().endsWith("/visit.js"));
  await Promise.all([failed(), page.goto(`${origin}/?room=worker`)]);
  const again = page.getByRole("button", { name: "Connect again" });
  await Promise.all([failed(), again.click()]);
  await again.waitFor();
  await page.unroute("**/visit.js");
  await again.click();
  await visitor.isConnected();
  await send(server, { room: "worker", lines: ["the second one works"] });
  await visitor.hears("the second one works");
  assert.equal(await again.count(), 0);
  await page.waitForFunction(() => document.querySelector(".part.shown dd").dataset.value === "1");
  await visitor.isContent(/net::ERR_FAILED/);
});

test("the address is the room, and the room the address", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=caf%C3%A9%20%26%20bar" });
  await send(server, { room: "café & bar", lines: ["two espressi"] });
  await visitor.hears("two espressi");
  assert.equal(await visitor.page.locator(".room-name").textContent(), "café & bar");
  assert.equal(await visitor.page.title(), "#café & bar · Longwire");
  await visitor.page.locator(".room-button").click();
  await visitor.page.locator("#other-room").fill("vinyl");
  await visitor.page.locator("#other-room").press("Enter");
  await visitor.page.waitForURL("**/?room=vinyl");
  await visitor.isConnected();
  await Promise.all([send(server, { room: "café & bar", lines: ["not for vinyl"] }), send(server, { room: "vinyl", lines: ["side b"] })]);
  await visitor.hears("side b");
  assert.deepEqual(await visitor.lines(), ["side b"], "the old room is left");
  await visitor.page.goBack();
  await visitor.isConnected();
  assert.equal(await visitor.page.locator(".room-name").textContent(), "café & bar");
  await visitor.isContent();
});

/**
 * What can be shown in so many seconds: in the column 40 at once and 8 a second after that; on the stage no lane of its
 * 14 begins more than one comment a second, but for the first, and one sent ahead.
 */
const showable = (seconds) => 40 + 8 * seconds + 14 * (seconds + 2);

test("a flood is thinned out, and the sum holds at every moment", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=flood" });
  const began = performance.now();
  const lines = Array.from({ length: 6_000 }, (_, at) => `message ${at} of a flood`);
  let isOver = false;
  const flood = send(server, { room: "flood", lines }).then(() => (isOver = true));
  while (!isOver) {
    const { received, shown, thinned } = await visitor.counts();
    assert.equal(shown + thinned, received);
  }
  await flood;
  await visitor.page.waitForFunction(() => document.querySelector(".part.received dd").dataset.value === "6000");
  const { shown, thinned } = await visitor.counts();
  assert.equal(shown + thinned, 6_000);
  const most = showable((performance.now() - began) / 1_000);
  assert.ok(shown >= 40 && shown <= most, `${shown} shown of ${most.toFixed(0)}, ${thinned} thinned out`);
  assert.ok((await visitor.page.locator(".lines .row, .lines .note").count()) <= 160, "the conversation is bounded");
  await visitor.isContent();
});

test("what is typed while a message is sent stays, and none is sent twice", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=haste" });
  await visitor.joins("Ines");
  await visitor.page.evaluate(() => {
    const field = document.querySelector("#message");
    field.value = "in one go";
    field.form.requestSubmit();
    field.form.requestSubmit();
    field.value = "not done yet";
  });
  const rows = visitor.page.locator(".row", { hasText: "in one go" });
  await rows.waitFor();
  assert.equal(await visitor.page.locator("#message").inputValue(), "not done yet");
  await visitor.says("the last");
  await visitor.page.locator(".row", { hasText: "the last" }).waitFor();
  assert.equal(await rows.count(), 1);
  await visitor.isContent();
});

test("what the server refuses is shown as refused", async () => {
  const strict = await Server.start({ sets: { "quotas.user.messages": "1/1m" } });
  const visitor = await visit(browser, `http://127.0.0.1:${strict.port}`);
  await visitor.joins("Juno");
  await visitor.says("the first one");
  await visitor.says("the second one");
  const row = visitor.page.locator(".row.refused");
  await row.waitFor();
  assert.match(await row.textContent(), /the second one.*too fast/s);
  await visitor.isContent();
  await strict.stop();
});
