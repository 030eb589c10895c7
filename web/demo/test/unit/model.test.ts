// The page's decisions, without a page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Combo, giftOf } from "../../src/model/gifts.js";
import { Lanes } from "../../src/model/lanes.js";
import { linkTo, roomOf } from "../../src/model/link.js";
import { id, line } from "../../src/model/text.js";
import { COLUMN_BURST, COLUMN_PER_SECOND, Thinning } from "../../src/visit/thinning.js";

test("shown and thinned are what was received, whatever comes", () => {
  const thinning = new Thinning();
  for (let at = 0; at < 60_000; at++) {
    thinning.judge(at / 2, at % 97 === 0);
    const { received, shown, thinned } = thinning.counts();
    assert.equal(shown + thinned, received);
  }
  const { shown } = thinning.counts();
  const column = COLUMN_BURST + 30 * COLUMN_PER_SECOND;
  assert.ok(shown >= column && shown <= column + 60_000 / 97 + 1, `${shown} shown`);
});

test("what a person can read is never thinned out", () => {
  const thinning = new Thinning();
  for (let at = 0; at < 1_000; at++) thinning.judge(at * (1_000 / COLUMN_PER_SECOND), false);
  assert.equal(thinning.counts().thinned, 0);
});

test("nobody on a lane runs into another", () => {
  const lanes = new Lanes(5, 900, false);
  const ways: { from: number; width: number; lane: number; speed: number }[] = [];
  let seed = 7;
  for (let now = 0; now < 60_000; now += 40) {
    const place = lanes.find(now);
    if (!place) continue;
    seed = (seed * 48_271) % 2_147_483_647;
    const width = 80 + (seed % 300);
    ways.push({ ...lanes.take(place, width), width });
  }
  assert.ok(ways.length > 100);
  for (let lane = 0; lane < 5; lane++) {
    const there = ways.filter((way) => way.lane === lane);
    for (const [at, way] of there.entries()) {
      const next = there[at + 1];
      if (next) assert.ok((next.from - way.from) * way.speed > way.width, "a gap between two");
    }
  }
});

test("still comments have places of their own until they go", () => {
  const lanes = new Lanes(3, 950, true);
  const taken = Array.from({ length: 9 }, () => {
    const place = lanes.find(0);
    assert.ok(place);
    const way = lanes.take(place, 200);
    return `${way.lane} ${way.x}`;
  });
  assert.equal(new Set(taken).size, 9);
  assert.equal(lanes.find(4_999), undefined);
  assert.ok(lanes.find(5_000));
});

test("text is one line without what is not seen", () => {
  for (const [given, shown] of [
    ["  a\n\tb  ", "a b"],
    ["a\u202eb\u0000c", "a b c"],
    ["\u{1F468}\u200d\u{1F469}", "\u{1F468}\u200d\u{1F469}"],
    ["abcdefgh", "abcd…"],
    ["\u200b\ufeff", ""],
  ] as const) {
    assert.equal(line(given, 5), shown);
  }
});

test("a name is what the protocol can carry", () => {
  assert.equal(id("  Mira "), "Mira");
  assert.equal(id("x".repeat(128)), "x".repeat(128));
  for (const bad of ["", "   ", "a\u0007b", "x".repeat(129), "é".repeat(65)]) assert.equal(id(bad), undefined, bad);
});

test("a link leads to its room", () => {
  for (const room of ["lobby", "café & bar", "a/b?c#d", "100%"]) {
    assert.equal(roomOf(new URL(linkTo(room), "http://host").search), room);
  }
  assert.equal(roomOf(""), "lobby");
  assert.equal(roomOf("?room="), "lobby");
});

test("gifts are known by their words, and counted in a row", () => {
  for (const [text, gift] of [["a rose", "rose"], ["Rockets!", "rocket"], ["一朵玫瑰", "rose"], ["socks", "box"], ["starfish", "box"]]) {
    assert.equal(giftOf(text ?? ""), gift);
  }
  const combo = new Combo();
  assert.deepEqual(
    [combo.add("a", "rose", 0), combo.add("a", "rose", 3_000), combo.add("b", "rose", 3_100), combo.add("a", "rose", 3_200), combo.add("a", "rose", 9_000)],
    [1, 2, 1, 1, 1],
  );
});
