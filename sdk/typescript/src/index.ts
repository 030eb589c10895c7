/**
 * The Longwire client for browsers: connect, log in, join rooms, send, and read what is said there.
 *
 * @packageDocumentation
 */

import { browserPlatform } from "./browser/platform.js";
import { Client } from "./client.js";
import type { LongwireOptions } from "./config.js";

export * from "./public.js";

/** A client of one Longwire server. */
export class Longwire extends Client {
  /** `url`: `wss://HOST`, `ws://HOST`, or in a page anything relative to it. Checks everything, and touches no network. */
  constructor(url: string | URL, options: LongwireOptions = {}) {
    super(browserPlatform(), url, options);
  }
}
