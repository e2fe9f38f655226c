// Progress on standard error: a line that is redrawn in a terminal, a line now and then in a log file.
// Nothing of the terminal is switched (cursor, wrapping), so that no kind of end leaves it in disorder.
import { SingleBar } from "cli-progress";
import { countProblems, listProblems, type RowProblem } from "../data/utterance.ts";

const LINE_SECONDS = 15; // between lines in a log file
const NARROWEST_BAR = 6; // characters
const WIDEST_BAR = 24;

/** What is shown beside the share that is done. */
export interface ProgressDetails {
  /** What is counted, for the rate: "steps" gives "5.2 steps/s". */
  readonly unit: string;
  /** How many of them are done, when that is not the value itself. */
  readonly count?: number;
  /** Further figures, the most interesting first; those that the terminal is too narrow for are left out. */
  readonly notes?: readonly string[];
}

/** A line with share, time left, rate and figures. */
export class Progress {
  readonly #bar: SingleBar | null;
  readonly #silent: boolean;
  #label = "";
  #total = 0;
  #begun = 0;
  #printed = 0;
  #first = 0;
  #firstCount = 0;
  #parts: readonly string[] = [];

  /** @param silent - print nothing (for --json and --quiet). */
  constructor(silent: boolean) {
    this.#silent = silent;
    const terminal = !silent && process.stderr.isTTY;
    this.#bar = terminal
      ? new SingleBar({
          format: (_, { progress }) => progressLine(this.#label, progress, this.#parts, terminalWidth()),
          hideCursor: false,
          linewrap: true,
          gracefulExit: false,
          stream: process.stderr,
          clearOnComplete: true,
        })
      : null;
  }

  /** Moves the line; begins a new one when label or total are new. */
  update(label: string, value: number, total: number, details: ProgressDetails): void {
    if (this.#silent) return;
    const { unit, count = value, notes = [] } = details;
    const now = performance.now();
    if (label !== this.#label || total !== this.#total) {
      this.stop();
      this.#label = label;
      this.#total = total;
      this.#first = value;
      this.#firstCount = count;
      this.#begun = now;
      this.#printed = now;
      this.#parts = [];
      this.#bar?.start(total, value);
    }
    const seconds = (now - this.#begun) / 1000;
    this.#parts = [
      ...pace(seconds, value - this.#first, total - value, count - this.#firstCount, unit),
      ...notes,
    ];
    if (this.#bar !== null) this.#bar.update(value);
    else if (now - this.#printed > LINE_SECONDS * 1000) {
      this.#printed = now;
      const share = total > 0 ? value / total : 1;
      process.stderr.write(`${progressLine(label, share, this.#parts, Number.POSITIVE_INFINITY)}\n`);
    }
  }

  /** A line of text that stays. */
  print(text: string): void {
    if (this.#silent) return;
    this.stop();
    process.stderr.write(`${text}\n`);
  }

  /** Takes the line away. A bar that is left running would keep the process alive. */
  stop(): void {
    this.#bar?.stop();
    this.#label = "";
  }
}

function terminalWidth(): number {
  return process.stderr.columns ?? 80;
}

/** Time left and rate, as far as they can be told after `seconds`. */
function pace(seconds: number, done: number, left: number, count: number, unit: string): string[] {
  if (!(seconds > 0 && done > 0)) return [];
  return [`${duration((seconds / done) * left)} left`, paceText(count / seconds, unit)];
}

/** A rate with figures that can be told apart: "12 steps/s", "5.2 steps/s", "3.1 runs/min", "2.0 runs/h". */
export function paceText(perSecond: number, unit: string): string {
  const [rate, time] =
    perSecond >= 0.1
      ? [perSecond, "s"]
      : perSecond >= 0.1 / 60
        ? [perSecond * 60, "min"]
        : [perSecond * 3600, "h"];
  return `${rate.toFixed(rate < 10 ? 1 : 0)} ${unit}/${time}`;
}

/** A length of time in its two largest units: "50 s", "1 min 5 s", "2 h 10 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * One line shorter than `width`: label, bar, share, and as many of the parts as fit.
 * Without a limit (a log file) there is no bar.
 * @param share - 0 to 1.
 */
export function progressLine(label: string, share: number, parts: readonly string[], width: number): string {
  const percent = `${Math.floor(100 * share + 1e-9)} %`;
  if (!Number.isFinite(width)) return [`${label} ${percent}`, ...parts].join(", ");
  const limit = width - 1; // a full line would wrap in some terminals
  const size = Math.max(NARROWEST_BAR, Math.min(WIDEST_BAR, Math.floor(width / 8)));
  const filled = Math.round(share * size);
  // The time left is worth more than the bar.
  const [first = ""] = parts;
  const fits = `${label} [] ${percent}, ${first}`.length + size <= limit;
  const bar = fits ? ` [${"=".repeat(filled)}${"-".repeat(size - filled)}]` : "";
  let line = `${label}${bar} ${percent}`;
  for (const part of parts) {
    if (line.length + 2 + part.length > limit) break;
    line += `, ${part}`;
  }
  return line.slice(0, Math.max(limit, 0));
}

/** Says which rows of a data set were left out: how many of each kind, and the first ones with file and line. */
export function showProblems(problems: readonly RowProblem[], progress: Progress): void {
  if (problems.length === 0) return;
  const kinds = [...countProblems(problems)].map(([kind, count]) => `${count} ${kind}`).join(", ");
  progress.print(`left out: ${problems.length} ${problems.length === 1 ? "row" : "rows"} (${kinds})`);
  progress.print(listProblems(problems));
}
