// Debian's Chromium, driven by playwright-core, and pages for it to open. Shared by every browser test of the project.
import { once } from "node:events";
import { existsSync } from "node:fs";
import http from "node:http";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

export const CHROMIUM = process.env.LONGWIRE_CHROMIUM ?? "/usr/bin/chromium";

/** A headless browser; `options` are playwright's, over these. */
export async function launch(options = {}) {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is not there: ./test tools installs it`);
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"], ...options });
}

/**
 * Serves files from memory on loopback: `{ "/": { type, body, headers } }`; anything else is 404. A function in the
 * place of a file is given the request's body.
 *
 * A page has an origin of its own, so that what it connects to must allow it.
 */
export async function serve(files) {
  const server = http.createServer(async (request, response) => {
    let file = files[new URL(request.url, "http://host").pathname];
    if (typeof file === "function") file = { body: file(await text(request)) };
    const headers = { "content-type": file?.type ?? "text/plain", "cache-control": "no-store", ...file?.headers };
    response.writeHead(file ? 200 : 404, headers).end(file?.body ?? "not here");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin, close };
}

export const html = (body, headers = {}) => ({ type: "text/html; charset=utf-8", body: `<!doctype html>${body}`, headers });
export const script = (body) => ({ type: "text/javascript", body });
