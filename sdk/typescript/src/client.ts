/** What an application holds: a client of one server, whatever connection it has just now. */

import { type Config, type LoginProvider, type LongwireOptions, settle } from "./config.js";
import { asProvider, Driver, type State } from "./driver.js";
import { Emitter } from "./emitter.js";
import { Closed, Invalid, LoginUnavailable, type LongwireError, NotConnected } from "./errors.js";
import type { Told } from "./connection.js";
import type { Login, Message } from "./message.js";
import type { Platform } from "./platform.js";
import { Room, type RoomHost } from "./room.js";
import { Standing } from "./session/standing.js";

/** What a client tells its listeners. */
export interface LongwireEvents {
  /** Somebody said something in a room that is held; the room's own listeners hear it first. */
  message: Message;
  /** Where the client stands now. */
  state: State;
  /** What nobody waits for: a send that was refused, a room that could not be joined again. */
  error: LongwireError;
  /** A round trip was measured, in ms: by a heartbeat or by `ping()`. */
  roundTrip: number;
}

/** How to connect. */
export interface ConnectOptions {
  /** Whether the first attempt is tried again like any later one, instead of deciding. Default `false`. */
  retry?: boolean;
}

/** A Longwire client over some platform; an entry point's `Longwire` is this with its own. */
export class Client extends Emitter<LongwireEvents> {
  /** The address, as it is connected to. */
  readonly url: URL;
  readonly #platform: Platform;
  readonly #config: Config;
  readonly #rooms = new Map<string, Room>();
  #login: LoginProvider;
  #state: State = { name: "idle" };
  #roundTrip: number | undefined;
  #driver: Driver | undefined;
  /** The last `close()`, for those who ask again while the server takes its time. */
  #closing: Promise<void> | undefined;
  #sleep: (() => void) | undefined;

  /** Checks everything, and touches no network. Throws {@link Invalid}. */
  constructor(platform: Platform, url: string | URL, options: LongwireOptions) {
    super();
    this.#platform = { ...platform, ...options.platform };
    this.#config = settle(options);
    this.#login = asProvider(options.login ?? "guest");
    this.url = address(url, this.#platform);
  }

  /** Where the client stands. */
  get state(): State {
    return this.#state;
  }

  /** The userId that the connection is logged in as; `undefined`: a guest, or not logged in. */
  get userId(): string | undefined {
    return this.#driver?.userId;
  }

  /** The last round trip measured, in ms. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** How many bytes wait for the network to take them. */
  get bufferedAmount(): number {
    return this.#driver?.bufferedAmount ?? 0;
  }

  /** The rooms that are held, in the order of joining. */
  get rooms(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  /**
   * Connects and logs in.
   *
   * The first attempt decides: where it fails this rejects, and the client is closed. Later losses are tried again, with full
   * jitter. With `retry` the first attempt is tried again as well, and this rejects only where trying again cannot
   * help. A closed client may connect again: it begins anew, with its listeners and without its rooms. Nobody has to await it:
   * the event `state` tells the same.
   */
  connect({ retry = false }: ConnectOptions = {}): Promise<void> {
    return (this.#driver ?? this.#start(retry)).connected;
  }

  /**
   * Joins a room. Its messages are events from then on, and after a reconnect it is joined again. One Room stands for an id
   * as long as it is held. Rejects with {@link Refused} where the server says no.
   */
  async join(id: string): Promise<Room> {
    await this.#connection().call((session, now) => session.join(id, now));
    const room = this.#rooms.get(id);
    if (!room) throw new Closed();
    return room;
  }

  /**
   * Logs in again on this connection: a guest becomes a user and keeps its rooms, a user renews its token. Accepted, it
   * is what reconnects use from then on; refused, nothing changes here. A server closes on the third refusal.
   */
  async login(login: Login | LoginProvider): Promise<void> {
    const provider = asProvider(login);
    let asked: Login;
    try {
      asked = await provider();
    } catch (error) {
      throw new LoginUnavailable(error);
    }
    await this.#connection().login(asked);
    this.#login = provider;
  }

  /**
   * Measures a round trip, in ms. Once it resolves, every refusal of what was sent before has been told, unless the server has a message
   * wait for an operator's check.
   */
  //= PROTOCOL.md#11.18
  // A client that wants to know that its CMS was not refused sends a PING behind it.
  async ping(): Promise<number> {
    return this.#connection().call((session, now) => session.ping(now));
  }

  /** Says goodbye behind everything sent so far, and closes for good. Resolves once the connection is gone; never rejects. */
  async close(): Promise<void> {
    this.#closing = this.#driver?.close() ?? this.#closing;
    await this.#closing;
  }

  /**
   * Looks at once whether the connection still stands, or tries to get it back without waiting: the page is shown again, the
   * network is back. Entry points call it by themselves where the platform tells.
   */
  wake(): void {
    this.#driver?.wake();
  }

  #connection() {
    if (this.#state.name === "closed") throw new Closed();
    if (!this.#driver) throw new NotConnected();
    return this.#driver.connection;
  }

  #start(retry: boolean): Driver {
    const { transports, random, timers, onWake } = this.#platform;
    const parts = {
      config: this.#config,
      url: this.url,
      open: transports[this.url.protocol]!,
      timers: timers(),
      random,
      standing: new Standing(),
      login: () => this.#login(),
    };
    const driver = new Driver(parts, retry, {
      told: (event) => this.#told(event),
      state: (state) => this.#changed(driver, state),
    });
    this.#driver = driver;
    // What nobody awaits would be an unhandled rejection, which ends a process of Node.
    driver.connected.catch(() => {});
    this.#sleep = onWake?.(() => this.wake());
    driver.attempt();
    return driver;
  }

  #changed(driver: Driver, state: State): void {
    if (this.#driver !== driver) return;
    this.#state = state;
    if (state.name === "closed") {
      this.#driver = undefined;
      this.#sleep?.();
    }
    this.emit("state", state);
  }

  #told(event: Told): void {
    switch (event.name) {
      case "message":
        this.#rooms.get(event.message.room)?.tell("message", event.message);
        return this.emit("message", event.message);
      case "room":
        return this.#roomChanged(event.room, event.state);
      case "roundTrip":
        this.#roundTrip = event.ms;
        return this.emit("roundTrip", event.ms);
      case "refused": {
        const { call } = event.error;
        if ("room" in call) this.#rooms.get(call.room)?.tell("error", event.error);
        return this.emit("error", event.error);
      }
      case "loggedIn":
    }
  }

  #roomChanged(id: string, state: Room["state"]): void {
    let room = this.#rooms.get(id);
    if (state === "left") this.#rooms.delete(id);
    else if (!room) this.#rooms.set(id, (room = new Room(id, this.#host)));
    room?.tell("state", state);
  }

  readonly #host: RoomHost = {
    send: (room, content, options) =>
      this.#connection().send((session, now) => session.send(room, content, options, now)),
    leave: (room) => {
      this.#driver?.leave(room);
      this.#roomChanged(room, "left");
    },
  };
}

/** Web addresses mean their WebSocket, and no path the default one. */
function address(url: string | URL, { transports }: Platform): URL {
  let address: URL;
  try {
    address = new URL(url, globalThis.location?.href);
  } catch {
    throw new Invalid("url", `is none: ${String(url)}`);
  }
  address.protocol = address.protocol.replace(/^http/, "ws");
  if (!Object.hasOwn(transports, address.protocol)) throw new Invalid("url", `has a scheme that is not served here: ${address.protocol}`);
  //= PROTOCOL.md#18.7
  // The handshake is RFC 6455's, at the path `/ws`.
  if (address.protocol.startsWith("ws") && address.pathname === "/") address.pathname = "/ws";
  address.hash = "";
  return address;
}
