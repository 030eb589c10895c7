// `longwire serve` as a child process: started on a free port, ended by its id, its log kept.
//
// The binary is LONGWIRE_BIN, else what `cargo build -p longwire` made.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** How long anything may take that a test waits for: wide, and a bound on failures alone. */
export const PATIENCE = 60_000;

/** Lines of the log that are kept for a failure. */
const LOG_LINES_MAX = 2000;

export function binary() {
  const built = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug/longwire");
  const path = process.env.LONGWIRE_BIN ?? built;
  if (!existsSync(path)) throw new Error(`${path} is not there: cargo build -p longwire, or set LONGWIRE_BIN`);
  return path;
}

export class Server {
  /** Starts one with these settings over the defaults; `listen` is an address to take again after an end. */
  static async start({ sets = {}, listen = "127.0.0.1:0", shards = 2 } = {}) {
    const server = new Server();
    await server.#launch(sets, listen, shards);
    return server;
  }

  #child;
  #folder;
  #ended;
  log = [];
  port = 0;

  async #launch(sets, listen, shards) {
    this.#folder = mkdtempSync(join(tmpdir(), "longwire-sdk-"));
    const ports = join(this.#folder, "ports.json");
    const settings = Object.entries(sets).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const options = ["serve", "--listen", listen, "--shards", String(shards), "--log-format", "json", "--ports-file", ports];
    // What the developer's own shell sets must not decide what is tested.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LONGWIRE_")));
    this.#child = spawn(binary(), [...options, ...settings], { stdio: ["ignore", "ignore", "pipe"], env });
    this.#ended = once(this.#child, "exit");
    // A test that is cut short leaves nobody behind.
    process.once("exit", () => this.#child.kill("SIGKILL"));
    await this.#line('"ready"');
    this.port = Number(JSON.parse(readFileSync(ports, "utf8")).listen[0].split(":").pop());
  }

  /** Reads the log on; resolves at the first line that contains `text`. */
  #line(text) {
    return new Promise((found, failed) => {
      const lines = createInterface({ input: this.#child.stderr });
      lines.on("line", (line) => {
        this.log.push(line);
        if (this.log.length > LOG_LINES_MAX) this.log.shift();
        if (line.includes(text)) found();
      });
      lines.on("close", () => failed(new Error(`the server said no ${text}:\n${this.log.join("\n")}`)));
    });
  }

  url(scheme = "ws") {
    return `${scheme}://127.0.0.1:${this.port}${scheme.startsWith("ws") ? "/ws" : ""}`;
  }

  /** Ends it as an operator does (SIGTERM), or at once (SIGKILL). */
  async stop(signal = "SIGTERM") {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
