/** Chat messages as an application writes and reads them, and what the protocol can carry. */

import { Invalid, LongwireError } from "./errors.js";
import { ID_BYTES_MAX, LOGIN_BYTES_MAX, TAGS_MAX, TOKEN_BYTES_MAX, USER_BYTES_MAX } from "./limits.js";
import { encode, encodeStrings } from "./proto/codec.js";
import { ChatroomRequest, CRMessage, CRMessage_UserInfo } from "./proto/longwire.js";

/** How a sender is shown. Any text may be in it: escape it. */
export interface UserInfo {
  level: number;
  roomLevel: number;
  nickname: string;
  tag: string[];
}

/** The message types of the protocol. A deployment may use others. */
export const MessageType = {
  /** What people say. */
  NORMAL: 0,
  /** The server's own; a client may not send it. */
  NOTIFY: 1,
  /** A gift. */
  GIFT: 2,
} as const;

/** What {@link Room.send} takes beside the content. */
export interface SendOptions {
  /** One of {@link MessageType}, or a deployment's own. Default NORMAL. */
  type?: number;
  /** How the sender is shown; a server whose login provider states this replaces it. */
  user?: Partial<UserInfo>;
}

/** A user of the server's login provider. */
export interface User {
  /** 1 to 128 bytes of UTF-8 without control characters. */
  readonly userId: string;
  /** 1 byte to 4 KiB. */
  readonly token: string;
}

/** A user, or a guest: may join and read, may not send. */
export type Login = User | "guest";

const UTF8 = new TextEncoder();
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A message that somebody else sent to a room this client is in. */
export class Message {
  /** The room it was said in. */
  readonly room: string;
  /** The sender's userId, vouched for by the server. */
  readonly from: string;
  /** When the server accepted it: Unix milliseconds, never falling within a room. */
  readonly time: number;
  /** One of {@link MessageType}, or a deployment's own. */
  readonly type: number;
  /** Any bytes; by custom UTF-8 text. */
  readonly content: Uint8Array;
  /** How the sender wants to be shown. */
  readonly user: UserInfo | undefined;
  #text: string | undefined | null = null;

  /** Made by the client. Copies the content, so that keeping one message does not keep the push it came in. */
  constructor(room: string, record: CRMessage) {
    this.room = room;
    this.from = record.from;
    this.time = Number(record.timestamp);
    this.type = record.messageType;
    // Not `slice`: of Node's Buffer that is no copy.
    this.content = new Uint8Array(record.messageContent);
    this.user = record.userInfo;
  }

  /** The content as text; `undefined` where it is not UTF-8. */
  get text(): string | undefined {
    if (this.#text === null) {
      try {
        this.#text = TEXT.decode(this.content);
      } catch {
        this.#text = undefined;
      }
    }
    return this.#text;
  }

  /** The sender's nickname where they gave one. */
  get nickname(): string | undefined {
    return this.user?.nickname || undefined;
  }
}

/** Whether two records are one and the same: the protocol gives them no id. */
export function isSame(a: Message, b: Message): boolean {
  return (
    a.time === b.time &&
    a.from === b.from &&
    a.type === b.type &&
    a.content.length === b.content.length &&
    a.content.every((byte, at) => byte === b.content[at])
  );
}

/** The body of a LOGIN. `fields`: token's and userId's numbers in this deployment. */
//= PROTOCOL.md#7.1
// LOGIN carries a LoginRequest, JOIN_CR a ChatroomRequest, a client's CMS one CRMessage.
export function loginBody(login: Login, fields: { token: number; userId: number }): Uint8Array {
  if (login === "guest") return new Uint8Array();
  const { token, userId } = login;
  checkId("userId", userId);
  checkText("token", token, TOKEN_BYTES_MAX);
  const body = encodeStrings([fields.token, token], [fields.userId, userId]);
  if (body.length > LOGIN_BYTES_MAX) throw new Invalid("login", `has ${body.length} bytes, over ${LOGIN_BYTES_MAX}`);
  return body;
}

/** The body of a JOIN_CR. */
export function joinBody(room: string): Uint8Array {
  checkId("room", room);
  return encode(ChatroomRequest, { chatroomId: room });
}

/** The body of a CMS; `max` is the deployment's limit of it. */
export function messageBody(room: string, content: string | Uint8Array, options: SendOptions, max: number): Uint8Array {
  const messageContent = typeof content === "string" ? UTF8.encode(content) : content;
  const { type: messageType = MessageType.NORMAL, user } = options;
  try {
    const message = { messageContent, from: "", to: room, timestamp: 0n, messageType };
    const body = encode(CRMessage, user ? { ...message, userInfo: checkedUser(user) } : message);
    if (body.length > max) throw new Invalid("message", `has ${body.length} bytes, over ${max}`);
    return body;
  } catch (error) {
    // What the protobuf runtime refuses is a number or a string that is none.
    throw error instanceof LongwireError ? error : new Invalid("message", `cannot be encoded: ${String(error)}`);
  }
}

function checkedUser(user: Partial<UserInfo>): UserInfo {
  const { level = 0, roomLevel = 0, nickname = "", tag = [] } = user;
  const whole = { level, roomLevel, nickname, tag };
  const bytes = encode(CRMessage_UserInfo, whole).length;
  if (bytes > USER_BYTES_MAX) throw new Invalid("user", `has ${bytes} bytes, over ${USER_BYTES_MAX}`);
  if (tag.length > TAGS_MAX) throw new Invalid("user", `has ${tag.length} tags, over ${TAGS_MAX}`);
  return whole;
}

//= PROTOCOL.md#14.7
// A control character is one of U+0000 to U+001F and U+007F to U+009F.
// Half a surrogate pair is no UTF-8: it would be sent as another character, and so name another room.
const BAD_IN_ID = /[\0-\x1f\x7f-\x9f]|\p{Cs}/u;

//= PROTOCOL.md#14.4
// A userId has 1 to 128 bytes of UTF-8 and no control character.
//= PROTOCOL.md#14.5
// A chatroomId has 1 to 128 bytes of UTF-8 and no control character.
/** Checked here because a server closes without a byte where a first LOGIN breaks a limit, and cannot say why. */
function checkId(field: string, id: string): void {
  checkText(field, id, ID_BYTES_MAX);
  if (BAD_IN_ID.test(id)) throw new Invalid(field, "contains a control character or half a surrogate pair");
}

function checkText(field: string, text: unknown, max: number): void {
  if (typeof text !== "string" || !text) throw new Invalid(field, "is empty or no string");
  const bytes = UTF8.encode(text).length;
  if (bytes > max) throw new Invalid(field, `has ${bytes} bytes, over ${max}`);
}
