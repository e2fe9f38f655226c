// `npm run site`: builds the site into site/dist; `npm run site -- --serve [PORT]` serves that folder on this machine.
// Read next: pages.mjs (which pages there are), layout.mjs (what every page has), files.mjs (model, recordings, service
// worker).
import { existsSync } from "node:fs";
import { preview } from "vite";
import { buildSite, DIST } from "./build-site.mjs";

/** Headers that let wasm run on several threads. The site works without them, on one. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const args = process.argv.slice(2);
const unknown = args.filter((arg) => arg !== "--serve" && !/^\d+$/.test(arg));
if (unknown.length > 0) {
  console.error(`site: expected nothing, or --serve and a port, got ${unknown.join(" ")}`);
  process.exit(2);
}
if (args.includes("--serve")) {
  if (!existsSync(DIST)) await buildSite();
  const port = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 4173);
  const server = await preview({
    configFile: false,
    root: DIST,
    build: { outDir: "." },
    base: "./",
    appType: "mpa",
    preview: { port, host: "127.0.0.1", headers: ISOLATED },
  });
  server.printUrls();
} else {
  await buildSite();
  console.log("site: written to site/dist; any static host can serve this folder");
}
