// What the commands that recognise share: a language model and hot words. Read next: language-model.ts (training one).
import { readFile } from "node:fs/promises";
import type { Command } from "cac";
import { DataError } from "../errors.ts";
import { parseArpa } from "../language/arpa.ts";
import type { NgramModel } from "../language/ngram-model.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import { withLanguage } from "../speech/with-language.ts";
import { normalizeText } from "../text/normalize.ts";
import { fileProblem, refuseDevice } from "./settings.ts";

/** The options of {@link withLanguageOptions}. */
export interface LanguageOptions {
  readonly lm?: string;
  readonly hotWords?: string;
}

/** Adds --lm and --hot-words. */
export function withLanguageOptions(command: Command): Command {
  return command
    .option(
      "--lm <file>",
      "n-gram language model (ARPA, see echo-asr lm) to weigh texts with; decodes by CTC beam; weights: --set decode.lmWeight, decode.wordBonus",
    )
    .option(
      "--hot-words <list>",
      "words and phrases to favour, separated by commas; how much: --set decode.hotWordBonus",
    );
}

/** The recogniser with what the options ask for. */
export async function helped(recognizer: Recognizer, options: LanguageOptions): Promise<Recognizer> {
  const { normalization } = recognizer.tokenizer;
  const hotWords = (options.hotWords ?? "")
    .split(",")
    .map((phrase) => normalizeText(phrase, normalization))
    .filter((phrase) => phrase !== "");
  const languageModel = options.lm === undefined ? undefined : await readLanguageModel(options.lm);
  return withLanguage(recognizer, { hotWords, ...(languageModel !== undefined && { languageModel }) });
}

/** Reads an ARPA file; throws DataError naming one that cannot be read. */
export async function readLanguageModel(file: string): Promise<NgramModel> {
  let bytes: Uint8Array;
  refuseDevice(file);
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new DataError(`${file}: ${fileProblem(error)}`, { cause: error });
  }
  return parseArpa(bytes, file);
}
