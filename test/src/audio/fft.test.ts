// Fft, RealFft, windows and synthetic signals. The transforms are compared with the definition of the DFT.
import {
  AudioError,
  besselI0,
  chirp,
  Fft,
  harmonics,
  makeWindow,
  RealFft,
  stft,
  tone,
  uniformStream,
  type WindowName,
  type WindowSpec,
  whiteNoise,
} from "@echo-ts/audio";
import fc from "fast-check";
import t from "tap";
import { cases, maxAbs, maxDifference, output } from "./golden.ts";

/** The transform as it is defined: size^2 products. */
function definition(re: Float64Array, im: Float64Array): { re: Float64Array; im: Float64Array } {
  const n = re.length;
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      const angle = (-2 * Math.PI * ((i * k) % n)) / n;
      out.re[k]! += re[i]! * Math.cos(angle) - im[i]! * Math.sin(angle);
      out.im[k]! += re[i]! * Math.sin(angle) + im[i]! * Math.cos(angle);
    }
  }
  return out;
}

function noise(seed: number, length: number): Float64Array {
  const next = uniformStream(seed);
  return Float64Array.from({ length }, () => 2 * next() - 1);
}

const SIZES: readonly number[] = [
  ...Array.from({ length: 66 }, (_, i) => i + 1),
  ...[81, 94, 97, 100, 121, 125, 127, 128, 160, 200, 243, 256, 300, 343, 400, 480, 512, 600, 777, 1009, 1024],
];

t.test("Fft equals the definition, both ways, in and out of place", async (t) => {
  for (const size of SIZES) {
    const re = noise(size, size);
    const im = noise(size + 1000, size);
    const want = definition(re, im);
    const fft = new Fft(size);
    const gotRe = new Float64Array(size);
    const gotIm = new Float64Array(size);
    const keptRe = re.slice();
    fft.forward(re, im, gotRe, gotIm);
    const tolerance = 1e-13 * size + 1e-15;
    const error = Math.max(maxDifference(gotRe, want.re), maxDifference(gotIm, want.im));
    t.ok(error < tolerance, `size ${size}: forward, error ${error}`);
    t.same(re, keptRe, `size ${size}: the input is left as it was`);

    const placeRe = re.slice();
    const placeIm = im.slice();
    fft.forward(placeRe, placeIm, placeRe, placeIm);
    t.same([placeRe, placeIm], [gotRe, gotIm], `size ${size}: in place gives the same bits`);

    fft.inverse(gotRe, gotIm, gotRe, gotIm);
    const back = Math.max(maxDifference(gotRe, re), maxDifference(gotIm, im));
    t.ok(back < 1e-14 * (4 + Math.log2(size)), `size ${size}: inverse returns the input, error ${back}`);
  }
});

t.test("RealFft equals the definition and inverts it", async (t) => {
  for (const size of SIZES) {
    const signal = noise(size, size + 3);
    const want = definition(signal.subarray(3), new Float64Array(size));
    const fft = new RealFft(size);
    t.equal(fft.bins, Math.floor(size / 2) + 1);
    const re = new Float64Array(fft.bins);
    const im = new Float64Array(fft.bins);
    fft.forward(signal, re, im, 3);
    const error = Math.max(
      maxDifference(re, want.re.subarray(0, fft.bins)),
      maxDifference(im, want.im.subarray(0, fft.bins)),
    );
    t.ok(error < 1e-13 * size + 1e-15, `size ${size}: forward, error ${error}`);
    const back = new Float64Array(size);
    fft.inverse(re, im, back);
    t.ok(maxDifference(back, signal.subarray(3)) < 1e-13, `size ${size}: inverse`);

    const window = makeWindow("hann", size);
    const single = Float32Array.from(signal);
    const product = Float64Array.from(window, (w, i) => w * single[i + 3]!);
    const viaProduct = [new Float64Array(fft.bins), new Float64Array(fft.bins)] as const;
    fft.forward(product, ...viaProduct);
    fft.forwardWindowed(single, 3, window, re, im);
    t.same([re, im], viaProduct, `size ${size}: windowed while reading gives the same bits`);
  }
});

t.test("Parseval and the shift theorem", async () => {
  const sized = fc
    .integer({ min: 1, max: 300 })
    .chain((n) =>
      fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 }), fc.integer({ min: 0, max: 1e6 })),
    );
  fc.assert(
    fc.property(sized, ([n, shift, seed]) => {
      const fft = new Fft(n);
      const x = noise(seed, n);
      const zero = new Float64Array(n);
      const re = new Float64Array(n);
      const im = new Float64Array(n);
      fft.forward(x, zero, re, im);
      const power = re.reduce((sum, r, k) => sum + r * r + im[k]! * im[k]!, 0) / n;
      const energy = x.reduce((sum, v) => sum + v * v, 0);
      if (Math.abs(power - energy) > 1e-11 * (1 + energy)) return false; // Parseval
      const shifted = Float64Array.from(x, (_, i) => x[(i + shift) % n]!);
      const shiftedRe = new Float64Array(n);
      const shiftedIm = new Float64Array(n);
      fft.forward(shifted, zero, shiftedRe, shiftedIm);
      for (let k = 0; k < n; k++) {
        const angle = (2 * Math.PI * ((k * shift) % n)) / n;
        const wantRe = re[k]! * Math.cos(angle) - im[k]! * Math.sin(angle);
        const wantIm = re[k]! * Math.sin(angle) + im[k]! * Math.cos(angle);
        if (Math.hypot(wantRe - shiftedRe[k]!, wantIm - shiftedIm[k]!) > 1e-10) return false;
      }
      return true;
    }),
    { numRuns: 200, seed: 7 },
  );
});

t.test("what the transforms refuse", async (t) => {
  t.throws(() => new Fft(0), { name: "AudioError", reason: "parameter" });
  t.throws(
    () => new Fft(2.5),
    new AudioError("Fft: size must be a whole number >= 1, got 2.5", { reason: "parameter" }),
  );
  const short = new Float64Array(7);
  t.throws(() => new Fft(8).forward(short, short, short, short), {
    message: "Fft: arrays must hold at least 8 values, got 7, 7, 7, 7",
  });
  t.throws(() => new RealFft(8).forward(short, short, short), {
    message: "RealFft: needs 8 samples and 5 bins, got 7 samples and 7 bins",
  });
});

t.test("windows equal SciPy's", async (t) => {
  let compared = 0;
  for (const test of cases.filter((test) => test.function.endsWith(" window"))) {
    const name = test.function.split(" ")[0] as WindowName;
    const length = test.params.n as number;
    for (const kind of ["periodic", "symmetric"] as const) {
      const got = makeWindow(name, length, { periodic: kind === "periodic" });
      const error = maxDifference(got, output(test, kind));
      t.ok(error <= test.tolerance.abs!, `${test.id} ${kind}: ${error}`);
      compared++;
    }
  }
  t.equal(compared, 20);
});

t.test("the other windows", async (t) => {
  t.ok(maxDifference(makeWindow("bartlett", 4), [0, 0.5, 1, 0.5]) < 1e-15);
  t.ok(maxDifference(makeWindow("blackman", 4), [0, 0.34, 1, 0.34]) < 1e-15);
  t.same(makeWindow("rectangular", 3), Float64Array.of(1, 1, 1));
  const kaiser = makeWindow({ kaiser: 5 }, 5, { periodic: false });
  t.ok(Math.abs(kaiser[0]! - 1 / 27.239871823604442) < 1e-15, "the ends of a Kaiser window are 1 / I0(beta)");
  t.ok(kaiser[2] === 1 && kaiser[0] === kaiser[4] && kaiser[1] === kaiser[3]);
  t.same(makeWindow({ kaiser: 0 }, 3), Float64Array.of(1, 1, 1));
  const gaussian = [Math.exp(-2), Math.exp(-0.5), 1, Math.exp(-0.5), Math.exp(-2)];
  t.ok(maxDifference(makeWindow({ gaussian: 1 }, 5, { periodic: false }), gaussian) < 1e-15);
  t.ok(Math.abs(besselI0(1) - 1.2660658777520084) < 1e-15); // Abramowitz and Stegun, table 9.8
  t.same(makeWindow(Float32Array.of(1, 2), 2), Float64Array.of(1, 2));
  t.throws(() => makeWindow(Float32Array.of(1, 2), 3), {
    message: "makeWindow: expected 3 window values, got 2",
  });
  t.throws(() => makeWindow("welch" as WindowName, 3), {
    message:
      /makeWindow: unknown window "welch", expected one of hann, hamming, blackman, bartlett, rectangular/,
  });
  t.same(makeWindow([1, 2], 2), Float64Array.of(1, 2), "a plain array");
  const refused: [unknown, RegExp][] = [
    [[1, "2"], /^makeWindow: window value 1 must be a number, got "2"/],
    [[], /^makeWindow: expected 2 window values, got 0/],
    [
      new Int16Array(2),
      /^makeWindow: window must be one of hann, .* or the values, got an Int16Array of 2 values/,
    ],
    [{ gauss: 3 }, /^makeWindow: window must be one of .*\{ gaussian: sigma \}.*, got an object with gauss/],
    [null, /^makeWindow: window must be one of .*, got null/],
  ];
  for (const [spec, message] of refused) t.throws(() => makeWindow(spec as WindowSpec, 2), { message });
  t.throws(() => makeWindow("hann", 3, { periodc: false } as object), {
    message: 'makeWindow: unknown option "periodc", did you mean "periodic"?',
  });
  const wave = new Float32Array(64).fill(0.5);
  const frames = { fftSize: 16, hopLength: 8 };
  t.same(
    stft(wave, { ...frames, window: Array.from(makeWindow("hann", 16)) }).re.data,
    stft(wave, frames).re.data,
    "stft takes a plain array",
  );
  t.throws(() => stft(wave, { ...frames, window: [1, 2, 3] }), {
    message: "stft: expected 16 window values, got 3",
  });
  t.throws(() => makeWindow({ kaiser: -1 }, 3), { message: "makeWindow: kaiser beta must be >= 0, got -1" });
  t.throws(() => makeWindow({ gaussian: 0 }, 3), {
    message: "makeWindow: gaussian sigma must be > 0 samples, got 0",
  });
});

t.test("synthetic signals", async (t) => {
  const options = { seconds: 0.5, sampleRate: 8000 };
  const a = tone(1000, options);
  t.equal(a.length, 4000);
  t.ok(Math.abs(a[2]! - 0.5) < 1e-7, "1 kHz at 8 kHz peaks at the third sample");
  t.ok(maxDifference(chirp(1000, 1000, options), a) < 1e-6, "a chirp to its own start is a tone");
  t.ok(
    maxDifference(harmonics(1000, [1, 0, 0, 1], options), a) < 1e-7,
    "harmonics from half the rate on are left out",
  );
  for (const shape of ["linear", "exponential"] as const) {
    // Cycles of the whole glide: the mean frequency is 1.5 f0 (linear) or f0 / ln 2 (exponential).
    const glide = chirp(100, 200, { seconds: 4, sampleRate: 16000 }, shape);
    let rising = 0;
    for (let i = 1; i < glide.length; i++) if (glide[i - 1]! <= 0 && glide[i]! > 0) rising++;
    t.equal(rising, Math.ceil(shape === "linear" ? 600 : 400 / Math.log(2)), shape);
  }
  const noisy = whiteNoise(3, { seconds: 2, sampleRate: 8000, amplitude: 0.3 });
  t.same(noisy, whiteNoise(3, { seconds: 2, sampleRate: 8000, amplitude: 0.3 }));
  t.not(noisy[5], whiteNoise(4, { seconds: 2, sampleRate: 8000, amplitude: 0.3 })[5]);
  t.ok(maxAbs(noisy) < 0.3 && Math.abs(noisy.reduce((s, v) => s + v * v, 0) / noisy.length - 0.03) < 1e-3);
  t.throws(() => tone(0, options), { message: "harmonics: hz must be a finite number > 0, got 0" });
  t.throws(() => tone(5, { seconds: -1, sampleRate: 8000 }), {
    message: "harmonics: seconds must be >= 0, got -1",
  });
});
