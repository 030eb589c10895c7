// gzip is undone by the platform's streams, which answer when they like: what arrives must keep its order all the same.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Longwire } from "@longwire/client";
import { CMS, framesOf } from "./frames.mjs";
import { Ear } from "./hear.mjs";
import { Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";

const MESSAGES = 1_000;

const ends = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function connected(url, options) {
  const lw = new Longwire(url, options);
  ends.push(() => lw.close());
  await lw.connect();
  return lw;
}

test("1,000 pushes, every third gzipped, arrive in order", async () => {
  // One shard: who hears of a message says that everybody in the room was sent it. Nobody is given up for silence: the
  // stall lasts as long as this machine takes.
  const server = await Server.start({ shards: 1, sets: { "wire.timeouts.idle": "1h" } });
  ends.push(() => server.stop());
  const proxy = await Proxy.start(server.port);
  ends.push(() => proxy.down());
  const listener = await connected(`tcp://127.0.0.1:${proxy.port}`, { gzip: true, timeouts: { pong: 3_600_000 } });
  const witness = await connected(server.url("tcp"));
  const speaker = await connected(server.url("tcp"), { login: { userId: "bob", token: "local" } });
  const ears = new Ear(await listener.join("order"));
  const seen = new Ear(await witness.join("order"));
  const room = await speaker.join("order");
  // Held back by the network, so that all of them come at once.
  proxy.stall();
  const texts = Array.from({ length: MESSAGES }, (_, at) => `${at} ${at % 3 ? "short" : "long ".repeat(120)}`);
  for (const text of texts) {
    await room.send(text);
    await seen.take();
  }
  proxy.resume();
  assert.deepEqual((await ears.take(MESSAGES)).map((message) => message.text), texts);
  await listener.close();
  const pushes = framesOf(proxy.sent(0, "server")).filter((frame) => frame.command === CMS);
  assert.equal(pushes.length, MESSAGES, "a push each");
  assert.equal(pushes.filter((push) => push.compression === 1).length, Math.ceil(MESSAGES / 3));
});
