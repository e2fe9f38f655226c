// The ARPA file format of n-gram models, as SRILM, KenLM and IRSTLM write it. Read first: ngram-model.ts.
import { TextError } from "../errors.ts";
import { type NgramEntry, NgramModel } from "./ngram-model.ts";

/** Longest sequences that are read: beyond it a file is taken for a damaged one. */
const MOST_ORDERS = 10;

/**
 * Reads a model.
 *
 * @param text of the file, or its bytes (UTF-8)
 * @param name of the file, for messages
 * @throws TextError naming the line: a section that is missing or has another number of rows than the head says, rows
 * with another number of fields, numbers that are not log probabilities, sequences that come twice
 * @example
 * const model = parseArpa(await readFile("english.arpa"), "english.arpa");
 */
export function parseArpa(text: string | Uint8Array, name = "ARPA file"): NgramModel {
  const lines = (typeof text === "string" ? text : decoded(text, name)).split(/\r?\n/u);
  let at = 0;
  const fail = (what: string): never => {
    throw new TextError(`${name}:${at + 1}: ${what}, got ${quoted(lines[at])}`);
  };
  const skipEmpty = (): void => {
    while (at < lines.length && lines[at]!.trim() === "") at++;
  };
  while (at < lines.length && lines[at]!.trim() !== "\\data\\") at++;
  if (at === lines.length)
    throw new TextError(`${name}: expected a line \\data\\, got none: not an ARPA file`);
  at++;
  skipEmpty();
  const sizes: number[] = [];
  for (let row = counted(lines[at]); row !== null; row = counted(lines[at])) {
    if (row.order !== sizes.length + 1) fail(`expected ngram ${sizes.length + 1}=COUNT`);
    sizes.push(row.count);
    at++;
    skipEmpty();
  }
  if (sizes.length === 0) fail("expected ngram 1=COUNT");
  if (sizes.length > MOST_ORDERS) fail(`expected at most ${MOST_ORDERS} orders`);
  if (sizes.reduce((sum, size) => sum + size, 0) > lines.length)
    throw new TextError(
      `${name}: the head counts ${sizes.join(" + ")} rows, the file has ${lines.length} lines`,
    );
  const levels = sizes.map((size, i) => {
    const order = i + 1;
    skipEmpty();
    if (lines[at]?.trim() !== `\\${order}-grams:`) fail(`expected \\${order}-grams:`);
    at++;
    skipEmpty();
    const level = new Map<string, NgramEntry>();
    for (let row = 0; row < size; row++, at++) {
      const { key, entry } = parseRow(lines[at] ?? "", order) ?? fail(rowForm(order, row, size));
      if (level.has(key)) fail("expected every sequence once");
      level.set(key, entry);
    }
    return level;
  });
  skipEmpty();
  if (lines[at]?.trim() !== "\\end\\") fail("expected \\end\\");
  return new NgramModel(levels);
}

/** The model as an ARPA file; numbers are written so that reading them gives the same ones again. */
export function arpaText(model: NgramModel): string {
  const head = model.levels.map(({ size }, i) => `ngram ${i + 1}=${size}\n`).join("");
  const sections = model.levels.map((level, i) => {
    const last = i === model.levels.length - 1;
    const rows = [...level].map(
      ([key, { logProb, backoff }]) => `${logProb}\t${key}${last ? "" : `\t${backoff}`}\n`,
    );
    return `\n\\${i + 1}-grams:\n${rows.join("")}`;
  });
  return `\\data\\\n${head}${sections.join("")}\n\\end\\\n`;
}

function decoded(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TextError(`${name}: expected text in UTF-8 (binary language models are not read)`, { cause });
  }
}

function counted(line: string | undefined): { order: number; count: number } | null {
  const found = /^ngram\s+(\d{1,2})\s*=\s*(\d{1,12})\s*$/u.exec(line?.trim() ?? "");
  return found === null ? null : { order: Number(found[1]), count: Number(found[2]) };
}

/** `logProb word ... [backoff]`, apart by tabs or spaces; null for anything else. */
function parseRow(line: string, order: number): { key: string; entry: NgramEntry } | null {
  const fields = line.trim().split(/[\t ]+/u);
  if (fields.length !== order + 1 && fields.length !== order + 2) return null;
  const logProb = Number(fields[0]);
  const backoff = fields.length === order + 2 ? Number(fields[order + 1]) : 0;
  // Rounding has put some writers' certain words just above 0.
  if (!(logProb <= 1e-4) || !Number.isFinite(logProb) || !Number.isFinite(backoff)) return null;
  return { key: fields.slice(1, order + 1).join(" "), entry: { logProb: Math.min(logProb, 0), backoff } };
}

const rowForm = (order: number, row: number, size: number): string =>
  `expected row ${row + 1} of ${size}: a log probability, ${order} ${order === 1 ? "word" : "words"} and, if any, a back-off weight`;

const quoted = (line: string | undefined): string =>
  line === undefined
    ? "the end of the file"
    : JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}...` : line);
