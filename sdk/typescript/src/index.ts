/**
 * Longwire for browsers: over WebSocket, with heartbeats that live through a hidden tab.
 *
 * ```ts
 * const lw = new Longwire("wss://chat.example.org", { login: () => fetchLogin() });
 * await lw.connect();
 * const room = await lw.join("lobby");
 * room.on("message", (message) => show(message.nickname ?? message.from, message.text));
 * await room.send("hello");
 * ```
 *
 * @packageDocumentation
 */

import { browserPlatform } from "./browser/platform.js";
import type { WorkerOption } from "./browser/timers.js";
import { Client } from "./client.js";
import type { LongwireOptions } from "./config.js";

export * from "./public.js";
export type { WorkerOption } from "./browser/timers.js";

/** {@link LongwireOptions}, and what only a browser can choose. */
export interface BrowserOptions extends LongwireOptions {
  /**
   * The worker that keeps the heartbeat while the page is hidden. Default `true`: made from a blob, so that no file has
   * to be served; it needs `worker-src blob:` where the page has a policy. A URL is a copy of `@longwire/client/worker`
   * for policies without that. `false`, or where it is forbidden: a page that is hidden for minutes loses its
   * connection, and is back once it is shown.
   */
  readonly worker?: WorkerOption;
}

/** A connection to a Longwire server at `ws:` or `wss:`, opened again whenever it is lost. */
export class Longwire extends Client {
  /** `url`: `wss://HOST`, `ws://HOST`, or anything relative to the page. Checks everything, and touches no network. */
  constructor(url: string | URL, options: BrowserOptions = {}) {
    super(browserPlatform(options.worker ?? true), url, options);
  }
}
