// Finds the golden values and recordings that are kept beside the repository, not in it.
// Tests that need them pass `{ skip: shared.skip }` and then skip visibly where the material is absent.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

function findShared(): string | null {
  const named = process.env.ECHO_SHARED;
  if (named) return existsSync(join(named, "golden")) ? resolve(named) : null;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (dirname(folder) !== folder) {
    const candidate = join(folder, "shared");
    if (existsSync(join(candidate, "golden"))) return candidate;
    folder = dirname(folder);
  }
  return null;
}

/** Folder of the shared material, or null. */
export const sharedRoot: string | null = findShared();

/** `skip` option for tests that need the shared material: false, or why they cannot run. */
export const skipWithoutShared: string | false =
  sharedRoot === null ? "no folder shared/golden above the repository (set ECHO_SHARED to name it)" : false;

/** Absolute path of a file of the shared material; call it only inside a test that skips without it. */
export function sharedPath(...parts: string[]): string {
  if (sharedRoot === null) throw new Error("sharedPath: the shared material is absent");
  return join(sharedRoot, ...parts);
}

/** Text of a file of the shared material. */
export function readShared(...parts: string[]): string {
  return readFileSync(sharedPath(...parts), "utf8");
}
