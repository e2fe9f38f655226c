// echo-asr tokenizer
import { writeFileAtomic } from "@echo-ts/tensor/files";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import { BpeTokenizer } from "../text/bpe-tokenizer.ts";
import { normalizeText } from "../text/normalize.ts";
import { printable } from "../text/printable.ts";
import { trainBpe } from "../text/train-bpe.ts";
import { checkOutputFile, FORCE_HELP } from "./output-files.ts";
import { numberOption } from "./settings.ts";
import { readTexts } from "./texts.ts";

interface TokenizerOptions {
  readonly out?: string;
  readonly size?: string;
  readonly minCount?: string;
  readonly force?: boolean;
}

/** Adds the command. */
export function addTokenizer(cli: CAC): void {
  cli
    .command("tokenizer [...texts]", "Learn pieces of words (BPE) from texts, for a tokenizer.json")
    .usage(
      "tokenizer TEXTS... --out tokenizer.json [--size N]\n\n" +
        "TEXTS are UTF-8 files with one sentence a line, or manifests (.jsonl) whose texts are taken; they are normalised by\n" +
        "the default rules of text.*: lower case without punctuation. The file is in Hugging Face's format; a training uses\n" +
        "it with --set text.tokenizer=bpe --set text.tokenizerFile=tokenizer.json, the file in the data folder.\n" +
        "Few pieces suit little data: 200 to 500 for some hours of speech. Whole words (the default tokenizer of a training)\n" +
        "suit closed vocabularies, such as commands.",
    )
    .option("--out <file>", "where the tokenizer goes")
    .option("--size <n>", "ids of the vocabulary at most, four specials included (default 500)")
    .option("--min-count <n>", "how often a pair must occur to become a piece (default 2)")
    .option("--force", FORCE_HELP)
    .example("  echo-asr tokenizer my-data/manifest.jsonl --out my-data/tokenizer.json --size 300")
    .action(async (files: string[], options: TokenizerOptions) => {
      if (files.length === 0)
        throw new ConfigError(["tokenizer: expected at least one file of texts, got none"]);
      if (options.out === undefined) throw new ConfigError(["--out is missing; see --help"]);
      const whole = (name: string, value: string, low: number, high: number): number =>
        numberOption(name, value, `a whole number from ${low} to ${high}`, (n) => {
          return Number.isInteger(n) && n >= low && n <= high;
        });
      const vocabSize = whole("--size", options.size ?? "500", 5, 100_000);
      const minCount = whole("--min-count", options.minCount ?? "2", 1, 1e9);
      await checkOutputFile("--out", options.out, options.force === true);
      const texts: string[] = [];
      for (const file of files) for (const text of await readTexts(file)) texts.push(normalizeText(text));
      const found = trainBpe(texts, { vocabSize, minCount });
      const tokenizer = new BpeTokenizer(found);
      await writeFileAtomic(options.out, new TextEncoder().encode(`${JSON.stringify(found, null, 2)}\n`));
      const words = texts.reduce((sum, text) => sum + (text === "" ? 0 : text.split(" ").length), 0);
      const pieces = texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
      console.log(
        `${options.out}: ${tokenizer.vocabSize} ids; ${(pieces / words).toFixed(2)} pieces a word of these texts`,
      );
      const example = texts.find((text) => text.includes(" ")) ?? texts[0]!;
      const spelled = tokenizer.encode(example).map((id) => tokenizer.tokenOf(id));
      console.log(printable(`${example} -> ${spelled.join(" ")}`));
    });
}
