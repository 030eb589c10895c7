/** Clocks and timers of the platforms, as far as they can be judged without a browser; e2e/hidden.test.mjs is the rest. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";
import { BEAT_SOURCE } from "../src/browser/beat.js";
import { PageTimers } from "../src/browser/timers.js";
import { Clock } from "../src/clock.js";

test("a clock counts the time the machine slept, and never falls", () => {
  let [steady, wall] = [1_000, 1_700_000_000_000];
  const clock = new Clock(() => steady, () => wall);
  const began = clock.now();
  const pass = (steadyMs: number, wallMs: number): number => {
    steady += steadyMs;
    wall += wallMs;
    return clock.now() - began;
  };
  assert.equal(pass(500, 500), 500);
  assert.equal(pass(10, 3_600_010), 3_600_510, "asleep for an hour: the steady clock stood still");
  assert.equal(pass(0, -7_200_000), 3_600_510, "somebody set the wall clock back");
  assert.equal(pass(250, 250), 3_600_760);
  assert.equal(pass(1, 2), 3_600_761, "a millisecond of rounding is no sleep");
});

test("without a worker a page's timers are its own", async () => {
  const timers = new PageTimers(true);
  const fired: string[] = [];
  timers.clear(timers.set(1, () => fired.push("cleared")));
  await new Promise<void>((done) => timers.set(5, done));
  timers.set(1, () => fired.push("closed"));
  timers.close();
  await new Promise<void>((done) => setTimeout(done, 5));
  assert.deepEqual(fired, []);
});

for (const [name, source] of [["text", BEAT_SOURCE], ["file", workerFile()]] as const) {
  test(`the worker's ${name} answers each timer once, and no cleared one`, async () => {
    const answers: number[] = [];
    let all = (): void => {};
    const postMessage = (id: number): void => {
      answers.push(id);
      if (answers.length === 3) all();
    };
    const scope = vm.createContext({ setTimeout, clearTimeout, postMessage, onmessage: undefined });
    vm.runInContext(source, scope);
    const say = (...data: [number, number]): void => (scope["onmessage"] as (event: { data: unknown }) => void)({ data });
    const done = new Promise<void>((resolve) => {
      all = resolve;
    });
    say(1, 30);
    say(2, 0);
    say(3, 0);
    say(3, -1);
    say(4, 60);
    say(5, -1);
    await done;
    assert.deepEqual(answers, [2, 1, 4]);
  });
}

/** The file as it is served; a context of `vm` takes no module syntax. */
function workerFile(): string {
  return readFileSync(new URL("../src/browser/worker.js", import.meta.url), "utf8").replace("export {};", "");
}
