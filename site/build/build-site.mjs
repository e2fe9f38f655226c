// Builds the site: the pages and their scripts by Vite, the audio worklet as one file of its own, then what is copied.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { CHAPTER_PAGES } from "./chapters.mjs";
import { course } from "./course.mjs";
import { copyFiles, writeServiceWorker } from "./files.mjs";
import { layout } from "./layout.mjs";
import { PAGES } from "./pages.mjs";

const SITE = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Where the site is written. */
export const DIST = join(SITE, "dist");
/** Browsers of 2024 and later: modules in workers, light-dark() colours, wasm SIMD. */
const TARGET = ["chrome123", "firefox120", "safari17.5"];

/** Every page that has a file, by its name in the build. */
const inputs = (pages) =>
  Object.fromEntries(
    pages.map(({ path }) => [path.replaceAll("/", "-") || "studio", join(SITE, path, "index.html")]),
  );

/**
 * Builds all pages.
 *
 * @param outDir where to; default site/dist
 */
export async function buildSite(outDir = DIST) {
  const shared = { configFile: false, root: SITE, logLevel: "warn", publicDir: false };
  await build({
    ...shared,
    base: "./",
    plugins: [course(), layout()],
    worker: { format: "es" },
    build: {
      outDir,
      emptyOutDir: true,
      target: TARGET,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 2000,
      rollupOptions: { input: inputs([...PAGES, ...CHAPTER_PAGES]) },
    },
  });
  // An AudioWorklet is one file, without imports.
  const worklet = createRequire(join(SITE, "package.json")).resolve("@echo-ts/audio/worklet");
  await build({
    ...shared,
    build: {
      outDir,
      emptyOutDir: false,
      target: TARGET,
      lib: { entry: worklet, formats: ["es"], fileName: () => "worklet.js" },
    },
  });
  copyFiles(outDir);
  writeServiceWorker(outDir, readFileSync(join(SITE, "build", "service-worker.js"), "utf8"));
}
