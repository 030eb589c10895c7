// What is published: packed, looked into, installed into an empty project, and every example of the README run there,
// in Node and in a bundled page in Chromium.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { transformSync } from "esbuild";
import { bundle } from "./bundle.mjs";
import { certificate } from "./certificate.mjs";
import { html, launch, script, serve } from "./chromium.mjs";
import { within } from "./hear.mjs";
import { PATIENCE, Server } from "./server.mjs";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const README = readFileSync(join(PACKAGE, "README.md"), "utf8");
/** The bar of the browser entry point, minified and gzipped, runtime included. */
const SIZE_MAX = 15 * 1024;

let folder, project, listed, server, site, browser, pair;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "longwire-package-"));
  listed = pack(PACKAGE);
  project = install(listed.filename);
  pair = certificate();
  writeFileSync(join(project, "ca.pem"), pair.ca);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  site?.close();
  pair?.remove();
  rmSync(folder, { recursive: true, force: true });
});

function npm(args, cwd) {
  return execFileSync("npm", [...args, "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd, encoding: "utf8" });
}

/** Packs a package; what npm says of the tarball. */
function pack(from) {
  return JSON.parse(npm(["pack", "--json", "--pack-destination", folder, from], folder))[0];
}

/** An empty project with nothing but the tarball, and its dependencies as tarballs of the same lock file. */
function install(tarball) {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  const { dependencies = {} } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  const theirs = Object.keys(dependencies).map((name) => pack(join(PACKAGE, "node_modules", name)).filename);
  npm(["install", ...[tarball, ...theirs].map((name) => join(folder, name))], empty);
  return empty;
}

test("the tarball holds what is needed, and nothing runs when it is installed", () => {
  const paths = listed.files.map((file) => file.path);
  const stray = paths.filter((path) => !/^(package\.json|README\.md|LICENSE|dist\/.*\.(js|d\.ts))$/.test(path));
  assert.deepEqual(stray, []);
  const { exports, scripts, dependencies } = JSON.parse(readFileSync(join(project, "node_modules/@longwire/client/package.json"), "utf8"));
  const installed = ["preinstall", "install", "postinstall", "prepare", "prepublish"].filter((name) => scripts?.[name]);
  assert.deepEqual(installed, []);
  // Not run here, where other tests read `dist`: without it a clone would pack nothing but its README.
  assert.equal(scripts.prepack, "npm run build");
  assert(Object.keys(dependencies).length <= 2, Object.keys(dependencies).join());
  const targets = (node) => (typeof node === "string" ? [node] : Object.values(node).flatMap(targets));
  for (const target of targets(exports)) assert(paths.includes(target.replace("./", "")), `${target} is packed`);
  assert(paths.includes("LICENSE") && paths.includes("README.md"));
});

test(`the browser's entry point is at most ${SIZE_MAX} bytes, minified and gzipped, and README says how many`, async () => {
  const size = gzipSync(await bundle('export * from "@longwire/client";', project), { level: 9 }).length;
  console.log(`${size} bytes`);
  assert(size <= SIZE_MAX, `${size} bytes`);
  const said = Number(/it costs ([\d.]+) KB/.exec(README)[1]);
  assert(Math.abs(said - size / 1024) <= 0.3, `README says ${said} KB, it is ${(size / 1024).toFixed(1)}`);
});

/** The README's examples: `{ kind, code, wanted, line }`. */
function examples() {
  const blocks = [...README.matchAll(/^```ts(.*)\n([^]*?)^```\n\n```text\n([^]*?)^```$/gm)];
  const found = blocks.map((block) => ({
    kind: block[1].trim(),
    code: block[2],
    wanted: block[3].trimEnd().split("\n"),
    line: README.slice(0, block.index).split("\n").length,
  }));
  assert.equal(found.length, [...README.matchAll(/^```(ts|js)/gm)].length, "every example has its output behind it");
  for (const { kind } of found) assert(["node", "page", "anywhere"].includes(kind), `where does it run: ${kind}`);
  return found;
}

/** For the server of the test instead of the default one. */
const here = (code) => code.replaceAll(/(127\.0\.0\.1|localhost):7610/g, `$1:${server.port}`);

test("every example of README does what it says", async (t) => {
  const files = {
    "/": html('<script type="module" src="/page.js"></script>'),
    "/chat-token": { type: "application/json", body: JSON.stringify({ userId: "alice", token: "local" }) },
    "/longwire-worker.js": script(readFileSync(join(project, "node_modules/@longwire/client/dist/browser/worker.js"))),
  };
  site = await serve(files);
  server = await Server.start({ sets: { ...pair.sets, "web.ws.origins": `["${site.origin}"]` } });
  browser = await launch();
  for (const example of examples()) {
    if (example.kind !== "page") await t.test(`line ${example.line}, in Node`, () => inNode(example));
    if (example.kind !== "node") await t.test(`line ${example.line}, in a bundled page`, () => inPage(example, files));
  }
});

async function inNode({ code, wanted, line }) {
  const file = `example-${line}.mjs`;
  writeFileSync(join(project, file), transformSync(here(code), { loader: "ts" }).code);
  const child = spawn("node", [file], { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((end) => child.once("exit", end));
  try {
    const [printed, status] = await within(Promise.all([text(child.stdout), ended]), "the example's end");
    assert.equal(status, 0);
    assert.deepEqual(printed.trimEnd().split("\n"), wanted);
  } finally {
    child.kill();
  }
}

async function inPage({ code, wanted }, files) {
  files["/page.js"] = script(await bundle(here(code), project));
  const page = await browser.newPage();
  const printed = [];
  const all = new Promise((done, failed) => {
    page.on("console", (message) => message.type() === "log" && printed.push(message.text()) === wanted.length && done());
    page.on("pageerror", failed);
  });
  await page.goto(site.origin);
  await within(all, `${wanted.length} lines of ${JSON.stringify(printed)}`, PATIENCE);
  assert.deepEqual(printed, wanted);
  await page.close();
}

test("the examples are good TypeScript, for Node and for bundlers", () => {
  for (const example of examples()) writeFileSync(join(project, `typed-${example.line}-${example.kind}.ts`), example.code);
  const tsc = join(PACKAGE, "node_modules/typescript/bin/tsc");
  const options = { noEmit: true, strict: true, skipLibCheck: false, target: "es2022", lib: ["es2022", "dom", "dom.iterable"] };
  // Types of Node, as a project that runs there has them.
  for (const name of ["@types", "undici-types"]) cpSync(join(PACKAGE, "node_modules", name), join(project, "node_modules", name), { recursive: true });
  for (const [kinds, module, moduleResolution, types] of [
    ["node|anywhere", "nodenext", "nodenext", ["node"]],
    ["page|anywhere", "esnext", "bundler", []],
  ]) {
    const files = examples().filter(({ kind }) => kinds.includes(kind)).map(({ line, kind }) => `typed-${line}-${kind}.ts`);
    const config = { compilerOptions: { ...options, module, moduleResolution, types }, files };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
    execFileSync("node", [tsc], { cwd: project, stdio: ["ignore", "inherit", "inherit"] });
  }
});
