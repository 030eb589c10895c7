/**
 * Longwire for Node: TCP, TLS and WebSocket.
 *
 * ```ts
 * const lw = new Longwire("tls://chat.example.org", { login: { userId: "alice", token } });
 * await lw.connect();
 * const room = await lw.join("lobby");
 * room.on("message", (message) => console.log(message.from, message.text));
 * await room.send("hello");
 * ```
 *
 * @packageDocumentation
 */

import { Client } from "../client.js";
import type { LongwireOptions } from "../config.js";
import { nodePlatform } from "./platform.js";
import type { TlsOptions } from "./sockets.js";

export * from "../public.js";
export type { TlsOptions } from "./sockets.js";

/** A frame's header, and the longest body that is taken where nothing else is said. */
const [HEADER_BYTES, FRAME_MAX] = [11, 131_072];

/** {@link LongwireOptions}, and what only Node can choose. */
export interface NodeOptions extends LongwireOptions {
  /** For `tls:` and `wss:`: whom to trust and who we are. By default the authorities that Node ships, and nobody. */
  readonly tls?: TlsOptions;
}

/** A connection to a Longwire server at `tcp: tls: ws:` or `wss:`, opened again whenever it is lost. */
export class Longwire extends Client {
  /** `url`: `tcp://HOST`, `tls://HOST`, `ws://HOST` or `wss://HOST`, with `:PORT`. Checks everything, and touches no network. */
  constructor(url: string | URL, options: NodeOptions = {}) {
    const messageMax = HEADER_BYTES + (options.wire?.frameMax ?? FRAME_MAX);
    super(nodePlatform(options.tls ?? {}, messageMax), url, options);
  }
}
