// The results of an experiment as files: results.json, and the table as text (results.txt) and for spreadsheets
// (results.csv). Each is written in one step. Read first: compare-variants.ts.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { DataError } from "../errors.ts";
import { toCsv } from "../train/event-log.ts";
import type { ExperimentResults, Range, ResultRow } from "./compare-variants.ts";

/** Outputs as tables and figures name them. */
export const OUTPUT_NAMES: Readonly<Record<ResultRow["output"], string>> = {
  ctc: "CTC",
  free: "attention, free-running",
  search: "search by decode.method",
  forced: "attention, told the true text so far (not recognition)",
};

/** A share in per cent with one digit: 0.123 gives "12.3". */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** A difference of shares in points, signed: "+1.2". */
export function points(share: number): string {
  const text = percent(share);
  return Number(text) === 0 ? "0.0" : share > 0 ? `+${text}` : text;
}

/** "-0.3 to +1.2"; a dash where there is none. */
export function rangeText(range: Range | null, shown: (share: number) => string): string {
  return range === null ? "-" : `${shown(range.low)} to ${shown(range.high)}`;
}

/** Header and rows of the table of one set and output, as texts. */
export function tableOf(
  rows: readonly ResultRow[],
  baseline: string,
): { columns: string[]; rows: string[][] } {
  return {
    columns: [
      "variant",
      "WER (%)",
      "95 %",
      "by seed",
      `minus ${baseline}`,
      "over seeds",
      "over utterances",
      "verdict",
    ],
    rows: rows.map(({ variant, mean, interval, seeds, difference }) => [
      variant,
      percent(mean),
      rangeText(interval, (share) => percent(Math.max(0, share))),
      seeds.map(({ rate }) => percent(rate)).join(" "),
      difference === null ? "-" : points(difference.mean),
      difference === null ? "-" : rangeText(difference.overSeeds, points),
      difference === null ? "-" : rangeText(difference.overUtterances, points),
      difference === null ? (variant === baseline ? "the baseline" : "-") : difference.verdict,
    ]),
  };
}

/** The rows of each set and output, in the order of the results. */
export function groupsOf({
  rows,
}: ExperimentResults): { set: string; output: ResultRow["output"]; rows: ResultRow[] }[] {
  const groups: { set: string; output: ResultRow["output"]; rows: ResultRow[] }[] = [];
  for (const row of rows) {
    const group = groups.find(({ set, output }) => set === row.set && output === row.output);
    if (group === undefined) groups.push({ set: row.set, output: row.output, rows: [row] });
    else group.rows.push(row);
  }
  return groups;
}

/** All tables as text, with what failed or is missing, and how it was computed. */
export function resultsText(results: ExperimentResults): string {
  const parts = [results.name];
  for (const { set, output, rows } of groupsOf(results)) {
    const table = tableOf(rows, results.baseline);
    parts.push(`${set}, ${OUTPUT_NAMES[output]}\n${aligned([table.columns, ...table.rows])}`);
  }
  if (results.failed.length > 0)
    parts.push(["failed:", ...results.failed.map(({ run, message }) => `  ${run}: ${message}`)].join("\n"));
  if (results.missing.length > 0) parts.push(`not finished: ${results.missing.join("; ")}`);
  parts.push(wrapped(results.method, 110));
  return `${parts.join("\n\n")}\n`;
}

/** The table for spreadsheets: shares, one row for each set, output and variant. */
export function resultsCsv({ rows, seeds }: ExperimentResults): string {
  return toCsv(
    rows.map(({ set, output, variant, parameters, mean, interval, difference, seeds: found }) => ({
      set,
      output,
      variant,
      parameters,
      mean,
      low: interval?.low,
      high: interval?.high,
      ...Object.fromEntries(
        seeds.map((seed) => [`seed ${seed}`, found.find((one) => one.seed === seed)?.rate]),
      ),
      difference: difference?.mean,
      overSeedsLow: difference?.overSeeds?.low,
      overSeedsHigh: difference?.overSeeds?.high,
      overUtterancesLow: difference?.overUtterances.low,
      overUtterancesHigh: difference?.overUtterances.high,
      verdict: difference?.verdict,
    })),
  );
}

/** Writes results.json, results.txt and results.csv. */
export async function writeResults(folder: string, results: ExperimentResults): Promise<void> {
  const write = (name: string, text: string): Promise<void> =>
    writeFileAtomic(join(folder, name), new TextEncoder().encode(text));
  await write("results.txt", resultsText(results));
  await write("results.csv", resultsCsv(results));
  await write("results.json", `${JSON.stringify(results, null, 1)}\n`);
}

/**
 * Reads results.json of an experiment's folder; null where there is none.
 * @throws DataError when it is no JSON.
 */
export async function readResults(folder: string): Promise<ExperimentResults | null> {
  const path = join(folder, "results.json");
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as ExperimentResults;
  } catch (error) {
    throw new DataError(`${path}: not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Rows as lines with columns one under the other; numbers stand to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === row.length - 1
            ? cell.padEnd(widths[column]!)
            : cell.padStart(widths[column]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
}
