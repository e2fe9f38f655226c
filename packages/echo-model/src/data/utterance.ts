// What every data set is brought to: a list of utterances, and a list of rows that could not be used.
// Read next: manifest.ts and ../study/corpora.ts (reading), check-utterances.ts (what is usable).
import { DataError } from "../errors.ts";
import { printable } from "../text/printable.ts";

/** Where an utterance's samples come from; files are relative to the data folder, with "/" between parts. */
export type AudioSource =
  | { readonly kind: "file"; readonly file: string }
  | {
      /** Recordings joined with exact zeros: gap, clip, gap, clip, ..., gap. */
      readonly kind: "clips";
      readonly files: readonly string[];
      /** Samples of silence before, between and after the clips: one more than clips. */
      readonly gaps: readonly number[];
      /** Rate of the gaps and, required, of every clip, in Hz. */
      readonly sampleRate: number;
    };

/** One recording (or string of recordings) with its transcript. */
export interface Utterance {
  /** Unique within its data set. */
  readonly id: string;
  readonly text: string;
  readonly audio: AudioSource;
  readonly speaker?: string | undefined;
  readonly sex?: "female" | "male" | undefined;
  readonly language?: string | undefined;
  readonly split?: string | undefined;
  /** Length in seconds as the data set states it, if it does. */
  readonly seconds?: number | undefined;
  /** File and line (from 1) this row was read from. */
  readonly source: RowSource;
  /** The whole row as it was read, for fields of one data set only (digit, style, accent). */
  readonly row: Readonly<Record<string, unknown>>;
}

/** A line of a file of the data folder; lines count from 1. */
export interface RowSource {
  readonly file: string;
  readonly line: number;
}

/** Why a row cannot be used. */
export type ProblemKind =
  | "bad-row"
  | "duplicate-id"
  | "empty-text"
  | "long-text"
  | "outside-folder"
  | "missing-file"
  | "unreadable-audio"
  | "damaged-audio"
  | "wrong-length"
  | "too-short"
  | "too-long";

/** A row that cannot be used, with everything needed to find it. */
export interface RowProblem extends RowSource {
  readonly kind: ProblemKind;
  /** One sentence that names the value and what was expected. */
  readonly message: string;
}

/** Rows read, and rows refused. */
export interface DataSet {
  readonly utterances: readonly Utterance[];
  readonly problems: readonly RowProblem[];
  /** What the user should know of it, such as which rows are held out. */
  readonly note?: string;
}

/** How many problems there are of each kind, most frequent first. */
export function countProblems(problems: readonly RowProblem[]): Map<ProblemKind, number> {
  const counts = new Map<ProblemKind, number>();
  for (const { kind } of problems) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return new Map([...counts].sort((a, b) => b[1] - a[1]));
}

/** `file:line: message`, the form editors can jump to; control characters are escaped. */
export function describeProblem({ file, line, message }: RowProblem): string {
  return printable(`${file}:${line}: ${message}`);
}

/**
 * Joins data sets (several transcript files, several splits); ids repeated between them become problems.
 */
export function joinDataSets(sets: Iterable<DataSet>): DataSet {
  const utterances: Utterance[] = [];
  const problems: RowProblem[] = [];
  const seen = new Map<string, RowSource>();
  for (const set of sets) {
    problems.push(...set.problems);
    for (const utterance of set.utterances) {
      const first = seen.get(utterance.id);
      if (first === undefined) {
        seen.set(utterance.id, utterance.source);
        utterances.push(utterance);
      } else
        problems.push({
          ...utterance.source,
          kind: "duplicate-id",
          message: `id ${JSON.stringify(utterance.id)} was already used in ${first.file}:${first.line}`,
        });
    }
  }
  return { utterances, problems };
}

/** Throws DataError naming the first problems when there are any; for `badRows: "fail"`. */
export function failOnProblems(problems: readonly RowProblem[]): void {
  if (problems.length === 0) return;
  throw new DataError(
    `data: ${problems.length} ${problems.length === 1 ? "row" : "rows"} cannot be used (data.badRows "skip" leaves them out):\n${listProblems(problems)}`,
  );
}

/** The first ten problems, a line each, and how many more there are. */
export function listProblems(problems: readonly RowProblem[]): string {
  const shown = problems.slice(0, 10).map(describeProblem);
  if (problems.length > shown.length) shown.push(`... and ${problems.length - shown.length} more`);
  return shown.join("\n");
}

/** "female" or "male" from the ways data sets write it; anything else is undefined. */
export function readSex(value: unknown): "female" | "male" | undefined {
  if (typeof value !== "string") return undefined;
  const word = value.trim().toLowerCase();
  if (word === "f" || word.startsWith("female")) return "female";
  return word === "m" || word.startsWith("male") ? "male" : undefined;
}
