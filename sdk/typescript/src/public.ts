/** What every entry point exports beside its own `Longwire`. */

export type { ConnectOptions, LongwireEvents } from "./client.js";
export type { CommandName, LoginProvider, LongwireOptions, ReconnectOptions, TimeoutOptions, WireOptions } from "./config.js";
export type { State } from "./driver.js";
export {
  Backpressure,
  type Call,
  Closed,
  Disconnected,
  Invalid,
  LoginUnavailable,
  LongwireError,
  Lost,
  NotConnected,
  Refused,
  Status,
  TimedOut,
  TooMany,
  type Why,
} from "./errors.js";
export { type Login, type Message, MessageType, type SendOptions, type User, type UserInfo } from "./message.js";
export type { OpenTransport, Platform, Timers, Transport, TransportEnd, TransportEvents } from "./platform.js";
export type { Room, RoomEvents } from "./room.js";
export type { RoomState } from "./session/event.js";
export type { CloseReason } from "./verdict.js";
export { type WebSocketClass, type WebSocketLike, webSocketTransport } from "./websocket.js";
export type { LengthReading } from "./wire/frame.js";
