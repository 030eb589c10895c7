/** The reconnect schedule, and what the end of a connection means for it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/backoff.js";
import { Disconnected, Invalid, LoginUnavailable, type LongwireError, Refused, Status } from "../src/errors.js";
import { finality, isLater } from "../src/verdict.js";
import { random } from "./support/random.js";

function schedule(seed: number, length: number): number[] {
  const backoff = new Backoff(500, 30_000, random(seed));
  return Array.from({ length }, () => backoff.fail());
}

test("waits stay below a ceiling that doubles from half a second to thirty", () => {
  for (let seed = 0; seed < 500; seed++) {
    for (const [n, wait] of schedule(seed, 40).entries()) {
      const ceiling = Math.min(500 * 2 ** n, 30_000);
      assert.ok(wait >= 0 && wait < ceiling, `seed ${seed}: wait ${n} is ${wait}`);
    }
  }
});

test("waits are spread over the whole range", () => {
  const lasts = Array.from({ length: 500 }, (_, seed) => schedule(seed, 10)[9]!);
  const mean = lasts.reduce((sum, wait) => sum + wait, 0) / lasts.length;
  assert.ok(mean > 13_000 && mean < 17_000, `mean ${mean}`);
  assert.ok(Math.min(...lasts) < 1_000 && Math.max(...lasts) > 29_000);
});

test("a success starts the schedule over, and a floor lifts the ceiling", () => {
  const backoff = new Backoff(500, 30_000, () => 0.5);
  assert.deepEqual([backoff.fail(), backoff.fail(), backoff.fail(2_000), backoff.fail(9_000)], [250, 500, 1_000, 4_500]);
  assert.equal(backoff.failures, 4);
  backoff.reset();
  assert.deepEqual([backoff.fail(2_000), backoff.fail(60_000)], [1_000, 15_000]);
});

test("too many connections may be this client's own, which the server has not missed yet; nothing else passes with it", () => {
  assert.equal(finality(new Refused({ name: "login" }, Status.TOO_MANY), true), undefined);
  assert.equal(finality(new Refused({ name: "login" }, Status.BANNED), true), "refused");
  assert.equal(finality(new Disconnected("closed", "", 4506), true), "replaced");
});

//= PROTOCOL.md#18.13
// Where the server closes, a close frame carries the code of this table.
test("every end of a connection has its verdict", () => {
  const closed = (code?: number) => new Disconnected("closed", "", code);
  const refused = (status: number) => new Refused({ name: "login" }, status);
  const table: [LongwireError, ReturnType<typeof finality>, boolean][] = [
    [closed(), undefined, false],
    [closed(1000), undefined, false],
    [closed(1002), undefined, false],
    [closed(1006), undefined, false],
    [closed(4000), undefined, true],
    [closed(4001), undefined, false],
    [closed(4002), undefined, false],
    [closed(4003), undefined, true],
    [closed(4004), undefined, false],
    [closed(4006), undefined, false],
    [closed(4007), undefined, true],
    [closed(4008), undefined, false],
    [closed(4499), undefined, false],
    [closed(4500), "removed", false],
    [closed(4501), "removed", false],
    [closed(4503), "refused", false],
    [closed(4504), "removed", false],
    [closed(4505), "removed", false],
    [closed(4506), "replaced", false],
    [closed(4507), "removed", true],
    [closed(4999), "removed", false],
    [closed(5000), undefined, false],
    [refused(Status.MALFORMED), "refused", false],
    [refused(Status.UNAUTHENTICATED), "refused", false],
    [refused(Status.FORBIDDEN), "refused", false],
    [refused(Status.RATE_LIMITED), undefined, true],
    [refused(Status.BANNED), "refused", false],
    [refused(Status.OVERLOADED), undefined, true],
    [refused(Status.TOO_MANY), "refused", true],
    [refused(Status.INTERNAL), undefined, false],
    [refused(99), "refused", false],
    [new Disconnected("silent"), undefined, false],
    [new LoginUnavailable(new Error("no token")), undefined, false],
    [new Invalid("userId", "is empty"), "refused", false],
  ];
  for (const [error, final, later] of table) {
    assert.deepEqual([finality(error, false), isLater(error)], [final, later], `${error.name} ${error.message}`);
  }
});
