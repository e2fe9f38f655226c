// echo-asr eval
import type { CAC } from "cac";
import { nodeFiles } from "../data/node-files.ts";
import { evaluateModel, withPitch } from "../evaluate/evaluate-model.ts";
import { evaluationJson, evaluationText } from "../evaluate/evaluation-table.ts";
import { limitedDecoder } from "../speech/decode-process.ts";
import { diskCache } from "../speech/disk-cache.ts";
import { printable } from "../text/printable.ts";
import { recognizerOf } from "../train/checkpoint.ts";
import { loadCheckpoint } from "../train/checkpoint-files.ts";
import { prepareEvaluation } from "../train/prepare-data.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { type DecodeOptions, decodeLimits, withDecodeOptions } from "./decode-limits.ts";
import { type EngineOptions, startEngine, withEngineOptions } from "./engine.ts";
import { helped, type LanguageOptions, withLanguageOptions } from "./language.ts";
import { Progress, showProblems } from "./progress.ts";
import { numberOption, overridden, overridesOf, requireFolder, type SettingOptions } from "./settings.ts";

interface EvalOptions extends SettingOptions, EngineOptions, DecodeOptions, LanguageOptions {
  readonly data?: string;
  readonly split?: string;
  readonly forcePitch?: string;
  readonly texts?: boolean;
  readonly cache?: string;
  readonly json?: boolean;
}

/** Adds the command. */
export function addEvaluate(cli: CAC, required: (value: string | undefined, name: string) => string): void {
  const command = cli
    .command("eval <checkpoint>", "Score a model: word and character error rates with controls")
    .usage(
      "eval CHECKPOINT --data DIR [--split NAME]\n\n" +
        "free-running  the attention decoder fed with its own output: what a user gets\n" +
        "CTC           the encoder's own output\n" +
        "search        CTC beam, attention beam or both together, where decode.method, --lm or --hot-words asks for one\n" +
        "forced        the decoder told the true text so far: not recognition, shown beside\n" +
        "zeroed        the same with every recording replaced by silence: what the model gets without listening\n" +
        "WER and CER are word and character errors (S substituted, D deleted, I inserted) by 100 words or characters said,\n" +
        "over the whole set and by speaker, sex and median pitch where there are several. Intervals resample the\n" +
        "utterances; the variation between training seeds comes on top.",
    )
    .option("--data <dir>", "folder with manifest.jsonl and the recordings")
    .option("--split <name>", "split to score (default: that of the training's evaluations; all: every row)")
    .option("--set <key=value>", "change a setting, such as data.format=strings; may be repeated")
    .option("--force-pitch <hz>", "tell the model this pitch in Hz for every frame, whatever the speaker's")
    .option("--texts", "print every text beside its reference")
    .option("--cache <dir>", "keep features here for the next run")
    .option("--json", "one JSON object on standard output; rates there are shares, 0.1 for 10 %")
    .example("  echo-asr eval shipped --data data/an4 --split dev")
    .example("  echo-asr eval runs/an4/last.safetensors --data data/an4 --force-pitch 80")
    .example("  echo-asr eval runs/an4/last.safetensors --data data/an4 --set decode.method=joint");
  withLanguageOptions(withEngineOptions(withDecodeOptions(command))).action(
    async (path: string, options: EvalOptions) => {
      const folder = required(options.data, "--data");
      const { forcePitch } = options;
      const pitch =
        forcePitch === undefined
          ? null
          : numberOption("--force-pitch", forcePitch, "a number of Hz above 0", (hz) => hz > 0);
      await startEngine(options);
      requireFolder(folder);
      const progress = new Progress(options.json === true);
      try {
        await score(path, folder, pitch, options, progress);
      } finally {
        progress.stop();
      }
    },
  );
}

async function score(
  path: string,
  folder: string,
  pitch: number | null,
  options: EvalOptions,
  progress: Progress,
): Promise<void> {
  const checkpoint = await loadCheckpoint(checkpointPath(path));
  const recognizer = await helped(
    recognizerOf({ ...checkpoint, config: overridden(checkpoint.config, overridesOf(options)) }),
    options,
  );
  const { echo, config, tokenizer, scorer } = recognizer;
  const greedy = config.decode.method === "ctcGreedy" || config.decode.method === "greedy";
  const { evaluation, problems } = await prepareEvaluation(nodeFiles(folder), config, tokenizer, {
    ...(options.split !== undefined && { split: options.split }),
    ...(options.cache !== undefined && { cache: diskCache(options.cache) }),
    decoder: limitedDecoder(decodeLimits(options)),
    onProgress: ({ what, done, total }) => progress.update(what, done, total, { unit: "utterances" }),
  });
  showProblems(problems, progress);
  const results: Record<string, unknown> = {};
  for (const [name, examples] of evaluation) {
    const used = pitch === null ? examples : examples.map((one) => withPitch(one, pitch));
    const found = await evaluateModel(echo, tokenizer, used, config, {
      kinds: ["ctc", "free", ...(greedy ? [] : (["search"] as const)), "forced"],
      ...(scorer !== undefined && { scorer }),
      zeroed: true,
      groups: true,
      onProgress: (done, total) => progress.update(`scoring ${name}`, done, total, { unit: "utterances" }),
    });
    progress.stop();
    results[name] = evaluationJson(found);
    if (options.json) continue;
    console.log(printable(evaluationText(name, found), true));
    if (options.texts)
      for (const { id, reference, ctc, free, search } of found.texts)
        console.log(
          [
            id,
            `  said ${reference}`,
            `  ctc  ${ctc ?? "-"}`,
            `  free ${free ?? "-"}`,
            ...(search === undefined ? [] : [`  search ${search}`]),
          ]
            .map((line) => printable(line))
            .join("\n"),
        );
  }
  if (options.json)
    console.log(
      JSON.stringify({ checkpoint: path, forcedPitchHz: pitch, problems: problems.length, sets: results }),
    );
}
