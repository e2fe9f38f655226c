// The log of a run in its folder: log.jsonl (every step and evaluation), a TensorBoard event file that grows with it,
// and log.csv at the end. A resumed run first drops what was logged after its checkpoint, so that no step appears twice.
import { appendFile, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { encodeScalars, encodeVersion, eventFileName } from "../study/tensorboard.ts";
import { formatLogLine, type LogRecord, parseLog, toCsv } from "./event-log.ts";

/** Appends records to the log of a run. */
export class RunLog {
  readonly #folder: string;
  readonly #path: string;
  #records: LogRecord[];
  #pending: LogRecord[] = [];
  #events: string | null = null;

  private constructor(folder: string, records: LogRecord[]) {
    this.#folder = folder;
    this.#path = join(folder, "log.jsonl");
    this.#records = records;
  }

  /**
   * Opens the log of a run folder.
   * @param step - of the checkpoint that is continued: later records are dropped; null begins a new log.
   */
  static async open(folder: string, step: number | null): Promise<RunLog> {
    const path = join(folder, "log.jsonl");
    let records: LogRecord[] = [];
    if (step !== null) {
      const text = await readFile(path, "utf8").catch(() => "");
      records = parseLog(text, path).filter((record) => Number(record.step) <= step);
    }
    const log = new RunLog(folder, records);
    await writeFileAtomic(path, new TextEncoder().encode(records.map(formatLogLine).join("")));
    for (const name of await readdir(folder))
      if (name.startsWith("events.out.tfevents.") && name.endsWith(".echo")) await rm(join(folder, name));
    await log.#appendEvents(records);
    return log;
  }

  /** All records so far. */
  get records(): readonly LogRecord[] {
    return this.#records;
  }

  /** Adds a record; it reaches the disk with the next {@link flush}. */
  add(record: LogRecord): void {
    const timed = { ...record, time: Date.now() / 1000 };
    this.#records.push(timed);
    this.#pending.push(timed);
  }

  async flush(): Promise<void> {
    const records = this.#pending;
    this.#pending = [];
    if (records.length === 0) return;
    await appendFile(this.#path, records.map(formatLogLine).join(""));
    await this.#appendEvents(records);
  }

  async #appendEvents(records: readonly LogRecord[]): Promise<void> {
    const chunks: Uint8Array[] = [];
    for (const record of records) {
      const wallTime = Number(record.time);
      if (this.#events === null) {
        this.#events = join(this.#folder, eventFileName(wallTime));
        chunks.push(encodeVersion(wallTime));
      }
      const scalars = scalarsOf(record);
      if (Object.keys(scalars).length === 0) continue;
      chunks.push(encodeScalars({ wallTime, step: Number(record.step), scalars }));
    }
    if (this.#events !== null) await appendFile(this.#events, Buffer.concat(chunks));
  }

  /** Writes log.csv from all records. */
  async writeTable(): Promise<void> {
    await this.flush();
    const steps = this.#records.filter((record) => record.kind === "step");
    await writeFileAtomic(join(this.#folder, "log.csv"), new TextEncoder().encode(toCsv(steps)));
  }
}

/** Numbers of a record by TensorBoard tag: `train/loss`, `dev/ctc`. */
function scalarsOf(record: LogRecord): Record<string, number> {
  const group = record.kind === "step" ? "train" : String(record.set ?? record.kind);
  const scalars: Record<string, number> = {};
  for (const [key, value] of Object.entries(record)) {
    if (typeof value === "number" && Number.isFinite(value) && key !== "step" && key !== "time")
      scalars[`${group}/${key}`] = value;
  }
  return scalars;
}
