// The project's own layout: JSON Lines, one utterance a line, audio as a file or as clips with gaps.
import type { DataSet, RowProblem, Utterance } from "./utterance.ts";
import { joinDataSets, readSex } from "./utterance.ts";

/**
 * Reads a manifest: one JSON object a line with `id`, `file` (relative to the data folder) and `text`, and
 * optionally `speaker`, `sex`, `language`, `split`, `seconds`. Blank lines are passed over; further fields are kept
 * in `row`.
 *
 * @param text - the manifest. @param file - its name, for messages and sources.
 * @returns utterances in order; lines that cannot be read become problems. Throws nothing.
 * @example
 * parseManifest('{"id": "a", "file": "a.wav", "text": "go"}', "manifest.jsonl").utterances[0].text; // "go"
 */
export function parseManifest(text: string, file: string): DataSet {
  return parseRows(text, file, (row, base) => {
    const path = requireText(row, "file");
    return { ...base, audio: { kind: "file", file: path } };
  });
}

/**
 * Reads a list of strings: rows as in a manifest, but with `clips` (ids of recordings), `gaps` (samples of silence,
 * one more than clips) and `sampleRate` in place of `file`.
 *
 * @param recordings - utterances the clip ids refer to, as {@link parseManifest} gives them.
 */
export function parseStrings(text: string, file: string, recordings: readonly Utterance[]): DataSet {
  const files = new Map(recordings.map(({ id, audio }) => [id, audio.kind === "file" ? audio.file : null]));
  return parseRows(text, file, (row, base) => {
    const { clips, gaps, sampleRate } = row;
    if (!Array.isArray(clips) || clips.length === 0 || !clips.every((clip) => typeof clip === "string"))
      throw new RowError(`clips: expected a list of recording ids, got ${shown(clips)}`);
    if (!Array.isArray(gaps) || !gaps.every((gap) => Number.isSafeInteger(gap) && gap >= 0))
      throw new RowError(`gaps: expected a list of sample counts >= 0, got ${shown(gaps)}`);
    if (gaps.length !== clips.length + 1)
      throw new RowError(`gaps: expected one more than clips (${clips.length + 1}), got ${gaps.length}`);
    if (typeof sampleRate !== "number" || !(sampleRate > 0))
      throw new RowError(`sampleRate: expected a number of Hz above 0, got ${shown(sampleRate)}`);
    const paths = clips.map((clip: string) => {
      const path = files.get(clip);
      if (path == null)
        throw new RowError(`clips: ${JSON.stringify(clip)} is not a recording of the manifest`);
      return path;
    });
    return { ...base, audio: { kind: "clips", files: paths, gaps, sampleRate } };
  });
}

/** Reads one text line into an utterance; throw {@link RowError} to refuse it. */
type ReadRow = (row: Readonly<Record<string, unknown>>, base: Omit<Utterance, "audio">) => Utterance;

/** A row that cannot be read; the message becomes the problem's. */
export class RowError extends Error {}

function parseRows(text: string, file: string, read: ReadRow): DataSet {
  return readLines(text, file, (line, source) => {
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      throw new RowError(`expected a JSON object, got ${shown(line)}`);
    }
    if (typeof row !== "object" || row === null || Array.isArray(row))
      throw new RowError(`expected a JSON object, got ${shown(row)}`);
    const fields = row as Record<string, unknown>;
    const { seconds } = fields;
    if (seconds !== undefined && (typeof seconds !== "number" || !(seconds >= 0)))
      throw new RowError(`seconds: expected a number >= 0, got ${shown(seconds)}`);
    return read(fields, {
      id: requireText(fields, "id"),
      text: requireString(fields, "text"),
      speaker: optionalText(fields, "speaker"),
      sex: readSex(fields.sex),
      language: optionalText(fields, "language"),
      split: optionalText(fields, "split"),
      seconds: seconds,
      source,
      row: fields,
    });
  });
}

/**
 * Walks the non-blank lines of a text file and gathers utterances and problems; repeated ids are problems.
 * @param read - turns a line into an utterance, or into null for a line without one (a comment, a header).
 */
export function readLines(
  text: string,
  file: string,
  read: (line: string, source: { file: string; line: number }) => Utterance | null,
): DataSet {
  const utterances: Utterance[] = [];
  const problems: RowProblem[] = [];
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const source = { file, line: index + 1 };
    try {
      const utterance = read(line, source);
      if (utterance !== null) utterances.push(utterance);
    } catch (error) {
      // A RangeError is the stack's end in a line that is nested thousands of levels deep.
      if (!(error instanceof RowError || error instanceof RangeError)) throw error;
      problems.push({ ...source, kind: "bad-row", message: error.message });
    }
  }
  return joinDataSets([{ utterances, problems }]);
}

function requireString(row: Readonly<Record<string, unknown>>, key: string): string {
  const value = row[key];
  if (typeof value !== "string") throw new RowError(`${key}: expected a text, got ${shown(value)}`);
  return value;
}

function requireText(row: Readonly<Record<string, unknown>>, key: string): string {
  const value = requireString(row, key);
  if (value === "") throw new RowError(`${key}: expected a text, got ""`);
  return value;
}

function optionalText(row: Readonly<Record<string, unknown>>, key: string): string | undefined {
  return row[key] === undefined || row[key] === null ? undefined : requireString(row, key);
}

function shown(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    return "a value that is nested too deeply";
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
