// The log of a run in its folder: log.jsonl (every step and evaluation), log.csv and a TensorBoard event file made
// from it. A resumed run first drops what was logged after its checkpoint, so that no step appears twice.
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { formatLogLine, type LogRecord, parseLog, toCsv } from "../report/event-log.ts";
import { encodeScalars, encodeVersion, eventFileName } from "../report/tensorboard.ts";

/** Appends records to the log of a run. */
export class RunLog {
  readonly #folder: string;
  readonly #path: string;
  #records: LogRecord[];
  #pending = "";

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
    this.#pending += formatLogLine(timed);
  }

  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "") await appendFile(this.#path, text);
  }

  /** Writes log.csv and the TensorBoard file anew from all records. */
  async writeTables(): Promise<void> {
    await this.flush();
    const steps = this.#records.filter((record) => record.kind === "step");
    await writeFileAtomic(join(this.#folder, "log.csv"), new TextEncoder().encode(toCsv(steps)));
    const first = Number(this.#records[0]?.time ?? 0);
    const chunks = [encodeVersion(first)];
    for (const record of this.#records) {
      const scalars = scalarsOf(record);
      if (Object.keys(scalars).length === 0) continue;
      chunks.push(encodeScalars({ wallTime: Number(record.time), step: Number(record.step), scalars }));
    }
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    await writeFileAtomic(join(this.#folder, eventFileName(first)), bytes);
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
