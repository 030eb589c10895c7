// What pages tell of themselves, to be waited for. A page that is hidden or frozen is asked nothing: it tells, by
// requests, which no throttling holds back.
import { EventEmitter, once } from "node:events";
import { within } from "./hear.mjs";
import { PATIENCE } from "./server.mjs";

/** For the page's script: `tell(what, more)`, numbered, because requests may overtake each other. */
export const TELL = `
  let told = 0;
  const tell = (what, more) => {
    const body = JSON.stringify({ name, what, n: (told += 1), at: performance.now(), ...more });
    return fetch("/told", { method: "POST", body });
  };
`;

/** The states of a client, among what is told. */
export const STATES = ["connecting", "connected", "waiting", "closed"];

export class Told {
  #bell = new EventEmitter();
  #patience;
  /** Everything, in the order it came. */
  entries = [];

  constructor(patience = PATIENCE) {
    this.#patience = patience;
  }

  /** For `serve`, at `/told`. */
  take = (body) => {
    this.entries.push(JSON.parse(body));
    this.#bell.emit("told");
    return "";
  };

  /** What `name` told, in its order, after the entry `since`. */
  of(name, since = { n: 0 }) {
    return this.entries.filter((one) => one.name === name && one.n > since.n).sort((a, b) => a.n - b.n);
  }

  async until(holds, what) {
    const come = async () => {
      while (!holds()) await once(this.#bell, "told");
    };
    return within(come(), what, this.#patience);
  }

  /** The first thing told by `name` that matches, after the entry `since`. */
  async said(name, what, since) {
    const find = () => this.of(name, since).find((one) => one.what === what);
    await this.until(find, `${name}: ${what}`);
    return find();
  }

  /** The last that `name` told. */
  last(name) {
    return this.of(name).at(-1) ?? { n: 0 };
  }

  /** Where the client of a page stands, as far as it told. */
  stateOf(name) {
    return this.of(name).findLast((one) => STATES.includes(one.what))?.what;
  }
}
