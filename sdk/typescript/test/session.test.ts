/** One connection's conversation, by hand: who is answered, what is told, what ends it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Disconnected, Invalid, NotConnected, Refused, Status, TimedOut, TooMany } from "../src/errors.js";
import type { Message } from "../src/message.js";
import type { SessionEvent } from "../src/session/event.js";
import { Standing } from "../src/session/standing.js";
import { Compression, Flow } from "../src/wire/frame.js";
import { gzip, InflateError } from "../src/wire/gzip.js";
import { CODES, Peer, pushBody, type Said, sentMessage, serverFrame } from "./support/peer.js";
import { hex } from "./support/vectors.js";

function failure(events: SessionEvent[]): Error {
  const last = events.at(-1);
  assert.equal(last?.name, "failed", JSON.stringify(events));
  return (last as { error: Error }).error;
}

function failsAs(peer: Peer, why: string): void {
  const error = failure(peer.events());
  assert.ok(error instanceof Disconnected, String(error));
  assert.equal(error.why, why);
  peer.push("lobby", { text: "late" });
  assert.deepEqual([peer.frames(), peer.events()], [[], []], "and nothing more, in neither direction");
  assert.throws(() => peer.session.ping(peer.now), NotConnected);
}

//= PROTOCOL.md#20.1
// LOGIN with token `sesame` and userId `alice`, seq 1.
//= PROTOCOL.md#20.4
// JOIN_CR of `lobby`.
//= PROTOCOL.md#20.5
// CMS that says `hello` to `lobby`.
test("the walk-through: login, ping, join, send, receive and logout are the bytes of the protocol's page", () => {
  const peer = new Peer({ wire: { version: 1 } });
  const sent = () => hex(peer.session.nextBytes()!);
  assert.equal(sent(), "0000000f000000010110000a06736573616d651205616c696365");
  peer.bytes(Buffer.from("0000000000000001011100", "hex"));
  peer.session.ping(peer.now);
  assert.equal(sent(), "0000000000000002031000");
  peer.bytes(Buffer.from("0000000000000002041100", "hex"));
  peer.session.join("lobby", peer.now);
  assert.equal(sent(), "00000007000000030510000a056c6f626279");
  peer.bytes(Buffer.from("0000000000000003051100", "hex"));
  peer.session.send("lobby", "hello", {}, peer.now);
  assert.equal(sent(), "0000000e000000040610000a0568656c6c6f1a056c6f626279");
  const push = "00000025000000000612000a1c0a0568656c6c6f1205616c6963651a056c6f6262792080d095ffbc3112056c6f626279";
  peer.bytes(Buffer.from(push, "hex"));
  const events = peer.events();
  const names = ["loggedIn", "roundTrip", "answered", "room", "answered", "message"];
  assert.deepEqual(events.map((event) => event.name), names);
  const { message } = events[5] as { message: { from: string; time: number; room: string; text: string } };
  assert.deepEqual([message.room, message.from, message.time, message.text], ["lobby", "alice", 1_700_000_000_000, "hello"]);
  peer.session.logout(peer.now);
  assert.equal(sent(), "0000000000000005021000");
});

test("what a deployment changed about the wire is spoken, and heard", () => {
  const wire = { length: "rest", version: 9, commands: { login: 11, join: 12 }, loginFields: { token: 7, userId: 9 } } as const;
  const peer = new Peer({ wire });
  const login = peer.session.nextBytes()!;
  assert.equal(hex(login.subarray(0, 11)), "00000016000000010b9000");
  peer.bytes(Buffer.from("00000007000000010b9100", "hex"));
  peer.session.join("x", peer.now);
  assert.equal(hex(peer.session.nextBytes()!), "0000000a000000020c90000a0178");
  peer.bytes(Buffer.from("00000007000000020c9100", "hex"));
  assert.deepEqual(peer.heard(), ["loggedIn", "room", "answered"]);
});

test("nothing but LOGIN's answer may come first", () => {
  const frames = [
    serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, pushBody("lobby", [{}])),
    serverFrame(CODES.pong, Flow.ANSWER, 1),
    serverFrame(CODES.login, Flow.ANSWER, 2),
    serverFrame(64, Flow.NOTIFY, 0),
  ];
  for (const frame of frames) {
    const peer = new Peer();
    peer.bytes(frame);
    failsAs(peer, "protocol");
  }
});

test("a refused LOGIN ends the connection with its status, and one that is not answered with a timeout", () => {
  const refused = new Peer();
  refused.answer(refused.take(), Status.BANNED);
  const error = failure(refused.events());
  assert.ok(error instanceof Refused);
  assert.deepEqual([error.status, error.statusName, error.call], [7, "BANNED", { name: "login" }]);
  const silent = new Peer();
  silent.pass(9_999);
  assert.deepEqual(silent.events(), []);
  silent.pass(1);
  failsAs(silent, "timeout");
});

test("calls before the login is accepted are refused here", () => {
  const peer = new Peer();
  for (const call of [() => peer.session.join("lobby", 0), () => peer.session.ping(0), () => peer.session.send("lobby", "x", {}, 0)]) {
    assert.throws(call, NotConnected);
  }
});

test("answers find their calls by seq and command, once", () => {
  const peer = Peer.loggedIn();
  const [lobby, attic] = [peer.session.join("lobby", peer.now), peer.session.join("attic", peer.now)];
  const [first, second] = peer.frames();
  peer.answer(second!);
  peer.bytes(serverFrame(CODES.login, Flow.ANSWER, first!.seq));
  peer.answer(first!, Status.FORBIDDEN);
  peer.answer(second!);
  const events = peer.events();
  assert.deepEqual(events.map((event) => event.name), ["room", "answered", "answered"]);
  const [, accepted, refused] = events as { name: string; ticket?: number; error?: Refused }[];
  assert.equal(accepted!.ticket, attic);
  assert.deepEqual([refused!.ticket, refused!.error!.status], [lobby, 3]);
  assert.deepEqual(refused!.error!.call, { name: "join", room: "lobby" });
});

test("a refused send is told with its id, also after others, and only once", () => {
  const peer = Peer.inRooms("lobby");
  const ids = ["a", "b", "c"].map((text) => peer.session.send("lobby", text, {}, peer.now));
  const frames = peer.frames();
  assert.deepEqual(frames.map((frame) => Buffer.from(sentMessage(frame).messageContent).toString()), ["a", "b", "c"]);
  peer.answer(frames[1]!, Status.MUTED);
  peer.answer(frames[1]!, Status.MUTED);
  const [first, second] = peer.events() as { name: string; error: Refused }[];
  assert.deepEqual(first!.error.call, { name: "send", id: ids[1], room: "lobby" });
  assert.deepEqual(second!.error.call, { name: "unknown", command: 6, seq: frames[1]!.seq });
});

//= PROTOCOL.md#5.2
// A client treats a code that it does not know as a refusal and goes on.
test("an unknown status is a refusal like any other", () => {
  const peer = Peer.inRooms("lobby");
  peer.session.send("lobby", "x", {}, peer.now);
  peer.answer(peer.take(), 99);
  assert.equal((peer.events()[0] as { error: Refused }).error.statusName, "STATUS_99");
  peer.push("lobby", { text: "still here" });
  assert.deepEqual(peer.heard(), ["still here"]);
});

test("records are told in order, and those of rooms that are not held are thrown away", () => {
  const peer = Peer.inRooms("lobby", "attic");
  peer.push("lobby", { text: "1" }, { text: "2" });
  peer.push("cellar", { text: "nobody asked" });
  peer.push("attic", { text: "3" });
  peer.session.leave("attic");
  peer.push("attic", { text: "gone" });
  assert.deepEqual(peer.heard(), ["1", "2", "3"]);
});

test("identical records of one connection are all told: only a connection before this one can have told them", () => {
  const peer = Peer.inRooms("lobby");
  peer.push("lobby", { text: "ha" }, { text: "ha" });
  peer.push("lobby", { text: "ha" });
  assert.deepEqual(peer.heard(), ["ha", "ha", "ha"]);
});

//= PROTOCOL.md#10.7
// A joining member may receive records of that very moment.
test("a record that the last connection told is not told again by the next", () => {
  const standing = new Standing();
  const before = Peer.loggedIn({}, standing);
  before.joins("lobby");
  before.push("lobby", { text: "old", time: 5 }, { text: "edge", time: 7 }, { text: "edge", time: 7, from: "eve" });
  assert.deepEqual(before.heard(), ["old", "edge", "edge"]);
  standing.unjoin("lobby");
  const after = new Peer({}, standing);
  after.answer(after.take());
  after.answer(after.take());
  const said: Said[] = [{ text: "edge", time: 7 }, { text: "edge", time: 7, type: 2 }, { text: "edge", time: 7 }, { text: "new", time: 7 }];
  after.push("lobby", ...said);
  assert.deepEqual(after.heard(), ["loggedIn", "room", "edge", "edge", "new"]);
  after.push("lobby", ...Array.from({ length: 29 }, (_, n) => ({ text: `${n}`, time: 8 })));
  after.push("lobby", { text: "old", time: 5 });
  assert.equal(after.heard().at(-1), "old", "so far behind it cannot be of that moment");
});

test("rooms are joined again in their order, behind the login and before anything else is told", () => {
  const standing = new Standing();
  const before = Peer.loggedIn({}, standing);
  for (const room of ["b", "a", "c"]) before.joins(room);
  before.session.leave("a");
  const after = new Peer({}, standing);
  after.answer(after.take());
  assert.deepEqual(after.joinsAsked(), ["b", "c"]);
  assert.deepEqual(after.heard(), ["loggedIn"]);
});

test("a room that cannot be joined again is given up, or tried again where that may pass", () => {
  const standing = new Standing();
  const before = Peer.loggedIn({}, standing);
  for (const room of ["full", "shut"]) before.joins(room);
  for (const room of ["full", "shut"]) standing.unjoin(room);
  const after = new Peer({}, standing);
  after.answer(after.take());
  const [full, shut] = after.frames();
  after.answer(full!, Status.TOO_MANY);
  after.answer(shut!, Status.FORBIDDEN);
  const told = after.events().slice(1) as { name: string; error?: Refused; room?: string; state?: string }[];
  assert.deepEqual(told.map(({ error, room, state }) => error?.call ?? [room, state]), [
    { name: "rejoin", room: "full" },
    { name: "rejoin", room: "shut" },
    ["shut", "left"],
  ]);
  after.pass(250);
  assert.deepEqual(after.joinsAsked(), ["full"], "half of the first ceiling, as the dice of this test have it");
  assert.deepEqual(standing.rooms, ["full"]);
});

test("calls that are not answered in time are given up; their late answers disturb nobody", () => {
  const peer = Peer.loggedIn({ timeouts: { pong: 60_000 } });
  peer.session.join("lobby", peer.now);
  const asked = peer.take();
  peer.pass(14_999);
  assert.deepEqual(peer.events(), []);
  peer.pass(1);
  const [event] = peer.events() as { name: string; error: Error }[];
  assert.ok(event!.error instanceof TimedOut);
  peer.answer(asked);
  peer.push("lobby", { text: "nobody waits for this room any more" });
  assert.deepEqual(peer.events(), []);
});

test("calls that wait are bounded, and so are the rooms", () => {
  const peer = Peer.loggedIn({ rooms: 2 });
  peer.session.join("a", peer.now);
  peer.session.join("a", peer.now);
  peer.session.join("b", peer.now);
  assert.throws(() => peer.session.join("c", peer.now), TooMany);
  for (let n = 3; n < 1024; n++) peer.session.ping(peer.now);
  assert.throws(() => peer.session.ping(peer.now), TooMany);
});

test("what the protocol cannot carry is refused here, and nothing is sent", () => {
  const peer = Peer.inRooms("lobby");
  const { session, now } = peer;
  const calls = [
    () => session.join("", now),
    () => session.join("r".repeat(129), now),
    () => session.join("é".repeat(65), now),
    () => session.join("a\u0085b", now),
    () => session.join("\ud800", now),
    () => session.send("lobby", "x".repeat(65_536), {}, now),
    () => session.send("lobby", "x", { type: -1 }, now),
    () => session.send("lobby", "x", { type: 1.5 }, now),
    () => session.send("lobby", "x", { type: 2 ** 32 }, now),
    () => session.send("lobby", "x", { user: { nickname: "n".repeat(1_025) } }, now),
    () => session.send("lobby", "x", { user: { tag: Array<string>(65).fill("") } }, now),
    () => session.login({ userId: "alice", token: "" }, now),
    () => session.login({ userId: "alice", token: "t".repeat(4_097) }, now),
  ];
  for (const call of calls) assert.throws(call, Invalid, String(call));
  assert.deepEqual(peer.frames(), []);
  session.join("直播间 🎉", now);
  session.send("lobby", "x".repeat(65_536 - 4 - 7), {}, now);
  session.login({ userId: "u".repeat(128), token: "t".repeat(4_096) }, now);
  assert.equal(peer.frames().length, 3);
});

//= PROTOCOL.md#8.7
// A guest becomes a user, and keeps its rooms.
test("a later login is answered like any call, and refused ones change nothing", () => {
  const peer = Peer.inRooms("lobby");
  for (const status of [Status.UNAUTHENTICATED, Status.OK]) {
    peer.session.login({ userId: "alice", token: "new" }, peer.now);
    peer.answer(peer.take(), status);
    const [event] = peer.events() as { name: string; error?: Refused }[];
    assert.deepEqual([event!.name, event!.error?.status ?? 0], ["answered", status]);
  }
  peer.push("lobby", { text: "same rooms" });
  assert.deepEqual(peer.heard(), ["same rooms"]);
});

//= PROTOCOL.md#9.7
// A client sends a PING after 14 s in which it sent nothing else.
test("a silent client pings after 14 s, whatever it hears; a server that does not answer within 10 s is dead", () => {
  const peer = Peer.inRooms("lobby");
  peer.pass(13_999);
  peer.push("lobby", { text: "this is no life of ours" });
  assert.deepEqual(peer.frames(), []);
  peer.pass(1);
  const ping = peer.take();
  assert.equal(ping.command, CODES.ping);
  peer.pass(40);
  peer.answer(ping);
  assert.deepEqual(peer.events().at(-1), { name: "roundTrip", ms: 40 });
  peer.pass(14_000);
  peer.take();
  peer.pass(9_900);
  assert.deepEqual(peer.events(), []);
  peer.pass(100);
  failsAs(peer, "silent");
});

test("a wake finds out soon: by a PING that is due in 0.5 s, or at once where the server must have closed", () => {
  const peer = Peer.loggedIn();
  peer.pass(5_000);
  peer.session.wake(peer.now);
  peer.session.wake(peer.now);
  assert.equal(peer.take().command, CODES.ping);
  peer.pass(499);
  assert.deepEqual(peer.events(), []);
  peer.pass(1);
  failsAs(peer, "silent");
  const slept = Peer.loggedIn();
  slept.now += 30_000;
  slept.session.wake(slept.now);
  failsAs(slept, "asleep");
});

test("who stood still for as long as the server waits does not wait for it: the PING is due in 0.5 s", () => {
  const peer = Peer.loggedIn();
  peer.now += 30_000;
  peer.pass(0);
  assert.equal(peer.take().command, CODES.ping);
  peer.pass(500);
  failsAs(peer, "silent");
});

test("what a server may not send ends the connection", () => {
  const broken = [
    serverFrame(CODES.cms, 0, 0),
    serverFrame(CODES.cms, 3, 0),
    serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, new Uint8Array(), 2),
    serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, Uint8Array.of(0xff)),
    Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 6, 2, 0),
  ];
  for (const bytes of broken) {
    const peer = Peer.inRooms("lobby");
    peer.bytes(bytes);
    failsAs(peer, "protocol");
  }
});

//= PROTOCOL.md#1.6
// A client that asks for no extension never receives one: what it does not know all the same disturbs nothing.
test("answers and notifies of commands that this client does not know are passed over", () => {
  const peer = Peer.inRooms("lobby");
  peer.bytes(serverFrame(64, Flow.NOTIFY, 0, 0, Uint8Array.of(1, 2, 3)));
  peer.bytes(serverFrame(64, Flow.ANSWER, 77));
  peer.push("lobby", { text: "on" });
  assert.deepEqual(peer.heard(), ["on"]);
});

test("frames behind a gzipped push wait for it; what inflates to something bad ends the connection", async () => {
  for (const bad of [false, true]) {
    const peer = Peer.inRooms("lobby");
    const zipped = await gzip(pushBody("lobby", [{ text: "first" }]));
    peer.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, zipped, Compression.GZIP));
    peer.push("lobby", { text: "second" });
    const [inflate, ...more] = peer.events();
    assert.deepEqual([inflate, more], [{ name: "inflate", body: zipped }, []]);
    peer.session.handleInflated(bad ? new InflateError("malformed") : pushBody("lobby", [{ text: "first" }]), peer.now);
    if (bad) failsAs(peer, "protocol");
    else assert.deepEqual(peer.heard(), ["first", "second"]);
  }
});

test("what waits for a body to inflate is bounded: first the transport is to pause, then the connection ends", async () => {
  const peer = Peer.inRooms("lobby");
  const zipped = await gzip(pushBody("lobby", [{ text: "first" }]));
  peer.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, zipped, Compression.GZIP));
  assert.equal(peer.session.paused, false);
  const big: Said = { text: "x".repeat(60_000) };
  for (let n = 0; n < 5; n++) peer.push("lobby", big);
  assert.equal(peer.session.paused, true);
  peer.session.handleInflated(pushBody("lobby", []), peer.now);
  assert.deepEqual([peer.session.paused, peer.events().length], [false, 6]);
  peer.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, zipped, Compression.GZIP));
  for (let n = 0; n < 80; n++) peer.push("lobby", big);
  failsAs(peer, "overrun");
});

//= PROTOCOL.md#14.10
// A client reads push bodies of up to 66 KiB (67,584 bytes).
test("a push of the largest size is read, as it is and inflated; a body past this client's own limit is refused from its header", () => {
  const peer = Peer.inRooms("lobby");
  const overhead = pushBody("lobby", [{ text: "x".repeat(60_000) }]).length - 60_000;
  const body = pushBody("lobby", [{ text: "x".repeat(67_584 - overhead) }]);
  assert.equal(body.length, 67_584);
  peer.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, body));
  peer.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, Uint8Array.of(0), Compression.GZIP));
  peer.session.handleInflated(body, peer.now);
  assert.deepEqual(peer.events().map(({ name }) => name), ["message", "inflate", "message"]);
  peer.bytes(Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 6, 2, 0));
  failsAs(peer, "protocol");
});

test("a message keeps nothing of the push it came in, also where the bytes are a Buffer of Node", () => {
  const peer = Peer.inRooms("lobby");
  const bytes = Buffer.from(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, pushBody("lobby", [{ text: "mine" }])));
  peer.bytes(bytes);
  const [event] = peer.events() as { message: Message }[];
  const { content } = event!.message;
  bytes.fill(0);
  assert.deepEqual([content, content.buffer.byteLength], [new TextEncoder().encode("mine"), 4]);
});

test("a push of nothing but empty records, the most that a frame can hold, is read in one go", () => {
  const peer = Peer.inRooms("lobby");
  const records = 65_000;
  const body = new Uint8Array([...Array.from({ length: records }, () => [0x0a, 0]).flat(), 0x12, 5, ...Buffer.from("lobby")]);
  peer.bytes(serverFrame(CODES.cms, Flow.NOTIFY, 0, 0, body));
  assert.equal(peer.events().length, records);
});

//= PROTOCOL.md#10.5
// Beyond the number of rooms the connection silently leaves the room that it joined longest ago.
test("a room that the server leaves because others were joined is joined again while it is held", () => {
  const peer = Peer.loggedIn({ rooms: 3 });
  for (const room of ["kept", "1", "2"]) peer.joins(room);
  for (const room of ["1", "2"]) peer.session.leave(room);
  peer.session.join("3", peer.now);
  peer.answer(peer.take());
  assert.deepEqual(peer.joinsAsked(), ["kept"]);
  const told = peer.events() as { name: string; room?: string; state?: string }[];
  assert.deepEqual(told.map(({ name, room, state }) => [name, room, state].join(" ").trim()), [
    "room 3 joined",
    "room kept joining",
    "answered",
  ]);
});

test("after a logout nothing is told, and nothing taken", () => {
  const peer = Peer.inRooms("lobby");
  assert.equal(peer.session.logout(peer.now), true);
  assert.equal(peer.take().command, CODES.logout);
  peer.push("lobby", { text: "late" });
  assert.deepEqual([peer.events(), peer.session.deadline], [[], Infinity]);
  assert.throws(() => peer.session.send("lobby", "x", {}, peer.now), NotConnected);
  assert.equal(new Peer().session.logout(0), false, "before the login there is nobody to say it to");
});
