// What the site carries beside its pages: the model, the bundled recordings, and the service worker with the list of
// files that it keeps.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Copies the checkpoint that the package ships and the bundled voice. */
export function copyFiles(outDir) {
  mkdirSync(join(outDir, "files"), { recursive: true });
  cpSync(
    join(ROOT, "packages/echo-model/checkpoints/an4-f0.safetensors"),
    join(outDir, "files/an4-f0.safetensors"),
  );
  cpSync(join(ROOT, "data/asterisk-alnum"), join(outDir, "files/asterisk-alnum"), { recursive: true });
}

/**
 * Writes sw.js. It keeps the pages, scripts and styles from the start; the model and recordings when they were asked for.
 * Its version is a hash of all it keeps, so a new build replaces the old one.
 */
export function writeServiceWorker(outDir, source) {
  const all = readdirSync(outDir, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(outDir, name)).isFile())
    .map((name) => relative(outDir, join(outDir, name)).split(sep).join("/"))
    .filter((name) => name !== "sw.js" && !name.startsWith("files/") && !name.startsWith("api/reference/"))
    .sort();
  const hash = createHash("sha256");
  for (const name of all) hash.update(name).update(readFileSync(join(outDir, name)));
  const version = hash.digest("hex").slice(0, 12);
  const text = source
    .replace('"__VERSION__"', JSON.stringify(version))
    .replace('"__FILES__"', JSON.stringify(all));
  writeFileSync(join(outDir, "sw.js"), text);
}
