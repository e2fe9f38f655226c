// A data folder on disk, for Node. Kept out of the browser's way: import it from "@echo-ts/echo-model/node".
import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { DataError } from "../errors.ts";
import { type FileAccess, type FileHead, staysInside } from "./file-access.ts";

/** Node's reads transfer less than 2 GiB at a time; larger files go in pieces of this size. */
const PIECE_BYTES = 2 ** 30;

/** What is said of a file that the system does not open, by its code. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "there is no permission to read it"],
  ["EPERM", "there is no permission to read it"],
  ["ELOOP", "its links lead in a circle"],
  ["ENAMETOOLONG", "its name is longer than the system allows"],
  ["EISDIR", "it is a folder, expected a file"],
  ["ERR_STRING_TOO_LONG", "it is too long for one text"],
]);

/**
 * Read access to the folder `root`; links that lead out of it count as outside, and nothing but regular files is read:
 * pipes and devices, which could block for ever, are refused.
 * @param root - path of the data folder.
 * @example
 * const dataSet = await loadDataSet(nodeFiles("data/an4"), { format: "manifest" });
 */
export function nodeFiles(root: string): FileAccess {
  const real = realpath(root);
  // A missing folder shows when a file of it is read; until then nobody listens.
  real.catch(() => {});

  /** Calls `read` with an open regular file inside the folder and its size; every other path is answered by what it is. */
  const withFile = async <T>(
    path: string,
    read: (file: FileHandle, size: number) => Promise<T>,
  ): Promise<T | Exclude<FileHead, { kind: "file" }>> => {
    if (!staysInside(path)) return { kind: "outside" };
    let file: FileHandle | undefined;
    try {
      const target = await realpath(join(root, path));
      const base = await real;
      if (!target.startsWith(base.endsWith(sep) ? base : base + sep)) return { kind: "outside" };
      // Without O_NONBLOCK (Windows has none) opening a pipe waits for somebody to write.
      file = await open(target, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      const stats = await file.stat();
      if (stats.isDirectory()) return { kind: "unreadable", reason: REASONS.get("EISDIR")! };
      if (!stats.isFile()) return { kind: "unreadable", reason: "it is a pipe or a device, expected a file" };
      return await read(file, stats.size);
    } catch (error) {
      if (isMissing(error)) return { kind: "missing" };
      return { kind: "unreadable", reason: reasonOf(error) };
    } finally {
      await file?.close();
    }
  };

  return {
    readText: async (path) => {
      const found = await withFile(path, (file) => file.readFile("utf8"));
      if (typeof found === "string") return found;
      if (found.kind === "missing") return null;
      throw new DataError(
        found.kind === "outside"
          ? `data: ${JSON.stringify(path)} lies outside the data folder, expected a path inside`
          : `data: ${JSON.stringify(path)} cannot be read: ${found.reason}`,
      );
    },
    readHead: (path, length) =>
      withFile<FileHead>(path, async (file, size) => {
        const bytes = new Uint8Array(Math.min(length, size));
        let at = 0;
        while (at < bytes.length) {
          const { bytesRead } = await file.read(bytes, at, Math.min(PIECE_BYTES, bytes.length - at), at);
          if (bytesRead === 0) break;
          at += bytesRead;
        }
        return { kind: "file", bytes: bytes.subarray(0, at), size };
      }),
    list: async (folder) => {
      const options = { recursive: true, withFileTypes: true } as const;
      const entries = await readdir(join(root, folder), options).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw new DataError(`data: the folder ${JSON.stringify(folder)} cannot be read: ${reasonOf(error)}`);
      });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(root, "/").length))
        .map((path) => path.split(sep).join("/"))
        .sort();
    },
  };
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return REASONS.get(codeOf(error)) ?? message;
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
