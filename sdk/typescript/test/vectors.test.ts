/** Every vector of proto/vectors that a client has a side in, both ways: read, and written again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Invalid } from "../src/errors.js";
import { joinBody, loginBody, Message } from "../src/message.js";
import { decode, encode } from "../src/proto/codec.js";
import { ChatroomRequest, CRMessage, CRMessageResponse, LoginRequest } from "../src/proto/longwire.js";
import { Decoder, encodeFrame, type Frame, FrameError, HEADER_BYTES, type LengthReading, readHeader } from "../src/wire/frame.js";
import { gunzip, gzip, InflateError } from "../src/wire/gzip.js";
import { bytes, type Hex, hex, vectors } from "./support/vectors.js";

type Expect<T> = { ok: T } | { error: "malformed" | "too_large" | "either" };

test("header.json: the header as it is read and written", () => {
  for (const { name, input, expect } of vectors<{ input: Hex; expect: "need_more" | Record<string, number> }>("header")) {
    const raw = bytes(input);
    if (expect === "need_more") {
      assert.ok(raw.length < HEADER_BYTES, name);
      const decoder = new Decoder("body", 65_536);
      decoder.push(raw);
      assert.equal(decoder.next(), undefined, name);
      continue;
    }
    const header = readHeader(raw);
    assert.deepEqual(header, expect, name);
    // `len` is what the body says, so it alone is put back by hand.
    const written = encodeFrame("body", header, new Uint8Array());
    new DataView(written.buffer).setUint32(0, header.len);
    assert.equal(hex(written), hex(raw.subarray(0, HEADER_BYTES)), name);
  }
});

interface Stream {
  reading: LengthReading;
  body_max: number;
  input: Hex;
  expect: { frames: (Omit<Frame, "body"> & { body: Hex })[]; then: "need_more" | { error: string } };
}

/** What a decoder makes of `raw`, given in pieces. */
function cutInto(raw: Uint8Array, piece: number, reading: LengthReading, bodyMax: number) {
  const decoder = new Decoder(reading, bodyMax);
  const frames: (Omit<Frame, "body"> & { body: string })[] = [];
  try {
    for (let at = 0; at < raw.length; at += piece) {
      decoder.push(raw.slice(at, at + piece));
      for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push({ ...frame, body: hex(frame.body) });
    }
    return { frames, then: "need_more" };
  } catch (error) {
    assert.ok(error instanceof FrameError);
    assert.throws(() => decoder.next(), error, "one bad header and nothing more is read");
    return { frames, then: { error: error.kind } };
  }
}

test("frames.json: streams cut anywhere are the same frames, and frames are the same bytes again", () => {
  for (const { name, reading, body_max, input, expect } of vectors<Stream>("frames")) {
    const raw = bytes(input);
    const frames = expect.frames.map((frame) => ({ ...frame, body: hex(bytes(frame.body)) }));
    const pieces = raw.length > 10_000 ? [raw.length, 4_096, 10_007] : [1, 2, 3, 5, 7, 10, 11, 12, 64, raw.length || 1];
    for (const piece of pieces) {
      assert.deepEqual(cutInto(raw, piece, reading, body_max), { frames, then: expect.then }, `${name} in pieces of ${piece}`);
    }
    const again = frames.map((frame) => hex(encodeFrame(reading, frame, bytes(frame.body)))).join("");
    assert.ok(hex(raw).startsWith(again), name);
    if (expect.then === "need_more") assert.ok(raw.length - again.length / 2 < HEADER_BYTES + body_max, name);
  }
});

interface Detection {
  input: Hex;
  rules: { login_max?: number };
  cuts: { expect: unknown }[];
}

test("detect.json: the LOGIN that a server finds is the frame that a client of that reading wrote", () => {
  for (const { name, input, cuts } of vectors<Detection>("detect")) {
    for (const { expect } of cuts) {
      const login = (expect as { login?: { length: LengthReading; version: number; gzip: boolean; taken: number; body: Hex } }).login;
      if (!login) continue;
      const raw = bytes(input).slice(0, login.taken);
      const decoder = new Decoder(login.length, 65_536);
      decoder.push(raw);
      const frame = decoder.next();
      assert.ok(frame, name);
      assert.equal(decoder.next(), undefined, name);
      const { version, compression, body } = frame;
      const read = { version, gzip: compression === 1, body: hex(body) };
      assert.deepEqual(read, { version: login.version, gzip: login.gzip, body: hex(bytes(login.body)) }, name);
      assert.equal(hex(encodeFrame(login.length, frame, body)), hex(raw), name);
    }
  }
});

interface LoginVector {
  body: Hex;
  decodes: boolean;
  expect: Expect<{ token: string; userId: string; features: string | number }>;
}

test("login.json: bodies are read as they are, and a login this client sends is one of the good ones", () => {
  for (const { name, body, decodes, expect } of vectors<LoginVector>("login")) {
    if (!decodes) {
      assert.throws(() => decode(LoginRequest, bytes(body)), Error, name);
      continue;
    }
    const login = decode(LoginRequest, bytes(body));
    if ("ok" in expect) {
      const { token, userId, features } = expect.ok;
      assert.deepEqual(login, { token, userId, features: BigInt(features) }, name);
      assert.deepEqual(decode(LoginRequest, encode(LoginRequest, login)), login, name);
      if (!token || !userId) continue;
      const own = loginBody({ token, userId }, { token: 1, userId: 2 });
      assert.deepEqual(decode(LoginRequest, own), { token, userId, features: 0n }, name);
    } else {
      assert.throws(() => loginBody(login, { token: 1, userId: 2 }), Invalid, name);
    }
  }
});

test("join.json: bodies are read as they are, and what a server refuses this client does not send", () => {
  for (const { name, body, expect } of vectors<{ body: Hex; expect: Expect<{ chatroomId: string }> }>("join")) {
    let request: ChatroomRequest;
    try {
      request = decode(ChatroomRequest, bytes(body));
    } catch (error) {
      assert.ok("error" in expect, `${name}: ${String(error)}`);
      continue;
    }
    if ("ok" in expect) {
      assert.deepEqual(request, expect.ok, name);
      assert.deepEqual(decode(ChatroomRequest, joinBody(request.chatroomId)), request, name);
    } else {
      assert.throws(() => joinBody(request.chatroomId), Invalid, name);
    }
  }
});

interface RecordVector {
  body: Hex;
  timestamp: string | number;
  from: string;
  claims?: object;
  relay_fields?: number[];
  expect: Expect<{ messageContent: Hex; to: string; messageType: number; record: Hex }>;
}

test("record.json: a CMS is read as it is, and a record is written as the server writes it", () => {
  for (const { name, body, timestamp, from, claims, relay_fields, expect } of vectors<RecordVector>("record")) {
    if (!("ok" in expect)) continue;
    const { messageContent, to, messageType } = expect.ok;
    const sent = decode(CRMessage, bytes(body));
    assert.deepEqual([hex(sent.messageContent), sent.to, sent.messageType], [hex(bytes(messageContent)), to, messageType], name);
    const record = decode(CRMessage, bytes(expect.ok.record));
    assert.deepEqual([record.from, record.timestamp], [from, BigInt(timestamp)], name);
    // What is relayed beyond section 7 this client does not keep.
    if (relay_fields) continue;
    assert.equal(hex(encode(CRMessage, record)), hex(bytes(expect.ok.record)), name);
    if (claims) continue;
    const { userInfo, ...rest } = sent;
    const kept = record.userInfo && { userInfo: record.userInfo };
    const own = encode(CRMessage, { ...rest, ...kept, from, timestamp: BigInt(timestamp) });
    assert.ok(userInfo || !kept, name);
    assert.equal(hex(own), hex(bytes(expect.ok.record)), name);
  }
});

interface PushMessage {
  messageContent: Hex;
  from: string;
  to: string;
  timestamp: string | number;
  userInfo: object | null;
  messageType: number;
}

test("push.json: pushes are read as they are, and what is malformed is refused", () => {
  for (const { name, body, expect } of vectors<{ body: Hex; expect: Expect<{ chatroom: string; messages: PushMessage[] }> }>("push")) {
    if (!("ok" in expect)) {
      assert.throws(() => decode(CRMessageResponse, bytes(body)), Error, name);
      continue;
    }
    const push = decode(CRMessageResponse, bytes(body));
    const messages = expect.ok.messages.map(({ userInfo, ...message }) => ({
      ...message,
      ...(userInfo && { userInfo }),
      messageContent: bytes(message.messageContent),
      timestamp: BigInt(message.timestamp),
    }));
    assert.deepEqual(push, { chatroom: expect.ok.chatroom, messages }, name);
    assert.deepEqual(decode(CRMessageResponse, encode(CRMessageResponse, push)), push, name);
    for (const record of push.messages) {
      const message = new Message(push.chatroom, record);
      assert.equal(message.time, Number(record.timestamp), name);
    }
  }
});

test("gzip.json: one whole member is inflated, anything else is refused", async () => {
  for (const { name, input, max, expect } of vectors<{ input: Hex; max: number; expect: Expect<Hex> }>("gzip")) {
    const inflated = gunzip(bytes(input), max);
    if ("ok" in expect) {
      assert.equal(hex(await inflated), hex(bytes(expect.ok)), name);
      assert.equal(hex(await gunzip(await gzip(bytes(expect.ok)), max)), hex(bytes(expect.ok)), name);
    } else {
      await assert.rejects(inflated, (error) => {
        assert.ok(error instanceof InflateError, name);
        if (expect.error !== "either") assert.equal(error.kind, expect.error, name);
        return true;
      });
    }
  }
});

interface Talk {
  steps: {
    conn?: string;
    open?: { reading: LengthReading };
    send?: Hex;
    expect?: Hex;
    expect_records?: { chatroom: string; records: { before: Hex; after: Hex }[] };
  }[];
}

test("conversations.json: everything that servers say in them is read, as answers and pushes", () => {
  let [answers, records] = [0, 0];
  for (const { name, steps } of vectors<Talk>("conversations")) {
    const decoders = new Map<string, Decoder>();
    for (const { conn = "", open, expect, expect_records } of steps) {
      if (open) decoders.set(conn, new Decoder(open.reading, 131_072));
      if (expect) {
        const decoder = decoders.get(conn)!;
        decoder.push(bytes(expect));
        for (let frame = decoder.next(); frame; frame = decoder.next(), answers++) {
          assert.deepEqual([frame.flow, frame.body.length], [1, 0], name);
        }
      }
      for (const { before, after } of expect_records?.records ?? []) {
        // The timestamp is the server's: 20 and a varint, here 1.
        const record = decode(CRMessage, bytes(hex(bytes(before)) + "2001" + hex(bytes(after))));
        assert.equal(record.to, expect_records?.chatroom, name);
        records++;
      }
    }
  }
  assert.ok(answers > 100 && records > 10, `${answers} answers, ${records} records`);
});
