// OpenAI's Whisper on these packages: node examples/dist/whisper.js FOLDER AUDIO. Reading order: whisper/model.ts,
// decode.ts, open.ts, transcribe.ts; those four run in a page as well, this command in Node.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readAudio } from "@echo-ts/audio/node";
import { AdamW, clipGradNorm, toSafetensors } from "@echo-ts/autograd";
import { openWhisper } from "./whisper/open.ts";
import { features, promptOf, transcribe } from "./whisper/transcribe.ts";

const HELP = `node examples/dist/whisper.js FOLDER AUDIO [options]
FOLDER is one of Hugging Face's, such as openai/whisper-tiny: config.json, model.safetensors, tokenizer.json and, for most
models, generation_config.json. AUDIO is WAV, FLAC, Ogg, WebM and others.
  --timestamps     print the times of each piece (beyond 30 s the model says them in any case)
  --language CODE  such as en; default: the likeliest in the first 30 s
  --translate      write English, whatever is spoken
  --learn TEXT     before that, fine-tune on the first 30 s of AUDIO, in which TEXT is said
  --steps N, --rate R   steps of --learn, default 5, and learning rate, default 1e-5
  --save FILE      write the weights after --learn as safetensors`;

async function main(): Promise<void> {
  const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
  const flags = { help: flag, timestamps: flag, translate: flag } as const;
  const options = { ...flags, language: text, learn: text, steps: text, rate: text, save: text } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [folder, audio] = positionals;
  if (values.help || folder === undefined || audio === undefined) return console.log(HELP);
  const whisper = await openWhisper(async (name) => {
    const path = join(folder, name);
    return name === "generation_config.json" && !existsSync(path) ? null : readFileSync(path);
  });
  const { model, encode, ids } = whisper;
  const samples = (await readAudio(audio, { mono: true, sampleRate: 16000 })).channels[0]!;
  const { timestamps, language, translate, learn, steps = "5", rate = "1e-5" } = values;
  if (learn !== undefined) {
    const labels = [...promptOf(whisper, false, language).slice(1), ...encode(` ${learn.trim()}`), ids.end];
    const optimizer = new AdamW(model, { learningRate: Number(rate), weightDecay: 0 });
    for (let step = 1; step <= Number(steps); step++) {
      optimizer.zeroGrad();
      const loss = model.loss(features(whisper, samples), [labels]);
      loss.backward();
      await clipGradNorm(model.parameters(), 1);
      optimizer.step();
      console.log(`step ${step}   loss ${loss.item().toFixed(4)}`);
    }
    if (values.save !== undefined) writeFileSync(values.save, await toSafetensors(model));
  }
  const task = translate ? "translate" : "transcribe";
  for await (const { start, end, text } of transcribe(whisper, samples, { language, task, timestamps }))
    console.log(timestamps ? `[${start.toFixed(2)} - ${end.toFixed(2)}] ${text}` : text);
}

main().catch((error: Error) => {
  console.error(`whisper: ${error.message}`);
  process.exitCode = 1;
});
