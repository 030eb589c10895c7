// What a client says and hears in one cell of docs/transports.md, over any WebSocket with the browser's interface: in a
// page of Chromium as it is, in Node with `ws`.
//
// Joins a room, says COUNT messages and one of the largest size to whoever else is there, and hears as many of theirs:
// whole, in order, each once, and nothing else. Written from PROTOCOL.md; knows nothing of Longwire's code, its SDK
// included. talk.py says the same.
"use strict";
(function (root) {
  const [LOGIN, LOGOUT, PING, PONG, JOIN, CMS] = [1, 2, 3, 4, 5, 6];
  const [ANSWER, NOTIFY, GZIP, HEADER_BYTES] = [1, 2, 4, 11];
  // A client's body, as sent and as inflated (14.1); the longest frame, and so the longest message (18.8).
  const BODY_BYTES_MAX = 65536;
  const FRAME_BYTES_MAX = HEADER_BYTES + BODY_BYTES_MAX;
  // How far a side may run ahead of the other: less than a room's ring keeps (15.3), so nothing may be lost.
  const WINDOW = 200;
  // How many messages are handed over at once.
  const BURST = 50;

  function check(isSo, ...what) {
    if (!isSo) throw new Error(what.map((part) => String(part).slice(0, 200)).join(" "));
  }

  // --- what is said ---------------------------------------------------------------------------------------------------

  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const bytesOf = (text) => encoder.encode(text);

  function concat(parts) {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** 4 KiB that gzip makes smaller, and 4 KiB that it does not. */
  function blocks() {
    const text = bytesOf("All the world's a stage, and all the men and women merely players. ".repeat(64)).slice(0, 4096);
    let state = 1;
    const noise = Uint8Array.from({ length: 4096 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) & 0xff;
    });
    return [text, noise];
  }

  const BLOCKS = blocks();

  /** The messageContent of `user`'s message number `at`; the last is so long that its CMS has a body of 65,536 bytes. */
  function content(user, at, count, room) {
    if (at === count) {
      const [size, word] = [BODY_BYTES_MAX - 4 - 2 - bytesOf(room).length, `${user} `];
      return bytesOf(word.repeat(Math.floor(size / word.length) + 1)).slice(0, size);
    }
    if (at % 1000 === 500) return new Uint8Array(0);
    const [begin, size] = [(at * 11) % 2048, (at * 37) % 1200];
    return concat([bytesOf(`${user} ${at} `), BLOCKS[at % 2].subarray(begin, begin + size)]);
  }

  function varint(value) {
    const out = [];
    for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) | 128);
    return Uint8Array.from([...out, value]);
  }

  function field(number, value) {
    return concat([varint(number * 8 + 2), varint(value.length), value]);
  }

  /** [number, value] of each field: bytes, or a number. */
  function* fields(data) {
    let at = 0;
    const number = () => {
      let [value, scale] = [0, 1];
      for (;;) {
        check(at < data.length, "a number is cut");
        const byte = data[at++];
        value += (byte & 127) * scale;
        scale *= 128;
        if (byte < 128) return value;
      }
    };
    while (at < data.length) {
      const [tag, value] = [number(), number()];
      if (tag % 8 === 2) {
        check(at + value <= data.length, "a field reaches beyond its message");
        yield [Math.floor(tag / 8), data.subarray(at, at + value)];
        at += value;
      } else {
        check(tag % 8 === 0, "wire type", tag % 8);
        yield [Math.floor(tag / 8), value];
      }
    }
  }

  /** WebSocket messages, of one whole frame or more each (18.1). */
  function* messagesOf(frames) {
    let [group, size] = [[], 0];
    for (const [at, frame] of frames.entries()) {
      if (group.length > 0 && (size + frame.length > FRAME_BYTES_MAX || group.length > at % 4)) {
        yield concat(group);
        [group, size] = [[], 0];
      }
      group.push(frame);
      size += frame.length;
    }
    if (group.length > 0) yield concat(group);
  }

  const isSame = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

  // --- the conversation -----------------------------------------------------------------------------------------------

  /** What comes in, in order: {data} of messages, then {code, wasClean}. */
  function inboxOf(socket) {
    const waiting = [];
    let wake = () => {};
    const put = (item) => {
      waiting.push(item);
      wake();
    };
    socket.onmessage = ({ data }) => put({ data });
    socket.onclose = ({ code, wasClean }) => put({ code, wasClean });
    socket.onerror = () => {}; // a close follows, and says as much as a page may know
    return async () => {
      while (waiting.length === 0) await new Promise((resolve) => (wake = resolve));
      return waiting.shift();
    };
  }

  class Talk {
    /** `means`: gzip(bytes), gunzip(bytes) and send(socket, message, number), all of which may be async. */
    constructor(socket, task, means) {
      Object.assign(this, task, { socket, means, next: inboxOf(socket), answers: new Map() });
      this.extra = task.reading === "rest" ? 7 : 0;
      this.seq = this.sent = this.heard = this.gzipped = this.longest = this.clock = this.messages = 0;
    }

    async frame(command, body = new Uint8Array(0)) {
      const seq = ++this.seq;
      const isZipped = this.gzip && body.length > 0;
      const bytes = isZipped ? await this.means.gzip(body) : body;
      const header = new Uint8Array(HEADER_BYTES);
      const view = new DataView(header.buffer);
      view.setUint32(0, bytes.length + this.extra);
      view.setUint32(4, seq);
      header[8] = command;
      header[9] = isZipped ? GZIP : 0;
      return concat([header, bytes]);
    }

    async ask(command, body) {
      this.send([await this.frame(command, body)]);
      const seq = this.seq;
      while (!this.answers.has(seq)) await this.hear();
      const answered = this.answers.get(seq);
      this.answers.delete(seq);
      check(answered === (command === PING ? PONG : command), "command", command, "is answered by", answered);
    }

    send(frames) {
      for (const message of messagesOf(frames)) this.means.send(this.socket, message, ++this.messages);
    }

    /** Hands over what may be said now, if anything. */
    async speak() {
      const frames = [];
      while (this.sent <= this.count && this.sent <= this.heard + WINDOW && frames.length < BURST) {
        const said = content(this.me, this.sent, this.count, this.room);
        const body = concat([field(1, said), field(3, bytesOf(this.room))]);
        this.longest = Math.max(this.longest, body.length);
        frames.push(this.frame(CMS, body)); // begun one after the other, so their numbers rise
        this.sent += 1;
      }
      this.send(await Promise.all(frames));
      return frames.length > 0;
    }

    async hear() {
      const { data, code } = await this.next();
      check(data !== undefined, "closed with", code);
      check(data instanceof ArrayBuffer, "a text message");
      const [bytes, view] = [new Uint8Array(data), new DataView(data)];
      const [length, seq, command, flag, status] = [view.getUint32(0), view.getUint32(4), bytes[8], bytes[9], bytes[10]];
      let body = bytes.subarray(HEADER_BYTES);
      check(length - this.extra === body.length, "a message is not one whole frame: len", length, "body", body.length);
      check((flag & 0b11111000) === 0, "connect flag", flag);
      if (flag & GZIP) {
        check(this.gzip, "gzip, which was not asked for");
        body = await this.means.gunzip(body);
        this.gzipped += 1;
      }
      if ((flag & 3) === ANSWER) {
        check(status === 0 && body.length === 0, "command", command, "is answered with", status);
        this.answers.set(seq, command);
      } else {
        check((flag & 3) === NOTIFY && command === CMS && seq === 0 && status === 0, "a push has", flag, command, seq, status);
        this.push(body);
      }
    }

    push(body) {
      let room;
      for (const [number, value] of fields(body)) {
        if (number === 1) {
          this.record(new Map(fields(value)));
        } else {
          check(number === 2 && room === undefined, "field", number, "in a push");
          room = decoder.decode(value);
        }
      }
      check(room === this.room, "a push of room", room);
    }

    record(record) {
      check(this.heard <= this.count, "more was heard than was said");
      const take = (number, absent) => {
        const value = record.get(number);
        record.delete(number);
        return value === undefined ? absent : value;
      };
      const said = take(1, new Uint8Array(0));
      const expected = content(this.other, this.heard, this.count, this.room);
      check(isSame(said, expected), "message", this.heard, "is", said.length, "bytes for", expected.length, said.slice(0, 20));
      const [from, to, at] = [take(2, ""), take(3, ""), take(4, 0)];
      check(decoder.decode(from) === this.other && decoder.decode(to) === this.room, "message", this.heard, "is another's");
      check(at > 0 && at >= this.clock, "timestamps fall:", this.clock, at);
      check(record.size === 0, "more fields in a record:", [...record.keys()]);
      this.clock = at;
      this.heard += 1;
    }

    async whole() {
      await this.ask(LOGIN, concat([field(1, bytesOf("sesame")), field(2, bytesOf(this.me))]));
      await this.ask(JOIN, field(1, bytesOf(this.room)));
      while (this.sent <= this.count || this.heard <= this.count) if (!(await this.speak())) await this.hear();
      await this.ask(PING); // refusals would have come before its PONG (11.18)
      this.send([await this.frame(LOGOUT)]);
      const { data, code, wasClean } = await this.next();
      check(data === undefined, "a message follows the LOGOUT");
      check(code === 1000 && wasClean !== false, "closed with", code, wasClean);
      return { sent: this.sent, heard: this.heard, longest: this.longest, gzipped: this.gzipped };
    }
  }

  /** The client's side of a cell: what was seen, or {wrong}. */
  async function talk(task, open, means) {
    try {
      const socket = open(task.url);
      socket.binaryType = "arraybuffer";
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = (event) => reject(new Error(`no connection: ${event.message ?? "a page is not told why"}`));
      });
      check(socket.protocol === "longwire", "sub-protocol", socket.protocol);
      check(socket.extensions === "", "extensions", socket.extensions);
      return await new Talk(socket, task, means).whole();
    } catch (fault) {
      return { wrong: `${fault.stack ?? fault}` };
    }
  }

  Object.assign(root, { talk, LOGIN, PING, JOIN, CMS, WINDOW, field, fields });
})(typeof module === "undefined" ? globalThis : module.exports);
