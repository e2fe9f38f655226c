// What a benchmark item is, and how one is timed. Read next: op-items.ts and step-items.ts.

/** Something prepared to be run again and again on the current backend. */
export interface Prepared {
  /** Does the work once and keeps no memory of it. */
  run(): void;
  /** A number that depends on the work done so far: a sum over the output, or the loss. */
  check(): number;
}

/** One line of the benchmark. */
export interface Item {
  readonly name: string;
  /** Floating-point operations in products of one run; null where time is not spent in products. */
  readonly flops: number | null;
  /** Draws data from seeded streams, so that every process works on the same numbers. */
  prepare(): Prepared;
}

/** Figures of one item. */
export interface Timing {
  readonly msMin: number;
  readonly msMedian: number;
  readonly runs: number;
  readonly check: number;
}

/** `check` is taken after this many runs, so that it does not depend on the speed of the machine. */
export const CHECKED_RUNS = 3;

const WARM_UP_SHARE = 0.25;
const MINIMUM_RUNS = 3;

/**
 * Times one item: warm-up (at least three runs, a quarter of the budget), then single runs until the budget
 * is spent, at least three.
 *
 * @param budgetMs time to spend, in milliseconds
 */
export function measure(item: Item, budgetMs: number): Timing {
  const { run, check } = item.prepare();
  const began = performance.now();
  for (let i = 0; i < CHECKED_RUNS; i++) run();
  const checked = check();
  while (performance.now() - began < budgetMs * WARM_UP_SHARE) run();
  const times: number[] = [];
  const start = performance.now();
  let now = start;
  while (times.length < MINIMUM_RUNS || now - start < budgetMs) {
    run();
    const end = performance.now();
    times.push(end - now);
    now = end;
  }
  times.sort((a, b) => a - b);
  return { msMin: times[0]!, msMedian: times[times.length >> 1]!, runs: times.length, check: checked };
}
