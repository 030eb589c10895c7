// What can be asked of a page or a worker in Chromium's own protocol, past playwright: it keeps its sessions to itself.

const LOOK_MS = 100;

/** One session with one target, over the browser's. */
export class Target {
  #root;
  #session;
  #ids = 0;
  #waiting = new Map();

  static async attach(root, targetId) {
    const target = new Target();
    target.#root = root;
    target.#session = (await root.send("Target.attachToTarget", { targetId, flatten: false })).sessionId;
    root.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => {
      if (sessionId === target.#session) target.#hear(JSON.parse(message));
    });
    return target;
  }

  #hear({ id, result, error }) {
    this.#waiting.get(id)?.(error ? Promise.reject(new Error(error.message)) : result);
    this.#waiting.delete(id);
  }

  async send(method, params = {}) {
    const id = ++this.#ids;
    const answer = new Promise((done) => this.#waiting.set(id, done));
    await this.#root.send("Target.sendMessageToTarget", { sessionId: this.#session, message: JSON.stringify({ id, method, params }) });
    return answer;
  }

  /** What a function returns there. */
  evaluate(what, argument) {
    return this.#run(`(${what})(${JSON.stringify(argument)})`);
  }

  /** Waits until it is true there. */
  async until(what, argument) {
    const look = `const look = () => (${what})(${JSON.stringify(argument)}) ? done() : setTimeout(look, ${LOOK_MS}); look();`;
    await this.#run(`new Promise((done) => { ${look} })`);
  }

  async #run(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }
}

/**
 * A page that nobody listens in on. Playwright is told of each frame of each WebSocket, and of much else: at 2,000 messages a
 * second that takes half a core, which no visitor pays.
 */
export async function openUnheard(browser, url, size) {
  const root = await browser.newBrowserCDPSession();
  const { targetId } = await root.send("Target.createTarget", { url: "about:blank" });
  const page = await Target.attach(root, targetId);
  await page.send("Emulation.setDeviceMetricsOverride", { ...size, deviceScaleFactor: 1, mobile: false });
  await page.send("Page.navigate", { url });
  await page.until(() => document.querySelector(".note.entered") !== null);
  return { root, page };
}

/** The worker of such a page. */
export async function workerOf({ root, page }) {
  await page.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false }); // else it is not listed
  const { targetInfos } = await root.send("Target.getTargets", { filter: [{ type: "worker" }] });
  return Target.attach(root, targetInfos[0].targetId);
}
