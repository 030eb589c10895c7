// Waiting for what a client tells, with one bound on failures.
import { PATIENCE } from "./server.mjs";

/** `promise`, or a failure that says what was waited for. */
export async function within(promise, what, ms = PATIENCE) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${ms} ms were not enough for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The next `event` of a client or room that `matches`. */
export function next(target, event, matches = () => true, what = event) {
  let undo;
  const heard = new Promise((found) => {
    undo = target.on(event, (value) => matches(value) && found(value));
  });
  return within(heard, what).finally(() => undo());
}

/** Resolves once the client is in the state `name`; at once where it is already. */
export async function reached(client, name) {
  return client.state.name === name ? client.state : next(client, "state", (state) => state.name === name, `state ${name}`);
}

/** The events of one kind, kept in order for whoever asks. */
export class Ear {
  #heard = [];
  #waiting = null;
  undo;

  constructor(target, event = "message") {
    this.undo = target.on(event, (value) => {
      this.#heard.push(value);
      this.#waiting?.();
    });
  }

  /** The next `count` of them, and no more of them are kept. */
  async take(count = 1) {
    while (this.#heard.length < count) {
      const more = new Promise((come) => {
        this.#waiting = come;
      });
      await within(more, `event ${this.#heard.length + 1} of ${count}`);
    }
    return this.#heard.splice(0, count);
  }

  /** Everything that has come and was not taken. */
  rest() {
    return this.#heard.splice(0);
  }
}
