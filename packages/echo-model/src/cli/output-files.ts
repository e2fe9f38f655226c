// What commands may write: a file that exists is overwritten with --force only, and what cannot be written is found
// before anything is computed. Reports may replace reports. Read next: ../train/output-folder.ts.
import { access, constants, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.ts";
import { REPORT_MARK } from "../figures/report-mark.ts";
import { prepareOutputFolder } from "../train/output-folder.ts";
import { fileProblem } from "./settings.ts";

/** What --force does, for the help texts. */
export const FORCE_HELP = "overwrite what exists";

/**
 * Makes sure that a file may be written.
 *
 * @param option - that names the file, for messages.
 * @throws ConfigError if it exists and `force` is not given, is no file, or lies where nothing can be written.
 */
export async function checkOutputFile(option: string, path: string, force: boolean): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile())
    throw new ConfigError([`${option}: ${path} is no file, expected the name of one`]);
  if (found !== null && !force) throw new ConfigError([`${option}: ${path} exists; --force overwrites it`]);
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK);
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
  } catch (error) {
    throw new ConfigError([`${option}: ${path} cannot be written: ${fileProblem(error)}`]);
  }
}

/**
 * Makes the folder of a report where there is none, and makes sure that a report may be written there.
 *
 * @param force - of the command; null for one that has no such option.
 * @param files - names beside the report that are written too.
 * @throws ConfigError if files are there that are no earlier report's, and `force` is not given; DataError if nothing can
 * be written there.
 */
export async function prepareReportFolder(
  folder: string,
  force: boolean | null,
  files: readonly string[] = [],
): Promise<void> {
  const names = ["report.html", ...files];
  await prepareOutputFolder(folder, names, "--out");
  if (force === true || (await holdsReport(folder))) return;
  const found: string[] = [];
  for (const name of names) if ((await stat(join(folder, name)).catch(() => null)) !== null) found.push(name);
  if ((await readdir(join(folder, "figures")).catch(() => [])).length > 0) found.push("figures");
  if (found.length === 0) return;
  const remedy = force === null ? "" : ", or --force overwrites it";
  throw new ConfigError([
    `--out: ${join(folder, found[0]!)} exists and is of no report of echo-asr; name another folder${remedy}`,
  ]);
}

/** Whether report.html of the folder is one of ours: then what lies beside it is replaced. */
async function holdsReport(folder: string): Promise<boolean> {
  const file = await open(join(folder, "report.html")).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    return buffer.toString("utf8", 0, bytesRead).includes(REPORT_MARK);
  } finally {
    await file.close();
  }
}
