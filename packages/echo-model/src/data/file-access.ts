// The seam between reading data sets and the place they lie in: a folder on disk, or memory (browsers, tests).
// Paths are relative to the data folder with "/" between parts. The Node implementation is node-files.ts.
import { DataError } from "../errors.ts";

/** The beginning of a file, or why there is none. */
export type FileHead =
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly size: number }
  | { readonly kind: "missing" }
  | { readonly kind: "outside" }
  /** It is there, but is no regular file, or the system does not open it: `reason` is a clause that says why. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** Read access to a data folder. */
export interface FileAccess {
  /** Whole text of a file as UTF-8; null when it does not exist. Throws DataError for a path outside, or an unreadable file. */
  readText(path: string): Promise<string | null>;
  /** The first `length` bytes of a file and its size in bytes. */
  readHead(path: string, length: number): Promise<FileHead>;
  /** Paths of all files below `folder` ("" is the data folder itself), in code point order. */
  list(folder: string): Promise<string[]>;
}

/**
 * Whether a path stays inside the data folder: relative, no drive, no backslash, no "..", no NUL.
 * (Links that leave the folder are the implementation's business.)
 * @example
 * staysInside("wav/a.wav"); // true
 * staysInside("../a.wav"); // false
 */
export function staysInside(path: string): boolean {
  if (path === "" || path.startsWith("/") || /[\\\0]/.test(path) || /^[a-z]:/i.test(path)) return false;
  return !path.split("/").includes("..");
}

/**
 * A data folder in memory.
 * @param files - contents by path; texts are stored as UTF-8.
 */
export function memoryFiles(files: Readonly<Record<string, string | Uint8Array>>): FileAccess {
  const get = (path: string): Uint8Array | null => {
    const content = Object.hasOwn(files, path) ? files[path]! : null;
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  return {
    readText: async (path) => {
      if (!staysInside(path))
        throw new DataError(`data: ${JSON.stringify(path)} lies outside the data folder`);
      const bytes = get(path);
      return bytes === null ? null : new TextDecoder().decode(bytes);
    },
    readHead: async (path, length) => {
      if (!staysInside(path)) return { kind: "outside" };
      const bytes = get(path);
      if (bytes === null) return { kind: "missing" };
      return { kind: "file", bytes: bytes.subarray(0, length), size: bytes.length };
    },
    list: async (folder) =>
      Object.keys(files)
        .filter((path) => folder === "" || path.startsWith(`${folder}/`))
        .sort(),
  };
}
