// Builds dist: few files with names that stay, nothing inline, nothing from elsewhere. The server embeds what is checked in.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // one file of its own: what it shares with the page is in both
  worker: { format: "es", rollupOptions: { output: { entryFileNames: "visit.js" } } },
  build: {
    // what every browser has had for a year or more: light-dark(), dvh, :has()
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: { demo: "index.html" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: (asset) => (asset.names.some((name) => name.endsWith(".css")) ? "demo.css" : "[name][extname]"),
      },
    },
  },
});
