// One run, one process: a file in the folder of a run says which process writes there. Written for this and not taken
// from a library, because a training holds the event loop for minutes, and locks that are renewed by a timer then look
// abandoned. Who holds a lock is judged by the process itself instead. Read next: run-training.ts.
import { randomUUID } from "node:crypto";
import { link, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DataError } from "../errors.ts";

const NAME = "run.lock";
const TAKEOVER_MS = 5000;

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** When the process began, as the system counts it; null where it does not tell. Process numbers are used again. */
  readonly begun: string | null;
  /** For readers: date and time. */
  readonly since: string;
  /** Different for each lock. */
  readonly token: string;
}

/** A lock that is held. */
export interface RunLock {
  /** Gives it back; a killed process leaves that to the next one. */
  release(): Promise<void>;
}

/**
 * Locks the folder of a run.
 *
 * @param folder - an existing folder.
 * @throws DataError naming the process that holds the lock, unless that process has ended: then the lock is taken over.
 */
export async function lockRun(folder: string): Promise<RunLock> {
  const path = join(folder, NAME);
  const { pid } = process;
  const own: Holder = {
    host: hostname(),
    pid,
    begun: await beginOf(pid),
    since: new Date().toISOString(),
    token: randomUUID(),
  };
  const draft = join(folder, `.${NAME}.${own.token}.tmp`);
  await writeFile(draft, `${JSON.stringify(own)}\n`);
  try {
    // A link is made in one step and never replaces what is there.
    while (!(await tryLink(draft, path))) {
      const found = await readHolder(path);
      if (found === null) continue; // given back meanwhile
      if (!(await hasEnded(found))) throw refusal(folder, path, found);
      await removeStale(draft, path);
    }
  } finally {
    await unlink(draft).catch(() => {});
  }
  return {
    release: async () => {
      const found = await readHolder(path);
      if (found?.token === own.token) await unlink(path).catch(() => {});
    },
  };
}

/**
 * Takes away a lock that was found stale. One process at a time may do so: another one's fresh lock would go with it.
 * What a process that is killed within these few calls leaves behind counts for nothing after some seconds.
 */
async function removeStale(draft: string, path: string): Promise<void> {
  const turn = `${path}.takeover`;
  if (!(await tryLink(draft, turn))) {
    const begun = await stat(turn).catch(() => null);
    if (begun !== null && begun.ctimeMs < Date.now() - TAKEOVER_MS) await unlink(turn).catch(() => {});
    else await wait(10);
    return;
  }
  try {
    const found = await readHolder(path);
    if (found !== null && (await hasEnded(found))) await unlink(path);
  } finally {
    await unlink(turn).catch(() => {});
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EEXIST") return false;
    // File systems without links: as good, but for a kill between creating and writing.
    if (code !== "EPERM" && code !== "ENOSYS" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    try {
      await writeFile(to, await readFile(from), { flag: "wx" });
      return true;
    } catch (second) {
      if ((second as { code?: unknown }).code === "EEXIST") return false;
      throw second;
    }
  }
}

/** Null when there is no lock. One that cannot be understood was left half written: a holder of no process. */
async function readHolder(path: string): Promise<Holder | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
  try {
    const { host, pid, begun, since, token } = JSON.parse(text) as Holder;
    if (typeof host === "string" && Number.isInteger(pid)) return { host, pid, begun, since, token };
  } catch {
    // as below
  }
  return { host: hostname(), pid: 0, begun: null, since: "", token: "" };
}

/** Whether the holder can no longer write. Of another machine nothing is known, so its locks are never stale. */
async function hasEnded({ host, pid, begun }: Holder): Promise<boolean> {
  if (host !== hostname()) return false;
  if (pid <= 0) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    if ((error as { code?: unknown }).code === "ESRCH") return true;
  }
  const now = await beginOf(pid);
  return begun !== null && now !== null && begun !== now;
}

/** What tells a process from an earlier one of the same number: this boot and the clock tick it began in (Linux). */
async function beginOf(pid: number): Promise<string | null> {
  try {
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field, the program's name in brackets, may hold anything; the begin is the 22nd.
    return `${boot}/${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return null;
  }
}

function refusal(folder: string, path: string, { host, pid, since }: Holder): DataError {
  const where = host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`;
  const remedy =
    host === hostname()
      ? "wait for it, end it, or choose another --out"
      : `choose another --out; if that process has ended, delete ${path}`;
  return new DataError(`training: ${folder} is in use by ${where} since ${since}; ${remedy}`);
}
