// The same story told by the SDK in Node over TCP and WebSocket, and by a page in Chromium: connect, guest, refusal, login,
// rooms, messages, a gzipped push, a room that is left, a cut, back, close. Its bytes are taken apart three times: by
// this test's own code, by `longwire decode`, and by Wireshark's dissector; none of them may find a fault.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Longwire } from "@longwire/client";
import { CMS, JOIN, LOGIN, LOGOUT, PING, PONG, fieldsOf, framesOf, textsOf, webSocketOf } from "./frames.mjs";
import { within } from "./hear.mjs";
import { pcap, tshark } from "./pcap.mjs";
import { Proxy } from "./proxy.mjs";
import { Scene } from "./scene.mjs";
import { binary } from "./server.mjs";

const ASKED = [
  [LOGIN, JOIN, CMS, LOGIN, JOIN, CMS, CMS, PING],
  [LOGIN, JOIN, CMS, PING, LOGOUT],
];
const CAME = [
  [LOGIN, JOIN, CMS, LOGIN, JOIN, CMS, PONG],
  [LOGIN, JOIN, PONG],
];
/** What Wireshark calls wrong. */
const FAULTS = ["longwire.malformed", "longwire.odd", "_ws.malformed"];
const NAMES = ["", "LOGIN", "LOGOUT", "PING", "PONG", "JOIN_CR", "CMS"];

/** Runs in Node and in the page alike. */
async function story(Longwire, url, { push, cut }) {
  const told = (target, event, matches = () => true) =>
    new Promise((resolve) => {
      const undo = target.on(event, (value) => matches(value) && resolve(undo() ?? value));
    });
  // No heartbeat of its own accord: every frame is one that the story asks for.
  const lw = new Longwire(url, { gzip: true, timeouts: { heartbeat: 29_999 }, reconnect: { first: 20, most: 100 } });
  await lw.connect();
  const lobby = await lw.join("lobby");
  const refused = told(lw, "error");
  await lobby.send("a guest may not");
  await refused;
  await lw.login({ userId: "alice", token: "sesame" });
  const other = await lw.join("大厅");
  // Before anything of our own in this room: what is pushed together with that is made for us alone, and not compressed.
  const heard = told(lobby, "message");
  await push();
  await heard;
  await lobby.send("你好");
  await other.send(new Uint8Array([0, 255]), { type: 2, user: { nickname: "Alice", tag: ["vip"] } });
  await lw.ping();
  other.leave();
  const back = told(lobby, "state", (state) => state === "joined");
  await cut();
  await back;
  await lobby.send("back");
  await lw.ping();
  await lw.close();
}

const PAGE = `import { Longwire } from "@longwire/client"; window.story = (url) => (${story})(Longwire, url, { push, cut });`;

const scene = new Scene();
let site, server, browser, theirs;

before(async () => {
  // The story lasts as long as this machine takes.
  ({ site, server, browser } = await scene.begin(PAGE, { sets: { "wire.timeouts.idle": "1h" } }));
  theirs = await (await scene.speaker("bob")).join("lobby");
});

after(() => scene.end());

/** What the world does in the story. */
const world = (proxy) => ({ push: () => theirs.send("long ".repeat(200)), cut: async () => proxy.cut() });

async function inPage(url, proxy) {
  const page = await browser.newPage();
  for (const [name, act] of Object.entries(world(proxy))) await page.exposeFunction(name, act);
  await page.goto(site.origin);
  await page.waitForFunction(() => window.story);
  await page.evaluate((address) => window.story(address), url);
  await page.close();
}

const TELLERS = {
  "Node over TCP": { scheme: "tcp", tell: (url, proxy) => story(Longwire, url, world(proxy)) },
  "Node over WebSocket": { scheme: "ws", tell: (url, proxy) => story(Longwire, url, world(proxy)) },
  "a page in Chromium": { scheme: "ws", tell: inPage },
};

for (const [who, { scheme, tell }] of Object.entries(TELLERS)) {
  describe(who, () => {
    let proxy, streams, frames;

    before(async () => {
      proxy = await Proxy.start(server.port);
      await within(tell(server.url(scheme).replace(String(server.port), String(proxy.port)), proxy), "the story's end");
      await proxy.down();
      assert.equal(proxy.taken, 2);
      const inner = (stream) => Buffer.concat(webSocketOf(stream).messages.filter(({ opcode }) => opcode === 2).map(({ payload }) => payload));
      const streamOf = (at, from) => (scheme === "tcp" ? proxy.sent(at, from) : inner(proxy.sent(at, from)));
      streams = [0, 1].map((at) => ({ client: streamOf(at, "client"), server: streamOf(at, "server") }));
      frames = streams.map((sides) => ({ client: framesOf(sides.client), server: framesOf(sides.server) }));
    });

    test("says what the story asks for, and nothing else", () => {
      const commands = (side) => frames.map((one) => one[side].map(({ command }) => command));
      assert.deepEqual(commands("client"), ASKED);
      assert.deepEqual(commands("server"), CAME);
    });

    test("begins anew after the cut: LOGIN, the rooms that are held, and nothing of before", () => {
      const [first, again] = frames.map(({ client }) => client);
      //= PROTOCOL.md#1.4
      // The first frame is a LOGIN of the client.
      assert.deepEqual(fieldsOf(first[0].body), []);
      assert.deepEqual(textsOf(again[0].body), { 1: "sesame", 2: "alice" });
      //= PROTOCOL.md#6.7
      // The server compresses only if the first LOGIN had compression 1.
      assert.deepEqual([first[0].compression, again[0].compression], [1, 1]);
      //= PROTOCOL.md#6.1
      // Compression 1 means that the body is one gzip member (RFC 1952): what it says of its own size is right, to its last byte.
      const member = again[0].raw;
      assert.deepEqual([...member.subarray(0, 3), member.readUInt32LE(member.length - 4)], [0x1f, 0x8b, 8, again[0].body.length]);
      //= PROTOCOL.md#10.9
      // There is no command to leave a room: one that was left is not joined again.
      const rooms = (sent) => sent.filter(({ command }) => command === JOIN).map(({ body }) => textsOf(body)[1]);
      assert.deepEqual([rooms(first), rooms(again)], [["lobby", "大厅"], ["lobby"]]);
      const texts = (sent) => sent.filter(({ command }) => command === CMS).map(({ body }) => fieldsOf(body)[0][1].toString("latin1"));
      assert.deepEqual(texts(again), ["back"]);
      assert.equal(frames[0].server.find(({ command, flow }) => command === CMS && flow === 2).compression, 1);
    });

    test("`longwire decode` finds nothing to complain of", () => {
      for (const [at, sides] of streams.entries()) {
        for (const [from, input] of Object.entries(sides)) {
          const { status, stdout } = spawnSync(binary(), ["decode", "--raw", "--from", from, "--length", "body", "--json"], { input });
          assert.equal(status, 0, String(stdout));
          assert.equal(String(stdout).trim().split("\n").length, frames[at][from].length);
        }
      }
    });

    test("Wireshark's dissector finds every frame, and nothing malformed or odd", () => {
      const fields = ["tcp.stream", "tcp.dstport", "longwire.command.name", ...FAULTS].flatMap((name) => ["-e", name]);
      const shown = ["-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", ...fields];
      const seen = [0, 1].map(() => ({ client: [], server: [] }));
      for (const line of tshark(pcap(proxy.record), ["-Y", `longwire or ${FAULTS.join(" or ")}`, ...shown])) {
        const [stream, to, names, ...faults] = line.split("\t");
        assert.deepEqual(faults, FAULTS.map(() => ""), line);
        seen[stream][to === "7610" ? "client" : "server"].push(...names.split("|"));
      }
      const named = (all) => all.map((commands) => commands.map((command) => NAMES[command]));
      assert.deepEqual(seen.map(({ client }) => client), named(ASKED));
      assert.deepEqual(seen.map(({ server }) => server), named(CAME));
    });
  });
}
