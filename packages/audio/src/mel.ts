// Mel filter banks and mel spectrograms. The bank is kept sparse: each triangle is a run of weights.
// Read log-mel.ts next for the Echo and Whisper presets.
import { framesView } from "./array.ts";
import { hzToMel, MEL_SCALES, type MelScale, melFrequencies } from "./convert.ts";
import { parameterError, requireInteger, requirePositive } from "./errors.ts";
import { type FloatArray, floatArray } from "./float-array.ts";
import { checkOptions, type OptionKeys, requireOneOf } from "./options.ts";
import type { Signal } from "./signal.ts";
import { eachBlock, FrameTransform, planStft, raise, STFT_KEYS, type StftOptions, store } from "./stft.ts";
import type { KernelBank } from "./stft-kernel.ts";
import { warnOnce } from "./warn.ts";

/** The shape of a mel filter bank. */
export interface MelBankOptions {
  /** Samples per second of the signal. */
  readonly sampleRate: number;
  /** Number of triangles, >= 1 (n_mels). Default 128. */
  readonly melBins?: number;
  /** Lower edge of the first triangle in Hz, >= 0. Default 0. */
  readonly fmin?: number;
  /** Upper edge of the last triangle in Hz, > fmin, <= sampleRate / 2. Default sampleRate / 2. */
  readonly fmax?: number;
  /** Default "slaney" (librosa); torchaudio and the Echo reference use "htk". */
  readonly melScale?: MelScale;
  /** "slaney": triangles of equal area (divided by half their width in Hz); "none": peak 1. Default "slaney". */
  readonly melNorm?: "slaney" | "none";
  /**
   * Bands so narrow that no bin falls into them are always 0: "warn" (default, see `onWarning`), "allow" them in
   * silence, or "refuse".
   */
  readonly emptyBands?: "warn" | "allow" | "refuse";
}

/** The keys of `MelBankOptions`. */
export const MEL_BANK_KEYS: OptionKeys<MelBankOptions> = {
  sampleRate: true,
  melBins: true,
  fmin: true,
  fmax: true,
  melScale: true,
  melNorm: true,
  emptyBands: true,
};

/** Options of `melSpectrogram`: the transform, the bank, and the exponent. */
export interface MelSpectrogramOptions extends StftOptions, MelBankOptions {
  /** Exponent of the magnitude before the bank: 2 (default) power, 1 magnitude. */
  readonly power?: number;
}

/** The keys of `MelSpectrogramOptions`. */
export const MEL_SPECTROGRAM_KEYS: OptionKeys<MelSpectrogramOptions> = {
  ...STFT_KEYS,
  ...MEL_BANK_KEYS,
  power: true,
};

/** A filter bank ready to run: applies all triangles to one spectrum after another. */
export class MelBank {
  readonly melBins: number;
  readonly bins: number;
  /** First bin of each triangle, and the position of its weights: weights[at[m]] ... weights[at[m + 1] - 1]. */
  readonly sparse: KernelBank;

  constructor(operation: string, fftSize: number, options: MelBankOptions) {
    const { melScale = "slaney", melNorm = "slaney", emptyBands = "warn" } = options;
    requireOneOf(operation, "melScale", melScale, MEL_SCALES);
    requireOneOf(operation, "melNorm", melNorm, ["slaney", "none"]);
    requireOneOf(operation, "emptyBands", emptyBands, ["warn", "allow", "refuse"]);
    const sampleRate = requirePositive(operation, "sampleRate", options.sampleRate);
    this.melBins = requireInteger(operation, "melBins", options.melBins ?? 128, 1);
    this.bins = Math.floor(fftSize / 2) + 1;
    const fmin = options.fmin ?? 0;
    const fmax = options.fmax ?? sampleRate / 2;
    if (!(fmin >= 0 && fmax > fmin)) {
      throw parameterError(operation, `needs 0 <= fmin < fmax, got fmin ${fmin} Hz and fmax ${fmax} Hz`);
    }
    if (fmax > sampleRate / 2) {
      const limit = `half the sample rate (${sampleRate / 2} Hz)`;
      throw parameterError(operation, `fmax ${fmax} Hz is above ${limit}`);
    }
    const edges = melFrequencies(this.melBins + 2, fmin, fmax, melScale);
    const first = new Int32Array(this.melBins);
    const at = new Int32Array(this.melBins + 1);
    const weights: number[] = [];
    for (let m = 0; m < this.melBins; m++) {
      const [low, peak, high] = [edges[m]!, edges[m + 1]!, edges[m + 2]!];
      const scale = melNorm === "slaney" ? 2 / (high - low) : 1;
      let started = false;
      for (let k = 0; k < this.bins; k++) {
        const hz = (k * sampleRate) / fftSize;
        const weight = scale * Math.min((hz - low) / (peak - low), (high - hz) / (high - peak));
        if (!(weight > 0)) continue;
        if (!started) first[m] = k;
        started = true;
        weights.push(weight);
      }
      at[m + 1] = weights.length;
    }
    const empty = first.filter((_, m) => at[m] === at[m + 1]).length;
    if (empty > 0 && emptyBands !== "allow") {
      const found = `no bin of a transform of ${fftSize} falls into ${empty} of the ${this.melBins} bands`;
      const message = `${found}, which stay 0; use fewer bands, a larger fftSize, or emptyBands: "allow"`;
      if (emptyBands === "refuse") throw parameterError(operation, message);
      warnOnce(`${operation}: ${message}`);
    }
    this.sparse = { first, at, weights: Float64Array.from(weights) };
  }

  /** out[m] = sum over k of weight[m, k] * spectrum[start + k]. */
  apply(spectrum: Float64Array, start: number, out: Float64Array): void {
    const { weights, first, at } = this.sparse;
    for (let m = 0; m < this.melBins; m++) {
      let sum = 0;
      const end = at[m + 1]!;
      for (let w = at[m]!, k = start + first[m]!; w < end; w++, k++) sum += weights[w]! * spectrum[k]!;
      out[m] = sum;
    }
  }

  /** The bank as a full matrix of shape [melBins, bins]. */
  toArray(): FloatArray {
    const { weights, first, at } = this.sparse;
    const data = new Float32Array(this.melBins * this.bins);
    for (let m = 0; m < this.melBins; m++) {
      for (let w = at[m]!, k = first[m]!; w < at[m + 1]!; w++, k++) data[m * this.bins + k] = weights[w]!;
    }
    return floatArray(data, [this.melBins, this.bins]);
  }
}

/**
 * The matrix that turns a spectrum into mel bands.
 *
 * @param options `MelBankOptions` plus `fftSize` (default 2048)
 * @returns shape [melBins, floor(fftSize / 2) + 1]; a triangle narrower than a bin may be all zero (`emptyBands`)
 * @throws AudioError (`parameter`) for an empty or too high frequency range
 *
 * Matches librosa.filters.mel(htk, norm) and torchaudio.functional.melscale_fbanks.
 *
 * @example
 * melFilterbank({ sampleRate: 16000, fftSize: 400, melBins: 80 }).shape; // [80, 201]
 */
export function melFilterbank(options: MelBankOptions & { readonly fftSize?: number }): FloatArray {
  checkOptions("melFilterbank", options, { ...MEL_BANK_KEYS, fftSize: true });
  const fftSize = requireInteger("melFilterbank", "fftSize", options.fftSize ?? 2048, 1);
  return new MelBank("melFilterbank", fftSize, options).toArray();
}

/** Computes one mel frame after another, reusing its arrays. */
export class MelTransform {
  readonly transform: FrameTransform;
  readonly bank: MelBank;
  readonly #exponent: number;
  readonly #values: Float64Array;

  constructor(operation: string, options: MelSpectrogramOptions) {
    this.transform = new FrameTransform(planStft(operation, options));
    this.bank = new MelBank(operation, this.transform.plan.fftSize, options);
    this.#exponent = (options.power ?? 2) / 2;
    if (!(this.#exponent > 0)) throw parameterError(operation, `power must be > 0, got ${options.power}`);
    this.#values = new Float64Array(this.bank.melBins);
  }

  /** Writes the mel bands of `count` frames, the first at `offset`, frame after frame from `at`. */
  run(
    padded: Float32Array,
    offset: number,
    count: number,
    scale: MelScaling,
    out: Float32Array,
    at: number,
  ): void {
    const { bins, melBins, sparse } = this.bank;
    const kernel = this.#exponent === 1 ? this.transform.kernelFor(count) : undefined;
    if (kernel?.mel(padded, offset, count, sparse, scale === "log10", out, at)) return;
    const powers = this.transform.powers(padded, offset, count);
    if (this.#exponent !== 1) raise(powers.subarray(0, count * bins), this.#exponent);
    const write = scale === "log10" ? writeLog10 : store;
    for (let f = 0; f < count; f++) {
      this.bank.apply(powers, f * bins, this.#values);
      write(this.#values, out, at + f * melBins);
    }
  }
}

/** How bands are stored: as they are, or as log10(max(value, 1e-10)). */
export type MelScaling = "linear" | "log10";

/** Power below this counts as silence before the logarithm. */
const POWER_FLOOR = 1e-10;

/** Stores log10(max(value, 1e-10)); NaN stays NaN, so a bad sample shows up in its frames. */
function writeLog10(values: Float64Array, out: Float32Array, at: number): void {
  for (let m = 0; m < values.length; m++) out[at + m] = Math.log10(Math.max(values[m]!, POWER_FLOOR));
}

/**
 * Mel spectrogram: the bank applied to |stft|^power.
 *
 * @param signal [samples] or [channels, samples]
 * @param options the transform (`StftOptions`), the bank (`MelBankOptions`), `power`
 * @returns shape [melBins, frames] or [channels, melBins, frames]; in memory each frame is contiguous.
 * Power beyond float32 (3.4e38, samples around 1e18) is Infinity, as in NumPy
 * @throws AudioError (`parameter`) as `stft` and `melFilterbank`
 *
 * Matches librosa.feature.melspectrogram, and torchaudio's MelSpectrogram with htk, "none", "reflect".
 */
export function melSpectrogram(signal: Signal, options: MelSpectrogramOptions): FloatArray {
  const mel = new MelTransform(
    "melSpectrogram",
    checkOptions("melSpectrogram", options, MEL_SPECTROGRAM_KEYS),
  );
  return melFrames("melSpectrogram", signal, mel, "linear");
}

/** Runs a mel transform over a signal. */
export function melFrames(
  operation: string,
  signal: Signal,
  mel: MelTransform,
  scaling: MelScaling,
): FloatArray {
  const { melBins } = mel.bank;
  let out = new Float32Array(0);
  let shape = { channels: 0, frames: 0 };
  eachBlock(
    operation,
    signal,
    mel.transform.plan,
    (padded, offset, index, count) => mel.run(padded, offset, count, scaling, out, index * melBins),
    (channels, frames) => {
      shape = { channels, frames };
      out = new Float32Array(channels * frames * melBins);
    },
  );
  return framesView(out, signal, shape.channels, melBins, shape.frames);
}

/** Mel numbers of the centres of the triangles of a bank, for axis labels: shape [melBins], in Hz. */
export function melCentres(options: MelBankOptions): Float64Array {
  checkOptions("melCentres", options, MEL_BANK_KEYS);
  const { melBins = 128, fmin = 0, fmax = options.sampleRate / 2, melScale = "slaney" } = options;
  if (!(hzToMel(fmax, melScale) > hzToMel(fmin, melScale))) {
    throw parameterError("melCentres", `needs fmin < fmax, got ${fmin} Hz and ${fmax} Hz`);
  }
  return melFrequencies(melBins + 2, fmin, fmax, melScale).slice(1, -1);
}
