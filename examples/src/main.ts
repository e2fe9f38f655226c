// The main job, `npm start`: speech in, text out, everything in TypeScript, in about a minute on two cores.
//   1. lets the checkpoint that comes with the package write down digits of a voice that it never heard (main/hear-digits.ts);
//   2. shows what the model reads of a recording: log-mel and pitch;
//   3. trains a tiny Echo on the recordings. It is scored on what it was trained on: memorisation, not recognition;
//   4. shows where the checkpoint is weak on the new voice: letters, other numbers, single words;
//   5. writes a report on the tiny Echo, one HTML file: curves, gradients, attention, architecture.
// `node examples/dist/main.js --short` takes fewer strings and trains for a few seconds only.
// Recordings: Allison Smith (theivrvoice.com), financed by Digium, Inc.; CC BY-SA 3.0, see data/asterisk-alnum.
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  changedSettings,
  decodeRecording,
  type EchoConfig,
  type Evaluation,
  evaluateModel,
  evaluationText,
  extractFeatures,
  medianPitch,
  prepareEvaluation,
  recognizerOf,
  resolveConfig,
  restoreModel,
  scoreCorpus,
  type Tokenizer,
} from "@echo-ts/echo-model";
import { readRunFolder, runReportSections, writeReport } from "@echo-ts/echo-model/figures";
import { loadCheckpoint, nodeFiles, runTraining, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import { pitchPlot, shadePlot } from "@echo-ts/echo-model/study";
import { setBackend, wasmInfo } from "@echo-ts/tensor";
import { hearDigits } from "./main/hear-digits.ts";

const { short } = parseArgs({ options: { short: { type: "boolean", default: false } } }).values;
const root: string = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const dataFolder: string = join(root, "data", "asterisk-alnum");
const outFolder: string = join(root, "out", short ? "main-short" : "main");

/** A tiny Echo for 128 single words: half the width of the default, half the encoder blocks. */
const config: EchoConfig = resolveConfig({
  model: { dims: 64, audioLayers: 2, textContext: 32, dropout: 0, residualDropout: 0 },
  data: { trainSplit: "all", evaluateSplit: "all" },
  batch: { maxFrames: 1600 },
  curriculum: { epochs: 0 },
  augment: { speeds: [1], melStretch: 0, melShift: 0, frequencyMasks: 0, timeMasks: 0 },
  loss: { ctcWeight: 0.5, labelSmoothing: 0 },
  optimizer: { learningRate: 3e-3, warmupSteps: 30 },
  training: { epochs: short ? 6 : 60, evaluateEvery: 200, checkpointEvery: 200 },
  decode: { maxTokens: 16 },
});

function heading(text: string): void {
  console.log(`\n${text}\n${"-".repeat(text.length)}`);
}

async function showRecording(): Promise<void> {
  const name = "wav/digits-7.wav";
  heading(`2. What the model reads of "seven" (${name})`);
  const { audio } = config;
  const wave = await decodeRecording(readFileSync(join(dataFolder, name)), name, audio.sampleRate);
  const { mel, f0, frames } = extractFeatures(wave, audio);
  console.log(
    `${audio.melBins} mel bands, ${frames} frames of ${(1000 * audio.hopLength) / audio.sampleRate} ms:`,
  );
  console.log(shadePlot(mel, audio.melBins, frames, 78, 14));
  console.log(`\npitch, median ${medianPitch(f0)?.toFixed(0)} Hz:`);
  console.log(pitchPlot(f0, 68, 8));
}

async function train(): Promise<Evaluation> {
  heading("3. A tiny Echo learns the 128 recordings by heart");
  for (const [key, value] of changedSettings(config)) console.log(`  ${key} = ${JSON.stringify(value)}`);
  rmSync(outFolder, { recursive: true, force: true });
  const begun = performance.now();
  let printed = 0;
  const summary = await runTraining({
    config,
    dataFolder,
    outFolder,
    diagnostics: true,
    onEvent: (event) => {
      if (event.kind === "start") console.log(`${event.size} recordings, ${event.parameters} parameters`);
      if (event.kind === "evaluation") {
        const { ctc, free } = Object.fromEntries(event.evaluation.scores);
        console.log(
          `  step ${event.step}: WER on the training recordings, CTC ${percent(ctc!.words.rate)}, attention ${percent(free!.words.rate)}`,
        );
      }
      if (event.kind !== "step" || performance.now() - printed < 3000) return;
      printed = performance.now();
      const { report, progress } = event;
      const seconds = (printed - begun) / 1000;
      console.log(
        `  step ${report.step}, ${percent(progress)} done, loss ${report.loss.toFixed(3)}, ` +
          `${(report.step / seconds).toFixed(1)} steps/s, ${Math.round((seconds / progress) * (1 - progress))} s left`,
      );
    },
  });
  const evaluation = summary.evaluations.get("all")!;
  console.log(evaluationText("tiny Echo on the recordings it was trained on (memorisation)", evaluation));
  console.log(`checkpoint, log and figures: ${outFolder}`);
  return evaluation;
}

async function recognise(file: string, split: string): Promise<Evaluation> {
  const { tokenizer } = checkpoint;
  const format = file === "strings.jsonl" ? "strings" : "manifest";
  const settings = resolveConfig({
    ...checkpoint.config,
    data: { ...checkpoint.config.data, format, file, maxSeconds: 15 },
  });
  const { evaluation } = await prepareEvaluation(nodeFiles(dataFolder), settings, tokenizer, { split });
  const examples = evaluation.get(split)!;
  return evaluateModel(restoreModel(checkpoint), tokenizer, examples, settings, { zeroed: true });
}

/** Whether every word of a text is in the vocabulary. */
function isKnown(text: string, tokenizer: Tokenizer): boolean {
  try {
    return tokenizer.encode(text).length > 0;
  } catch {
    return false;
  }
}

/** Word error rates over some texts of an evaluation, and how many those are. */
function rates(texts: Evaluation["texts"]): { count: number; ctc: string; free: string } {
  const rateOf = (kind: "ctc" | "free"): string =>
    percent(
      scoreCorpus(texts.map((row) => ({ reference: row.reference, hypothesis: row[kind] ?? "" }))).words.rate,
    );
  return { count: texts.length, ctc: rateOf("ctc"), free: rateOf("free") };
}

function showTexts({ texts }: Evaluation, count: number): void {
  const step = Math.max(1, Math.floor(texts.length / count));
  for (let i = 0; i < texts.length && i / step < count; i += step) {
    const { reference, ctc, free } = texts[i]!;
    console.log(`  said ${reference.padEnd(34)} CTC ${(ctc ?? "").padEnd(34)} attention ${free ?? ""}`);
  }
}

/** One HTML file on the run: how it learnt, what it looks like inside, what it sees in one recording. */
async function report(): Promise<string> {
  const checkpoint = await loadCheckpoint(join(outFolder, "last.safetensors"));
  const { tokenizer } = checkpoint;
  const name = "wav/digits-17.wav";
  const wave = await decodeRecording(readFileSync(join(dataFolder, name)), name, config.audio.sampleRate);
  const sections = await runReportSections({
    checkpoint,
    recognizer: { echo: restoreModel(checkpoint), tokenizer, config: checkpoint.config },
    ...(await readRunFolder(outFolder)),
    evaluations: new Map(),
    recording: { name, wave },
  });
  const text =
    "The tiny Echo of npm start, which learns 128 recordings of one voice by heart: its error rates are memorisation. Voice: Allison Smith, CC BY-SA 3.0.";
  const { page } = await writeReport(outFolder, { title: "Echo: the main job", text, sections });
  return page;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const started: number = performance.now();
setBackend("wasm");
const { threads, mode } = wasmInfo();
console.log(`Echo in TypeScript; wasm backend, ${threads} threads, ${mode}`);
const checkpoint = await loadCheckpoint(SHIPPED_CHECKPOINT);
heading("1. The shipped checkpoint, trained on AN4, hears a voice that it never heard before: digits");
const digits = await hearDigits(recognizerOf(checkpoint), dataFolder, short ? 6 : 30);
await showRecording();
const memorised = await train();
showTexts(memorised, 6);

heading("4. Where the shipped checkpoint is weak on that voice");
const rate = (evaluation: Evaluation, kind: "ctc" | "free"): string =>
  percent(evaluation.scores.get(kind)!.words.rate);
const table: [string, string, string][] = [];
const digitsRow = `shipped checkpoint, ${digits.strings} strings of digits, new voice`;
if (short) table.push([digitsRow, percent(digits.wordErrors), "-"]);
else {
  const strings = await recognise("strings.jsonl", "test");
  showTexts(strings, 6);
  console.log(evaluationText("90 strings of words it knows: digits, spelled letters, all mixed", strings));
  const styled = (style: string): ReturnType<typeof rates> =>
    rates(strings.texts.filter(({ id }) => id.includes(style)));
  table.push([digitsRow, percent(digits.wordErrors), styled("digits").free]);
  for (const style of ["spelled", "mixed"]) {
    const { count, ctc, free } = styled(style);
    table.push([`the same, ${count} strings, ${style}`, ctc, free]);
  }
  table.push(["the same, all 90 strings", rate(strings, "ctc"), rate(strings, "free")]);
}
const words = await recognise("manifest.jsonl", "all");
showTexts(words, 10);
console.log(evaluationText("the 128 recordings, single words", words));
const known = rates(words.texts.filter(({ reference }) => isKnown(reference, checkpoint.tokenizer)));
table.push(
  [`the same, ${known.count} single words that it knows`, known.ctc, known.free],
  ["the same, all 128 single words", rate(words, "ctc"), rate(words, "free")],
  ["tiny Echo, its own training recordings (memorised)", rate(memorised, "ctc"), rate(memorised, "free")],
);

heading("Word error rates");
for (const [name, ctc, free] of table)
  console.log(`${name.padEnd(52)} CTC ${ctc.padStart(7)}   attention ${free.padStart(7)}`);
console.log(`\nreport, to be opened in a browser: ${await report()}`);
console.log(`done in ${((performance.now() - started) / 1000).toFixed(0)} s`);
