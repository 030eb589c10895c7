/** What is kept from one connection to the next, and how little that is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Message } from "../src/message.js";
import { Standing } from "../src/session/standing.js";

function record(text: string, time = 1): Message {
  const messageContent = new TextEncoder().encode(text);
  return new Message("lobby", { messageContent, from: "bob", to: "lobby", timestamp: BigInt(time), messageType: 0 });
}

/** How many of these records are known again after a reconnect. */
function known(records: Message[]): number {
  const standing = new Standing();
  standing.enter("lobby");
  for (const one of records) assert.ok(standing.takes(one));
  standing.unjoin("lobby");
  standing.enter("lobby");
  return records.filter((one) => !standing.takes(one)).length;
}

test("the last records of a room are known again: 32 of them, or 64 KiB, or one", () => {
  const some = (count: number, bytes: number) => Array.from({ length: count }, (_, n) => record(`${n} `.padEnd(bytes), n));
  assert.equal(known(some(3, 10)), 3);
  assert.equal(known(some(32, 10)), 32);
  // The first of the others uses up one of the 32 that may come in between.
  assert.equal(known(some(33, 10)), 32);
  assert.equal(known(some(10, 20_000)), 3);
  assert.equal(known(some(2, 65_537)), 1);
});

test("a room that is given up is forgotten with everything in it", () => {
  const standing = new Standing();
  standing.enter("lobby");
  standing.takes(record("x"));
  standing.forget("lobby");
  assert.deepEqual([standing.rooms, standing.holds("lobby"), standing.takes(record("y"))], [[], false, false]);
  standing.unjoin("lobby");
  assert.equal(standing.enter("lobby"), true);
  assert.equal(standing.enter("lobby"), false, "joined already");
  assert.equal(standing.takes(record("x")), true, "who joins anew is told everything");
});
