// Somebody who talks without end, for as little of the machine as can be: the cores are the browser's.
//
//   node test/crowd.mjs PORT ROOM PER_SECOND MS USER      prints how many messages were said
//
// One connection over TCP, by PROTOCOL.md and without the SDK. Each message goes out by itself, at its time: what comes in one
// piece would reach the page in one piece, and a crowd does not talk in unison. Every 200th is a gift.
import { once } from "node:events";
import net from "node:net";

const [LOGIN, JOIN, CMS] = [1, 5, 6];
const GIFT = 2;
const GIFT_EVERY = 200;
/** Messages until the sockets are looked after. */
const TURN = 64;
const SAYINGS = ["what a night", "the wires are singing", "again, again!", "did you see that", "greetings from the other side of the valley"];
const GIFTS = ["a rose", "a star", "a rocket", "a crown"];

const [port, room, perSecond, ms, user] = process.argv.slice(2).map((one, at) => (at === 1 || at === 4 ? one : Number(one)));

/** A field of bytes; lengths below 128 are all there are. */
const field = (number, value) => Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(value)]), Buffer.from(value)]);
let seq = 0;
function frame(command, ...fields) {
  const body = Buffer.concat(fields);
  const header = Buffer.alloc(11);
  header.writeUInt32BE(body.length, 0);
  header.writeUInt32BE(++seq, 4);
  header[8] = command;
  return Buffer.concat([header, body]);
}

const socket = net.connect(port, "127.0.0.1");
socket.setNoDelay(true);
await once(socket, "connect");
socket.on("error", (error) => {
  console.error(`the crowd lost its connection: ${error}`);
  process.exit(1);
});
socket.resume();
socket.write(frame(LOGIN, field(1, "demo"), field(2, user)));
socket.write(frame(JOIN, field(1, room)));
await new Promise((done) => setTimeout(done, 200)); // in by then; what came earlier would be refused, and missed by the sum

const lock = new Int32Array(new SharedArrayBuffer(4));
const began = performance.now();
let said = 0;
while (performance.now() - began < ms) {
  const text = said % GIFT_EVERY === GIFT_EVERY - 1 ? GIFTS[(said / GIFT_EVERY) % GIFTS.length | 0] : `message ${said}: ${SAYINGS[said % SAYINGS.length]}`;
  const kind = said % GIFT_EVERY === GIFT_EVERY - 1 ? [Buffer.from([6 << 3, GIFT])] : [];
  socket.write(frame(CMS, field(1, text), field(3, room), ...kind));
  said += 1;
  const early = began + (said * 1_000) / perSecond - performance.now();
  if (early > 0) Atomics.wait(lock, 0, 0, early); // a timer would be a millisecond late, and two would go as one
  if (said % TURN === 0) await new Promise((done) => setImmediate(done));
}
socket.end();
await once(socket, "close");
console.log(said);
