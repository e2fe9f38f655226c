// Where the time goes: ops by kind of computation, added up. Read next: debug.ts.

import { checkFunction } from "./arguments.ts";
import { type ComputedBy, type OpEvent, observe } from "./observe.ts";

/** All calls of one op that were computed in one way. */
export interface ProfileLine {
  readonly op: string;
  readonly by: ComputedBy;
  readonly backend: string;
  readonly calls: number;
  /** Milliseconds of these ops alone, without those that a composition consists of. */
  readonly milliseconds: number;
  /** Bytes of all results together. */
  readonly bytes: number;
}

/** Adds events up. */
export class Tally {
  readonly #lines = new Map<string, { -readonly [K in keyof ProfileLine]: ProfileLine[K] }>();

  add({ op, by, backend, ownMilliseconds, bytes }: OpEvent): void {
    const key = `${op}/${by}/${backend}`;
    const line = this.#lines.get(key);
    if (line === undefined) {
      this.#lines.set(key, { op, by, backend, calls: 1, milliseconds: ownMilliseconds, bytes });
      return;
    }
    line.calls++;
    line.milliseconds += ownMilliseconds;
    line.bytes += bytes;
  }

  /** The lines, those that took longest first. */
  lines(): ProfileLine[] {
    return [...this.#lines.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}

/**
 * Runs `body` and adds up what it computed.
 *
 * @param body synchronous
 * @returns one line for each op and way of computing it, those that took longest first
 * @example profile(() => tensor([1, 2]).add(1)).map(({ op, by, calls }) => `${calls} ${op} by ${by}`) // ["1 add by kernel"]
 */
export function profile(body: () => unknown): ProfileLine[] {
  checkFunction("profile", "body", body);
  const tally = new Tally();
  const stop = observe((event) => tally.add(event));
  try {
    body();
  } finally {
    stop();
  }
  return tally.lines();
}

const WIDTHS = [22, 12, 10, 8, 11, 7, 11] as const;

/**
 * A profile as a table of text: op, who computed it, backend, calls, milliseconds, share of the time, bytes.
 *
 * @example console.log(formatProfile(profile(() => softmax(logits))));
 */
export function formatProfile(lines: readonly ProfileLine[]): string {
  const total = lines.reduce((sum, line) => sum + line.milliseconds, 0);
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i < 3 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]!)))
      .join("")
      .trimEnd();
  return [
    row(["op", "by", "backend", "calls", "ms", "share", "bytes"]),
    ...lines.map(({ op, by, backend, calls, milliseconds, bytes }) =>
      row([
        op,
        by,
        backend,
        String(calls),
        milliseconds.toFixed(3),
        total === 0 ? "" : `${Math.round((100 * milliseconds) / total)} %`,
        formatBytes(bytes),
      ]),
    ),
  ].join("\n");
}

/** Bytes in a unit that leaves few digits. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < 2) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
