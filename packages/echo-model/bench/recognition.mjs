// Where the time of recognition goes: ten seconds through log-mel, pitch, encoder and CTC, and 200 ms chunks as they come
// in, with the shipped model on one thread:
//   node packages/echo-model/bench/recognition.mjs [--seconds 10] [--runs 30]
// Minimum and median, in milliseconds of the processor (which leaves out what others take) and of the clock. The sound is
// made here, a gliding voice of harmonics with pauses: the time does not depend on what is said, but for decoding.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import {
  ctcBeamDecode,
  ctcFrameScores,
  ctcGreedyDecode,
  recognizerOf,
  TranscribeStream,
} from "@echo-ts/echo-model";
import { loadCheckpoint, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import { configureWasm, releasingResults, wasmInfo } from "@echo-ts/tensor";
import { inputOf } from "../dist/settings/resolve.js";
import { encodeUtterances } from "../dist/speech/encode-utterances.js";
import { extractFeatures, trackF0 } from "../dist/speech/features.js";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, runs: { type: "string", default: "30" } },
});
const [seconds, runs] = [Number(values.seconds), Number(values.runs)];
configureWasm({ threads: 1 });
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
  console.log(name.padEnd(34), figures(cpu).padStart(18), figures(clock).padStart(18));
}

const wave = voice();
const f0 = trackF0(wave, input);
const features = extractFeatures(wave, input);
const encoded = encodeUtterances(echo, [features], input);
const [scores] = await ctcFrameScores(echo, encoded);

console.log(`Node ${process.version}, ${wasmInfo().mode}, one thread, ${seconds} s, ${features.frames} hops`);
console.log("".padEnd(34), "processor, ms".padStart(18), "clock, ms".padStart(18));
await time("log-mel and silence", () => extractFeatures(wave, input, f0));
await time("pitch", () => trackF0(wave, input));
await time("encoder", () => releasingResults(() => void encodeUtterances(echo, [features], input)));
await time("CTC head", () => ctcFrameScores(echo, encoded));
await time("CTC greedy", () => ctcGreedyDecode(scores));
await time("CTC beam 8", () => ctcBeamDecode(scores, { beamSize: 8 }));
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
