// Whether a data folder still holds what it held: one hash over the names and contents of all its files.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../errors.ts";

/**
 * SHA-256 over relative paths, sizes and contents of the files below a folder, in the order of their paths.
 * @throws DataError when `folder` is no folder or a file in it cannot be read.
 */
export async function dataDigest(folder: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    const names = (await readdir(folder, { recursive: true })).map((name) => name.split("\\").join("/"));
    for (const name of names.sort()) {
      const path = join(folder, name);
      const found = await stat(path);
      if (!found.isFile()) continue;
      hash.update(`${JSON.stringify([name, found.size])}\n`);
      for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
    }
  } catch (error) {
    throw new DataError(`experiment: the data in ${folder} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return hash.digest("hex");
}
