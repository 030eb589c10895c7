// A network that can be made bad: a TCP proxy on loopback that drops, stalls, refuses and comes back, and remembers
// what passed. It knows nothing of the protocol.
import { once } from "node:events";
import net from "node:net";

/** What it remembers at most of one run. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

export class Proxy {
  /** In front of `port`; `pieces` passes every chunk on in parts of so many bytes. */
  static async start(port, { pieces = 0 } = {}) {
    const proxy = new Proxy(port, pieces);
    await proxy.up();
    return proxy;
  }

  #target;
  #pieces;
  #server = null;
  #pairs = new Set();
  #stalled = false;
  #stranded = new Set();
  #emptied = [];
  #recorded = 0;
  port = 0;
  /** Connections it has taken so far. */
  taken = 0;
  /** What passed: `{ at, connection, from, bytes }`, in the order it came; an end has `bytes` null. */
  record = [];

  constructor(target, pieces) {
    this.#target = target;
    this.#pieces = pieces;
  }

  /** Where further connections lead: another server. */
  retarget(port) {
    this.#target = port;
  }

  /** Listens, at the port it had before. */
  async up() {
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => this.#carry(client));
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
  }

  /** Cuts everything, and refuses connections until `up`. */
  async down() {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Cuts every connection, with a reset on both sides; new ones are taken. */
  cut() {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.resetAndDestroy());
  }

  /** Passes no byte on, in either direction, of old connections and new ones; none is closed. */
  stall() {
    this.#stalled = true;
    this.#each((socket) => socket.pause());
  }

  /** Never passes a byte on again, in either direction, of the connections that are open now; none is closed. */
  strand() {
    for (const pair of this.#pairs) this.#stranded.add(pair);
    this.#each((socket) => socket.pause());
  }

  /** Passes everything on again, also what was held, but for what is stranded. */
  resume() {
    this.#stalled = false;
    for (const pair of this.#pairs) if (!this.#stranded.has(pair)) pair.forEach((socket) => socket.resume());
  }

  /** Resolves once no connection is open. */
  async emptied() {
    if (this.#pairs.size > 0) await new Promise((empty) => this.#emptied.push(empty));
  }

  /** Connections that are open now. */
  get open() {
    return this.#pairs.size;
  }

  #each(act) {
    for (const pair of this.#pairs) pair.forEach(act);
  }

  #carry(client) {
    const connection = this.taken++;
    const server = net.connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true });
    const pair = [client, server];
    this.#pairs.add(pair);
    this.#pass(client, server, connection, "client");
    this.#pass(server, client, connection, "server");
    pair.forEach((socket, side) => {
      socket.setNoDelay(true);
      // An error is followed by a close, which passes it on.
      socket.on("error", () => {});
      socket.on("close", (failed) => {
        if (failed) pair[1 - side].resetAndDestroy();
        if (pair.every((end) => end.destroyed)) this.#forget(pair);
      });
      if (this.#stalled) socket.pause();
    });
  }

  #forget(pair) {
    this.#pairs.delete(pair);
    this.#stranded.delete(pair);
    if (this.#pairs.size === 0) for (const empty of this.#emptied.splice(0)) empty();
  }

  #pass(source, sink, connection, from) {
    source.on("data", (bytes) => {
      this.#remember({ at: performance.now(), connection, from, bytes });
      const step = this.#pieces || bytes.length;
      let taken = true;
      for (let at = 0; at < bytes.length; at += step) taken = sink.write(bytes.subarray(at, at + step));
      if (taken) return;
      source.pause();
      sink.once("drain", () => this.#stalled || source.resume());
    });
    source.on("end", () => {
      this.#remember({ at: performance.now(), connection, from, bytes: null });
      sink.end();
    });
  }

  #remember(entry) {
    this.#recorded += entry.bytes?.length ?? 0;
    if (this.#recorded > RECORD_BYTES_MAX) throw new Error(`more than ${RECORD_BYTES_MAX} bytes passed`);
    this.record.push(entry);
  }

  /** All bytes that one side sent on a connection. */
  sent(connection, from = "client") {
    const own = this.record.filter((entry) => entry.connection === connection && entry.from === from && entry.bytes);
    return Buffer.concat(own.map((entry) => entry.bytes));
  }
}
