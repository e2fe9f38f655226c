// A run's log as JSON Lines (one event a line) and as CSV: plain text that any tool reads.
// TensorBoard's own format is in ../study/tensorboard.ts.
import { DataError } from "../errors.ts";

/** One event of a run: plain JSON values by name. */
export type LogRecord = Readonly<Record<string, unknown>>;

/**
 * One line of the log, newline included. JSON has no NaN or infinities, which are just what one wants to see in a
 * training log: they are written as the texts "NaN", "Infinity" and "-Infinity".
 * @example
 * formatLogLine({ step: 3, loss: Number.NaN }); // '{"step":3,"loss":"NaN"}\n'
 */
export function formatLogLine(record: LogRecord): string {
  const text = JSON.stringify(record, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  return `${text}\n`;
}

/**
 * Reads a log back. A last line without a newline that is not JSON was cut off by a kill and is left out.
 * @param text - the log. @param file - its name, for messages.
 * @throws DataError for any other line that is not a JSON object.
 */
export function parseLog(text: string, file = "log"): LogRecord[] {
  const lines = text.split("\n");
  const records: LogRecord[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === "") return;
    const record = parseLogLine(line);
    if (record !== null) records.push(record);
    else if (i < lines.length - 1)
      throw new DataError(
        `${file}:${i + 1}: expected a JSON object, got ${JSON.stringify(line.slice(0, 40))}`,
      );
  });
  return records;
}

/** The record of a line, or null when it is damaged. */
export function parseLogLine(line: string): LogRecord | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as LogRecord) : null;
  } catch {
    return null;
  }
}

/**
 * A table as CSV (RFC 4180): header, one row a record, CRLF ends. Columns are all keys in the order they first
 * appear; missing values are empty; texts with commas, quotes or line ends are quoted.
 * @example
 * toCsv([{ step: 1, loss: 2.5 }]); // "step,loss\r\n1,2.5\r\n"
 */
export function toCsv(records: readonly LogRecord[]): string {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  if (columns.length === 0) return "";
  return [
    csvLine(columns),
    ...records.map((record) => csvLine(columns.map((column) => record[column]))),
  ].join("");
}

/** One line of {@link toCsv}, its end included. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
