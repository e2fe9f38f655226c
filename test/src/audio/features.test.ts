// MFCC and delta, spectral measures, silence and speech: reference values, then signals with known answers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  dctMatrix,
  decodeWav,
  delta,
  echoLogMel,
  type FloatArray,
  type MelScale,
  melSpectrogram,
  mfcc,
  powerToDb,
  rms,
  silentFrames,
  spectralCentroid,
  spectralFlatness,
  spectralRolloff,
  spectrogram,
  tone,
  toRowMajor,
  voiceActivity,
  whisperLogMel,
  whiteNoise,
  zeroCrossingRate,
} from "@echo-ts/audio";
import ndarray from "ndarray";
import t from "tap";
import {
  cases,
  fixtures,
  type GoldenCase,
  input,
  maxAbs,
  maxDifference,
  output,
  readSafetensors,
  sharedPath,
} from "./golden.ts";

function mfccOptions(test: GoldenCase) {
  const { n_mfcc, n_mels, n_fft, hop_length, htk, norm } = test.params as Record<string, number>;
  return {
    sampleRate: 16000,
    coefficients: n_mfcc!,
    fftSize: n_fft!,
    hopLength: hop_length!,
    melBins: n_mels!,
    melScale: (htk ? "htk" : "slaney") as MelScale,
    melNorm: norm ? ("slaney" as const) : ("none" as const),
  };
}

t.test("mfcc and delta equal librosa", async (t) => {
  const tests = cases.filter((test) => test.function.startsWith("mfcc"));
  t.equal(tests.length, 2);
  for (const test of tests) {
    const options = mfccOptions(test);
    const { coefficients: _, ...melOptions } = options;
    const signal = input(test.input!.name, test.input!.samples);
    const wantMel = output(test, "melspectrogram");
    const melError = maxDifference(toRowMajor(melSpectrogram(signal, melOptions)), wantMel);
    t.ok(
      melError <= test.tolerance.mel_abs_rel_to_max! * maxAbs(wantMel),
      `${test.id}: mel error ${melError}`,
    );
    const got = mfcc(signal, options);
    t.same(got.shape, test.outputs.mfcc!.shape);
    const error = maxDifference(toRowMajor(got), output(test, "mfcc"));
    t.ok(error <= test.tolerance.mfcc_abs!, `${test.id}: mfcc error ${error}`);
    if (!test.outputs.delta) continue;
    const deltaError = maxDifference(toRowMajor(delta(got)), output(test, "delta"));
    t.ok(deltaError <= test.tolerance.delta_abs!, `${test.id}: delta error ${deltaError}`);
  }
});

// Cases on recordings that may not be copied into this repository are read from beside it.
const shared = sharedPath("golden", "audio");

t.test(
  "log-mel and mfcc of the recordings of the shared set",
  { skip: shared ? false : "no shared/golden/audio here" },
  async (t) => {
    const index = JSON.parse(readFileSync(join(shared!, "index.json"), "utf8")) as {
      entries: (GoldenCase & { outputs: Record<string, { file: string; key: string }> })[];
    };
    const tests = index.entries.filter((test) => /^(ref|mfcc)\d_speech_an4$/.test(test.id));
    t.equal(tests.length, 5);
    for (const test of tests) {
      const signal = readSafetensors(join(shared!, "inputs.safetensors"), "speech_an4").subarray(
        0,
        test.input!.samples,
      );
      const want = (name: string) =>
        readSafetensors(join(shared!, test.outputs[name]!.file), test.outputs[name]!.key);
      if (test.id.startsWith("ref")) {
        const got = echoLogMel(signal, {
          fmin: test.params.f_min as number,
          fmax: test.params.f_max as number,
        });
        const error = maxDifference(toRowMajor(got), want("logmel"));
        t.ok(error <= test.tolerance.logmel_abs!, `${test.id}: error ${error}`);
        continue;
      }
      const got = mfcc(signal, mfccOptions(test));
      const error = maxDifference(toRowMajor(got), want("mfcc"));
      t.ok(error <= test.tolerance.mfcc_abs!, `${test.id}: error ${error}`);
      if (test.outputs.delta)
        t.ok(maxDifference(toRowMajor(delta(got)), want("delta")) <= test.tolerance.delta_abs!);
    }
  },
);

t.test("the cosine transform and the lifter", async (t) => {
  // Orthonormal: the rows are orthonormal, and type 3 is the transpose of type 2.
  const two = toRowMajor(dctMatrix(6, 6, 2));
  const three = toRowMajor(dctMatrix(6, 6, 3).transpose(1, 0));
  t.ok(maxDifference(two, three) < 1e-7);
  for (let a = 0; a < 6; a++) {
    for (let b = 0; b < 6; b++) {
      let dot = 0;
      for (let i = 0; i < 6; i++) dot += two[6 * a + i]! * two[6 * b + i]!;
      t.ok(Math.abs(dot - (a === b ? 1 : 0)) < 1e-6);
    }
  }
  // SciPy's definitions without scaling, by hand: type 2 of [1, 2, 3] is [12, -2 sqrt 3, 0], of type 3 [1 + 2 sqrt 3 + 3, -5, ...].
  const apply = (matrix: FloatArray) =>
    [0, 1, 2].map((k) => [1, 2, 3].reduce((sum, x, n) => sum + x * matrix.get(k, n), 0));
  t.ok(maxDifference(apply(dctMatrix(3, 3, 2, false)), [12, -2 * Math.sqrt(3), 0]) < 1e-5);
  t.ok(
    maxDifference(apply(dctMatrix(3, 3, 3, false)), [4 + 2 * Math.sqrt(3), -5, 4 - 2 * Math.sqrt(3)]) < 1e-5,
  );
  const signal = input("speech_f", 4000);
  const options = { sampleRate: 16000, fftSize: 512, melBins: 40, coefficients: 13 };
  const plain = mfcc(signal, options);
  const lifted = mfcc(signal, { ...options, lifter: 22 });
  for (const k of [0, 5, 12]) {
    const want = plain.get(k, 3) * (1 + 11 * Math.sin((Math.PI * (k + 1)) / 22));
    t.ok(Math.abs(lifted.get(k, 3) - want) < 1e-3, `coefficient ${k}`);
  }
  t.throws(() => mfcc(signal, { ...options, coefficients: 41 }), {
    message: "mfcc: 41 coefficients need as many inputs, got 40",
  });
});

t.test("huge samples: the same cepstrum, shifted, and a refusal where the power overflows", async (t) => {
  const signal = input("speech_f", 4000);
  const options = { sampleRate: 16000, fftSize: 512, melBins: 40, coefficients: 13, topDb: 40 };
  const plain = mfcc(signal, options);
  // 1e16 is 320 dB in every band, which the first coefficient sums up: 320 sqrt(40).
  const loud = mfcc(
    signal.map((value) => 1e16 * value),
    options,
  );
  for (const k of [0, 1, 6, 12]) {
    const shift = k === 0 ? 320 * Math.sqrt(40) : 0;
    t.ok(Math.abs(loud.get(k, 3) - plain.get(k, 3) - shift) < 2e-3, `coefficient ${k}`);
  }
  const peak = signal.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const largest = signal.map((value) => (3e38 / peak) * value);
  t.throws(() => mfcc(largest, options), {
    name: "AudioError",
    reason: "parameter",
    message:
      "mfcc: the power in frame 0 is beyond float32 (3.4e38), expected samples around -1 ... 1; divide them by their peak",
  });
  const mel = melSpectrogram(largest, { sampleRate: 16000, fftSize: 512, melBins: 40 });
  t.equal(mel.get(10, 3), Number.POSITIVE_INFINITY, "the power itself is infinite, as in NumPy");
  for (const log of [echoLogMel(largest), whisperLogMel(largest, { padOrTrim: false })]) {
    t.ok(toRowMajor(log).every(Number.isFinite), "logarithms of it are finite");
  }
});

t.test("delta of polynomials is their derivative", async (t) => {
  const frames = Array.from({ length: 20 }, (_, f) => f);
  const rows = ndarray(
    Float32Array.from([...frames.map((f) => 3 * f + 1), ...frames.map((f) => f * f)]),
    [2, 20],
  );
  const slope = delta(rows);
  t.ok(maxDifference(toRowMajor(slope.pick(0)), new Float32Array(20).fill(3)) < 1e-5);
  for (let f = 4; f < 16; f++) t.ok(Math.abs(slope.get(1, f) - 2 * f) < 1e-4, `frame ${f}`);
  t.ok(
    maxDifference(toRowMajor(delta(rows, { order: 2, width: 5 }).pick(1)), new Float32Array(20).fill(2)) <
      1e-4,
  );
  t.throws(() => delta(rows, { width: 8 }), { message: "delta: width must be odd and above order 1, got 8" });
  t.throws(() => delta(rows, { width: 21 }), { message: "delta: needs at least width = 21 frames, got 20" });
});

t.test("spectral measures of signals with known answers", async (t) => {
  const sampleRate = 16000;
  const options = { fftSize: 1024, hopLength: 256, power: 1 };
  const flat = ndarray(new Float32Array(513).fill(1), [513, 1]);
  t.ok(
    Math.abs(spectralCentroid(flat, { sampleRate })[0]! - 4000) < 1e-3,
    "a flat spectrum is centred on half the band",
  );
  t.equal(
    spectralRolloff(flat, { sampleRate })[0],
    Math.fround((436 * 16000) / 1024),
    "85 % of 513 bins is bin 436",
  );
  t.ok(Math.abs(spectralFlatness(flat)[0]! - 1) < 1e-6);
  const line = ndarray(
    Float32Array.from({ length: 513 }, (_, k) => (k === 64 ? 1 : 0)),
    [513, 1],
  );
  t.equal(spectralCentroid(line, { sampleRate })[0], 1000);
  t.equal(spectralRolloff(line, { sampleRate })[0], 1000);
  t.ok(spectralFlatness(line)[0]! < 1e-6);
  const hz = spectrogram(tone(2000, { seconds: 1, sampleRate }), options);
  t.ok(Math.abs(spectralCentroid(hz, { sampleRate })[30]! - 2000) < 5);
  const noise = spectrogram(whiteNoise(1, { seconds: 1, sampleRate }), options);
  t.ok(spectralFlatness(noise)[30]! > 0.4 && spectralFlatness(hz)[30]! < 1e-4);
  t.equal(spectralCentroid(ndarray(new Float32Array(513), [513, 1]), { sampleRate })[0], 0, "silence");
  t.throws(() => spectralCentroid(flat, { sampleRate, fftSize: 512 }), {
    message: "spectralCentroid: fftSize 512 has 257 bins, got 513",
  });

  const sine = tone(500, { seconds: 1, sampleRate, amplitude: 0.5 });
  const level = rms(sine, { frameLength: 1600, hopLength: 400 });
  t.equal(level.length, 41);
  t.ok(Math.abs(level[20]! - 0.5 / Math.SQRT2) < 1e-6);
  t.ok(Math.abs(level[0]! - 0.25) < 1e-3, "the first frame is half padding");
  const crossings = zeroCrossingRate(sine, { frameLength: 1600, hopLength: 400 });
  t.ok(Math.abs(crossings[20]! - 1000 / 16000) < 2 / 1600, "500 Hz crosses zero 1000 times a second");
  t.throws(() => rms(new Float32Array(0)), { message: "rms: the signal is empty" });
});

const clips = join(fixtures, "..", "..", "..", "data", "asterisk-alnum", "wav");
const clip = (name: string): Float32Array => decodeWav(readFileSync(join(clips, `${name}.wav`))).channels[0]!;

t.test("silent frames", async (t) => {
  const signal = new Float32Array(16000);
  signal.set(whiteNoise(2, { seconds: 0.5, sampleRate: 16000 }));
  const mask = silentFrames(echoLogMel(signal));
  t.equal(mask.length, 126);
  t.same([mask[30], mask[60], mask[75], mask[120]], [0, 0, 1, 1]);
  t.same(
    silentFrames(echoLogMel(new Float32Array(4000))),
    new Uint8Array(32).fill(1),
    "digital silence is silent throughout",
  );
  const power = melSpectrogram(signal, { sampleRate: 16000, fftSize: 1024, hopLength: 128 });
  const db = powerToDb(power, { topDb: null });
  t.same(silentFrames(db, { scale: "db" }).slice(70), new Uint8Array(56).fill(1));
  t.same(silentFrames(echoLogMel(signal.map((x) => x / 4))), mask, "gain changes nothing");
});

t.test("speech is found between gaps, with and without noise", async (t) => {
  const words = ["digits-1", "digits-2", "letters-w", "digits-9"].map(clip);
  const gap = 8000;
  const total = words.reduce((sum, word) => sum + word.length + gap, gap);
  const clean = new Float32Array(total);
  const truth = new Uint8Array(total);
  let at = gap;
  for (const word of words) {
    clean.set(word, at);
    truth.fill(1, at, at + word.length);
    at += word.length + gap;
  }
  for (const amplitude of [0, 0.002, 0.02]) {
    const noise = whiteNoise(9, { seconds: total / 16000, sampleRate: 16000, amplitude });
    const { speech, segments } = voiceActivity(
      clean.map((x, i) => x + noise[i]!),
      { sampleRate: 16000 },
    );
    let [hits, inside, alarms, outside] = [0, 0, 0, 0];
    for (const [f, found] of speech.entries()) {
      const here = Math.min(total - 1, f * 160);
      if (truth[here]) {
        inside++;
        hits += found;
      } else {
        outside++;
        alarms += found;
      }
    }
    t.ok(alarms / outside < 0.02, `noise ${amplitude}: ${alarms} of ${outside} frames between words`);
    t.ok(
      hits / inside > 0.6,
      `noise ${amplitude}: ${hits} of ${inside} frames of words (60 ms of silence at their ends)`,
    );
    t.equal(segments.length, 4, `noise ${amplitude}: one segment per word`);
  }
  t.same(
    voiceActivity(new Float32Array(16000), { sampleRate: 16000 }).segments,
    [],
    "silence holds no speech",
  );
  t.throws(() => voiceActivity(new Float32Array(0), { sampleRate: 16000 }), {
    message: "voiceActivity: the signal is empty",
  });
});
