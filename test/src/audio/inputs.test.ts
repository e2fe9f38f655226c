// What every function makes of what a caller may hand in: the promised kinds of signal give the same values, every
// other kind, unknown options and odd values are refused by name. Values of emphasis, decibels and NaN: librosa's.
import { spawnSync } from "node:child_process";
import * as audio from "@echo-ts/audio";
import {
  AudioError,
  deEmphasis,
  FloatArray,
  type FloatView,
  onWarning,
  powerToDb,
  preEmphasis,
  type Signal,
  stackChannels,
  toMono,
  toRowMajor,
} from "@echo-ts/audio";
import fc from "fast-check";
import ndarray from "ndarray";
import t from "tap";
import { maxDifference } from "./golden.ts";

const rate = { sampleRate: 16000 };
const range = { ...rate, fmin: 100, fmax: 500, frameLength: 512 };

/** 200 Hz throughout. */
const VOICED = { times: Float64Array.of(0, 0.25, 0.5), f0: Float32Array.of(200, 200, 200) };

/** Every function that takes a signal, as a function of that signal alone. */
const FUNCTIONS: Readonly<Record<string, (signal: Signal) => unknown>> = {
  frame: (x) => audio.frame(x, 100, 50),
  pad: (x) => audio.pad(x, 3, 2, "reflect"),
  stft: (x) => audio.stft(x, { fftSize: 256 }),
  spectrogram: (x) => audio.spectrogram(x, { fftSize: 256 }),
  melSpectrogram: (x) => audio.melSpectrogram(x, { ...rate, fftSize: 512, melBins: 20 }),
  mfcc: (x) => audio.mfcc(x, { ...rate, fftSize: 512, melBins: 20 }),
  echoLogMel: (x) => audio.echoLogMel(x),
  whisperLogMel: (x) => audio.whisperLogMel(x, { padOrTrim: false }),
  whisperLogMelWindows: (x) => [...audio.whisperLogMelWindows(x)].map((window) => window.features),
  preEmphasis: (x) => preEmphasis(x),
  deEmphasis: (x) => deEmphasis(x),
  resample: (x) => audio.resample(x, 16000, 8000),
  Resampler: (x) => new audio.Resampler(16000, 8000).push(x),
  StftStream: (x) => new audio.StftStream({ fftSize: 256 }).push(x),
  MelStream: (x) => new audio.MelStream({ ...rate, fftSize: 512, melBins: 20 }).push(x),
  rms: (x) => audio.rms(x),
  zeroCrossingRate: (x) => audio.zeroCrossingRate(x),
  voiceActivity: (x) => audio.voiceActivity(x, rate),
  trackPitch: (x) => audio.trackPitch(x, rate),
  PitchStream: (x) => new audio.PitchStream({ ...rate, lookahead: 0 }).push(x),
  yin: (x) => audio.yin(x, range),
  pyin: (x) => audio.pyin(x, range),
  mpm: (x) => audio.mpm(x, range),
  autocorrelationPitch: (x) => audio.autocorrelationPitch(x, rate),
  formants: (x) => audio.formants(x, rate),
  intensity: (x) => audio.intensity(x, rate),
  harmonicity: (x) => audio.harmonicity(x, rate),
  glottalPulses: (x) => audio.glottalPulses(x, { ...rate, track: VOICED }),
  shimmer: (x) => audio.shimmer(x, [0.1, 0.105, 0.11, 0.115], rate),
  encodeWav: (x) => audio.encodeWav(x, rate),
  toMono: (x) => toMono(x),
};
const PITCH = new Set(["trackPitch", "PitchStream", "yin", "pyin", "mpm", "autocorrelationPitch"]);
/** The name in the message, where it is not the function's. */
const NAMES: Readonly<Record<string, string>> = { PitchStream: "trackPitch" };

const mono = audio.harmonics(200, [1, 0.5], { seconds: 0.5, ...rate });

/** A result as text: samples and views of one axis read alike, so that results compare by value. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner instanceof FloatArray) return { shape: inner.shape, values: [...toRowMajor(inner)] };
    if (inner instanceof Float32Array) return { shape: [inner.length], values: [...inner] };
    return ArrayBuffer.isView(inner) ? [...(inner as Uint8Array)] : inner;
  });
}

t.test("an ndarray of [n], whole or strided, and a view of [1, n] give what the samples give", async (t) => {
  const twice = Float32Array.from({ length: 2 * mono.length }, (_, i) => (i % 2 ? 9 : mono[i / 2]!));
  for (const [name, run] of Object.entries(FUNCTIONS)) {
    const wanted = text(run(mono));
    t.ok(text(run(ndarray(mono, [mono.length]))) === wanted, `${name}: ndarray`);
    t.ok(text(run(ndarray(twice, [mono.length], [2]))) === wanted, `${name}: every second value`);
    t.ok(text(run(new FloatArray(mono))) === wanted, `${name}: FloatArray`);
    t.doesNotThrow(() => run(ndarray(mono, [1, mono.length])), `${name}: [1, n]`);
  }
});

t.test("[channels, n] gives each channel's result, or a refusal that says what to do", async (t) => {
  const other = audio.tone(300, { seconds: 0.5, ...rate });
  const stereo = stackChannels([mono, other]);
  const perChannel = [
    "stft",
    "spectrogram",
    "melSpectrogram",
    "echoLogMel",
    "preEmphasis",
    "deEmphasis",
    "resample",
  ];
  for (const [name, run] of Object.entries(FUNCTIONS)) {
    if (name === "toMono" || name === "encodeWav") continue;
    if (!perChannel.includes(name)) {
      const message = `${NAMES[name] ?? name}: expected one channel, got 2 (mix them with toMono first)`;
      t.throws(() => run(stereo), { name: "AudioError", reason: "parameter", message }, name);
      continue;
    }
    if (name === "echoLogMel") continue; // its maximum is that of all channels
    const parts = (value: unknown) =>
      (value instanceof FloatArray ? [value] : Object.values(value as object)) as FloatArray[];
    for (const [part, both] of parts(run(stereo)).entries()) {
      for (const [c, channel] of [mono, other].entries()) {
        const alone = run(channel);
        const wanted = alone instanceof Float32Array ? alone : toRowMajor(parts(alone)[part]!);
        t.ok(text(toRowMajor(both.pick(c))) === text(wanted), `${name}: channel ${c}`);
      }
    }
  }
  t.ok(text(toMono(stereo)) === text(toMono([mono, other])));
});

t.test("every other kind of input is refused by name", async (t) => {
  const kinds: readonly [string, unknown, RegExp][] = [
    ["Int16Array", new Int16Array(8000), /got an Int16Array of 8000 values; divide by 32768 first/],
    [
      "Int32Array",
      new Int32Array(8000),
      /got an Int32Array of 8000 values; divide integers by their full scale/,
    ],
    ["Buffer", Buffer.alloc(8000), /got a Buffer of 8000 values; read bytes with decodeAudio or decodePcm/],
    [
      "channels",
      [mono, mono],
      /got an Array of 2 Float32Arrays; pass one channel, mix them with toMono, or stack/,
    ],
    ["numbers", [0.5, 0.25], /got an Array of 2 entries; convert a list of numbers with Float32Array.from/],
    ["audio", { ...rate, channels: [mono] }, /got an object with sampleRate, channels; pass its channels/],
    ["undefined", undefined, /got undefined$/],
    ["null", null, /got null$/],
    ["text", "speech.wav", /got "speech\.wav"$/],
    [
      "float64",
      new Float64Array(8000),
      /got a Float64Array of 8000 values; convert it with Float32Array\.from/,
    ],
    [
      "ndarray of int16",
      ndarray(new Int16Array(800), [800]),
      /got an ndarray of an Int16Array of 800 values/,
    ],
    [
      "rank 3",
      new FloatArray(mono, [2, 2, 2]),
      /expected a signal of shape \[samples\] or \[channels, samples\], got/,
    ],
    [
      "outside its data",
      { data: mono, shape: [9000], stride: [1], offset: 0 },
      /reaches outside its 8000 values/,
    ],
  ];
  for (const [name, run] of Object.entries(FUNCTIONS)) {
    for (const [kind, value, message] of kinds) {
      if (name === "toMono" && kind === "channels") continue;
      if (PITCH.has(name) && kind === "float64") continue;
      const found = t.throws(
        () => run(value as Signal),
        { name: "AudioError", reason: "parameter" },
        `${name}: ${kind}`,
      );
      if (name === "toMono" && Array.isArray(value)) continue;
      t.match((found as unknown as Error).message, message);
      t.ok(
        (found as unknown as Error).message.startsWith(`${NAMES[name] ?? name}: `),
        `${name} names itself`,
      );
    }
  }
});

t.test("an unknown option is refused by name, with the one that was meant", async (t) => {
  const cases: readonly [() => unknown, string][] = [
    [() => audio.stft(mono, { nFft: 512 } as object), 'stft: unknown option "nFft", did you mean "fftSize"?'],
    [
      () => audio.stft(mono, { n_fft: 512 } as object),
      'stft: unknown option "n_fft", did you mean "fftSize"?',
    ],
    [
      () => audio.istft(audio.stft(mono), { hopLenght: 3 } as object),
      'istft: unknown option "hopLenght", did you mean "hopLength"?',
    ],
    [
      () => audio.melSpectrogram(mono, { ...rate, n_mels: 80 } as never),
      'melSpectrogram: unknown option "n_mels", did you mean "melBins"?',
    ],
    [
      () => audio.mfcc(mono, { ...rate, n_mfcc: 13 } as never),
      'mfcc: unknown option "n_mfcc", did you mean "coefficients"?',
    ],
    [
      () => audio.melSpectrogram(mono, { sr: 16000 } as never),
      'melSpectrogram: unknown option "sr", did you mean "sampleRate"?',
    ],
    [
      () => audio.resample(mono, 8000, 16000, "fast" as never),
      'resample: expected an object of options, got "fast"',
    ],
    [
      () => audio.resample(mono, 8000, 16000, { quality: "fast" } as never),
      'resample: unknown option "quality", did you mean "method"?',
    ],
    [
      () => audio.trackPitch(mono, { ...rate, fMin: 60 } as never),
      'trackPitch: unknown option "fMin", did you mean "fmin"?',
    ],
    [() => audio.yin(mono, { ...range, treshold: 1 } as never), 'yin: unknown option "treshold"'],
    [
      () => audio.voiceActivity(mono, { ...rate, colour: 1 } as never),
      'voiceActivity: unknown option "colour"',
    ],
    [
      () => powerToDb(mono, { ref: 1 } as object),
      'powerToDb: unknown option "ref", did you mean "reference"?',
    ],
    [() => audio.encodeWav(mono, { ...rate, bits: 16 } as never), 'encodeWav: unknown option "bits"'],
    [
      () => audio.decodeWav(new Uint8Array(8), { fil: "a" } as object),
      'decodeWav: unknown option "fil", did you mean "file"?',
    ],
    [
      () => audio.stft(mono, { padMode: "reflekt" as "reflect" }),
      'stft: unknown padMode "reflekt", expected constant, reflect, symmetric or edge, did you mean "reflect"?',
    ],
    [
      () => audio.hzToMel(1, "HTK" as "htk"),
      'hzToMel: unknown melScale "HTK", expected htk or slaney, did you mean "htk"?',
    ],
    [
      () => audio.melFilterbank({ ...rate, melNorm: "area" as "none" }),
      'melFilterbank: unknown melNorm "area", expected slaney or none',
    ],
    [
      () => audio.stft(mono, { center: "no" as unknown as boolean }),
      'stft: center must be true or false, got "no"',
    ],
    [
      () => audio.melSpectrogram(mono, undefined as never),
      "melSpectrogram: sampleRate must be a finite number > 0, got undefined",
    ],
  ];
  for (const [run, message] of cases)
    t.throws(run, { name: "AudioError", reason: "parameter", message }, message);
  await t.rejects(audio.decodeAudio(new Uint8Array(8), { rate: 8000 } as object), {
    message: 'decodeAudio: unknown option "rate", did you mean "sampleRate"?',
  });
});

t.test("FloatArray does what ndarray does", async (t) => {
  const same = (ours: FloatView, theirs: FloatView) =>
    JSON.stringify([ours.shape, ours.stride, ours.offset]) ===
    JSON.stringify([theirs.shape, theirs.stride, theirs.offset]);
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  const moves = fc.array(
    fc.record({
      kind: fc.constantFrom("lo", "hi", "step", "transpose", "pick"),
      by: fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(sizes, moves, (shape, steps) => {
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i);
      let ours = new FloatArray(data, shape);
      let theirs = ndarray(data, shape);
      for (const { kind, by } of steps) {
        const rank = ours.shape.length;
        if (rank === 0) break;
        let at: number[] = by.slice(0, rank);
        if (kind === "lo" || kind === "hi")
          at = at.map((value, axis) => Math.min(value, ours.shape[axis]! - 1) + (kind === "hi" ? 1 : 0));
        if (kind === "step") at = at.map((value) => [1, 2, -1, -2, 3][value]!);
        if (kind === "transpose") at = at.map((_, axis) => (axis + by[0]!) % rank);
        if (kind === "pick")
          at = at.map((value, axis) => (axis === by[1]! % rank ? value % ours.shape[axis]! : -1));
        ours = ours[kind as "lo"](...at);
        theirs = theirs[kind as "lo"](...at);
        if (!same(ours, theirs)) return false;
        const start = ours.shape.map(() => 0);
        if (ours.get(...start) !== theirs.get(...start) || ours.index(...start) !== theirs.index(...start))
          return false;
      }
      return ours.size === theirs.size && ours.dimension === theirs.dimension && ours.dtype === theirs.dtype;
    }),
  );
  const a = new FloatArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  t.equal(a.set(1, 2, 9), 9);
  t.same([a.get(1, 2), a.T.get(2, 1), a.order], [9, 9, ndarray(a.data, [2, 3]).order]);
  t.throws(() => new FloatArray(new Float32Array(3), [2, 2]), {
    message: "FloatArray: shape [2,2] with stride [2,1] and offset 0 reaches outside its 3 values",
  });
  t.throws(() => a.transpose(0, 0), { message: "transpose: expected each axis of [2,3] once, got (0, 0)" });
  t.throws(() => a.step(0, 1), { message: /^step: expected a whole number that is not 0 for axis 0/ });
});

t.test(
  "nothing evaluates strings: features under node's --disallow-code-generation-from-strings",
  async (t) => {
    const program = `
    import * as audio from ${JSON.stringify(import.meta.resolve("@echo-ts/audio"))};
    const x = audio.tone(200, { seconds: 0.5, sampleRate: 16000 });
    const mel = audio.echoLogMel(x);
    audio.mfcc(x, { sampleRate: 16000 }); audio.istft(audio.stft(x)); audio.trackPitch(x, { sampleRate: 16000 });
    audio.silentFrames(mel); audio.resample(x, 16000, 8000);
    let refused = false;
    try { new Function("return 1")(); } catch { refused = true; }
    console.log(mel.transpose(1, 0).shape.join(), refused);`;
    const flags = ["--disallow-code-generation-from-strings", "--input-type=module", "-e", program];
    const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: "utf8" });
    t.equal(stdout, "63,128 true\n", stderr);
  },
);

t.test("emphasis and its inverse are librosa's pair", async (t) => {
  // SciPy 1.17, lfilter([1, -0.97], [1], y, zi=[2 y0 - y1]), as librosa 0.11 calls it.
  const y = Float32Array.of(1, 0.5, 0.25, -0.3, 0.8);
  const wanted = [2.5, -0.47, -0.235, -0.5425, 1.091];
  t.ok(maxDifference(preEmphasis(y), wanted) < 1e-7);
  t.ok(maxDifference(deEmphasis(Float32Array.from(wanted)), y) < 1e-6);
  const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 0.99, noNaN: true }), (list, coefficient) => {
      const x = Float32Array.from(list);
      return maxDifference(deEmphasis(preEmphasis(x, coefficient), coefficient), x) < 1e-5;
    }),
  );
  t.throws(() => preEmphasis(y, Number.NaN), { message: "preEmphasis: coefficient must be finite, got NaN" });
});

t.test("NaN shows in what it touches, and nowhere else", async (t) => {
  t.same(
    [...powerToDb(Float32Array.of(1e8, Number.NaN, 1e-8))],
    [Number.NaN, Number.NaN, Number.NaN],
    "as librosa",
  );
  t.same([...powerToDb(Float32Array.of(1e8, Number.NaN, 1), { topDb: null })], [80, Number.NaN, 0]);
  const magnitude = new FloatArray(Float32Array.of(1, 2, Number.NaN, 2, 0, 0), [3, 2], [1, 3]);
  const nan = [false, true]; // frame 0: 1, 2, NaN -> NaN; frame 1: 2, 0, 0
  for (const measure of [
    audio.spectralCentroid(magnitude, rate),
    audio.spectralRolloff(magnitude, rate),
    audio.spectralFlatness(magnitude),
  ]) {
    t.same(
      [...measure].map((value) => !Number.isNaN(value)),
      nan,
    );
  }
  const broken = mono.slice();
  broken[4000] = Number.NaN;
  for (const measure of [audio.rms(broken), audio.zeroCrossingRate(broken)]) {
    t.ok(measure.some(Number.isNaN) && !Number.isNaN(measure[0]), "only the frames that hold it");
  }
  t.throws(() => audio.voiceActivity(broken, rate), {
    reason: "nonfinite",
    message: "voiceActivity: 1 sample is not finite, the first is NaN at frame 4000 of channel 0",
  });
  const features = audio.echoLogMel(audio.tone(300, { seconds: 0.5, ...rate }));
  for (let k = 0; k < 128; k++) features.set(k, 3, Number.NaN);
  for (let k = 0; k < 128; k++) features.set(k, 40, -1.5);
  t.equal(audio.silentFrames(features)[40], 1, "a frame of NaN does not hide a silent one");
});

t.test("huge samples are refused by place", async (t) => {
  const huge = mono.slice();
  huge[7] = 1e30;
  t.equal(
    audio.describeNonFinite([mono, huge]),
    "1 sample is beyond any full scale (2^31), the first is 1.0000000150474662e+30 at frame 7 of channel 1",
  );
  for (const run of [() => audio.trackPitch(huge, rate), () => audio.yin(huge, range)]) {
    t.throws(run, {
      reason: "nonfinite",
      message: /sample 7 is 1\.0000000150474662e\+30, expected samples within 2\^31/,
    });
  }
  const wav = audio.encodeWav(mono, { ...rate, encoding: "float32" });
  new DataView(wav.buffer).setFloat32(wav.length - 4, 1e30, true);
  t.match((await audio.decodeAudio(wav)).warnings, [/^1 sample is beyond any full scale \(2\^31\)/]);
  await t.rejects(audio.decodeAudio(wav, { file: "a.wav", nonFinite: "refuse" }), {
    reason: "nonfinite",
    message:
      /^decodeWav: a\.wav: 1 sample is beyond any full scale \(2\^31\), the first is 1\.0.*e\+30 at frame 7999/,
  });
});

t.test("istft says when samples would be lost", async (t) => {
  const x = mono.subarray(0, 2239);
  const options = { fftSize: 512, hopLength: 320 };
  t.throws(() => audio.istft(audio.stft(x, options), { ...options, length: 2239 }), {
    name: "AudioError",
    message:
      "istft: length 2239 goes beyond the last frame, which ends at sample 2176; " +
      "use a hopLength of at most half the window, or pad the signal before stft",
  });
  const back = audio.istft(audio.stft(x, { fftSize: 512, hopLength: 256 }), { hopLength: 256, length: 2239 });
  t.ok(maxDifference(back, x) < 1e-6);
  const gaps = { fftSize: 512, windowLength: 256, hopLength: 300 };
  t.throws(() => audio.istft(audio.stft(x, gaps), gaps), {
    message:
      "istft: hopLength 300 is longer than the window (256): the 44 samples between two frames are lost",
  });
});

t.test("functions warn where a result is probably not what was meant", async (t) => {
  const said: string[] = [];
  onWarning((message) => said.push(message));
  t.teardown(() => onWarning(undefined));
  const narrow = { ...rate, fftSize: 256, melBins: 128 };
  const bank = toRowMajor(audio.melFilterbank(narrow));
  const empty = Array.from({ length: 128 }, (_, m) => bank.subarray(m * 129, (m + 1) * 129)).filter((row) =>
    row.every((w) => w === 0),
  );
  audio.melFilterbank(narrow);
  t.same(said, [
    `melFilterbank: no bin of a transform of 256 falls into ${empty.length} of the 128 bands, which stay 0; ` +
      'use fewer bands, a larger fftSize, or emptyBands: "allow"',
  ]);
  t.ok(empty.length > 0);
  t.throws(() => audio.melFilterbank({ ...narrow, emptyBands: "refuse" }), AudioError);
  audio.melFilterbank({ ...narrow, emptyBands: "allow", melBins: 127 });
  audio.echoLogMel(mono);
  audio.whisperLogMel(mono);
  t.equal(said.length, 1, "once for each text, and not for the presets");
  const long = audio.whiteNoise(1, { seconds: 31, ...rate });
  t.same(audio.whisperLogMel(long).shape, [80, 3000]);
  t.match(
    said[1],
    /^whisperLogMel: a signal longer than 30 s was cut there; whisperLogMelWindows takes all of it/,
  );
  const windows = [...audio.whisperLogMelWindows(long)];
  t.same(
    windows.map(({ start, features }) => [start, ...features.shape]),
    [
      [0, 80, 3000],
      [30, 80, 3000],
    ],
  );
  t.ok(text(windows[0]!.features) === text(audio.whisperLogMel(long)));
  t.ok(text(windows[1]!.features) === text(audio.whisperLogMel(long.subarray(480000))));
  t.same(
    [...audio.whisperLogMelWindows(long, { hopSeconds: 15 })].map(({ start }) => start),
    [0, 15],
  );
  t.throws(() => [...audio.whisperLogMelWindows(mono, { hopSeconds: 0 })], {
    message: /hopSeconds must be > 0 and <= 30/,
  });
});
