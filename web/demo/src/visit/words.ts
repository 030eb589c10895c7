// What the page and its worker say to each other. Types alone: the two share no code, so that each is one file.

import type { Counts } from "./thinning.js";

export interface User {
  readonly userId: string;
  readonly token: string;
}

/** What a message is to this page: anything but a gift is said. */
export type Kind = "said" | "gift";

/** How many comments and gifts the stage has taken or could take, since the page was opened: sums, so that none is lost on the way. */
export interface Places {
  readonly said: number;
  readonly gift: number;
}

/** Where a connection stands: the SDK's states, as far as they are shown. */
export interface Standing {
  readonly name: "idle" | "connecting" | "connected" | "waiting" | "closed";
  readonly back?: boolean;
  readonly retryIn?: number;
}

/** A message that is shown: on the stage, in the column, or both. */
export interface Heard {
  readonly kind: Kind;
  readonly from: string;
  readonly nickname: string | undefined;
  readonly text: string;
  /** Of its content, whatever that is. */
  readonly bytes: number;
  readonly time: number;
  readonly stage: boolean;
  readonly column: boolean;
}

/** What the page asks for. */
export type Ask =
  /** A visit is named by a number; the one before is over. */
  | { readonly ask: "enter"; readonly visit: number; readonly url: string; readonly room: string; readonly user: User | undefined }
  | { readonly ask: "login"; readonly call: number; readonly user: User }
  | { readonly ask: "send"; readonly call: number; readonly kind: Kind; readonly text: string; readonly nickname: string }
  | { readonly ask: "places"; readonly places: Places }
  /** The round-trip time. */
  | { readonly ask: "measure" }
  /** Somebody looks. */
  | { readonly ask: "wake" };

/** What the worker tells. */
export type News =
  | { readonly news: "state"; readonly state: Standing; readonly userId: string | undefined }
  | { readonly news: "entered" }
  | { readonly news: "roundTrip"; readonly ms: number }
  | { readonly news: "heard"; readonly heard: Heard }
  /** `rate`: messages in the last second. */
  | { readonly news: "counts"; readonly counts: Counts; readonly rate: number }
  /** A call is done; `why` not, or the `id` by which a refusal will name it. */
  | { readonly news: "answer"; readonly call: number; readonly why?: string; readonly id?: number }
  /** What was asked of the server and refused later: a send by its id, or anything else. `why` is a status or an error's name. */
  | { readonly news: "refused"; readonly why: string; readonly id?: number };

export type Told = News & { readonly visit: number };
