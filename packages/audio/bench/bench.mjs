// Speed of the features on 60 s of 16 kHz noise, in CPU seconds of this process, best of N.
//   pnpm bench:audio [--json] [--runs N] [--only NAME]
// "match" and "goal" are the project's bars; peers measured on another day are listed in RESULTS.md.
import { performance } from "node:perf_hooks";
import * as audio from "@echo-ts/audio";

const args = process.argv.slice(2);
const value = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const runs = Number(value("--runs", 20));
const only = value("--only", "");

const SECONDS = 60;
const signal = audio.whiteNoise(1, { seconds: SECONDS, sampleRate: 16000 });
const glide = audio.chirp(90, 300, { seconds: SECONDS, sampleRate: 16000 });
const half = audio.whiteNoise(2, { seconds: SECONDS, sampleRate: 8000 });
const wav = audio.encodeWav(signal, { sampleRate: 16000 });
const stftOptions = { fftSize: 1024, hopLength: 128 };
const pitchOptions = { sampleRate: 16000, fmin: 60, fmax: 600, frameLength: 1024, hopLength: 128 };

/** name, what runs, match and goal in CPU seconds (null: no bar). */
const items = [
  ["stft 1024/128", () => audio.stft(signal, stftOptions), 0.06, 0.025],
  ["reference log-mel", () => audio.echoLogMel(signal), 0.1, 0.05],
  ["whisper log-mel 80", () => audio.whisperLogMel(signal, { padOrTrim: false }), null, null],
  ["istft 1024/128", null, null, null],
  [
    "mfcc 13 512/160",
    () =>
      audio.mfcc(signal, { sampleRate: 16000, fftSize: 512, hopLength: 160, melBins: 40, coefficients: 13 }),
    null,
    null,
  ],
  ["resample 8k to 16k", () => audio.resample(half, 8000, 16000), null, null],
  ["resample 8k to 16k fast", () => audio.resample(half, 8000, 16000, { method: "fast" }), null, null],
  ["decode wav int16", () => audio.decodeWav(wav), null, null],
  ["voice activity", () => audio.voiceActivity(signal, { sampleRate: 16000 }), null, null],
  ["yin", audio.yin && (() => audio.yin(glide, pitchOptions)), 0.5, 0.15],
  ["pyin", audio.pyin && (() => audio.pyin(glide, pitchOptions)), 5, 1],
  ["pitch tracker", () => audio.trackPitch(glide, { sampleRate: 16000, hopLength: 128 }), 0.6, 0.3],
];

const spectrum = audio.stft(signal, stftOptions);
items.find(([name]) => name.startsWith("istft"))[1] = () =>
  audio.istft(spectrum, { ...stftOptions, length: signal.length });

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const results = [];
for (const [name, run, match, goal] of items) {
  if (!run || !name.includes(only)) continue;
  const times = [];
  const started = performance.now();
  // Slow items get fewer runs, but at least two: the first one compiles.
  for (let i = 0; i < runs && (i < 2 || performance.now() - started < 20000); i++) {
    const before = cpu();
    run();
    times.push(cpu() - before);
  }
  times.sort((a, b) => a - b);
  const [best] = times;
  const median = times[times.length >> 1];
  const verdict = match === null ? "" : best <= goal ? "goal" : best <= match ? "match" : "missed";
  results.push({
    name,
    cpuSeconds: best,
    median,
    runs: times.length,
    timesRealTime: SECONDS / best,
    match,
    goal,
    verdict,
  });
}

if (args.includes("--json")) {
  const date = new Date().toISOString();
  console.log(
    JSON.stringify({ bench: "audio", date, node: process.version, audioSeconds: SECONDS, results }, null, 2),
  );
} else {
  console.log(`60 s of 16 kHz audio, CPU seconds, Node ${process.version}`);
  for (const r of results) {
    const bars = r.match === null ? "" : `match ${r.match} / goal ${r.goal}: ${r.verdict}`;
    console.log(`${r.name.padEnd(24)} ${r.cpuSeconds.toFixed(4)}  (median ${r.median.toFixed(4)})  ${bars}`);
  }
}
