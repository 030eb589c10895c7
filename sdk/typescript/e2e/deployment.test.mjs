// A deployment that changed what section 19 of PROTOCOL.md lets it change, and the SDK that was told: over TCP and
// WebSocket, and the bytes of both sides.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Longwire, Status } from "@longwire/client";
import { fieldsOf, framesOf, textsOf, webSocketOf } from "./frames.mjs";
import { Ear, next } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";

const [LOGIN, LOGOUT, PING, PONG, JOIN, CMS] = [21, 22, 23, 24, 25, 26];
const VERSION = 7;
const BODY_MAX = 100_000;
const SETS = {
  "wire.length": "rest",
  "wire.versions": `[${VERSION}]`,
  "wire.commands": `{ login = ${LOGIN}, logout = ${LOGOUT}, ping = ${PING}, pong = ${PONG}, join_cr = ${JOIN}, cms = ${CMS} }`,
  "wire.login": "{ token = 7, user_id = 9 }",
  "wire.frame_max": "100000B",
  "wire.push_max": "100000B",
  "limits.message_max": "100000B",
  "wire.gzip_min": "64B",
  "limits.rooms_per_connection": "2",
  "rooms.types.client": '["normal", 7]',
  "web.ws.path": "/chat/ws",
};
/** The same, as the SDK is told. */
const OPTIONS = {
  rooms: 2,
  wire: {
    length: "rest",
    version: VERSION,
    commands: { login: LOGIN, logout: LOGOUT, ping: PING, pong: PONG, join: JOIN, cms: CMS },
    loginFields: { token: 7, userId: 9 },
    bodyMax: BODY_MAX,
  },
};

let server;
before(async () => {
  server = await Server.start({ sets: SETS });
});
after(() => server.stop());

const address = (scheme, port = server.port) => `${scheme}://127.0.0.1:${port}${scheme === "ws" ? "/chat/ws" : ""}`;

for (const scheme of ["tcp", "ws"]) {
  describe(`over ${scheme}`, () => {
    test(`a guest becomes a user, is heard and hears, up to the sizes that are allowed (${scheme})`, async () => {
      const [room, other] = [`told ${scheme}`, `second ${scheme}`];
      const proxy = await Proxy.start(server.port);
      const alice = new Longwire(address(scheme, proxy.port), { ...OPTIONS, gzip: true });
      const bob = new Longwire(address(scheme), { ...OPTIONS, login: { userId: "bob", token: "local" } });
      await Promise.all([alice.connect(), bob.connect()]);
      const [here, there] = [await alice.join(room), await bob.join(room)];
      const [ears, theirs] = [new Ear(here), new Ear(there)];
      await alice.login({ userId: "alice", token: "sesame" });
      // 64 bytes and more, which by default would not be compressed; and before anything of our own, as in wire.test.mjs.
      await there.send("squeeze ".repeat(20));
      await ears.take();
      const content = Uint8Array.from({ length: BODY_MAX - 100 }, (_, at) => (at * 7919) >> 3);
      await here.send(content, { type: 7 });
      const [largest] = await theirs.take();
      assert.deepEqual([largest.from, largest.type, largest.content], ["alice", 7, content]);
      //= PROTOCOL.md#19.10
      // `rooms.types.client` lists the message types that users may send: no gifts here.
      const refused = next(here, "error");
      await here.send("a rose", { type: 2 });
      assert.equal((await refused).status, Status.FORBIDDEN);
      //= PROTOCOL.md#19.9
      // `limits.rooms_per_connection` sets the number of 10.4; the one more that would leave a room is not asked for.
      await alice.join(other);
      await assert.rejects(alice.join("one more"), { name: "TooMany", max: 2 });
      await alice.ping();
      await Promise.all([alice.close(), bob.close()]);
      await proxy.down();
      check(scheme, proxy, [room, other]);
    });
  });
}

/** What both sides sent on the recorded connection. */
function check(scheme, proxy, rooms) {
  const inner = (stream) => Buffer.concat(webSocketOf(stream).messages.filter(({ opcode }) => opcode === 2).map(({ payload }) => payload));
  //= PROTOCOL.md#19.3
  // `wire.length` pins the reading of `len`: in *rest* a frame is 4 + len bytes, and so the stream splits to its last byte.
  const [sent, came] = ["client", "server"].map((from) => {
    const stream = proxy.sent(0, from);
    return framesOf(scheme === "tcp" ? stream : inner(stream), "rest");
  });
  //= PROTOCOL.md#19.4
  // `wire.versions` names the versions that are served, and every frame carries the one that was chosen.
  assert([...sent, ...came].every(({ version }) => version === VERSION));
  //= PROTOCOL.md#19.1
  // `wire.commands` gives commands other codes; the default ones then mean nothing, and are not used.
  const commands = (frames) => [...new Set(frames.map(({ command }) => command))].sort();
  assert.deepEqual(commands(sent), [LOGIN, LOGOUT, PING, JOIN, CMS]);
  assert.deepEqual(commands(came), [LOGIN, PONG, JOIN, CMS]);
  const of = (command) => sent.filter((frame) => frame.command === command).map(({ body }) => body);
  //= PROTOCOL.md#19.2
  // `wire.login` gives token and userId other field numbers in LoginRequest.
  assert.deepEqual(of(LOGIN).map(textsOf), [{}, { 7: "sesame", 9: "alice" }]);
  assert.deepEqual(of(JOIN).map((body) => textsOf(body)[1]), rooms);
  assert(fieldsOf(of(CMS)[0])[0][1].length > 65_536);
  //= PROTOCOL.md#19.7
  // `wire.gzip_min` sets the threshold of 6.8.
  const [push] = came.filter(({ flow }) => flow === 2);
  assert(push.compression === 1 && push.body.length < 512);
}

test("a client that was not told is closed without a byte, and gives up where its first attempt decides", async () => {
  for (const untold of [{ version: 0 }, { commands: {} }, { length: "body" }]) {
    const lw = new Longwire(address("tcp"), { wire: { ...OPTIONS.wire, ...untold } });
    await assert.rejects(lw.connect(), { name: "Disconnected", why: "closed" });
  }
  const lw = new Longwire(`ws://127.0.0.1:${server.port}`, OPTIONS);
  await assert.rejects(lw.connect(), { name: "Disconnected", why: "unreachable" });
});
