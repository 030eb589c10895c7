// A page's script as a bundler makes it of `@longwire/client`, by esbuild, in memory.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** The bundle of this source, minified, for browsers; its imports are resolved from `from`. */
export async function bundle(source, from = PACKAGE) {
  const stdin = { contents: source, resolveDir: from, loader: "ts" };
  const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: "esm", target: "es2022", write: false });
  return outputFiles[0].text;
}
