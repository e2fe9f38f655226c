// Voice measures: closed forms, then Praat's values on the same samples, then bad input.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AudioError,
  autocorrelationPitch,
  formants,
  glottalPulses,
  harmonicity,
  harmonics,
  intensity,
  jitter,
  lpc,
  shimmer,
  tone,
  trackPitch,
  whiteNoise,
} from "@echo-ts/audio";
import { readAudio } from "@echo-ts/audio/node";
import fc from "fast-check";
import t, { type Test } from "tap";
import { fixtures } from "./golden.ts";
import { PRAAT } from "./praat-values.ts";
import { VOICE_RATE, VOWELS, vowelSamples } from "./voice-signals.ts";

const sampleRate = VOICE_RATE;

/** Ten prompts, and what Praat 6.3.07 says of them; praat-voices.praat beside the values made them. */
const recordings = join(fixtures, "..", "..", "..", "data", "asterisk-alnum", "wav");
const PRAAT_RECORDINGS = JSON.parse(readFileSync(join(fixtures, "praat-voices.json"), "utf8")) as Readonly<
  Record<string, PraatMeasures & { readonly start: number; readonly f0: readonly number[] }>
>;

/** Pulses counted, and jitter and shimmer in the order of praat-values.ts. */
interface PraatMeasures {
  readonly pulses: number;
  readonly jitter: readonly number[];
  readonly shimmer: readonly number[];
}

function measuresOf(
  samples: Float32Array,
  rate: number,
  track: { times: ArrayLike<number>; f0: ArrayLike<number> },
): PraatMeasures {
  const pulses = glottalPulses(samples, { sampleRate: rate, track });
  const { local, localAbsolute, rap, ppq5, ddp } = jitter(pulses);
  const amplitudes = shimmer(samples, pulses, { sampleRate: rate });
  const { localDb, apq3, apq5, apq11, dda } = amplitudes;
  return {
    pulses: pulses.length,
    jitter: [local, localAbsolute, rap, ppq5, ddp],
    shimmer: [amplitudes.local, localDb, apq3, apq5, apq11, dda],
  };
}

/** Every measure within a share of Praat's. */
function closeMeasures(t: Test, got: PraatMeasures, want: PraatMeasures, share: number, name: string): void {
  for (const kind of ["jitter", "shimmer"] as const) {
    want[kind].forEach((value, k) => {
      close(t, got[kind][k]!, value, share * value, `${name}, ${kind} ${k}`);
    });
  }
}

function close(t: Test, got: number, want: number, tolerance: number, name: string): void {
  t.ok(Math.abs(got - want) <= tolerance, `${name}: ${got}, expected ${want} within ${tolerance}`);
}

/** Sum of the squared forward and backward prediction errors of a frame. */
function predictionError(frame: ArrayLike<number>, a: ArrayLike<number>): number {
  const order = a.length - 1;
  let sum = 0;
  for (let n = order; n < frame.length; n++) {
    let forward = 0;
    let backward = 0;
    for (let i = 0; i <= order; i++) {
      forward += a[i]! * frame[n - i]!;
      backward += a[i]! * frame[n - order + i]!;
    }
    sum += forward ** 2 + backward ** 2;
  }
  return sum;
}

t.test("linear prediction: closed form, optimum, stability", async (t) => {
  const frame = whiteNoise(5, { seconds: 0.02, sampleRate });
  let product = 0;
  let energy = 0;
  for (let n = 1; n < frame.length; n++) {
    product += frame[n]! * frame[n - 1]!;
    energy += frame[n]! ** 2 + frame[n - 1]! ** 2;
  }
  close(t, lpc(frame, 1)[1]!, (-2 * product) / energy, 1e-12, "order 1");

  // Of all extensions of order 1 by Levinson's rule, Burg's second reflection leaves the least error.
  const [, first] = lpc(frame, 1);
  const extended = (k: number) => [1, first! + k * first!, k];
  const best = lpc(frame, 2)[2]!;
  for (const step of [-0.01, 0.01]) {
    t.ok(
      predictionError(frame, extended(best)) < predictionError(frame, extended(best + step)),
      `step ${step}`,
    );
  }

  // A sine obeys x[n] = 2 cos(w) x[n-1] - x[n-2].
  const sine = tone(1000, { seconds: 0.1, sampleRate });
  const a = lpc(sine, 2);
  close(t, a[1]!, -2 * Math.cos((2 * Math.PI * 1000) / sampleRate), 1e-3, "sine, a1");
  close(t, a[2]!, 1, 1e-3, "sine, a2");
  t.same([...lpc(new Float32Array(50), 4)], [1, 0, 0, 0, 0], "silence");
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 20, maxLength: 40 }),
      (values) => {
        // The last coefficient is the product of all poles: a stable filter has it inside -1 ... 1.
        t.ok(Math.abs(lpc(values, 3)[3]!) <= 1 + 1e-12);
      },
    ),
    { numRuns: 50, seed: 3 },
  );
});

t.test("formants of known resonances", async (t) => {
  // Noise excites all frequencies alike, so that no harmonic draws a formant to itself.
  const excitation = whiteNoise(9, { seconds: 4, sampleRate });
  const resonances = [
    [500, 60],
    [1500, 90],
    [2500, 120],
    [3500, 150],
    [4400, 180],
  ] as const;
  let signal = Float64Array.from(excitation);
  for (const [hz, width] of resonances) {
    const radius = Math.exp((-Math.PI * width) / sampleRate);
    const out = new Float64Array(signal.length);
    for (let n = 0; n < out.length; n++) {
      out[n] =
        signal[n]! +
        2 * radius * Math.cos((2 * Math.PI * hz) / sampleRate) * (out[n - 1] ?? 0) -
        radius * radius * (out[n - 2] ?? 0);
    }
    signal = out;
  }
  const track = formants(Float32Array.from(signal), {
    sampleRate,
    // Half the rate and no pre-emphasis: nothing but the resonances is left to model.
    ceiling: 8000,
    preEmphasisFrom: 8000,
    windowLength: 0.1,
    hopLength: 800,
  });
  t.equal(track.formants, 5);
  t.equal(track.times.length, 81);
  const inside = track.times.map((_, i) => i).subarray(2, -2);
  resonances.forEach(([hz, width], k) => {
    const mean = (values: Float64Array) =>
      [...inside].reduce((sum, i) => sum + values[i * track.formants + k]!, 0) / inside.length;
    close(t, mean(track.frequencies), hz, 0.01 * hz, `F${k + 1}`);
    close(t, mean(track.bandwidths), width, 0.3 * width, `B${k + 1}`);
  });
  const silent = formants(new Float32Array(1600), { sampleRate });
  t.ok(silent.frequencies.every(Number.isNaN), "silence has no formants");
});

t.test("intensity of tones, steps of level and silence", async (t) => {
  const options = { seconds: 0.5, sampleRate };
  for (const amplitude of [1, 0.1, 0.003]) {
    const { decibels, times } = intensity(tone(440, { ...options, amplitude }), { sampleRate });
    const want = 20 * Math.log10(amplitude / Math.SQRT2 / 2e-5);
    close(t, decibels[decibels.length >> 1]!, want, 0.01, `amplitude ${amplitude}`);
    t.equal(times[1], 0.008, "0.8 periods of 100 Hz");
  }
  const silence = intensity(new Float32Array(800), { sampleRate });
  t.ok(silence.decibels.every((value) => value === -300));
  const shifted = tone(440, { ...options, amplitude: 0.1 }).map((value) => value + 0.25);
  const middle = 30;
  close(t, intensity(shifted, { sampleRate }).decibels[middle]!, 70.97, 0.01, "without its offset");
  const raw = intensity(shifted, { sampleRate, subtractMean: false }).decibels[middle]!;
  close(t, raw, 10 * Math.log10((0.25 ** 2 + 0.005) / 4e-10), 0.01, "with it");
});

t.test("harmonicity of a tone in noise is the ratio of both", async (t) => {
  for (const snr of [0, 10, 20, 30]) {
    const voice = harmonics(150, [1, 0.5, 0.3, 0.2], { seconds: 2, sampleRate, amplitude: 0.1 });
    const noise = whiteNoise(snr + 1, { seconds: 2, sampleRate });
    const power = (samples: Float32Array) => samples.reduce((sum, value) => sum + value * value, 0);
    const gain = Math.sqrt(power(voice) / power(noise)) * 10 ** (-snr / 20);
    const { decibels } = harmonicity(
      voice.map((value, i) => value + gain * noise[i]!),
      { sampleRate },
    );
    const inside = [...decibels].slice(10, -10);
    const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length;
    // The best of several maxima is taken, which flatters noisy voices a little.
    close(t, mean, snr, snr < 5 ? 1.5 : 0.6, `${snr} dB`);
  }
  const { decibels } = harmonicity(new Float32Array(4000), { sampleRate });
  t.ok(
    decibels.every((value) => value === -200),
    "silence",
  );
  const pure = harmonicity(tone(200, { seconds: 0.5, sampleRate }), { sampleRate }).decibels;
  t.ok(pure[25]! > 60, `a pure tone: ${pure[25]} dB`);
});

t.test("jitter and shimmer of alternating periods and amplitudes", async (t) => {
  const share = 0.02;
  const pulses = [0];
  for (let i = 0; i < 60; i++) pulses.push(pulses.at(-1)! + 0.008 * (1 + (i % 2 ? share : -share)));
  const got = jitter(pulses);
  close(t, got.local, 2 * share, 1e-12, "local: neighbours differ by twice the share");
  close(t, got.localAbsolute, 2 * share * 0.008, 1e-12, "absolute");
  close(t, got.rap, (4 / 3) * share, 1e-12, "rap: a period against (a b a)/3");
  close(t, got.ppq5, (4 / 5) * share, 1e-12, "ppq5: against (b a b a b)/5");
  close(t, got.ddp, 4 * share, 1e-12, "ddp");
  t.ok(Number.isNaN(jitter([0, 0.01]).local), "one period has none");
  close(t, jitter([0, 0.01, 0.02, 0.03]).local, 0, 1e-12, "equal periods");
  // A gap is no period: the two halves count, the step between them does not.
  close(t, jitter([...pulses, ...pulses.map((time) => time + 3)]).local, 2 * share, 1e-12, "with a gap");

  // Amplitudes 1 + 0.1 and 1 - 0.1 in turn, the same around each pulse.
  const samples = new Float32Array(sampleRate);
  const even = Array.from({ length: 100 }, (_, i) => 0.1 + i * 0.008);
  even.forEach((time, i) => {
    samples.fill(
      i % 2 ? 0.55 : 0.45,
      Math.round((time - 0.004) * sampleRate),
      Math.round((time + 0.004) * sampleRate),
    );
  });
  const measured = shimmer(samples, even, { sampleRate });
  close(t, measured.local, 0.2, 2e-3, "local");
  close(t, measured.localDb, 20 * Math.log10(0.55 / 0.45), 1e-3, "dB");
  close(t, measured.apq3, (4 / 3) * 0.1, 2e-3, "apq3");
  close(t, measured.apq5, (4 / 5) * 0.1, 2e-3, "apq5");
  close(t, measured.apq11, (12 / 11) * 0.1, 2e-3, "apq11");
  close(t, measured.dda, 0.4, 6e-3, "dda");
});

t.test("glottal pulses stand on the pulses", async (t) => {
  const pulses = Array.from({ length: 60 }, (_, i) => 0.05 + i * 0.0071);
  const samples = new Float32Array(0.6 * sampleRate);
  for (const time of pulses) {
    for (let k = 0; k < 60; k++) {
      const at = Math.round(time * sampleRate) + k;
      samples[at] = samples[at]! + 0.5 * Math.exp(-k / 12) * Math.cos(0.6 * k);
    }
  }
  const track = trackPitch(samples, { sampleRate });
  const found = glottalPulses(samples, { sampleRate, track });
  t.ok(Math.abs(found.length - pulses.length) <= 2, `${found.length} of ${pulses.length}`);
  const distance = (time: number) => Math.min(...pulses.map((pulse) => Math.abs(pulse - time)));
  t.ok(Math.max(...[...found].map(distance)) < 1 / sampleRate, "each within a sample of a pulse");
  t.same(
    [...found],
    [...found].sort((a, b) => a - b),
    "in order",
  );
  t.equal(
    glottalPulses(new Float32Array(4000), {
      sampleRate,
      track: { times: new Float64Array(0), f0: new Float32Array(0) },
    }).length,
    0,
  );
});

t.test("Praat's values on the same samples", async (t) => {
  for (const [name, vowel] of Object.entries(VOWELS)) {
    const samples = vowelSamples(vowel);
    const praat = PRAAT[name]!;
    /** Praat's time of a frame as a hop, so that frame 1 stands on it. */
    const hopAt = (time: number) => Math.round(time * sampleRate - 0.5);
    for (const [time, ...want] of praat.formants) {
      const track = formants(samples, { sampleRate, ceiling: 5000, hopLength: hopAt(time!) });
      for (let k = 0; k < 3; k++) {
        const at = track.formants + k;
        close(t, track.frequencies[at]!, want[k]!, 0.005 * want[k]!, `${name}, F${k + 1} at ${time} s`);
        close(t, track.bandwidths[at]!, want[3 + k]!, 0.1 * want[3 + k]!, `${name}, B${k + 1} at ${time} s`);
      }
    }
    for (const [time, want] of praat.intensity) {
      const { decibels } = intensity(samples, { sampleRate, hopLength: hopAt(time) });
      close(t, decibels[1]!, want, 0.02, `${name}, intensity at ${time} s`);
    }
    for (const [time, want] of praat.harmonicity) {
      const { decibels } = harmonicity(samples, { sampleRate, hopLength: hopAt(time) });
      close(t, decibels[1]!, want, 0.002, `${name}, HNR at ${time} s`);
    }
    const range = { sampleRate, fmin: 75, fmax: 500 };
    const measured = measuresOf(
      samples,
      sampleRate,
      autocorrelationPitch(samples, { ...range, hopLength: 128 }),
    );
    t.equal(measured.pulses, praat.pulses, `${name}: pulses`);
    closeMeasures(t, measured, praat, 1e-5, name);
    // With our tracker: where the next period is sought depends on f0, and in the rough voice that is not quite Praat's.
    const tracked = measuresOf(samples, sampleRate, trackPitch(samples, range));
    t.ok(Math.abs(tracked.pulses - praat.pulses) <= 3, `${name}: ${tracked.pulses} pulses, tracked`);
    closeMeasures(t, tracked, praat, name === "rough" ? 0.04 : 1e-3, `${name}, tracked`);
  }
});

t.test("Praat's f0, jitter and shimmer of recordings", async (t) => {
  for (const [name, praat] of Object.entries(PRAAT_RECORDINGS)) {
    const { channels, sampleRate } = await readAudio(join(recordings, `${name}.wav`));
    const samples = channels[0]!;
    const track = autocorrelationPitch(samples, { sampleRate, fmin: 75, fmax: 500, hopLength: 128 });
    t.equal(track.f0.length, praat.f0.length, `${name}: frames`);
    close(t, track.times[0]!, praat.start - 0.5 / sampleRate, 1e-9, `${name}: first frame`);
    const off = [...track.f0].filter((hz, i) => !(Math.abs(hz - praat.f0[i]!) <= 1e-5 * hz));
    t.same(off, [], `${name}: every f0 and every voicing`);
    const measured = measuresOf(samples, sampleRate, track);
    t.equal(measured.pulses, praat.pulses, `${name}: pulses`);
    closeMeasures(t, measured, praat, 1e-5, name);
  }
});

t.test("pitch by autocorrelation: range, cost of silence, odd input", async (t) => {
  const samples = harmonics(150, [1, 0.5, 0.3], { seconds: 0.5, sampleRate });
  const track = autocorrelationPitch(samples, { sampleRate });
  t.equal(track.times.length, 47, "every 10 ms where a window of 40 ms fits");
  close(t, track.times[46]! - track.times[0]!, 0.46, 1e-12, "apart");
  for (const hz of track.f0) close(t, hz, 150, 0.01, "f0");
  t.ok(
    track.periodicity.every((value) => value > 0.999 && value <= 1),
    "periodicity of a tone",
  );
  const low = autocorrelationPitch(samples, { sampleRate, fmin: 160 });
  t.notOk(
    low.f0.some((hz) => Math.abs(hz - 150) < 5),
    "below the range",
  );
  const noise = autocorrelationPitch(whiteNoise(7, { seconds: 0.5, sampleRate }), { sampleRate });
  t.ok(noise.f0.filter((hz) => hz > 0).length < 5, "white noise is hardly ever voiced");
  t.ok(
    autocorrelationPitch(new Float32Array(8000), { sampleRate }).f0.every((hz) => hz === 0),
    "silence",
  );
  const faint = Float32Array.from({ length: 16000 }, (_, i) => samples[i % 8000]! * (i < 8000 ? 1 : 0.01));
  const { f0, times } = autocorrelationPitch(faint, { sampleRate });
  t.ok(
    f0.every((hz, i) => (times[i]! < 0.48 ? hz > 0 : times[i]! < 0.55 || hz === 0)),
    "40 dB fainter: silence",
  );
  const whole = autocorrelationPitch(faint, { sampleRate, silenceThreshold: 0 }).f0;
  t.equal(whole.filter((hz) => hz === 0).length <= 3, true, "unless the threshold is off");
  // More candidates than usual, when the range asks for them.
  const wide = autocorrelationPitch(samples, { sampleRate, fmin: 20, fmax: 2000 });
  close(t, wide.f0[4]!, 150, 0.01, "a range of six octaves");
});

t.test("bad arguments are refused by name", async (t) => {
  const signal = tone(200, { seconds: 0.2, sampleRate });
  const refuses = (run: () => unknown, message: string) => {
    try {
      run();
      t.fail(`no error, expected "${message}"`);
    } catch (error) {
      t.ok(error instanceof AudioError, message);
      t.equal((error as Error).message, message);
    }
  };
  refuses(
    () => formants(signal, { sampleRate, maximum: 5000 } as never),
    'formants: unknown option "maximum"',
  );
  refuses(() => lpc(signal, 0), "lpc: order must be a whole number >= 1, got 0");
  refuses(() => lpc([1, 2], 2), "lpc: expected at least order + 1 = 3 samples, got 2");
  refuses(() => lpc([1, Number.NaN, 2], 1), "lpc: sample 1 is NaN, expected finite samples");
  refuses(
    () => formants(signal, { sampleRate, ceiling: 9000 }),
    "formants: ceiling 9000 Hz is above half the sample rate (8000 Hz), expected less or a higher rate",
  );
  refuses(
    () => formants(signal, { sampleRate, count: 4.7 }),
    "formants: count, doubled, must be a whole number >= 2, got 9.4",
  );
  refuses(
    () => formants(signal, { sampleRate, windowLength: 0.0004 }),
    "formants: windowLength 0.0004 s holds 8 samples at 11000 Hz, expected more than 10",
  );
  refuses(
    () => intensity(signal, { sampleRate, pitchFloor: 0 }),
    "intensity: pitchFloor must be a finite number > 0, got 0",
  );
  refuses(
    () => harmonicity(signal, { sampleRate, pitchFloor: 3000 }),
    "harmonicity: pitchFloor must be in 1 ... sampleRate / 8 (2000 Hz), got 3000",
  );
  refuses(
    () => harmonicity(signal, { sampleRate, silenceThreshold: -1 }),
    "harmonicity: silenceThreshold must be >= 0, got -1",
  );
  refuses(
    () => autocorrelationPitch(signal, { sampleRate, pitchFloor: 75 } as never),
    'autocorrelationPitch: unknown option "pitchFloor"',
  );
  refuses(
    () => autocorrelationPitch(signal.subarray(0, 639), { sampleRate }),
    "autocorrelationPitch: expected at least 640 samples, three periods of fmin (75 Hz), got 639",
  );
  refuses(
    () => autocorrelationPitch(signal, { sampleRate, fmin: 300, fmax: 200 }),
    "autocorrelationPitch: fmin must be below fmax, got 300 Hz and 200 Hz",
  );
  refuses(
    () => autocorrelationPitch(signal, { sampleRate, voicingThreshold: -0.1 }),
    "autocorrelationPitch: voicingThreshold must be a finite number >= 0, got -0.1",
  );
  refuses(
    () => autocorrelationPitch(signal, { sampleRate, maxCandidates: 1 }),
    "autocorrelationPitch: maxCandidates must be a whole number >= 2, got 1",
  );
  refuses(
    () => jitter([0, 1], { maximumPeriodFactor: 0.5 }),
    "jitter: maximumPeriodFactor must be a finite number >= 1, got 0.5",
  );
  refuses(
    () => jitter([0, 1], { shortestPeriod: 0.03 }),
    "jitter: longestPeriod must be above shortestPeriod, got 0.02 s and 0.03 s",
  );
  refuses(
    () => shimmer(signal, [0, 0.1], { sampleRate, maximumAmplitudeFactor: Number.NaN }),
    "shimmer: maximumAmplitudeFactor must be a finite number >= 1, got NaN",
  );
  refuses(
    () =>
      glottalPulses(signal, { sampleRate, track: { times: new Float64Array(2), f0: new Float32Array(3) } }),
    "glottalPulses: expected as many times as f0 values in the track, got 2 and 3",
  );
  refuses(
    () => intensity(Float32Array.of(0, Number.NaN), { sampleRate }),
    "intensity: sample 1 is NaN, expected finite samples",
  );
});
