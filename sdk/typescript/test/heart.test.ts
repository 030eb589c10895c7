/** When to ping, and when a server counts as dead. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Heart } from "../src/session/heart.js";

const S = 1_000;
const heart = () => new Heart(14 * S, 10 * S, 0);

//= PROTOCOL.md#9.7
// A client sends a PING after 14 s in which it sent nothing else.
test("a silent client pings after fourteen seconds", () => {
  const one = heart();
  assert.deepEqual([one.deadline, one.beat(13 * S), one.beat(14 * S)], [14 * S, "quiet", "ping"]);
});

//= PROTOCOL.md#9.6
// What the server sends does not count as life.
test("what the server sends does not spare the ping", () => {
  const one = heart();
  one.heard(13 * S);
  assert.equal(one.beat(14 * S), "ping");
});

test("a client that speaks all the time still notices a dead server", () => {
  const one = heart();
  for (let at = 1; at < 14; at++) one.spoke(at * S);
  assert.equal(one.beat(14 * S), "ping");
  one.spoke(14 * S);
  one.pinged(14 * S);
  one.spoke(23 * S);
  assert.deepEqual([one.beat(23 * S), one.beat(24 * S)], ["quiet", "dead"]);
});

test("further pings do not put the end off, and a pong does", () => {
  const one = heart();
  for (let at = 0; at < 9; at++) one.pinged(at * S);
  one.ponged(9 * S, true);
  assert.deepEqual([one.beat(10 * S), one.beat(19 * S)], ["quiet", "dead"]);
  const other = heart();
  for (let at = 0; at < 10; at++) other.pinged(at * S);
  assert.equal(other.beat(10 * S), "dead");
});

test("a standstill of our own is excused once: for as long as it was, and no longer than a second", () => {
  const one = heart();
  one.pinged(0);
  one.spoke(100 * S);
  assert.deepEqual([one.beat(100 * S), one.deadline, one.beat(102 * S)], ["quiet", 101 * S, "dead"]);
  const short = heart();
  short.pinged(0);
  assert.deepEqual([short.beat(10 * S + 200), short.deadline, short.beat(10 * S + 400)], ["quiet", 10 * S + 400, "dead"]);
  const next = heart();
  next.pinged(0);
  next.beat(11 * S);
  next.ponged(11 * S, false);
  next.pinged(12 * S);
  next.spoke(23 * S);
  assert.deepEqual([next.beat(23 * S), next.deadline], ["quiet", 24 * S], "each PING has its own");
  const punctual = heart();
  punctual.pinged(0);
  assert.equal(punctual.beat(10 * S + 49), "dead");
});

test("who looks gets an answer soon: in four round trips, within half a second and two", () => {
  const one = heart();
  one.hurry(S);
  assert.equal(one.deadline, 14 * S, "nothing is due");
  one.pinged(S);
  one.hurry(2 * S);
  one.hurry(3 * S);
  assert.deepEqual([one.deadline, one.beat(4 * S)], [4 * S, "dead"], "two where no round trip is known");
  for (const [trip, soon] of [[1, 500], [125, 500], [200, 800], [700, 2_000]] as const) {
    const measured = heart();
    measured.measured(trip);
    measured.pinged(S);
    measured.hurry(S);
    assert.equal(measured.deadline, S + soon, `a round trip of ${trip} ms`);
  }
  assert.deepEqual([one.overslept(29 * S), one.overslept(30 * S)], [false, true]);
});
