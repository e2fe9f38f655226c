// Which code computes: a hash over the compiled files of the four packages, so that a queue never mixes the results of two
// versions. Read next: queue.ts.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = ["@echo-ts/tensor", "@echo-ts/autograd", "@echo-ts/audio"] as const;

/** Of `dist`: what runs, not what describes it (types, source maps, the compiler's notes). */
const RUNS = /\.(js|wasm)$/;

/** SHA-256 over names and contents of the compiled files of this package and those below it. */
export async function codeDigest(): Promise<string> {
  const entries = PACKAGES.map((name): [string, string] => [name, import.meta.resolve(name)]);
  const folders: [string, string][] = entries.map(([name, url]) => [name, dirname(fileURLToPath(url))]);
  folders.push(["@echo-ts/echo-model", fileURLToPath(new URL("..", import.meta.url))]);
  const hash = createHash("sha256");
  for (const [name, folder] of folders) {
    const files = await readdir(folder, { recursive: true });
    for (const file of files.filter((one) => RUNS.test(one)).sort()) {
      const content = await readFile(join(folder, file));
      hash.update(`${JSON.stringify([name, file.split("\\").join("/"), content.length])}\n`).update(content);
    }
  }
  return hash.digest("hex");
}
