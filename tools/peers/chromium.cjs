// Chromium: a page's own JavaScript and the browser's own WebSocket. The tasks come on standard input, a line of JSON each.
//
//     chromium.cjs PATH-OF-CHROMIUM KEY-HASH
//
// Serves a page with talk.js on a port of its own, says its origin, and has the browser open it once for each task. The
// one certificate that the browser takes without an authority is named by the hash of its key, in base64.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const [executablePath, keyHash] = process.argv.slice(2);
const script = fs.readFileSync(path.join(__dirname, "talk.js"));

function serve(request, response) {
  const [type, body] =
    request.url === "/talk.js"
      ? ["text/javascript", script]
      : ["text/html", '<!doctype html><meta charset="utf-8"><title>a cell</title><script src="talk.js"></script>'];
  response.writeHead(200, { "Content-Type": type }).end(body);
}

/** Runs in the page. */
function inPage(task) {
  const through = async (bytes, stream) => {
    const writer = stream.writable.getWriter();
    const written = writer.write(bytes).then(() => writer.close());
    const whole = new Uint8Array(await new Response(stream.readable).arrayBuffer());
    await written;
    return whole;
  };
  const means = {
    gzip: (bytes) => through(bytes, new CompressionStream("gzip")),
    gunzip: (bytes) => through(bytes, new DecompressionStream("gzip")),
    send: (socket, message) => socket.send(message),
  };
  return globalThis.talk(task, (url) => new WebSocket(url, ["longwire"]), means);
}

async function main() {
  const server = http.createServer(serve);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({
    executablePath,
    args: [`--ignore-certificate-errors-spki-list=${keyHash}`],
    chromiumSandbox: process.getuid() !== 0, // as root it has none
  });
  console.log(JSON.stringify({ origin, version: browser.version() }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const page = await browser.newPage();
    await page.goto(origin);
    console.log(JSON.stringify(await page.evaluate(inPage, JSON.parse(line))));
    await page.close();
  }
  await browser.close();
  server.close();
}

main().catch((fault) => {
  console.error(fault);
  process.exit(1);
});
