// Builds the site: the pages and their scripts by Vite, the audio worklet as one file of its own, then what is copied.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { CHAPTER_PAGES } from "./chapters.mjs";
import { course } from "./course.mjs";
import { figureSources } from "./figure-sources.mjs";
import { copyFiles, writeServiceWorker } from "./files.mjs";
import { inlineStyles } from "./inline-styles.mjs";
import { layout } from "./layout.mjs";
import { PAGES } from "./pages.mjs";
import { repl } from "./repl.mjs";

const SITE = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Where the site is written. */
export const DIST = join(SITE, "dist");
/** Browsers of 2024 and later: modules in workers, light-dark() colours, wasm SIMD. */
const TARGET = ["chrome123", "firefox120", "safari17.5"];

/** Classes keep their names: errors begin with them, and the state of an optimiser says whose it is. */
const NAMED = { keepNames: true };

/** Every page that has a file, by its name in the build. */
const inputs = (pages) =>
  Object.fromEntries(
    pages.map(({ path }) => [path.replaceAll("/", "-") || "studio", join(SITE, path, "index.html")]),
  );

/**
 * The page leaves MP3 and AAC to the browser's own decoder: the packages that Node uses have copyleft licences, which the
 * built site would otherwise carry.
 */
const withoutDecoders = () => ({
  name: "echo-without-decoders",
  enforce: "pre",
  resolveId: (name) => (/^@audio\/decode-mp[34]$/.test(name) ? "\0no-decoder" : null),
  load: (id) =>
    id === "\0no-decoder" ? 'throw new Error("this page has no decoder of its own for MP3 and AAC");' : null,
});

/**
 * Builds all pages.
 *
 * @param outDir where to; default site/dist
 */
export async function buildSite(outDir = DIST) {
  const shared = { configFile: false, root: SITE, logLevel: "error", publicDir: false };
  await build({
    ...shared,
    base: "./",
    plugins: [course(), repl(), figureSources(), layout(), withoutDecoders()],
    worker: { format: "es", plugins: () => [withoutDecoders()], rollupOptions: { output: NAMED } },
    build: {
      outDir,
      emptyOutDir: true,
      target: TARGET,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 2000,
      rollupOptions: { input: inputs([...PAGES, ...CHAPTER_PAGES]), output: NAMED },
    },
  });
  // An AudioWorklet is one file, without imports.
  await build({
    ...shared,
    build: {
      outDir,
      emptyOutDir: false,
      target: TARGET,
      lib: { entry: join(SITE, "src/studio/worklet.ts"), formats: ["es"], fileName: () => "worklet.js" },
    },
  });
  inlineStyles(outDir);
  await copyFiles(outDir);
  writeServiceWorker(outDir, readFileSync(join(SITE, "build", "service-worker.js"), "utf8"));
}
