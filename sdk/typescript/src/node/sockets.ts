/** TCP and TLS: the protocol's frames on a stream, with nothing around them. */

import net from "node:net";
import tls from "node:tls";
import { Disconnected } from "../errors.js";
import type { OpenTransport, Transport, TransportEvents } from "../platform.js";

/** Where a server listens by default (PROTOCOL.md, 1.2). */
const PORT = 7610;

/** Whom to trust and who we are, for `tls:` and `wss:`; as in Node's `tls.connect`. */
export type TlsOptions = Pick<tls.ConnectionOptions, "ca" | "cert" | "key" | "passphrase" | "servername" | "rejectUnauthorized">;

export const openTcp: OpenTransport = (url, events) => new SocketTransport(net.connect(place(url)), "connect", events);

export function openTls(options: TlsOptions): OpenTransport {
  return (url, events) => {
    const { host, port } = place(url);
    // A name for the certificate to match; of an address there is none to send.
    const servername = options.servername ?? (net.isIP(host) ? undefined : host);
    const socket = tls.connect({ ...options, host, port, ...(servername === undefined ? {} : { servername }) });
    return new SocketTransport(socket, "secureConnect", events);
  };
}

function place(url: URL): { host: string; port: number } {
  // An IPv6 address stands in brackets in a URL.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1") || "127.0.0.1";
  return { host, port: Number(url.port || PORT) };
}

class SocketTransport implements Transport {
  readonly #socket: net.Socket;
  #error: Error | undefined;

  constructor(socket: net.Socket, ready: "connect" | "secureConnect", events: TransportEvents) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.once(ready, () => events.open());
    socket.on("data", (bytes: Buffer) => events.bytes(bytes));
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.once("close", () => events.close(this.#error ? { error: this.#error } : {}));
  }

  /** What the kernel has not taken, in TLS before encryption. */
  get bufferedAmount(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): void {
    if (!this.#socket.writable) throw new Disconnected("closed", "the socket is not open");
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
