// Gifts: what a message of the type GIFT means here. Its content is text for people ("a rose"), so that a gift from the
// command line is seen just as well, and one that nobody knows is still a gift.

export const GIFTS = ["rose", "star", "rocket", "crown"] as const;
export type Gift = (typeof GIFTS)[number] | "box";

const WORDS: Record<(typeof GIFTS)[number], RegExp> = {
  rose: /\b(rose|flower)s?\b|玫瑰|花/i,
  star: /\b(star)s?\b|星/i,
  rocket: /\b(rocket)s?\b|火箭/i,
  crown: /\b(crown)s?\b|皇冠|王冠/i,
};

/** What is in it; a box where nobody can tell. */
export function giftOf(text: string): Gift {
  return GIFTS.find((gift) => WORDS[gift].test(text)) ?? "box";
}

/** The same gift of the same person within so long counts on. */
const COMBO_MS = 4_000;

/** Counts gifts in a row, by the time they were given and not by when a busy page came to them. Remembers the last giver alone. */
export class Combo {
  private last = { from: "", gift: "" as Gift | "", at: 0, times: 0 };

  add(from: string, gift: Gift, now: number): number {
    const { last } = this;
    const goes = last.from === from && last.gift === gift && now - last.at < COMBO_MS;
    this.last = { from, gift, at: now, times: goes ? last.times + 1 : 1 };
    return this.last.times;
  }
}
