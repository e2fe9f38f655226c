// A data folder on disk, for Node. Kept out of the browser's way: import it from "@echo-ts/echo-model/node".
import { open, readdir, readFile, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { FileAccess } from "./file-access.ts";
import { staysInside } from "./file-access.ts";

/**
 * Read access to the folder `root`; links that lead out of it count as outside.
 * @param root - path of the data folder.
 * @example
 * const dataSet = await loadDataSet(nodeFiles("data/an4"), { format: "manifest" });
 */
export function nodeFiles(root: string): FileAccess {
  const real = realpath(root);
  // A missing folder shows when a file of it is read; until then nobody listens.
  real.catch(() => {});
  return {
    readText: async (path) => {
      try {
        return await readFile(join(root, path), "utf8");
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    readHead: async (path, length) => {
      if (!staysInside(path)) return { kind: "outside" };
      try {
        const target = await realpath(join(root, path));
        const base = await real;
        if (!target.startsWith(base.endsWith(sep) ? base : base + sep)) return { kind: "outside" };
        const file = await open(target, "r");
        try {
          const stats = await file.stat();
          if (!stats.isFile()) return { kind: "missing" };
          const bytes = new Uint8Array(Math.min(length, stats.size));
          const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
          return { kind: "file", bytes: bytes.subarray(0, bytesRead), size: stats.size };
        } finally {
          await file.close();
        }
      } catch (error) {
        if (isMissing(error)) return { kind: "missing" };
        throw error;
      }
    },
    list: async (folder) => {
      const options = { recursive: true, withFileTypes: true } as const;
      const entries = await readdir(join(root, folder), options).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(root, "/").length))
        .map((path) => path.split(sep).join("/"))
        .sort();
    },
  };
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === "ENOENT" || code === "ENOTDIR";
}
