// What a test of pages plays in: their site, the server that lets them in, a browser, and people who speak to them.
import { Longwire } from "@longwire/client";
import { bundle } from "./bundle.mjs";
import { html, launch, script, serve } from "./chromium.mjs";
import { Server } from "./server.mjs";

/** The page's body: it loads the script that is bundled. */
export const BODY = '<script type="module" src="/page.js"></script>';

export class Scene {
  site;
  server;
  browser;
  #people = [];

  /**
   * `source` is the script of the page at `/`; `files` are served beside it, `sets` are the server's, `launching` the browser's.
   * Returns itself.
   */
  async begin(source, { files = {}, sets = {}, launching = {} } = {}) {
    this.site = await serve({ "/": html(BODY), "/page.js": script(await bundle(source)), ...files });
    // The page has an origin of its own, which the server must let in.
    this.server = await Server.start({ sets: { ...sets, "web.ws.origins": `["${this.site.origin}"]` } });
    this.browser = await launch(launching);
    return this;
  }

  /** Somebody who is no page, connected until the end. */
  async speaker(userId, options = {}) {
    const lw = new Longwire(this.server.url("tcp"), { login: { userId, token: "local" }, ...options });
    this.#people.push(lw);
    await lw.connect();
    return lw;
  }

  /** Also where it began in part. */
  async end() {
    await this.browser?.close();
    await Promise.all(this.#people.map((lw) => lw.close()));
    await this.server?.stop();
    this.site?.close();
  }
}
