// Texts from files, for the commands that learn from texts alone: echo-asr lm and echo-asr tokenizer.
import { readFile } from "node:fs/promises";
import { DataError } from "../errors.ts";
import { fileProblem, refuseDevice } from "./settings.ts";

/** Sentences of a file: its lines, or the "text" of each row of a .jsonl file. */
export async function readTexts(file: string): Promise<string[]> {
  let content: string;
  refuseDevice(file);
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const problem = error instanceof TypeError ? "not text in UTF-8" : fileProblem(error);
    throw new DataError(`${file}: ${problem}`, { cause: error });
  }
  const lines = content.split(/\r?\n/u);
  if (!file.endsWith(".jsonl")) return lines;
  return lines.flatMap((line, i) => {
    if (line.trim() === "") return [];
    let text: unknown;
    try {
      text = (JSON.parse(line) as { text?: unknown }).text;
    } catch (cause) {
      throw new DataError(`${file}:${i + 1}: not a JSON object`, { cause });
    }
    if (typeof text !== "string")
      throw new DataError(`${file}:${i + 1}: text: expected a string, got ${typeof text}`);
    return [text];
  });
}
