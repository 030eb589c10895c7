// What the page and its worker say to each other. Types alone.

import type { Gift } from "../model/gifts.js";
import type { Theme } from "../stage/palette.js";
import type { Counts } from "./thinning.js";

export interface User {
  readonly userId: string;
  readonly token: string;
}

/** What a message is to this page: anything but a gift is said. */
export type Kind = "said" | "gift";

/** How the stage looks, and how large it is. Lengths in CSS pixels. */
export interface Look {
  /** Of the part that is not behind the conversation; the landscape is `wide`. */
  readonly width: number;
  readonly wide: number;
  readonly height: number;
  /** The screen's pixels in one of CSS. */
  readonly density: number;
  readonly theme: Theme;
  /** Nothing moves. */
  readonly still: boolean;
  /** Somebody can see the page. */
  readonly seen: boolean;
}

/** Where a connection stands: the SDK's states, as far as they are shown. */
export interface Standing {
  readonly name: "idle" | "connecting" | "connected" | "waiting" | "closed";
  readonly back?: boolean;
  readonly retryIn?: number;
}

/** A message as it is shown: text on one line, a gift known by its picture, how many in a row. */
export interface Heard {
  readonly kind: Kind;
  readonly from: string;
  readonly name: string;
  readonly text: string;
  readonly gift?: Gift;
  readonly times?: number;
  readonly time: number;
}

/** What the page asks for. */
export type Ask =
  /** Where the stage is drawn, once, and what a gift's badge says of it. */
  | { readonly ask: "stage"; readonly canvas: OffscreenCanvas; readonly gave: Readonly<Partial<Record<Gift, string>>> }
  | { readonly ask: "look"; readonly look: Look }
  /** A visit is named by a number; the one before is over. */
  | { readonly ask: "enter"; readonly visit: number; readonly url: string; readonly room: string; readonly user: User | undefined }
  | { readonly ask: "login"; readonly call: number; readonly user: User }
  | { readonly ask: "send"; readonly call: number; readonly kind: Kind; readonly text: string; readonly nickname: string }
  /** The round-trip time. */
  | { readonly ask: "measure" }
  /** Somebody looks. */
  | { readonly ask: "wake" };

/** What the worker tells. */
export type News =
  | { readonly news: "state"; readonly state: Standing; readonly userId: string | undefined }
  | { readonly news: "entered" }
  | { readonly news: "roundTrip"; readonly ms: number }
  /** What came since the last time. `lines`: for the column, in order. `rate`: messages in the last second. */
  | { readonly news: "heard"; readonly lines: readonly Heard[]; readonly counts: Counts; readonly rate: number }
  /** A call is done; `why` not. What was sent: the `id` by which a refusal will name it, and the `line` it is. */
  | { readonly news: "answer"; readonly call: number; readonly why?: string; readonly id?: number; readonly line?: Heard }
  /** What was asked of the server and refused later: a send by its id, or anything else. `why` is a status or an error's name. */
  | { readonly news: "refused"; readonly why: string; readonly id?: number };

export type Told = News & { readonly visit: number };
