// Features in a folder, one safetensors file a key, for Node. Files are written atomically, so a killed run leaves
// either a whole entry or none. An entry says in its metadata for which key it was made and what its arrays add up to
// (SHA-256); one that cannot be read, was damaged, or was moved to another key's place counts as absent and is written
// again.
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ArrayRecord, FormatError } from "@echo-ts/tensor";
import { FileError, loadSafetensors, saveSafetensors } from "@echo-ts/tensor/files";
import type { FeatureCache } from "./feature-cache.ts";

const KEY = "echo.key";
const HASH = "echo.sha256";

/**
 * A cache in `folder`, which is created when missing; it may be deleted at any time.
 * @example
 * const store = new FeatureStore(nodeFiles("data/an4"), settings, diskCache(".cache/features"));
 */
export function diskCache(folder: string): FeatureCache {
  const pathOf = (key: string): string => join(folder, key.slice(0, 2), `${key}.safetensors`);
  return {
    get: async (key) => {
      try {
        const { tensors, metadata } = await loadSafetensors(pathOf(key));
        const sound = metadata.get(KEY) === key && metadata.get(HASH) === hashOf(tensors);
        return sound ? tensors : null;
      } catch (error) {
        if (error instanceof FileError || error instanceof FormatError) return null;
        throw error;
      }
    },
    set: async (key, arrays) => {
      const path = pathOf(key);
      await mkdir(join(folder, key.slice(0, 2)), { recursive: true });
      const metadata = { [KEY]: key, [HASH]: hashOf(new Map(Object.entries(arrays))) };
      await saveSafetensors(path, arrays, { metadata });
    },
  };
}

/** SHA-256 over names, types, shapes and values, in the order of the names. */
function hashOf(arrays: ReadonlyMap<string, ArrayRecord>): string {
  const hash = createHash("sha256");
  for (const [name, { dtype, shape, data }] of [...arrays].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${JSON.stringify([name, dtype, shape])}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
