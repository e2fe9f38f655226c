// Sample rate conversion: reference filters, the measured quality of our own, streaming, refusals.
import {
  type FloatArray,
  RealFft,
  type ResampleMethod,
  Resampler,
  resample,
  tone,
  whiteNoise,
} from "@echo-ts/audio";
import fc from "fast-check";
import ndarray from "ndarray";
import t from "tap";
import {
  cases,
  golden,
  input,
  maxAbs,
  maxDifference,
  output,
  readSafetensors,
  sharedPath,
} from "./golden.ts";

t.test("the compatible filters equal scipy and torchaudio; ours agrees with soxr in band", async (t) => {
  const tests = cases.filter((test) => test.function === "resample");
  t.equal(tests.length, 4);
  for (const test of tests) {
    const { orig, target } = test.params as { orig: number; target: number };
    const signal = input(test.input!.name, test.input!.samples);
    const scipy = maxDifference(
      resample(signal, orig, target, { method: "scipy" }),
      output(test, "polyphase_kaiser5"),
    );
    t.ok(scipy <= test.tolerance.polyphase_kaiser5_abs!, `${test.id}: scipy, error ${scipy}`);
    const torch = maxDifference(
      resample(signal, orig, target, { method: "torchaudio" }),
      output(test, "torchaudio_hann"),
    );
    t.ok(torch <= test.tolerance.torchaudio_hann_abs!, `${test.id}: torchaudio, error ${torch}`);
    const ours = resample(signal, orig, target);
    const soxr = output(test, "soxr_vhq");
    t.equal(ours.length, soxr.length);
    const snr = inBandSnr(soxr, ours, Math.min(1, orig / target));
    t.ok(
      snr >= test.tolerance.soxr_in_band_snr_db!,
      `${test.id}: ${snr.toFixed(1)} dB against soxr VHQ in band`,
    );
  }
});

/** Signal to difference in dB below 85 % of the usable band, away from the edges. */
function inBandSnr(want: Float32Array, got: Float32Array, usable: number): number {
  const size = want.length - 400 - (want.length % 2);
  const fft = new RealFft(size);
  const spectrum = (x: Float32Array) => {
    const re = new Float64Array(fft.bins);
    const im = new Float64Array(fft.bins);
    const tapered = Float64Array.from(
      { length: size },
      (_, i) => x[200 + i]! * Math.sin((Math.PI * i) / size) ** 4,
    );
    fft.forward(tapered, re, im);
    return { re, im };
  };
  const a = spectrum(want);
  const b = spectrum(got);
  let signal = 0;
  let difference = 0;
  for (let k = 0; k < 0.85 * usable * fft.bins; k++) {
    signal += a.re[k]! ** 2 + a.im[k]! ** 2;
    difference += (a.re[k]! - b.re[k]!) ** 2 + (a.im[k]! - b.im[k]!) ** 2;
  }
  return 10 * Math.log10(signal / difference);
}

const decibels = (x: number) => 20 * Math.log10(x);

/** Root mean square of the middle half. */
function middleRms(x: Float32Array): number {
  const middle = x.subarray(x.length >> 2, 3 * (x.length >> 2));
  return Math.sqrt(middle.reduce((sum, v) => sum + v * v, 0) / middle.length);
}

t.test("measured quality: pass-band ripple and stop-band attenuation as documented", async (t) => {
  const ratios = [
    [16000, 8000],
    [8000, 16000],
    [44100, 16000],
    [48000, 16000],
    [16000, 22050],
  ] as const;
  const promises: [ResampleMethod, number, number, number][] = [
    ["high", 0.9, 0.0005, -105],
    ["fast", 0.8, 0.01, -68],
  ];
  for (const [method, pass, ripple, stop] of promises) {
    let worstRipple = 0;
    let worstStop = Number.NEGATIVE_INFINITY;
    for (const [from, to] of ratios) {
      const nyquist = Math.min(from, to) / 2;
      const options = { seconds: 0.4, sampleRate: from };
      for (const share of [0.01, 0.2, 0.5, 0.7, pass]) {
        const signal = tone(share * nyquist, options);
        const gain = decibels(middleRms(resample(signal, from, to, { method })) / middleRms(signal));
        worstRipple = Math.max(worstRipple, Math.abs(gain));
      }
      // What may alias (downsampling); when upsampling, the images: all but the tone itself.
      for (const share of [1.0, 1.1, 1.3, 1.7]) {
        if (from > to) {
          if (share * nyquist >= from / 2) continue;
          const signal = tone(share * nyquist, options);
          const gain = decibels(middleRms(resample(signal, from, to, { method })) / middleRms(signal));
          worstStop = Math.max(worstStop, gain);
        } else {
          const hz = (2 - share) * nyquist * (share === 1 ? 0.999 : 1) * (pass / 1);
          const got = resample(tone(hz, options), from, to, { method });
          worstStop = Math.max(worstStop, decibels(residual(got, hz, to)));
        }
      }
    }
    t.ok(worstRipple <= ripple, `${method}: ripple ${worstRipple.toFixed(5)} dB`);
    t.ok(worstStop <= stop, `${method}: stop band ${worstStop.toFixed(1)} dB`);
  }
});

/** What is left of a signal after its component at `hz` is fitted and removed, relative to it (middle half). */
function residual(x: Float32Array, hz: number, rate: number): number {
  const start = x.length >> 2;
  const end = 3 * start;
  let [cc, cs, ss, xc, xs] = [0, 0, 0, 0, 0];
  for (let i = start; i < end; i++) {
    const c = Math.cos((2 * Math.PI * hz * i) / rate);
    const s = Math.sin((2 * Math.PI * hz * i) / rate);
    cc += c * c;
    cs += c * s;
    ss += s * s;
    xc += x[i]! * c;
    xs += x[i]! * s;
  }
  const a = (xc * ss - xs * cs) / (cc * ss - cs * cs);
  const b = (xs * cc - xc * cs) / (cc * ss - cs * cs);
  let rest = 0;
  let power = 0;
  for (let i = start; i < end; i++) {
    const fit = a * Math.cos((2 * Math.PI * hz * i) / rate) + b * Math.sin((2 * Math.PI * hz * i) / rate);
    rest += (x[i]! - fit) ** 2;
    power += fit * fit;
  }
  return Math.sqrt(rest / power);
}

t.test("chunks give the whole signal's samples, bit for bit; any rational ratio", async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom<ResampleMethod>("high", "fast", "scipy", "torchaudio"),
      fc.integer({ min: 0, max: 400 }),
      fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 12 }),
      (from, to, method, samples, cuts) => {
        if (from === to || to > 40 * from) return true;
        const signal = whiteNoise(samples, { seconds: samples, sampleRate: 1 });
        const whole = resample(signal, from, to, { method });
        if (whole.length !== Math.ceil((samples * to) / from)) return false;
        const resampler = new Resampler(from, to, { method });
        for (let round = 0; round < 2; round++) {
          const parts: number[] = [];
          let at = 0;
          for (const cut of [...cuts, samples]) {
            parts.push(...resampler.push(signal.subarray(at, at + cut)));
            at = Math.min(samples, at + cut);
          }
          parts.push(...resampler.flush());
          if (parts.length !== whole.length || parts.some((v, i) => v !== whole[i])) return false;
        }
        return true;
      },
    ),
    { numRuns: 200, seed: 23 },
  );
});

t.test("properties", async (t) => {
  const speech = input("speech_f", 16000);
  const up = resample(speech, 16000, 44101); // co-prime: 44101 phases
  t.equal(up.length, 44101);
  const back = resample(up, 44101, 16000);
  const band = resample(resample(speech, 16000, 14000), 14000, 16000);
  const round = resample(resample(band, 16000, 44101), 44101, 16000);
  t.ok(
    maxDifference(round.subarray(300, 15700), band.subarray(300, 15700)) < 1e-5 * maxAbs(band),
    "up and down again",
  );
  t.equal(back.length, 16000);
  const constant = resample(new Float32Array(3000).fill(0.7), 3000, 2000);
  t.ok(
    maxDifference(constant.subarray(200, 1800), new Float32Array(1600).fill(0.7)) < 1e-7,
    "a constant stays",
  );
  t.same(resample(speech, 8000, 8000), speech, "equal rates copy");
  t.not(resample(speech, 8000, 8000).buffer, speech.buffer);
  const louder = resample(
    speech.map((x) => x * 2),
    16000,
    8000,
  );
  t.same(
    louder,
    resample(speech, 16000, 8000).map((x) => x * 2),
    "gain passes through exactly",
  );
  const stereo = resample(ndarray(golden("input/stereo"), [2, 6000]), 16000, 8000) as FloatArray;
  t.same(stereo.shape, [2, 3000]);
  t.same(
    stereo.data.subarray(3000),
    resample(golden("input/stereo").slice(6000), 16000, 8000),
    "channels apart",
  );
});

t.test("what resample refuses", async (t) => {
  const x = new Float32Array(4);
  t.throws(() => resample(x, 0, 8000), {
    name: "AudioError",
    message: "resample: fromRate must be a whole number >= 1, got 0",
  });
  t.throws(() => resample(x, 8000, 11025.5), {
    message: "resample: toRate must be a whole number >= 1, got 11025.5",
  });
  const method = "linear" as ResampleMethod;
  t.throws(() => resample(x, 1, 2, { method }), {
    message: 'resample: unknown method "linear", expected high, fast, scipy or torchaudio',
  });
});

const folder = sharedPath("golden", "audio");
t.test(
  "the 8 kHz digit of the shared set",
  { skip: folder ? false : "no shared/golden/audio here" },
  async (t) => {
    const signal = readSafetensors(`${folder}/inputs.safetensors`, "digit_8k");
    const key = "resample_digit_8k_8000_16000";
    const want = (name: string) => readSafetensors(`${folder}/resample.safetensors`, `${key}/${name}`);
    t.ok(
      maxDifference(resample(signal, 8000, 16000, { method: "scipy" }), want("polyphase_kaiser5")) <= 1e-6,
    );
    t.ok(
      maxDifference(resample(signal, 8000, 16000, { method: "torchaudio" }), want("torchaudio_hann")) <= 1e-6,
    );
    const snr = inBandSnr(want("soxr_vhq"), resample(signal, 8000, 16000), 0.5);
    t.ok(snr >= 60, `${snr.toFixed(1)} dB against soxr VHQ in band`);
  },
);

t.test("length gives exactly that many samples: there and back", async (t) => {
  for (const [from, to] of [
    [16000, 44100],
    [44100, 16000],
    [8000, 11025],
    [16000, 96001],
  ] as const) {
    for (const n of [1, 999, 1000, 1001]) {
      const x = whiteNoise(n, { seconds: n / from, sampleRate: from });
      const there = resample(x, from, to);
      t.equal(there.length, Math.ceil((n * to) / from));
      t.equal(resample(there, to, from, { length: n }).length, n, `${n} at ${from} Hz by ${to} Hz`);
    }
  }
  const x = tone(440, { seconds: 0.1, sampleRate: 8000 });
  const natural = resample(x, 8000, 16000);
  t.same(resample(x, 8000, 16000, { length: 1000 }), natural.slice(0, 1000));
  const longer = resample(x, 8000, 16000, { length: 2500 });
  t.same(longer.slice(0, 1600), natural, "the end does not change what comes before it");
  const padded = new Float32Array(1250);
  padded.set(x);
  t.same(longer, resample(padded, 8000, 16000), "as if zeros followed");
  t.throws(() => resample(x, 8000, 16000, { length: -1 }), { message: /length must be a whole number >= 0/ });
});

t.test("ratios of many phases are interpolated to the quality of the exact filter", async (t) => {
  // 44101 Hz is prime to 16000 Hz: 16000 and 44101 phases.
  for (const [from, to] of [
    [44101, 16000],
    [16000, 44101],
  ] as const) {
    for (const hz of [100, 1000, 6000]) {
      const x = tone(hz, { seconds: 0.5, sampleRate: from });
      const wanted = tone(hz, { seconds: 0.5, sampleRate: to });
      const found = resample(x, from, to);
      const inner = (signal: Float32Array) => signal.subarray(Math.round(to / 10), Math.round(to * 0.4));
      t.ok(maxDifference(inner(found), inner(wanted)) < 5e-6, `${hz} Hz, ${from} to ${to}`);
      const stream = new Resampler(from, to);
      const parts = [stream.push(x.subarray(0, 777)), stream.push(x.subarray(777)), stream.flush()];
      t.same(Float32Array.from(parts.flatMap((part) => [...part])), found, "chunks give the same bits");
    }
    const constant = resample(new Float32Array(4000).fill(0.25), from, to);
    t.ok(maxDifference(constant.subarray(900, 1000), new Float32Array(100).fill(0.25)) < 1e-6);
  }
});
