// A recogniser that also listens to a language model or to hot words. Read first: ../language/text-scorer.ts,
// recognize-stretch.ts.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { ConfigError } from "../errors.ts";
import type { NgramModel } from "../language/ngram-model.ts";
import { textScorer } from "../language/text-scorer.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Recognizer } from "./recognize-stretch.ts";

/** What helps a recogniser beside the sound. */
export interface LanguageHelp {
  readonly languageModel?: NgramModel;
  /** Words and phrases to favour. */
  readonly hotWords?: readonly string[];
}

const LANGUAGE_HELP: OptionKinds<LanguageHelp> = { languageModel: "object", hotWords: "array" };

/** Searches that a text scorer takes part in. */
const SEARCHES: readonly EchoConfig["decode"]["method"][] = ["ctcBeam", "joint", "onePass"];

/**
 * The recogniser with a scorer of texts; its weights are `decode.lmWeight`, `wordBonus` and `hotWordBonus`. Where CTC's
 * greedy decoding was set, which cannot weigh texts against each other, the CTC beam takes its place.
 *
 * @throws ConfigError for attention decoding or a model without a CTC head; TextError for a hot word that the model
 * cannot write
 * @example
 * const recognizer = withLanguage(recognizerOf(checkpoint), { languageModel: parseArpa(text), hotWords: ["rubout"] });
 * (await transcribe(recognizer, wave)).text;
 */
export function withLanguage(recognizer: Recognizer, help: LanguageHelp): Recognizer {
  checkOptions("withLanguage", help, LANGUAGE_HELP);
  const { echo, tokenizer, config } = recognizer;
  const { languageModel, hotWords = [] } = help;
  if (languageModel === undefined && hotWords.length === 0) return recognizer;
  const { method, lmWeight, wordBonus, hotWordBonus } = config.decode;
  if (echo.ctcHead === null)
    throw new ConfigError([
      "language model, hot words: the model has no CTC head (model.ctcHead) to search with",
    ]);
  if (method !== "ctcGreedy" && !SEARCHES.includes(method))
    throw new ConfigError([
      `decode.method: expected ctcBeam, joint or onePass with a language model or hot words, got ${method}`,
    ]);
  const scorer = textScorer(tokenizer, {
    ...(languageModel !== undefined && { languageModel }),
    hotWords,
    lmWeight,
    wordBonus,
    hotWordBonus,
  });
  const decode = { ...config.decode, method: method === "ctcGreedy" ? ("ctcBeam" as const) : method };
  return { ...recognizer, config: { ...config, decode }, scorer };
}
