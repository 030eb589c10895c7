// Node's `ws`. The tasks come on standard input, a line of JSON each; NODE_PATH says where `ws` is.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const zlib = require("node:zlib");
const { WebSocket } = require("ws");
const { talk } = require("./talk.js");

const means = {
  gzip: (bytes) => zlib.gzipSync(bytes, { level: 1 }),
  gunzip: (bytes) => zlib.gunzipSync(bytes),
  send(socket, message, number) {
    // now and then in fragments, but no LOGOUT, which may be heard before its last
    if (number % 20 !== 0 || message.length < 100) return socket.send(message);
    socket.send(message.subarray(0, 5), { fin: false });
    socket.send(message.subarray(5), { fin: true });
  },
};

// It offers permessage-deflate, as it does by default.
const open = (task) => (url) => new WebSocket(url, ["longwire"], { perMessageDeflate: true, ca: fs.readFileSync(task.ca) });

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    console.log(JSON.stringify(await talk(task, open(task), means)));
  }
}

main();
