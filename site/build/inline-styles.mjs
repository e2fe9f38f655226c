// Puts the styles of a page into the page itself: a few kilobytes that would otherwise wait behind the scripts on a slow
// line, so that the page is painted as soon as its HTML is there.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Replaces each link to a style sheet of the site by its text, in every page below `outDir`. */
export function inlineStyles(outDir) {
  const pages = readdirSync(outDir, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith("index.html"),
  );
  for (const name of pages) {
    const path = join(outDir, name);
    const html = readFileSync(path, "utf8").replace(
      /<link rel="stylesheet"[^>]*href="([^"]+\.css)"[^>]*>/g,
      (_, href) => `<style>${readFileSync(join(dirname(path), href), "utf8").trim()}</style>`,
    );
    writeFileSync(path, html);
  }
}
