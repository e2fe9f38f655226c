// Where the time of recognition goes, part by part, and how many utterances a second training takes, on one thread and on
// two:
//   node packages/echo-model/bench/recognition.mjs [--seconds 10] [--runs 30] [--threads 1]
// Ten seconds go through log-mel, pitch, encoder, CTC and the attention decoder of the shipped model, then come in 200 ms
// chunks; training steps of the AN4 recipe are made on the bundled strings. Minimum and median, in milliseconds of the
// processor (which leaves out what other programs take) and of the clock; the real-time factor is the least time of the
// clock divided by the length of the sound. The sound is made here, a gliding voice of harmonics with pauses: the time does
// not depend on what is said, but for decoding, where the attention decoder is told to write ten tokens.
import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  ctcBeamDecode,
  ctcFrameScores,
  ctcGreedyDecode,
  decoderScore,
  jointDecode,
  newModel,
  onePassDecode,
  prepareTraining,
  recognizerOf,
  resolveConfig,
  Trainer,
  TranscribeStream,
} from "@echo-ts/echo-model";
import { loadCheckpoint, nodeFiles, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import { configureWasm, releasingResults, wasmInfo } from "@echo-ts/tensor";
import { inputOf } from "../dist/settings/resolve.js";
import { encodeUtterances } from "../dist/speech/encode-utterances.js";
import { extractFeatures, trackF0 } from "../dist/speech/features.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    runs: { type: "string", default: "30" },
    threads: { type: "string" },
  },
});
if (values.threads === undefined) {
  // The threads of a process are fixed once it has begun to compute.
  for (const threads of ["1", "2"])
    spawnSync(process.execPath, [...process.argv.slice(1), "--threads", threads], { stdio: "inherit" });
  process.exit();
}
const [seconds, runs] = [Number(values.seconds), Number(values.runs)];
configureWasm({ threads: Number(values.threads) });
const checkpoint = await loadCheckpoint(SHIPPED_CHECKPOINT);
const recognizer = recognizerOf(checkpoint);
const { echo, config } = recognizer;
echo.eval();
const input = inputOf(config);
const { sampleRate } = input;

/** A voice of ten harmonics between 100 and 180 Hz that pauses for 0.3 s every 2 s. */
function voice() {
  const wave = new Float32Array(seconds * sampleRate);
  let phase = 0;
  for (let i = 0; i < wave.length; i++) {
    const t = i / sampleRate;
    phase += (2 * Math.PI * (140 + 40 * Math.sin(1.3 * t))) / sampleRate;
    if (t % 2 > 1.7) continue;
    for (let h = 1; h <= 10; h++) wave[i] += (0.1 / h) * Math.sin(h * phase);
  }
  return wave;
}

const figures = (times) => {
  const sorted = times.toSorted((a, b) => a - b);
  return `${sorted[0].toFixed(2)} / ${sorted[sorted.length >> 1].toFixed(2)}`;
};

async function time(name, run) {
  const [cpu, clock] = [[], []];
  for (let i = 0; i < runs + 3; i++) {
    const [before, start] = [process.cpuUsage(), performance.now()];
    await run();
    const [{ user, system }, now] = [process.cpuUsage(before), performance.now()];
    if (i < 3) continue;
    cpu.push((user + system) / 1000);
    clock.push(now - start);
  }
  const factor = (Math.min(...clock) / 1000 / seconds).toFixed(4);
  console.log(name.padEnd(34), figures(cpu).padStart(18), figures(clock).padStart(18), factor.padStart(10));
}

const wave = voice();
const f0 = trackF0(wave, input);
const features = extractFeatures(wave, input);
const encoded = encodeUtterances(echo, [features], input);
const [scores] = await ctcFrameScores(echo, encoded);

console.log(
  `Node ${process.version}, ${wasmInfo().mode}, threads ${wasmInfo().threads}, ${seconds} s, ${features.frames} hops`,
);
console.log("".padEnd(34), "processor, ms".padStart(18), "clock, ms".padStart(18), "real time".padStart(10));
await time("log-mel and silence", () => extractFeatures(wave, input, f0));
await time("pitch", () => trackF0(wave, input));
await time("encoder", () => releasingResults(() => void encodeUtterances(echo, [features], input)));
await time("CTC head", () => ctcFrameScores(echo, encoded));
await time("CTC greedy", () => ctcGreedyDecode(scores));
await time("CTC beam 8", () => ctcBeamDecode(scores, { beamSize: 8 }));
// What the voice of harmonics is heard as depends on the weights; ten tokens stand for ten spoken words.
const { special } = checkpoint.tokenizer;
const ten = Array.from({ length: 10 }, (_, i) => 10 + i);
const search = { beamSize: 8, maxTokens: 12, ids: special };
await time("attention, ten tokens", () => decoderScore(echo, encoded, ten, special));
await time("joint 8 (CTC's texts rescored)", () =>
  jointDecode(echo, encoded, 0, scores, { beamSize: 8, ids: special }),
);
await time("one pass 8, at most 11 tokens", () => onePassDecode(echo, encoded, 0, scores, search));
await time("all, greedy", async () => {
  const [found] = await ctcFrameScores(echo, encodeUtterances(echo, [extractFeatures(wave, input)], input));
  ctcGreedyDecode(found);
});

// Chunks: most only look for a pause; one that completes a stretch also recognises it.
const chunk = Math.round(0.2 * sampleRate);
const times = [];
for (let round = 0; round < Math.max(1, runs / 10); round++) {
  const stream = new TranscribeStream(recognizer);
  for (let i = 0; i + chunk <= wave.length; i += chunk) {
    const start = performance.now();
    await stream.push(wave.subarray(i, i + chunk));
    times.push(performance.now() - start);
  }
  await stream.finish();
}
const sorted = times.toSorted((a, b) => a - b);
console.log(
  `200 ms chunks, clock: median ${sorted[sorted.length >> 1].toFixed(2)}, 95 % ${sorted[Math.floor(0.95 * sorted.length)].toFixed(1)}, most ${sorted.at(-1).toFixed(1)} ms`,
);

// Training: the AN4 recipe, forward, backward and AdamW, batches of up to 3200 hops; features are kept after the first look.
const recipe = resolveConfig({
  data: { format: "strings", file: "strings.jsonl", trainSplit: "test", evaluateSplit: "test" },
  curriculum: { epochs: 0 },
  augment: { speeds: [1] },
});
const data = await prepareTraining(
  nodeFiles(fileURLToPath(new URL("../../../data/asterisk-alnum", import.meta.url))),
  recipe,
);
const learner = new Trainer(newModel(recipe, data.tokenizer), data.source, recipe, data.tokenizer.special);
const steps = Math.max(3, Math.round(runs / 2));
const rates = { cpu: [], clock: [] };
for (let step = 0; step < steps + 2; step++) {
  const [before, start] = [process.cpuUsage(), performance.now()];
  const { utterances } = await learner.step();
  const [{ user, system }, now] = [process.cpuUsage(before), performance.now()];
  if (step < 2) continue;
  rates.cpu.push((1e6 * utterances) / (user + system));
  rates.clock.push((1000 * utterances) / (now - start));
}
const middle = (list) => list.toSorted((a, b) => a - b)[list.length >> 1].toFixed(1);
console.log(
  `training, strings of 4.1 s on average, ${steps} steps: median ${middle(rates.cpu)} utterances per second of the processor, ` +
    `${middle(rates.clock)} of the clock, most ${Math.max(...rates.clock).toFixed(1)}\n`,
);
