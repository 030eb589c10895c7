// Makes src/proto/longwire.ts of proto/longwire.proto: buf reads it, protobuf-ts's plugin writes TypeScript.
// `--check` compares with what is checked in. Needs no network and no protoc.
//
// Two things are changed in what the plugin writes: where the runtime's parts come from (src/proto/runtime.ts says why), and
// that making a message type has no effect, so that bundlers leave out those that nobody reads.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packageRoot = join(here, "..");
const target = join(packageRoot, "src/proto/longwire.ts");
const bin = (name) => join(packageRoot, "node_modules/.bin", name);

const template = (out) => ({
  version: "v2",
  plugins: [{ local: bin("protoc-gen-ts"), out, opt: ["long_type_bigint", "ts_nocheck", "eslint_disable"] }],
});

const out = mkdtempSync(join(tmpdir(), "longwire-proto-"));
try {
  execFileSync(bin("buf"), ["generate", join(packageRoot, "../../proto"), "--template", JSON.stringify(template(out))], {
    stdio: "inherit",
  });
  const made = readFileSync(join(out, "longwire.ts"), "utf8")
    .replaceAll('"@protobuf-ts/runtime"', '"./runtime.js"')
    .replaceAll(/ = new (\w+\$Type)\(\);/g, " = /* @__PURE__ */ new $1();");
  if (!process.argv.includes("--check")) {
    writeFileSync(target, made);
  } else if (made !== readFileSync(target, "utf8")) {
    console.error("src/proto/longwire.ts is not what proto/longwire.proto makes: run `npm run generate`");
    process.exitCode = 1;
  }
} finally {
  rmSync(out, { recursive: true });
}
