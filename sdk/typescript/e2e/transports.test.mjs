// The SDK in Node against the real server, on every transport it speaks.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Longwire, MessageType, Status } from "@longwire/client";
import { certificate } from "./certificate.mjs";
import { Ear, next } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";

const alice = { userId: "alice", token: "local" };
const bob = { userId: "bob", token: "local" };

let server;
let pair;
const open = [];

before(async () => {
  pair = certificate();
  server = await Server.start({ sets: pair.sets });
});

after(async () => {
  await Promise.all(open.map((lw) => lw.close()));
  await server.stop();
  pair.remove();
});

/** A connected client, closed at the end. */
async function connected(url, options = {}) {
  const lw = new Longwire(url, { ...options, tls: { ca: pair.ca, ...options.tls } });
  open.push(lw);
  await lw.connect();
  return lw;
}

/** The server's address as it is through `proxy`. */
const through = (proxy, scheme) => server.url(scheme).replace(String(server.port), String(proxy.port));

for (const scheme of ["tcp", "tls", "ws", "wss"]) {
  describe(`over ${scheme}`, () => {
    const name = (what) => `${what} (${scheme})`;

    test(name("two users hear each other, whole, in order, and not themselves"), async () => {
      const [one, two] = [await connected(server.url(scheme), { login: alice }), await connected(server.url(scheme), { login: bob })];
      const [here, there] = [await one.join(name("talk")), await two.join(name("talk"))];
      const [ears, others] = [new Ear(here), new Ear(there)];
      const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
      await here.send("你好, world");
      await here.send(bytes, { type: MessageType.GIFT, user: { nickname: "Alice", level: 3, roomLevel: 7, tag: ["vip", "新"] } });
      const [text, gift] = await others.take(2);
      assert.deepEqual([text.from, text.room, text.text, text.type], ["alice", name("talk"), "你好, world", MessageType.NORMAL]);
      assert(Math.abs(text.time - Date.now()) < 60_000);
      assert.deepEqual([...gift.content], [...bytes]);
      assert.equal(gift.text, undefined);
      assert.deepEqual([gift.type, gift.nickname], [MessageType.GIFT, "Alice"]);
      assert.deepEqual({ ...gift.user }, { nickname: "Alice", level: 3, roomLevel: 7, tag: ["vip", "新"] });
      await there.send("and back");
      assert.equal((await ears.take())[0].text, "and back");
      assert.deepEqual(ears.rest(), []);
    });

    test(name("the largest message arrives byte for byte"), async () => {
      const [one, two] = [await connected(server.url(scheme), { login: alice }), await connected(server.url(scheme), { gzip: true })];
      const [here, there] = [await one.join(name("large")), await two.join(name("large"))];
      const ears = new Ear(there);
      const content = Uint8Array.from({ length: 65_000 }, (_, at) => (at * 7919) >> 3);
      await here.send(content);
      assert.deepEqual((await ears.take())[0].content, content);
    });

    test(name("a guest becomes a user on its connection and keeps its rooms"), async () => {
      const proxy = await Proxy.start(server.port);
      const lw = await connected(through(proxy, scheme));
      const room = await lw.join(name("guests"));
      assert.equal(lw.userId, undefined);
      await lw.login(alice);
      assert.equal(lw.userId, "alice");
      const other = await connected(server.url(scheme), { login: bob });
      const [ears, others] = [new Ear(room), new Ear(await other.join(name("guests")))];
      await other.rooms[0].send("still here?");
      assert.equal((await ears.take())[0].text, "still here?");
      await room.send("yes");
      assert.deepEqual((await others.take()).map((message) => [message.from, message.text]), [["alice", "yes"]]);
      assert.equal(proxy.taken, 1, "one connection did all of it");
      await lw.close();
      await proxy.down();
    });

    test(name("a refusal is a typed event that names its call"), async () => {
      const lw = await connected(server.url(scheme));
      const room = await lw.join(name("refused"));
      const refused = next(lw, "error");
      const own = next(room, "error");
      const id = await room.send("guests may not");
      const error = await refused;
      assert.equal(error.name, "Refused");
      assert.deepEqual(error.call, { name: "send", id, room: name("refused") });
      assert.deepEqual([error.status, error.statusName], [Status.FORBIDDEN, "FORBIDDEN"]);
      assert.equal(await own, error);
      await assert.rejects(lw.login({ userId: "system", token: "x" }), { name: "Refused", status: Status.UNAUTHENTICATED });
      assert.equal(lw.state.name, "connected");
    });

    test(name("bytes that come one by one mean the same"), async () => {
      const proxy = await Proxy.start(server.port, { pieces: 1 });
      const lw = await connected(through(proxy, scheme), { login: alice });
      const ears = new Ear(await lw.join(name("pieces")));
      const other = await connected(server.url(scheme), { login: bob });
      const room = await other.join(name("pieces"));
      for (let at = 0; at < 20; at += 1) await room.send(`number ${at}`);
      assert.deepEqual((await ears.take(20)).map((message) => message.text), Array.from({ length: 20 }, (_, at) => `number ${at}`));
      await lw.close();
      await proxy.down();
    });
  });
}

test("a certificate that nobody vouches for is no connection", async () => {
  for (const scheme of ["tls", "wss"]) {
    const lw = new Longwire(server.url(scheme), { login: alice });
    await assert.rejects(lw.connect(), (error) => error.name === "Disconnected" && error.why === "unreachable");
    assert.deepEqual([lw.state.name, lw.state.reason], ["closed", "unreachable"]);
  }
});

test("a certificate for another name is no connection", async () => {
  const lw = new Longwire(server.url("tls"), { tls: { ca: pair.ca, servername: "elsewhere.example" } });
  await assert.rejects(lw.connect(), { name: "Disconnected", why: "unreachable" });
});

test("an address nobody listens at, and one that is none", async () => {
  const proxy = await Proxy.start(server.port);
  await proxy.down();
  for (const scheme of ["tcp", "tls", "ws", "wss"]) {
    const lw = new Longwire(`${scheme}://127.0.0.1:${proxy.port}`);
    await assert.rejects(lw.connect(), { name: "Disconnected", why: "unreachable" });
  }
  assert.throws(() => new Longwire("ftp://127.0.0.1"), { name: "Invalid", field: "url" });
});
