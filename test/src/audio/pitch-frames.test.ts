// The frame-wise trackers: yin and pyin against librosa's values, mpm, and what all of them refuse.
import { readFileSync } from "node:fs";
import { AudioError, harmonics, mpm, pyin, tone, whiteNoise, yin } from "@echo-ts/audio";
import t, { type Test } from "tap";
import { sharedPath, skipWithoutShared } from "../shared-material.ts";
import { cases, type GoldenCase, input, output } from "./golden.ts";

const RATE = 16000;
const search = { sampleRate: RATE, fmin: 60, fmax: 600, frameLength: 1024, hopLength: 128 };

interface Reference {
  readonly signal: Float32Array;
  readonly output: (name: string) => ArrayLike<number>;
}

function optionsOf(test: GoldenCase) {
  const { sr, fmin, fmax, frame_length, hop_length } = test.params as Record<string, number>;
  return { sampleRate: sr!, fmin: fmin!, fmax: fmax!, frameLength: frame_length!, hopLength: hop_length! };
}

function checkYin(t: Test, test: GoldenCase, reference: Reference): void {
  const want = reference.output("f0");
  const got = yin(reference.signal, optionsOf(test));
  t.equal(got.length, want.length, `${test.id}: frames`);
  let outside = 0;
  for (let i = 0; i < want.length; i++) {
    if (!(Math.abs(got[i]! / want[i]! - 1) <= test.tolerance.rel!)) outside++;
  }
  t.ok(
    outside <= test.tolerance.frames_allowed_outside! * want.length,
    `${test.id}: ${outside} frames differ`,
  );
}

function checkPyin(t: Test, test: GoldenCase, reference: Reference): void {
  const want = reference.output("f0");
  const voiced = reference.output("voiced");
  const probability = reference.output("prob");
  const got = pyin(reference.signal, optionsOf(test));
  t.equal(got.f0.length, want.length, `${test.id}: frames`);
  let flags = 0;
  let f0 = 0;
  let prob = 0;
  for (let i = 0; i < want.length; i++) {
    // The bundled copy reads the int32 flags as float32 bits: compare with zero only.
    if ((got.voiced[i] !== 0) !== (voiced[i] !== 0)) flags++;
    else if (voiced[i]) f0 = Math.max(f0, Math.abs(got.f0[i]! / want[i]! - 1));
    prob = Math.max(prob, Math.abs(got.probability[i]! - probability[i]!));
  }
  t.ok(
    flags <= test.tolerance.voiced_flag_disagreement! * want.length,
    `${test.id}: ${flags} voicing flags differ`,
  );
  t.ok(f0 <= test.tolerance.f0_rel_where_voiced!, `${test.id}: f0 within ${f0}`);
  t.ok(prob <= test.tolerance.prob_abs!, `${test.id}: probability within ${prob}`);
}

function check(t: Test, tests: readonly GoldenCase[], read: (test: GoldenCase) => Reference): void {
  const pitch = tests.filter((test) => /^p?yin/.test(test.id));
  t.ok(pitch.length > 0, "there are pitch cases");
  for (const test of pitch) (test.id.startsWith("yin") ? checkYin : checkPyin)(t, test, read(test));
}

/** The tensors of a safetensors file by name; int32 and float32 only. */
function readTensors(path: string): (key: string) => Float32Array | Int32Array {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  return (key) => {
    const { dtype, data_offsets: at } = header[key]!;
    const copy = new Uint8Array(bytes.subarray(start + at[0], start + at[1])).buffer;
    return dtype === "I32" ? new Int32Array(copy) : new Float32Array(copy);
  };
}

t.test("yin and pyin equal librosa on the bundled cases", async (t) => {
  check(t, cases, (test) => ({
    signal: input(test.input!.name, test.input!.samples),
    output: (name) => output(test, name),
  }));
});

t.test("yin and pyin equal librosa on all cases, speech included", { skip: skipWithoutShared }, async (t) => {
  const folder = sharedPath("golden", "audio");
  const inputs = readTensors(`${folder}/inputs.safetensors`);
  const outputs = readTensors(`${folder}/pitch.safetensors`);
  const index = JSON.parse(readFileSync(`${folder}/index.json`, "utf8")) as { entries: GoldenCase[] };
  check(t, index.entries, (test) => ({
    signal: inputs(test.input!.name).subarray(0, test.input!.samples) as Float32Array,
    output: (name) => outputs(test.outputs[name]!.key),
  }));
});

t.test("every tracker finds a pure and a rich tone", async (t) => {
  for (const hz of [80, 131, 220, 333.3, 554]) {
    const pure = tone(hz, { seconds: 0.5, sampleRate: RATE });
    const rich = harmonics(hz, [1, 0.7, 0.5, 0.3, 0.2], { seconds: 0.5, sampleRate: RATE, amplitude: 0.2 });
    for (const [name, signal] of [["pure", pure] as const, ["rich", rich] as const]) {
      const middle = 30;
      const cents = (f0: number) => Math.abs(1200 * Math.log2(f0 / hz));
      // librosa's difference leaves out the tail energy, which pulls pure low tones sharp in short frames.
      const bias = name === "pure" ? 20 : 3;
      t.ok(cents(yin(signal, search)[middle]!) < bias, `yin ${name} ${hz}`);
      const path = pyin(signal, search);
      t.ok(
        path.voiced[middle] === 1 && cents(path.f0[middle]!) < bias + 5,
        `pyin ${name} ${hz}: bins of 10 cents`,
      );
      const peak = mpm(signal, search);
      t.ok(cents(peak.f0[middle]!) < 1 && peak.clarity[middle]! > 0.95, `mpm ${name} ${hz}`);
    }
  }
});

t.test("silence and noise are not voiced", async (t) => {
  const noise = whiteNoise(3, { seconds: 1, sampleRate: RATE });
  const silence = new Float32Array(RATE);
  for (const [name, signal] of [["noise", noise] as const, ["silence", silence] as const]) {
    const voiced = (values: ArrayLike<number>) =>
      Array.from(values).filter((value) => value > 0).length / values.length;
    t.ok(voiced(pyin(signal, search).f0) < 0.05, `pyin, ${name}`);
    t.ok(voiced(mpm(signal, search).f0) < 0.05, `mpm, ${name}`);
  }
  t.same(
    [...mpm(silence, search).clarity].filter((value) => value !== 0),
    [],
    "mpm: clarity of silence",
  );
});

t.test("a time shift by whole hops moves the frames, gain changes nothing", async (t) => {
  const signal = harmonics(147, [1, 0.5, 0.3], { seconds: 0.6, sampleRate: RATE, amplitude: 0.3 });
  const later = new Float32Array(signal.length + 10 * 128);
  later.set(signal, 10 * 128);
  const quieter = signal.map((value) => value / 64);
  const inside = (values: Float32Array, from: number) => [...values.subarray(from, from + 50)];
  t.same(inside(yin(later, search), 20), inside(yin(signal, search), 10), "yin shifted");
  t.same(inside(mpm(later, search).f0, 20), inside(mpm(signal, search).f0, 10), "mpm shifted");
  t.same(yin(quieter, search), yin(signal, search), "yin quieter by a power of two");
  t.same(pyin(quieter, search).f0, pyin(signal, search).f0, "pyin quieter by a power of two");
});

t.test("frames: centred or not, hop and length", async (t) => {
  const signal = tone(200, { seconds: 1, sampleRate: RATE });
  t.equal(yin(signal, search).length, 126, "1 + floor(16000 / 128)");
  t.equal(yin(signal, { ...search, center: false }).length, 118, "1 + floor((16000 - 1024) / 128)");
  t.equal(yin(signal, { sampleRate: RATE, fmin: 60, fmax: 600 }).length, 32, "default hop: 2048 / 4");
  t.equal(yin(new Float32Array(1), search).length, 1, "one sample is one frame");
});

t.test("pyin can keep its guess in unvoiced frames", async (t) => {
  const noise = whiteNoise(5, { seconds: 0.3, sampleRate: RATE });
  t.ok(pyin(noise, search).f0.includes(0));
  t.notOk(pyin(noise, { ...search, keepUnvoicedGuess: true }).f0.includes(0));
});

t.test("bad arguments are refused by name", async (t) => {
  const signal = tone(200, { seconds: 0.2, sampleRate: RATE });
  const refuses = (run: () => unknown, message: string) => {
    try {
      run();
      t.fail(`no error, expected "${message}"`);
    } catch (error) {
      t.ok(error instanceof AudioError, message);
      t.equal((error as Error).message, message);
    }
  };
  refuses(() => yin(signal, { ...search, fmin: 600 }), "yin: fmin must be below fmax, got 600 Hz and 600 Hz");
  refuses(
    () => yin(signal, { ...search, fmax: 9000 }),
    "yin: fmax 9000 Hz is above half the sample rate (8000 Hz)",
  );
  refuses(() => mpm(signal, { ...search, fmin: -1 }), "mpm: fmin must be a finite number > 0, got -1");
  refuses(
    () => pyin(signal, { ...search, frameLength: 256 }),
    "pyin: fmin 60 Hz does not fit a frame of 256 samples at 16000 Hz, " +
      "expected fmin above 62.745 Hz or frameLength >= 269",
  );
  refuses(
    () => yin(signal, { ...search, hopLength: 0 }),
    "yin: hopLength must be a whole number >= 1, got 0",
  );
  refuses(() => yin(signal, { ...search, troughThreshold: 0 }), "yin: troughThreshold must be > 0, got 0");
  refuses(() => yin(new Float32Array(0), search), "yin: expected at least 1 samples, got 0");
  refuses(() => yin(Float32Array.of(0, Number.NaN), search), "yin: sample 1 is NaN, expected finite samples");
  refuses(
    () => pyin(signal, { ...search, switchProbability: 0 }) /* biome-ignore format: one line */,
    "pyin: switchProbability must be > 0 and <= 0.999999999999, got 0",
  );
  refuses(
    () => pyin(signal, { ...search, thresholds: 0.5 }),
    "pyin: thresholds must be a whole number >= 1, got 0.5",
  );
  refuses(() => mpm(signal, { ...search, peakRatio: 2 }), "mpm: peakRatio must be in 0 ... 1, got 2");
  refuses(
    () => pyin(signal, { ...search, hopLength: 4000 }),
    "pyin: maxTransitionRate 35.92 octaves/s moves over 1081 bins per hop, more than the 399 bins of 60-600 Hz; " +
      "lower it or hopLength",
  );
});
