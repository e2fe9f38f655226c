// Features in a folder, one safetensors file a key, for Node. Files are written atomically, so a killed run leaves
// either a whole entry or none; an entry that cannot be read counts as absent and is written again.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "@echo-ts/tensor";
import { FileError, loadSafetensors, saveSafetensors } from "@echo-ts/tensor/files";
import type { FeatureCache } from "./feature-cache.ts";

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
        return (await loadSafetensors(pathOf(key))).tensors;
      } catch (error) {
        if (error instanceof FileError || error instanceof FormatError) return null;
        throw error;
      }
    },
    set: async (key, arrays) => {
      const path = pathOf(key);
      await mkdir(join(folder, key.slice(0, 2)), { recursive: true });
      await saveSafetensors(path, arrays);
    },
  };
}
