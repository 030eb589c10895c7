// Pictures of the page, to be looked at with one's own eyes: three widths, both themes, quiet, busy and flooded.
//
//   node test/look.mjs FOLDER [WORD...]      only pictures whose name has one of the words
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, PHONE, Server, TABLET, TALK, launch, pour, send, visit } from "./visit.mjs";

const [folder = "pictures", ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const [browser, server] = await Promise.all([launch(), Server.start()]);
const origin = `http://127.0.0.1:${server.port}`;
const wants = (name) => only.length === 0 || only.some((word) => name.includes(word));

for (const [width, viewport] of Object.entries({ phone: PHONE, tablet: TABLET, desktop: DESKTOP })) {
  for (const colorScheme of ["light", "dark"]) {
    const name = `${width}-${colorScheme}`;
    const room = "lighthouse";
    const locale = width === "tablet" ? "zh-CN" : "en-GB";
    if (!wants(name)) continue;
    const visitor = await visit(browser, origin, { path: `/?room=${room}`, viewport, colorScheme, locale, deviceScaleFactor: width === "phone" ? 2 : 1 });
    const { page } = visitor;
    const picture = (what) => page.screenshot({ path: join(folder, `${name}-${what}.png`) });
    await picture("1-quiet");
    await page.locator(".room-button").click();
    await picture("2-rooms");
    await page.keyboard.press("Escape");
    await visitor.joins(locale === "zh-CN" ? "知夏" : "Mira Bell");
    for (const [user, line] of TALK) {
      await send(server, { room, user, lines: [line] });
      await page.waitForTimeout(450); // a picture of people who talk, not of a burst
    }
    await visitor.says("it is quiet, and I can hear every one of you");
    await page.waitForTimeout(700);
    await picture("3-talk");
    await page.locator('.writer [aria-expanded="false"]').click();
    await page.locator(".gift-shelf button").nth(0).click();
    await page.waitForTimeout(650);
    await picture("4-gift");
    await page.keyboard.press("Escape");
    const flood = pour(server, { room, perSecond: 1_500, ms: 9_000, people: ["mira", "otto", "june", "kai"] });
    await page.waitForTimeout(8_000);
    await picture("5-flood");
    await flood;
    await page.context().close();
  }
}
await browser.close();
await server.stop();
