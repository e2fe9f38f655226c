// STFT, its inverse, mel and log-mel features: reference values first, then streaming and properties.
import {
  type ComplexSpectrogram,
  dbToPower,
  deEmphasis,
  echoLogMel,
  type FloatArray,
  fftFrequencies,
  frame,
  frameTimes,
  hzToMel,
  istft,
  type MelScale,
  MelStream,
  melCentres,
  melFilterbank,
  melFrequencies,
  melSpectrogram,
  melToHz,
  type PadMode,
  pad,
  powerToDb,
  preEmphasis,
  StftStream,
  spectrogram,
  stft,
  tone,
  toRowMajor,
  uniformStream,
  whisperLogMel,
  whiteNoise,
} from "@echo-ts/audio";
import fc from "fast-check";
import ndarray from "ndarray";
import t from "tap";
import { cases, type GoldenCase, golden, input, maxAbs, maxDifference, output } from "./golden.ts";

function signalOf(test: GoldenCase): Float32Array | FloatArray {
  const { name, samples } = test.input!;
  if (name !== "stereo") return input(name, samples);
  return ndarray(golden("input/stereo"), [2, samples], [golden("input/stereo").length / 2, 1]);
}

function stftOptions(test: GoldenCase) {
  const { n_fft, hop_length, win_length, pad_mode, center } = test.params;
  return {
    fftSize: n_fft as number,
    hopLength: hop_length as number,
    windowLength: (win_length ?? n_fft) as number,
    padMode: (pad_mode ?? "constant") as PadMode,
    center: (center ?? true) as boolean,
  };
}

t.test("stft and istft equal librosa and torch", async (t) => {
  const tests = cases.filter((test) => test.function.startsWith("stft"));
  t.ok(tests.length >= 19, `${tests.length} cases`);
  for (const test of tests) {
    const signal = signalOf(test);
    const options = stftOptions(test);
    const got = stft(signal, options);
    const wantRe = output(test, "stft_re");
    const wantIm = output(test, "stft_im");
    t.same(got.re.shape, test.outputs.stft_re!.shape, `${test.id}: shape`);
    const limit = test.tolerance.abs_rel_to_max! * Math.max(maxAbs(wantRe), maxAbs(wantIm));
    const error = Math.max(
      maxDifference(toRowMajor(got.re), wantRe),
      maxDifference(toRowMajor(got.im), wantIm),
    );
    t.ok(error <= limit, `${test.id}: error ${error} <= ${limit}`);
    if (!test.outputs.istft) continue;
    const back = istft(got, { ...options, length: test.input!.samples });
    const backError = maxDifference(back, output(test, "istft"));
    t.ok(backError <= test.tolerance.istft_abs!, `${test.id}: istft error ${backError}`);
    // The "lowpassed" reference: the upper three quarters of the bins set to zero before the inverse.
    const low = lowpassed(got);
    const lowError = maxDifference(
      istft(low, { ...options, length: test.input!.samples }),
      output(test, "istft_lowpassed"),
    );
    t.ok(
      lowError <= test.tolerance.istft_abs!,
      `${test.id}: istft of a lowpassed spectrum, error ${lowError}`,
    );
  }
});

function lowpassed({ re, im }: ComplexSpectrogram): ComplexSpectrogram {
  const cut = (array: FloatArray): FloatArray => {
    const [bins, frames] = array.shape as [number, number];
    const values = toRowMajor(array);
    values.fill(0, Math.floor(bins / 4) * frames);
    return ndarray(values, [bins, frames]);
  };
  return { re: cut(re), im: cut(im) };
}

t.test("mel filter banks and scales equal librosa", async (t) => {
  let banks = 0;
  for (const test of cases.filter((test) => test.function.startsWith("mel filter bank"))) {
    const { sr, n_fft, n_mels, fmin, fmax } = test.params as Record<string, number>;
    for (const name of Object.keys(test.outputs)) {
      const [melScale, melNorm] = name.split("_") as [MelScale, "slaney" | "none"];
      const options = { sampleRate: sr!, fftSize: n_fft!, melBins: n_mels!, fmin: fmin!, fmax: fmax! };
      const bank = melFilterbank({ ...options, melScale, melNorm });
      const error = maxDifference(toRowMajor(bank), output(test, name));
      t.ok(error <= test.tolerance.abs!, `${test.id} ${name}: error ${error}`);
      banks++;
    }
  }
  t.equal(banks, 16);
  const scales = cases.find((test) => test.id === "mel_frequencies")!;
  for (const scale of ["htk", "slaney"] as const) {
    const want = output(scales, scale);
    for (const [i, hz] of (scales.params.hz as number[]).entries()) {
      const mel = hzToMel(hz, scale);
      t.ok(Math.abs(mel - want[i]!) <= 1e-6 * want[i]! + 1e-12, `${scale} ${hz} Hz`);
      t.ok(Math.abs(melToHz(mel, scale) - hz) <= 1e-9 * (1 + hz), `${scale} ${hz} Hz and back`);
    }
  }
  t.ok(
    maxDifference(melCentres({ sampleRate: 16000, melBins: 3, fmin: 0, fmax: 900 }), [225, 450, 675]) < 1e-9,
  );
  t.ok(maxDifference(melFrequencies(3, 0, 1000), [0, 500, 1000]) < 1e-9);
});

t.test("log-mel of the Echo reference", async (t) => {
  const tests = cases.filter((test) => test.function.startsWith("reference log-mel"));
  t.ok(tests.length >= 10, `${tests.length} cases`);
  for (const test of tests) {
    const { f_min, f_max } = test.params as Record<string, number>;
    const options = { fmin: f_min!, fmax: f_max! };
    const signal = input(test.input!.name, test.input!.samples);
    const got = echoLogMel(signal, options);
    t.same(got.shape, test.outputs.logmel!.shape, `${test.id}: shape`);
    const error = maxDifference(toRowMajor(got), output(test, "logmel"));
    t.ok(error <= test.tolerance.logmel_abs!, `${test.id}: error ${error}`);
    if (!test.outputs.mel) continue;
    const settings = {
      sampleRate: 16000,
      fftSize: 1024,
      hopLength: 128,
      melScale: "htk",
      melNorm: "none",
    } as const;
    const mel = melSpectrogram(signal, { ...settings, ...options });
    const want = output(test, "mel");
    const melError = maxDifference(toRowMajor(mel), want);
    t.ok(melError <= test.tolerance.mel_abs_rel_to_max! * maxAbs(want), `${test.id}: mel error ${melError}`);
  }
});

t.test("log-mel of Whisper", async (t) => {
  const tests = cases.filter((test) => /^(whisper|openai)/.test(test.id));
  t.equal(tests.length, 12);
  for (const test of tests) {
    const signal = input(test.input!.name, test.input!.samples);
    const padOrTrim = test.id.startsWith("whisper");
    const got = whisperLogMel(signal, { melBins: test.params.n_mels as number, padOrTrim });
    const limit = test.tolerance.abs!;
    if (!padOrTrim) {
      const error = maxDifference(toRowMajor(got), output(test, "logmel"));
      t.ok(error <= limit, `${test.id}: error ${error}`);
      continue;
    }
    t.equal(got.shape[1], 3000);
    const first = toRowMajor(got.hi(got.shape[0]!, 110));
    const tail = toRowMajor(got.lo(0, 2998));
    const error = Math.max(
      maxDifference(first, output(test, "first110")),
      maxDifference(tail, output(test, "tail")),
      Math.abs(toRowMajor(got).reduce((a, b) => Math.max(a, b)) - output(test, "max")[0]!),
    );
    t.ok(error <= limit, `${test.id}: error ${error}`);
  }
});

t.test("decibels equal librosa", async (t) => {
  const test = cases.find((test) => test.id === "power_to_db")!;
  const power = spectrogram(input("speech_f", 4000), { fftSize: 512, hopLength: 160 });
  const check = (name: string, got: FloatArray) => {
    const error = maxDifference(toRowMajor(got), output(test, name));
    t.ok(error <= test.tolerance.abs!, `${name}: error ${error}`);
  };
  check("ref1_top80", powerToDb(power));
  check("refmax_top80", powerToDb(power, { reference: "max" }));
  check("ref1_notop", powerToDb(power, { topDb: null }));
  t.same(dbToPower(Float32Array.of(0, 10, -10)), Float32Array.of(1, 10, 0.1));
  t.throws(() => powerToDb(power, { floor: 0 }), { message: "powerToDb: floor must be > 0, got 0" });
});

const noise = (seed: number, samples: number): Float32Array =>
  whiteNoise(seed, { seconds: samples / 8000, sampleRate: 8000 });

const anyOptions = fc.record({
  fftSize: fc.integer({ min: 1, max: 96 }),
  hopLength: fc.integer({ min: 1, max: 130 }),
  center: fc.boolean(),
  padMode: fc.constantFrom<PadMode>("constant", "reflect", "symmetric", "edge"),
});

t.test("streams give the frames of the whole signal, bit for bit", async () => {
  fc.assert(
    fc.property(
      anyOptions,
      fc.integer({ min: 1, max: 700 }),
      fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 30 }),
      (options, samples, cuts) => {
        const signal = noise(samples, samples);
        if (!options.center && samples < options.fftSize) return true;
        const mel = { ...options, sampleRate: 8000, melBins: 5 };
        const whole = { stft: stft(signal, options), mel: melSpectrogram(signal, mel) };
        const streams = { stft: new StftStream(options), mel: new MelStream(mel) };
        // Twice: a flushed stream starts afresh.
        for (let round = 0; round < 2; round++) {
          const re: number[] = [];
          const bands: number[] = [];
          let at = 0;
          for (const cut of [...cuts, signal.length]) {
            const chunk = signal.subarray(at, at + cut);
            at += chunk.length;
            re.push(...streams.stft.push(chunk).re.data);
            bands.push(...streams.mel.push(chunk).data);
          }
          re.push(...streams.stft.flush().re.data);
          bands.push(...streams.mel.flush().data);
          if (re.length !== whole.stft.re.data.length || re.some((v, i) => v !== whole.stft.re.data[i]))
            return false;
          if (bands.length !== whole.mel.data.length || bands.some((v, i) => v !== whole.mel.data[i]))
            return false;
        }
        return true;
      },
    ),
    { numRuns: 300, seed: 11 },
  );
});

t.test("the wasm frames of whole signals are the TypeScript frames of streams, bit for bit", async (t) => {
  const signal = input("speech_f", 12000);
  for (const fftSize of [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 400, 777]) {
    const options = { fftSize, hopLength: Math.ceil(fftSize / 5), window: "hamming" as const };
    const whole = stft(signal, options);
    const stream = new StftStream(options);
    const parts = [stream.push(signal), stream.flush()];
    for (const part of ["re", "im"] as const) {
      const joined = Float32Array.from(parts.flatMap((one) => [...one[part].data]));
      t.ok(maxDifference(joined, whole[part].data) === 0, `fftSize ${fftSize}: ${part}`);
    }
  }
});

t.test("istft undoes stft", async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 80 }),
      fc.integer({ min: 2, max: 4 }),
      fc.constantFrom("hann" as const, "hamming" as const),
      fc.integer({ min: 1, max: 500 }),
      (fftSize, overlap, window, samples) => {
        const options = { fftSize, hopLength: Math.max(1, Math.floor(fftSize / overlap)), window };
        const signal = noise(samples, samples);
        const back = istft(stft(signal, options), { ...options, length: samples });
        // The last samples lie under no window's middle when the hop does not divide the length.
        const safe = options.hopLength * Math.floor(samples / options.hopLength);
        return maxDifference(back.subarray(0, safe), signal.subarray(0, safe)) < 2e-5;
      },
    ),
    { numRuns: 300, seed: 5 },
  );
});

t.test("metamorphic: gain, shift, concatenation, channels", async (t) => {
  const signal = input("speech_f", 6400);
  const options = { fftSize: 512, hopLength: 128 };
  const power = spectrogram(signal, options);

  const louder = spectrogram(
    signal.map((x) => 4 * x),
    options,
  );
  t.same(
    louder.data,
    power.data.map((x) => 16 * x),
    "four times the amplitude is exactly 16 times the power",
  );

  const delayed = new Float32Array(signal.length + 3 * 128);
  delayed.set(signal, 3 * 128);
  const shifted = spectrogram(delayed, options);
  const bins = 257;
  t.same(
    shifted.data.subarray(6 * bins, 40 * bins),
    power.data.subarray(3 * bins, 37 * bins),
    "a delay of three hops moves the frames by three",
  );

  const twice = new Float32Array(2 * 6400);
  twice.set(signal);
  twice.set(signal, 6400);
  const both = spectrogram(twice, options);
  t.same(
    both.data.subarray(0, 48 * bins),
    power.data.subarray(0, 48 * bins),
    "concatenation keeps the first part's frames",
  );
  t.same(
    both.data.subarray(53 * bins, 98 * bins),
    power.data.subarray(3 * bins, 48 * bins),
    "and the second's",
  );

  const stereo = ndarray(twice, [2, 6400], [6400, 1]);
  const perChannel = melSpectrogram(stereo, { sampleRate: 16000, ...options });
  t.same(perChannel.shape, [2, 128, 51]);
  const mono = melSpectrogram(signal, { sampleRate: 16000, ...options });
  t.same(toRowMajor(perChannel.pick(1)), toRowMajor(mono), "each channel is transformed alone");
  const interleaved = ndarray(
    Float32Array.from(twice, (_, i) => signal[i >> 1]!),
    [2, 6400],
    [1, 2],
  );
  t.same(
    toRowMajor(melSpectrogram(interleaved, { sampleRate: 16000, ...options })),
    toRowMajor(perChannel),
    "strides",
  );

  const hz = tone(1000, { seconds: 1, sampleRate: 16000 });
  const peak = spectrogram(hz, options).pick(null, 60);
  const loudest = Array.from({ length: bins }, (_, k) => peak.get(k)).reduce(
    (best, v, k, all) => (v > all[best]! ? k : best),
    0,
  );
  t.equal(fftFrequencies(16000, 512)[loudest], 1000, "a tone of 1 kHz is loudest in the bin of 1 kHz");
  const octave = spectrogram(tone(2000, { seconds: 1, sampleRate: 16000 }), options);
  t.ok(octave.get(2 * loudest, 60) > 100 * octave.get(loudest, 60), "an octave up doubles the bin");
  t.same(frameTimes(3, 16000, 128), Float64Array.of(0, 0.008, 0.016));
});

t.test("frames, padding, emphasis", async (t) => {
  const frames = frame(Float32Array.of(0, 1, 2, 3, 4), 3, 1);
  t.same(
    [frames.shape, frames.stride],
    [
      [3, 3],
      [1, 1],
    ],
  );
  t.equal(frames.get(2, 1), 3);
  const x = Float32Array.of(1, 2, 3);
  t.same(pad(x, 2, 1, "reflect"), Float32Array.of(3, 2, 1, 2, 3, 2));
  t.same(pad(x, 5, 5, "reflect"), Float32Array.of(2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2)); // numpy.pad
  t.same(pad(x, 4, 4, "symmetric"), Float32Array.of(3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1).slice(0, 11));
  t.same(pad(x, 1, 2, "edge"), Float32Array.of(1, 1, 2, 3, 3, 3));
  t.same(pad(x, 1, 2, "constant"), Float32Array.of(0, 1, 2, 3, 0, 0));
  const next = uniformStream(1);
  const signal = Float32Array.from({ length: 50 }, () => next());
  t.ok(maxDifference(deEmphasis(preEmphasis(signal, 0.9, 0), 0.9, 0), signal) < 1e-6);
});

t.test("what the spectrograms refuse", async (t) => {
  const x = new Float32Array(100);
  const refuses = (run: () => unknown, message: string) =>
    t.throws(run, { name: "AudioError", reason: "parameter", message });
  refuses(() => stft(new Float32Array(0)), "stft: the signal is empty");
  refuses(
    () => stft(x, { center: false }),
    "stft: the signal (100 samples) is shorter than one frame (2048)",
  );
  refuses(() => stft(x, { fftSize: 8, windowLength: 9 }), "stft: windowLength 9 is larger than fftSize 8");
  refuses(() => stft(x, { hopLength: 0 }), "stft: hopLength must be a whole number >= 1, got 0");
  refuses(
    () => melSpectrogram(x, { sampleRate: 16000, fmax: 9000 }),
    "melSpectrogram: fmax 9000 Hz is above half the sample rate (8000 Hz)",
  );
  refuses(
    () => melFilterbank({ sampleRate: 16000, fmin: 500, fmax: 400 }),
    "melFilterbank: needs 0 <= fmin < fmax, got fmin 500 Hz and fmax 400 Hz",
  );
  refuses(
    () => melSpectrogram(x, { sampleRate: Number.NaN }),
    "melSpectrogram: sampleRate must be a finite number > 0, got NaN",
  );
  refuses(
    () => stft(ndarray(x, [2, 5, 10])),
    "stft: expected a signal of shape [samples] or [channels, samples], got [2,5,10]",
  );
  const spectrum = stft(x, { fftSize: 16 });
  refuses(() => istft(spectrum, { fftSize: 32 }), "istft: fftSize 32 has 17 bins, the spectrum 9");
  refuses(
    () => whisperLogMel(x, { padOrTrim: false }),
    "whisperLogMel: needs at least 160 samples without padding, got 100",
  );
});
