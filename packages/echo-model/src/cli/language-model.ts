// echo-asr lm
import { writeFileAtomic } from "@echo-ts/tensor/files";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import { arpaText } from "../language/arpa.ts";
import { trainNgram } from "../language/train-ngram.ts";
import { DEFAULT_NORMALIZATION, normalizeText } from "../text/normalize.ts";
import { splitWords } from "../text/word-tokenizer.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { readLanguageModel } from "./language.ts";
import { checkOutputFile, FORCE_HELP } from "./output-files.ts";
import { numberOption } from "./settings.ts";
import { readTexts } from "./texts.ts";

interface LanguageModelOptions {
  readonly order?: string;
  readonly out?: string;
  readonly checkpoint?: string;
  readonly score?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Adds the command. */
export function addLanguageModel(cli: CAC): void {
  cli
    .command("lm [...texts]", "Train an n-gram language model from texts, or score texts by one")
    .usage(
      "lm TEXTS... --out FILE.arpa [--order N] [--checkpoint FILE]\n" +
        "  echo-asr lm TEXTS... --score FILE.arpa\n\n" +
        "TEXTS are UTF-8 files with one sentence a line, or manifests (.jsonl) whose texts are taken. They are normalised as\n" +
        "transcripts are: by the rules of the checkpoint where one is given, else lower case without punctuation.\n" +
        "The model is smoothed by interpolated modified Kneser-Ney and written as an ARPA file, which transcribe, listen and\n" +
        "eval take as --lm; so are ARPA files of SRILM and KenLM. It helps where texts have a structure that the recogniser\n" +
        "did not learn from its own transcripts; --score tells how well a model foresees other texts (perplexity: between\n" +
        "how many words it hesitates; OOV: words it doesn't know).",
    )
    .option("--out <file>", "where the model goes")
    .option("--order <n>", "words in the longest sequence, 1 to 6 (default 3)")
    .option("--checkpoint <file>", "normalise as this model does")
    .option("--score <file>", "don't train: score the texts by this model")
    .option("--force", FORCE_HELP)
    .option("--json", "figures as one JSON object")
    .example("  echo-asr lm sentences.txt --out sentences.arpa")
    .example("  echo-asr lm data/an4/manifest.jsonl --out an4.arpa --order 2")
    .example("  echo-asr lm others.txt --score sentences.arpa")
    .action(async (files: string[], options: LanguageModelOptions) => {
      if (files.length === 0) throw new ConfigError(["lm: expected at least one file of texts, got none"]);
      if ((options.out === undefined) === (options.score === undefined))
        throw new ConfigError(["lm: expected --out FILE to train or --score FILE to score, one of them"]);
      const rules =
        options.checkpoint === undefined
          ? DEFAULT_NORMALIZATION
          : (await loadCheckpoint(checkpointPath(options.checkpoint))).tokenizer.normalization;
      const texts: string[] = [];
      for (const file of files)
        texts.push(...(await readTexts(file)).map((text) => normalizeText(text, rules)));
      const sentences = texts.filter((text) => text !== "");
      if (options.score !== undefined) return score(sentences, options.score, options.json === true);
      const out = options.out!;
      const order = numberOption("--order", options.order ?? "3", "a whole number from 1 to 6", (n) => {
        return Number.isInteger(n) && n >= 1 && n <= 6;
      });
      await checkOutputFile("--out", out, options.force === true);
      const { model, fallbacks } = trainNgram(sentences, { order });
      await writeFileAtomic(out, new TextEncoder().encode(arpaText(model)));
      const sizes = model.levels.map(({ size }) => size);
      if (options.json)
        return console.log(
          JSON.stringify({ file: out, sentences: sentences.length, order, sizes, fallbacks }),
        );
      console.log(
        `${out}: ${sentences.length} sentences; sequences of 1 to ${order} words: ${sizes.join(", ")}`,
      );
      if (fallbacks.length > 0)
        console.log(
          `too few or too regular texts to estimate the discounts of order ${fallbacks.join(", ")}: 0.5, 1 and 1.5 were taken`,
        );
    });
}

async function score(sentences: readonly string[], file: string, json: boolean): Promise<void> {
  const model = await readLanguageModel(file);
  const words = sentences.map(splitWords);
  const all = words.flat();
  const unknown = all.filter((word) => !model.has(word)).length;
  const perplexity = model.perplexity(words);
  if (json)
    return console.log(
      JSON.stringify({ file, sentences: words.length, words: all.length, unknown, perplexity }),
    );
  console.log(
    `${file}: ${words.length} sentences, ${all.length} words, ${unknown} OOV; perplexity ${perplexity.toPrecision(4)}`,
  );
}
