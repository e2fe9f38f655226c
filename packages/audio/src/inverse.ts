// From features back to sound: mel bands to spectra, magnitudes to a signal (Griffin-Lim). For listening to what a model
// sees or makes; what the features left out cannot come back.

import { toRowMajor } from "./array.ts";
import { parameterError, requireInteger } from "./errors.ts";
import { type FloatArray, type FloatView, floatArray } from "./float-array.ts";
import { MEL_BANK_KEYS, type MelBankOptions, melFilterbank } from "./mel.ts";
import { checkOptions, type OptionKeys } from "./options.ts";
import { matrixOf } from "./signal.ts";
import { istft, STFT_KEYS, type StftOptions, stft } from "./stft.ts";
import { uniformStream } from "./synth.ts";

/** Options of `melToSpectrogram`: those of the bank, and how the spectra are sought. */
export interface InverseMelOptions extends MelBankOptions {
  /** Samples per transform. Default 2048. */
  readonly fftSize?: number;
  /** The exponent that the mel spectrogram was made with: 2 (default) power, 1 magnitude. */
  readonly power?: number;
  /** Rounds of the search, >= 1. Default 100. */
  readonly iterations?: number;
}

const INVERSE_KEYS: OptionKeys<InverseMelOptions> = {
  ...MEL_BANK_KEYS,
  fftSize: true,
  power: true,
  iterations: true,
};

/**
 * Magnitude spectra whose mel bands come close to the given ones: the bins are >= 0 and minimise the squared
 * distance, found by multiplicative updates (Lee and Seung 2001), each of which makes it smaller.
 *
 * @param mel shape [melBins, frames], values >= 0: `melSpectrogram` with the same options, not its logarithm
 * @returns magnitudes (power 1), shape [floor(fftSize / 2) + 1, frames]
 * @throws AudioError (`parameter`) for another shape or negative values
 *
 * The counterpart of librosa.feature.inverse.mel_to_stft, which solves the same problem by another method.
 *
 * @example
 * const magnitude = melToSpectrogram(mel, { sampleRate: 16000, fftSize: 1024, melBins: 128 });
 * griffinLim(magnitude, { fftSize: 1024, hopLength: 128 });
 */
export function melToSpectrogram(mel: FloatView, options: InverseMelOptions): FloatArray {
  checkOptions("melToSpectrogram", options, INVERSE_KEYS);
  const { power = 2, iterations = 100, ...bankOptions } = options;
  requireInteger("melToSpectrogram", "iterations", iterations, 1);
  if (!(power > 0)) throw parameterError("melToSpectrogram", `power must be > 0, got ${power}`);
  const bank = melFilterbank(bankOptions);
  const [melBins, bins] = bank.shape as [number, number];
  const matrix = matrixOf("melToSpectrogram", "mel bands", "[melBins, frames]", mel);
  if (matrix.shape[0] !== melBins) {
    throw parameterError("melToSpectrogram", `expected ${melBins} mel bands, got ${matrix.shape[0]}`);
  }
  const frames = matrix.shape[1]!;
  const wanted = toRowMajor(matrix.transpose(1, 0));
  if (!wanted.every((value) => value >= 0)) {
    throw parameterError(
      "melToSpectrogram",
      "expected values >= 0 (undo the logarithm first), got a negative one or NaN",
    );
  }
  const solve = solver(bank.data, melBins, bins);
  const out = new Float32Array(frames * bins);
  for (let f = 0; f < frames; f++) {
    const found = solve(wanted.subarray(f * melBins, (f + 1) * melBins), iterations);
    for (let k = 0; k < bins; k++) out[f * bins + k] = found[k]! ** (1 / power);
  }
  return floatArray(out, [bins, frames], [1, bins]);
}

/** Seeks x >= 0 with bank x = target. Rows of the bank are short runs of weights. */
function solver(bank: Float32Array, melBins: number, bins: number) {
  const rows = Array.from({ length: melBins }, (_, m) => {
    const row = bank.subarray(m * bins, (m + 1) * bins);
    const first = Math.max(
      0,
      row.findIndex((weight) => weight > 0),
    );
    const end = row.findLastIndex((weight) => weight > 0) + 1;
    return { first, weights: row.subarray(first, end) };
  });
  const x = new Float64Array(bins);
  const above = new Float64Array(bins);
  const below = new Float64Array(bins);
  const spread = (target: Float64Array, bands: (m: number) => number) => {
    target.fill(0);
    for (const [m, { first, weights }] of rows.entries()) {
      const value = bands(m);
      for (let k = 0; k < weights.length; k++) target[first + k] = target[first + k]! + weights[k]! * value;
    }
  };
  const band = (m: number) => {
    const { first, weights } = rows[m]!;
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += weights[k]! * x[first + k]!;
    return sum;
  };
  return (target: Float32Array, iterations: number): Float64Array => {
    spread(above, (m) => target[m]!);
    x.set(above);
    for (let i = 0; i < iterations; i++) {
      spread(below, band);
      for (let k = 0; k < bins; k++) x[k] = below[k]! > 0 ? (x[k]! * above[k]!) / below[k]! : 0;
    }
    return x;
  };
}

/** Options of `griffinLim`: the transform, and how the phases are sought. */
export interface GriffinLimOptions extends StftOptions {
  /** Rounds, >= 1. Default 32. */
  readonly iterations?: number;
  /** How far each round goes beyond the last, 0 ... 1 (Perraudin et al. 2013). Default 0.99; 0: the original method. */
  readonly momentum?: number;
  /** Seed of the phases it starts with: the same seed gives the same signal. Default 0. */
  readonly seed?: number;
  /** Samples to return. Default: what the frames cover. */
  readonly length?: number;
}

const GRIFFIN_LIM_KEYS: OptionKeys<GriffinLimOptions> = {
  ...STFT_KEYS,
  iterations: true,
  momentum: true,
  seed: true,
  length: true,
};

/**
 * A signal whose magnitude spectrogram comes close to the given one (Griffin and Lim 1984; the fast form of Perraudin,
 * Balazs and Sondergaard 2013).
 *
 * @param magnitude shape [bins, frames], values >= 0: `spectrogram` with power 1 and the same options
 * @returns Float32Array of shape [length]
 * @throws AudioError (`parameter`) for another shape or bad options
 *
 * The method of librosa.griffinlim; phases start from another random source.
 *
 * @example
 * griffinLim(spectrogram(signal, { fftSize: 512, power: 1 }), { fftSize: 512, length: signal.length });
 */
export function griffinLim(magnitude: FloatView, options: GriffinLimOptions = {}): Float32Array {
  checkOptions("griffinLim", options, GRIFFIN_LIM_KEYS);
  const { iterations = 32, momentum = 0.99, seed = 0, length, ...transform } = options;
  requireInteger("griffinLim", "iterations", iterations, 1);
  if (!(momentum >= 0 && momentum <= 1)) {
    throw parameterError("griffinLim", `momentum must be in 0 ... 1, got ${momentum}`);
  }
  const matrix = matrixOf("griffinLim", "magnitudes", "[bins, frames]", magnitude);
  const [bins, frames] = matrix.shape as [number, number];
  const sizes = { ...transform, fftSize: transform.fftSize ?? 2 * (bins - 1) };
  const values = toRowMajor(matrix.transpose(1, 0));
  const shape = (data: Float32Array) => floatArray(data, [bins, frames], [1, bins]);
  const re = new Float32Array(values.length);
  const im = new Float32Array(values.length);
  const next = uniformStream(seed);
  for (let i = 0; i < values.length; i++) {
    const angle = 2 * Math.PI * next();
    re[i] = values[i]! * Math.cos(angle);
    im[i] = values[i]! * Math.sin(angle);
  }
  const share = momentum / (1 + momentum);
  let last: { re: Float32Array; im: Float32Array } | undefined;
  for (let round = 0; round < iterations; round++) {
    const found = stft(istft({ re: shape(re), im: shape(im) }, sizes), sizes);
    const now = { re: found.re.data, im: found.im.data };
    for (let i = 0; i < values.length; i++) {
      const real = now.re[i]! - share * (last?.re[i] ?? 0);
      const imaginary = now.im[i]! - share * (last?.im[i] ?? 0);
      const scale = values[i]! / (Math.hypot(real, imaginary) + 1e-30);
      re[i] = real * scale;
      im[i] = imaginary * scale;
    }
    last = now;
  }
  return istft({ re: shape(re), im: shape(im) }, length === undefined ? sizes : { ...sizes, length });
}
