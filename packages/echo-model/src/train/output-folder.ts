// The folder of a run is tried out before anything is computed: features of a large data set take hours, and a folder
// that cannot be written would be found only at the first checkpoint.
import { mkdir, open, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DataError } from "../errors.ts";

/** What a training replaces in its folder. */
const FILES = [
  "config.json",
  "last.safetensors",
  "best.safetensors",
  "log.jsonl",
  "log.csv",
  "summary.json",
] as const;

/**
 * Makes a folder where there is none, writes a file into it and removes it again.
 *
 * @param path - the folder. @param files - names in it that are to be written: what is there must be a file.
 * @param who - asks, for messages.
 * @throws DataError naming the folder, or the file in it, and the reason.
 */
export async function prepareOutputFolder(
  path: string,
  files: readonly string[] = FILES,
  who = "training",
): Promise<void> {
  try {
    await makeFolder(resolve(path));
  } catch (error) {
    throw refusal(who, `the folder ${path} cannot be made`, error);
  }
  const probe = join(path, `.echo-write-test.${process.pid}.tmp`);
  try {
    await (await open(probe, "w")).close();
    await unlink(probe);
  } catch (error) {
    throw refusal(who, `the folder ${path} cannot be written`, error);
  }
  for (const name of files) {
    const found = await stat(join(path, name)).catch(() => null);
    if (found !== null && !found.isFile())
      throw new DataError(`${who}: ${join(path, name)} is no file, but one is written there`);
  }
}

/** Node's own recursive mkdir never returns where no folder can be made, such as below /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOENT" && dirname(path) !== path) {
      await makeFolder(dirname(path));
      await mkdir(path);
    } else if (code !== "EEXIST" || !(await stat(path)).isDirectory()) throw error;
  }
}

function refusal(who: string, what: string, error: unknown): DataError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DataError(`${who}: ${what}: ${reason}`, { cause: error });
}
