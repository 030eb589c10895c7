// The page itself: who can use it, in which language and light, and what it never does.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DESKTOP, PHONE, Server, TABLET, arrive, send, setting, visit } from "../visit.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const { browser, server, origin } = await setting();

/** Findings above minor, as one line each. */
async function findings(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    const above = violations.filter(({ impact }) => impact !== "minor");
    return above.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  });
}

for (const [name, viewport] of Object.entries({ phone: PHONE, tablet: TABLET, desktop: DESKTOP })) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing above minor: ${name}, ${colorScheme}`, async () => {
      const visitor = await visit(browser, origin, { path: `/?room=axe-${name}-${colorScheme}`, viewport, colorScheme });
      const { page } = visitor;
      assert.deepEqual(await findings(page), [], "a guest in a quiet room");
      await page.locator(".room-button").click();
      assert.deepEqual(await findings(page), [], "with the rooms open");
      await page.keyboard.press("Escape");
      await visitor.joins("Ada");
      await visitor.says("anybody?");
      await send(server, { room: `axe-${name}-${colorScheme}`, lines: Array.from({ length: 40 }, (_, at) => `line ${at}`) });
      await visitor.hears("line 5");
      await visitor.gives("a crown");
      assert.deepEqual(await findings(page), [], "a user in a busy room");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing to scroll sideways");
      await visitor.isContent();
    });
  }
}

test("it speaks the reader's language", async () => {
  for (const [locale, lang, button] of [
    ["en-US", "en", "Join in"],
    ["zh-CN", "zh-CN", "加入聊天"],
    ["zh-TW", "zh-CN", "加入聊天"],
    ["fr-FR", "en", "Join in"],
  ]) {
    const visitor = await visit(browser, origin, { locale });
    assert.equal(await visitor.page.locator("html").getAttribute("lang"), lang);
    assert.equal((await visitor.page.locator(".guest button").textContent()).trim(), button, locale);
    await visitor.isContent();
  }
});

/** More than there are on the page. */
const TABS_MAX = 50;

test("hands on the keyboard get everywhere", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=keys" });
  const { page } = visitor;
  const name = () => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim();
  const focused = () => page.evaluate(name);
  // what opens takes the focus once it is drawn
  const focus = (selector) => page.waitForFunction((wanted) => document.activeElement.matches(wanted), selector);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the conversation");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.match(await focused(), /^Room keys/);
  await page.keyboard.press("Enter");
  await focus("#other-room");
  await page.keyboard.type("typed");
  assert.equal(await page.locator("#other-room").inputValue(), "typed");
  await page.keyboard.press("Escape");
  await focus(".room-button"); // it comes back to what opened the panel
  for (let tabs = 0; (await focused()) !== "Conversation"; tabs++) {
    assert.ok(tabs < TABS_MAX, "the conversation can be reached");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Tab");
  await page.keyboard.type("Lev");
  await page.keyboard.press("Enter");
  await focus("#message");
  await page.keyboard.type("typed, not clicked");
  await page.keyboard.press("Enter");
  await visitor.hears("typed, not clicked", "Lev");
  await visitor.isContent();
});

test("who wants no motion gets none, and misses nothing", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=still", reducedMotion: "reduce" });
  const { page } = visitor;
  assert.equal(await moves(page), false);
  const empty = await drawn(page);
  const sent = send(server, { room: "still", lines: ["standing still"] });
  while ((await drawn(page)) === empty); // it stands on the stage
  await Promise.all([sent, visitor.hears("standing still")]);
  while ((await drawn(page)) !== empty); // for a while
  await page.getByRole("button", { name: "Resume motion" }).click();
  assert.equal(await moves(page), true); // unless the reader asks for it
  await visitor.isContent();
});

test("a stage of no size harms nobody", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=folded" });
  const { page } = visitor;
  await page.evaluate(() => (document.querySelector("#app").hidden = true));
  await page.waitForFunction(() => document.querySelector(".scenery canvas").width === 1);
  await page.evaluate(() => (document.querySelector("#app").hidden = false));
  await page.waitForFunction(() => document.querySelector(".scenery canvas").width > 1);
  await send(server, { room: "folded", lines: ["unfolded"] });
  await visitor.hears("unfolded");
  assert.equal(visitor.sockets, 1);
  await visitor.isContent();
});

/** What is drawn on the stage, as a number; it is not that of nothing. */
async function drawn(page) {
  const picture = await page.waitForFunction(() => {
    const canvas = document.querySelector(".scenery canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value) => (Math.imul(sum, 31) + value) | 0, 0);
  });
  return picture.jsonValue();
}

/** Frames that are looked at for motion: the landscape has taken a step in a few. */
const FRAMES = 30;

/** Whether anything moves: an animation of the page, or what is drawn. */
async function moves(page) {
  const isAnimated = () => document.getAnimations().some((one) => one.playState === "running");
  const before = await drawn(page);
  await page.evaluate(async (frames) => {
    for (let frame = 0; frame < frames; frame++) await new Promise(requestAnimationFrame);
  }, FRAMES);
  return (await page.evaluate(isAnimated)) || (await drawn(page)) !== before;
}

test("a browser whose workers do not draw has the conversation all the same", async () => {
  const visitor = await arrive(browser, origin);
  const { page } = visitor;
  await page.addInitScript(() => delete HTMLCanvasElement.prototype.transferControlToOffscreen);
  await page.goto(`${origin}/?room=plain`);
  await visitor.isConnected();
  await send(server, { room: "plain", lines: ["no stage, but words"] });
  await visitor.hears("no stage, but words", "bob");
  assert.equal(await page.locator(".scenery canvas").count(), 0);
  await page.waitForFunction(() => document.querySelector(".part.shown dd").dataset.value === "1");
  await visitor.isContent();
});

test("what people write is text, whatever it looks like", async () => {
  const visitor = await visit(browser, origin, { path: "/?room=hostile" });
  const lines = ["<img src=x onerror=alert(1)>", "a\u202Eb\u0007c", "x".repeat(5_000), "\u200b"];
  await send(server, { room: "hostile", lines });
  await visitor.hears("<img src=x onerror=alert(1)>");
  await visitor.page.waitForFunction(() => document.querySelectorAll(".row").length === 4);
  const shown = await visitor.lines();
  assert.equal(shown[1], "a b c");
  assert.ok(shown[2].length <= 600 && shown[2].endsWith("…"));
  assert.equal(shown[3], "3 B");
  assert.equal(await visitor.page.locator(".row img").count(), 0);
  await visitor.isContent();
});

test("where the login is not open, the page asks for a token", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "longwire-demo-")), "users.toml");
  const sha256 = createHash("sha256").update("s3cret-of-ines").digest("hex");
  writeFileSync(file, `[[user]]\nid = "ines"\ntoken_sha256 = "${sha256}"\n`);
  const sets = { "login.provider": "static", "login.static_file": file, "web.demo": "on" };
  const closed = await Server.start({ sets });
  const visitor = await visit(browser, `http://127.0.0.1:${closed.port}`);
  const { page } = visitor;
  for (const [token, outcome] of [
    ["wrong", ".refusal"],
    ["s3cret-of-ines", "#message"],
  ]) {
    await page.locator("#name").fill("ines");
    await page.locator("#token").fill(token);
    await page.locator(".guest button").click();
    await page.locator(outcome).waitFor();
  }
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])), /s3cret/);
  await visitor.isContent();
  await closed.stop();
});

test("few files, all from here, under a policy without exceptions", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const answers = [];
  page.on("response", (response) => answers.push(response));
  await page.goto(origin);
  await page.locator('.connection[data-state="connected"]').waitFor();
  assert.ok(answers.length <= 6, answers.map((one) => one.url()).join(" "));
  for (const answer of answers) {
    const headers = answer.headers();
    assert.equal(answer.status(), 200, answer.url());
    assert.match(headers["content-security-policy"], /^default-src 'none'; script-src 'self';/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*|https?:/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["content-encoding"], "gzip");
  }
  // what a script cannot do is what the policy is for
  assert.equal(await page.evaluate(() => fetch("http://127.0.0.2:1/").then(() => "sent", () => "refused")), "refused");
  await context.close();
});
