// What the page's tests have in common: a server, a browser, pages whose every complaint is kept, and people who use them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "../../../sdk/typescript/e2e/chromium.mjs";
import { Server, binary } from "../../../sdk/typescript/e2e/server.mjs";

export { Proxy } from "../../../sdk/typescript/e2e/proxy.mjs";
export { Server, binary, launch };

/** How long anything may take that a test waits for: wide, and a bound on failures alone. */
export const PATIENCE = 60_000;

export const DESKTOP = { width: 1440, height: 900 };
export const TABLET = { width: 820, height: 1180 };
export const PHONE = { width: 390, height: 844 };

/** What the tests of one file need: a browser and a server, gone after the last of them. */
export async function setting() {
  const [browser, server] = await Promise.all([launch(), Server.start()]);
  after(async () => {
    await browser.close();
    await server.stop();
  });
  return { browser, server, origin: `http://127.0.0.1:${server.port}` };
}

/** A page in a context of its own: as if it were another person's browser. It has gone nowhere yet. */
export async function arrive(browser, origin, context = {}) {
  const opened = await browser.newContext({ viewport: DESKTOP, locale: "en-GB", reducedMotion: "no-preference", ...context });
  opened.setDefaultTimeout(PATIENCE);
  const page = await opened.newPage();
  const visitor = new Visitor(page, origin);
  await page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  return visitor;
}

export async function visit(browser, origin, { path = "/", ...context } = {}) {
  const visitor = await arrive(browser, origin, context);
  await visitor.page.goto(origin + path);
  await visitor.isConnected();
  return visitor;
}

export class Visitor {
  /** Errors of scripts, of the console, and requests that left the origin. */
  complaints = [];
  sockets = 0;

  constructor(page, origin) {
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(`error: ${error}`));
    page.on("console", (message) => message.type() === "error" && this.complaints.push(`console: ${message.text()}`));
    page.on("request", (request) => request.url().startsWith(origin) || this.complaints.push(`request: ${request.url()}`));
    page.on("websocket", () => (this.sockets += 1));
  }

  async isConnected() {
    await this.page.locator('.connection[data-state="connected"]').waitFor();
    await this.page.locator(".note.entered, .note.back").first().waitFor({ state: "attached" });
  }

  /** From guest to user, with a name or the one that is proposed. */
  async joins(name = "") {
    await this.page.locator("#name").fill(name);
    await this.page.locator(".guest button").click();
    await this.page.locator("#message").waitFor();
  }

  async says(text) {
    await this.page.locator("#message").fill(text);
    await this.page.locator("#message").press("Enter");
  }

  async gives(gift) {
    const shelf = this.page.locator(".gift-shelf");
    if (!(await shelf.isVisible())) await this.page.locator('.writer [aria-expanded="false"]').click();
    await shelf.getByRole("button", { name: gift }).click();
  }

  /** Waits for a line of the conversation; `who` is its name. */
  async hears(text, who) {
    const row = this.page.locator(".row").filter({ hasText: text });
    await row.first().waitFor();
    if (who !== undefined) assert.equal(await row.first().locator(".name").textContent(), who);
    return row.first();
  }

  async lines() {
    return this.page.locator(".row .text").allTextContents();
  }

  async counts() {
    return this.page.evaluate(counts);
  }

  /** Nothing went wrong that nobody looked at. `but`: what this test brings about itself. */
  async isContent(but = /^$/) {
    assert.deepEqual(await this.page.evaluate(() => globalThis.violations), [], "the policy was never broken");
    assert.deepEqual(this.complaints.filter((complaint) => !but.test(complaint)), []);
    await this.page.context().close();
  }
}

/** Runs in a page: the three numbers of the stage, read at one moment. */
export function counts() {
  const of = (name) => Number(document.querySelector(`.part.${name} dd`).dataset.value);
  return { received: of("received"), shown: of("shown"), thinned: of("thinned") };
}

/** Where the network is made to fail, the browser says so in the console. */
export const OFFLINE = /WebSocket connection to .* failed/;

function sender(server, room, user, args) {
  const command = ["send", "--addr", `127.0.0.1:${server.port}`, "--room", room, "--user", user, ...args];
  return spawn(binary(), command, { stdio: ["pipe", "inherit", "inherit"] });
}

/** `longwire send`, with these lines; resolves once the server has taken all of them. */
export async function send(server, { room = "lobby", user = "bob", lines, args = [] }) {
  const child = sender(server, room, user, args);
  const ended = once(child, "exit");
  for (const line of lines) {
    if (!child.stdin.write(`${line}\n`)) await once(child.stdin, "drain");
  }
  child.stdin.end();
  const [code] = await ended;
  assert.equal(code, 0, "longwire send");
}

/** So many messages a second for a while, from a few people; resolves to what they said. The work is another process's. */
export async function pour(server, { room, perSecond, ms, people = ["mira"] }) {
  const ends = people.map(async (user) => {
    const args = [server.port, room, perSecond / people.length, ms, user].map(String);
    const child = spawn(process.execPath, [fileURLToPath(new URL("crowd.mjs", import.meta.url)), ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    process.off("exit", end);
    assert.equal(code, 0, "the crowd");
    return Number(said);
  });
  return (await Promise.all(ends)).reduce((sum, said) => sum + said, 0);
}

/** What people say in pictures of the page: who, and what. */
export const TALK = [
  ["mira", "good evening from the lighthouse"],
  ["otto", "can you see the line from up there?"],
  ["june", "all the way to the mountains"],
  ["kai", "sending you a hello through every pole"],
  ["小满", "大家好，今晚的晚霞真美"],
  ["noor", "does a message get tired on such a long way?"],
  ["theo", "not this one"],
  ["remy", "I brought soup"],
  ["ines", "soup over wire. finally"],
  ["suki", "the houses have their lights on"],
  ["lev", "who is playing the piano?"],
  ["ada", "that is the insulators, they hum when it is busy"],
];
