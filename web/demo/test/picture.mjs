// The pictures of the page in README.md, both themes: a room where people talk, and a gift that somebody gives.
//
//   node test/picture.mjs      writes docs/demo-light.webp and docs/demo-dark.webp
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Server, TALK, launch, send, visit } from "./visit.mjs";

const SIZE = { width: 1200, height: 720 };
const QUALITY = 0.82;
const BYTES_MAX = 150 * 1_024;

const [browser, server] = await Promise.all([launch(), Server.start()]);
for (const colorScheme of ["light", "dark"]) {
  const room = "lighthouse";
  const visitor = await visit(browser, `http://127.0.0.1:${server.port}`, { path: `/?room=${room}`, viewport: SIZE, colorScheme });
  await visitor.joins("Mira Bell");
  for (const [user, line] of TALK) {
    await send(server, { room, user, lines: [line] });
    await visitor.page.waitForTimeout(600); // a picture of people who talk, not of a burst
  }
  await visitor.says("it is quiet, and I can hear every one of you");
  const gift = send(server, { room, user: "noor", args: ["--type", "gift"], lines: ["a rose"] });
  await visitor.hears("sent a rose", "noor");
  await visitor.page.waitForTimeout(900);
  const png = await visitor.page.screenshot();
  await gift;
  await visitor.page.context().close();
  const picture = await webp(png);
  assert.ok(picture.length <= BYTES_MAX, `${picture.length} bytes`);
  const file = fileURLToPath(new URL(`../../../docs/demo-${colorScheme}.webp`, import.meta.url));
  writeFileSync(file, picture);
  console.log(`${file}: ${picture.length} bytes`);
}
await browser.close();
await server.stop();

/** The browser can do that as well. */
async function webp(png) {
  const page = await browser.newPage();
  const draw = async ([base64, quality]) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality });
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  };
  const picture = Buffer.from(await page.evaluate(draw, [png.toString("base64"), QUALITY]));
  await page.close();
  return picture;
}
