// Progress on standard error: a bar that is redrawn in a terminal, a line now and then in a log file.
import { SingleBar } from "cli-progress";

const LINE_SECONDS = 15;

/** A progress line with rate and time left. */
export class Progress {
  readonly #bar: SingleBar | null;
  readonly #silent: boolean;
  #label = "";
  #total = 0;
  #begun = 0;
  #printed = 0;
  #first = 0;

  /** @param silent - print nothing (for --json and --quiet). */
  constructor(silent: boolean) {
    this.#silent = silent;
    const format = "{label} [{bar}] {percentage} % {note}{left}";
    this.#bar =
      !silent && process.stderr.isTTY
        ? new SingleBar({
            format,
            barsize: 24,
            hideCursor: true,
            stream: process.stderr,
            clearOnComplete: true,
          })
        : null;
  }

  /** Begins a new line. @param first - where it starts, for resumed work. */
  start(label: string, total: number, first = 0): void {
    this.stop();
    this.#label = label;
    this.#total = total;
    this.#first = first;
    this.#begun = performance.now();
    this.#printed = this.#begun;
    this.#bar?.start(total, first, { label, note: "", left: "" });
  }

  /** Moves it; `note` is shown beside it. Starts a line when the label is a new one. */
  update(label: string, value: number, total: number, note = ""): void {
    if (this.#silent) return;
    if (label !== this.#label || total !== this.#total) this.start(label, total, value);
    const left = this.#timeLeft(value);
    if (this.#bar !== null) this.#bar.update(value, { label, note, left });
    else if (performance.now() - this.#printed > LINE_SECONDS * 1000) {
      this.#printed = performance.now();
      const share = total > 0 ? ((100 * value) / total).toFixed(0) : "100";
      process.stderr.write(`${label} ${share} % ${note}${left}\n`);
    }
  }

  #timeLeft(value: number): string {
    const done = value - this.#first;
    if (done <= 0) return "";
    const seconds = ((performance.now() - this.#begun) / 1000 / done) * (this.#total - value);
    const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
    return minutes > 0 ? `, ${minutes} min ${rest} s left` : `, ${rest} s left`;
  }

  /** A line of text that stays. */
  print(text: string): void {
    if (this.#silent) return;
    const active = this.#label !== "";
    this.stop();
    process.stderr.write(`${text}\n`);
    if (active) this.#label = "";
  }

  stop(): void {
    this.#bar?.stop();
    this.#label = "";
  }
}
