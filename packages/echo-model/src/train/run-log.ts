// The log of a run in its folder: log.jsonl (every step and evaluation), a TensorBoard event file that grows with it,
// and log.csv at the end. A resumed run first drops what was logged after its checkpoint, so that no step appears twice.
// Only what is not yet on the disk is kept in memory.
import { createReadStream } from "node:fs";
import { appendFile, copyFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { encodeScalars, encodeVersion, eventFileName } from "../study/tensorboard.ts";
import { csvLine, formatLogLine, type LogRecord, parseLogLine } from "./event-log.ts";

/** Records that are written at once. */
const BLOCK = 1000;

/** Appends records to the log of a run. */
export class RunLog {
  readonly #folder: string;
  readonly #path: string;
  #pending: LogRecord[] = [];
  #events: string | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, "log.jsonl");
  }

  /**
   * Opens the log of a run folder.
   * @param step - of the checkpoint that is continued: later records are dropped; null begins a new log.
   * @param onDamage - is told, in a sentence, when lines could not be read; they are then left out, and the file as it
   * was stays beside the log as log.damaged.jsonl.
   */
  static async open(
    folder: string,
    step: number | null,
    onDamage: (what: string) => void = () => {},
  ): Promise<RunLog> {
    const log = new RunLog(folder);
    for (const name of await readdir(folder))
      if (name.startsWith("events.out.tfevents.") && name.endsWith(".echo")) await rm(join(folder, name));
    if (step === null) await writeFileAtomic(log.#path, new Uint8Array(0));
    else await log.#keepUntil(step, onDamage);
    return log;
  }

  /** Rewrites the log without what came after a step, and the event file from it. */
  async #keepUntil(step: number, onDamage: (what: string) => void): Promise<void> {
    const kept = join(this.#folder, `.log.jsonl.${process.pid}.0.tmp`);
    await writeFile(kept, "");
    let block: LogRecord[] = [];
    const write = async (): Promise<void> => {
      await appendFile(kept, block.map(formatLogLine).join(""));
      await this.#appendEvents(block);
      block = [];
    };
    const damaged: number[] = [];
    for await (const { line, number, last } of linesOf(this.#path)) {
      const record = parseLogLine(line);
      if (record === null) {
        // A last line without an end was cut off by a kill.
        if (!last) damaged.push(number);
        continue;
      }
      // The final evaluation belongs to an end that was not reached: it will be logged again.
      if (!(Number(record.step) <= step) || record.final === true) continue;
      block.push(record);
      if (block.length === BLOCK) await write();
    }
    await write();
    if (damaged.length > 0) {
      const aside = join(this.#folder, "log.damaged.jsonl");
      await copyFile(this.#path, aside);
      onDamage(
        `${this.#path}:${damaged[0]}: ${damaged.length === 1 ? "a line is" : `${damaged.length} lines are`} damaged and left out of the log; the file as it was is now ${aside}`,
      );
    }
    await rename(kept, this.#path);
  }

  /** Adds a record; it reaches the disk with the next {@link flush}. */
  add(record: LogRecord): void {
    this.#pending.push({ ...record, time: Date.now() / 1000 });
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

  /** Writes log.csv from all steps. */
  async writeTable(): Promise<void> {
    await this.flush();
    const columns = new Set<string>();
    for await (const record of stepsOf(this.#path)) for (const key of Object.keys(record)) columns.add(key);
    const order = [...columns];
    const lines: string[] = order.length === 0 ? [] : [csvLine(order)];
    for await (const record of stepsOf(this.#path))
      lines.push(csvLine(order.map((column) => record[column])));
    await writeFileAtomic(join(this.#folder, "log.csv"), new TextEncoder().encode(lines.join("")));
  }
}

async function* stepsOf(path: string): AsyncGenerator<LogRecord> {
  for await (const { line } of linesOf(path)) {
    const record = parseLogLine(line);
    if (record?.kind === "step") yield record;
  }
}

/** Lines that are not blank, with their number from 1; `last` marks one without an end. None when there is no file. */
async function* linesOf(path: string): AsyncGenerator<{ line: string; number: number; last: boolean }> {
  const found = await stat(path).catch(() => null);
  if (found === null) return;
  const stream = createReadStream(path);
  let ended = true;
  stream.on("data", (chunk) => {
    ended = chunk.at(-1) === 10;
  });
  let held: { line: string; number: number } | null = null;
  let number = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (held !== null) yield { ...held, last: false };
    number++;
    held = line.trim() === "" ? null : { line, number };
  }
  if (held !== null) yield { ...held, last: !ended };
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
