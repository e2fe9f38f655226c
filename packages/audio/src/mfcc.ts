// Mel-frequency cepstral coefficients and the slopes (delta) of any features over time.
import { toRowMajor } from "./array.ts";
import { powerToDb } from "./convert.ts";
import { parameterError, requireInteger } from "./errors.ts";
import { type FloatArray, type FloatView, floatArray } from "./float-array.ts";
import { MEL_SPECTROGRAM_KEYS, type MelSpectrogramOptions, MelTransform, melFrames } from "./mel.ts";
import { checkOptions, type OptionKeys, requireBoolean } from "./options.ts";
import { matrixOf, monoOf, type Signal } from "./signal.ts";
import { columnsView } from "./stft.ts";

/** Options of `mfcc`: those of the mel spectrogram and of the cosine transform. */
export interface MfccOptions extends MelSpectrogramOptions {
  /** Coefficients to keep, 1 ... melBins (n_mfcc). Default 20. */
  readonly coefficients?: number;
  /** Discrete cosine transform of type 2 (default) or 3, both also known to librosa. */
  readonly dctType?: 2 | 3;
  /** true (default): orthonormal transform; false: SciPy's unscaled one. */
  readonly orthonormal?: boolean;
  /** Cepstral lifter L: coefficient n times 1 + L / 2 sin(pi (n + 1) / L). 0 (default): none; 22 is usual. */
  readonly lifter?: number;
  /** Range in dB kept below the loudest mel value; null keeps all. Default 80. */
  readonly topDb?: number | null;
}

const MFCC_KEYS: OptionKeys<MfccOptions> = {
  ...MEL_SPECTROGRAM_KEYS,
  coefficients: true,
  dctType: true,
  orthonormal: true,
  lifter: true,
  topDb: true,
};

/**
 * The matrix of a discrete cosine transform: row k holds the weights of output k.
 *
 * @param outputs rows, 1 ... inputs
 * @param inputs columns, >= 1
 * @returns shape [outputs, inputs]; type 2 and 3 are SciPy's dct with norm None or "ortho"
 * @throws AudioError (`parameter`) for sizes out of range
 */
export function dctMatrix(outputs: number, inputs: number, type: 2 | 3 = 2, orthonormal = true): FloatArray {
  const weights = Float32Array.from(dctWeights("dctMatrix", outputs, inputs, type, orthonormal));
  return floatArray(weights, [outputs, inputs]);
}

function dctWeights(operation: string, outputs: number, inputs: number, type: 2 | 3, orthonormal: boolean) {
  requireInteger(operation, "inputs", inputs, 1);
  requireInteger(operation, "coefficients", outputs, 1);
  if (outputs > inputs)
    throw parameterError(operation, `${outputs} coefficients need as many inputs, got ${inputs}`);
  if (type !== 2 && type !== 3)
    throw parameterError(operation, `dctType must be 2 or 3, got ${String(type)}`);
  const weights = new Float64Array(outputs * inputs);
  for (let k = 0; k < outputs; k++) {
    for (let n = 0; n < inputs; n++) {
      const [still, moving] = type === 2 ? [k, n] : [n, k];
      const cosine = 2 * Math.cos((Math.PI * still * (2 * moving + 1)) / (2 * inputs));
      const first = type === 2 ? k === 0 : n === 0;
      const plain = first && type === 3 ? 1 : cosine;
      const scale = Math.sqrt((first ? 1 : 2) / inputs) / (first && type === 3 ? 1 : 2);
      weights[k * inputs + n] = orthonormal ? plain * scale : plain;
    }
  }
  return weights;
}

/**
 * Mel-frequency cepstral coefficients: the cosine transform of the mel spectrogram in decibels.
 *
 * @param signal [samples]
 * @returns shape [coefficients, frames]; in memory each frame is contiguous
 * @throws AudioError (`parameter`) as `melSpectrogram`, for more coefficients than mel bands, and for samples so large
 * (above about 1e17) that the power overflows float32
 *
 * Matches librosa.feature.mfcc (n_mfcc, dct_type, norm, lifter).
 *
 * @example
 * mfcc(signal, { sampleRate: 16000, fftSize: 512, hopLength: 160, melBins: 40, coefficients: 13 });
 */
export function mfcc(signal: Signal, options: MfccOptions): FloatArray {
  checkOptions("mfcc", options, MFCC_KEYS);
  const { coefficients = 20, dctType = 2, orthonormal = true, lifter = 0, topDb = 80 } = options;
  if (!(lifter >= 0)) throw parameterError("mfcc", `lifter must be >= 0, got ${lifter}`);
  requireBoolean("mfcc", "orthonormal", orthonormal);
  const mel = melFrames("mfcc", monoOf("mfcc", signal), new MelTransform("mfcc", options), "linear");
  const [melBins, _frames] = mel.shape as [number, number];
  const weights = dctWeights("mfcc", coefficients, melBins, dctType, orthonormal);
  if (lifter > 0) {
    for (let k = 0; k < coefficients; k++) {
      const lift = 1 + (lifter / 2) * Math.sin((Math.PI * (k + 1)) / lifter);
      for (let n = 0; n < melBins; n++) weights[k * melBins + n]! *= lift;
    }
  }
  const loud = mel.data.indexOf(Number.POSITIVE_INFINITY);
  if (loud >= 0) {
    throw parameterError(
      "mfcc",
      `the power in frame ${Math.floor(loud / melBins)} is beyond float32 (3.4e38), ` +
        "expected samples around -1 ... 1; divide them by their peak",
    );
  }
  const db = powerToDb(mel, { topDb }).data; // stored frame by frame, as mel
  return columnsView(product(db, weights, coefficients, melBins), coefficients);
}

/** The product of each row of `rows` ([n, inputs]) with each row of `weights` ([outputs, inputs]): [n, outputs]. */
function product(rows: Float32Array, weights: Float64Array, outputs: number, inputs: number): Float32Array {
  const count = rows.length / inputs;
  const out = new Float32Array(count * outputs);
  for (let r = 0; r < count; r++) {
    const row = r * inputs;
    // Four sums at a time: one alone would wait for each of its additions.
    for (let k = 0; k < outputs; k += 4) {
      const w0 = k * inputs;
      const w1 = Math.min(k + 1, outputs - 1) * inputs;
      const w2 = Math.min(k + 2, outputs - 1) * inputs;
      const w3 = Math.min(k + 3, outputs - 1) * inputs;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let n = 0; n < inputs; n++) {
        const value = rows[row + n]!;
        s0 += weights[w0 + n]! * value;
        s1 += weights[w1 + n]! * value;
        s2 += weights[w2 + n]! * value;
        s3 += weights[w3 + n]! * value;
      }
      const at = r * outputs + k;
      out[at] = s0;
      if (k + 1 < outputs) out[at + 1] = s1;
      if (k + 2 < outputs) out[at + 2] = s2;
      if (k + 3 < outputs) out[at + 3] = s3;
    }
  }
  return out;
}

/** Options of `delta`. */
export interface DeltaOptions {
  /** Frames the local polynomial is fitted to, odd, >= 3 and > order. Default 9. */
  readonly width?: number;
  /** 1 (default): slope; 2: curvature; the polynomial has this degree. */
  readonly order?: number;
}

const DELTA_KEYS: OptionKeys<DeltaOptions> = { width: true, order: true };

/**
 * Local derivative of features over time: the `order`-th derivative of the polynomial of that degree fitted to
 * `width` frames (Savitzky and Golay). The first and last width / 2 frames take the fit of the outermost window.
 *
 * @param features shape [rows, frames], frames >= width
 * @returns shape [rows, frames], per frame^order
 * @throws AudioError (`parameter`) for an even width or fewer frames than that
 *
 * Matches librosa.feature.delta (mode "interp").
 */
export function delta(features: FloatView, options: DeltaOptions = {}): FloatArray {
  checkOptions("delta", options, DELTA_KEYS);
  const { width = 9, order = 1 } = options;
  requireInteger("delta", "width", width, 3);
  requireInteger("delta", "order", order, 1);
  if (width % 2 === 0 || order >= width) {
    throw parameterError("delta", `width must be odd and above order ${order}, got ${width}`);
  }
  const matrix = matrixOf("delta", "features", "[rows, frames]", features);
  const [rows, frames] = matrix.shape as [number, number];
  if (frames < width) throw parameterError("delta", `needs at least width = ${width} frames, got ${frames}`);
  const weights = derivativeWeights(width, order);
  const half = (width - 1) / 2;
  const values = toRowMajor(matrix);
  const out = new Float32Array(rows * frames);
  for (let r = 0; r < rows; r++) {
    for (let f = 0; f < frames; f++) {
      // The top derivative of a polynomial is constant, so the edges repeat the outermost window's.
      const centre = Math.min(Math.max(f, half), frames - 1 - half);
      let sum = 0;
      for (let i = 0; i < width; i++) sum += weights[i]! * values[r * frames + centre - half + i]!;
      out[r * frames + f] = sum;
    }
  }
  return floatArray(out, [rows, frames]);
}

/** Weights of order! times the leading coefficient of the least-squares polynomial of degree `order`. */
function derivativeWeights(width: number, order: number): Float64Array {
  const positions = Float64Array.from({ length: width }, (_, i) => i - (width - 1) / 2);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const basis: Float64Array[] = [];
  let factorial = 1;
  for (let degree = 0; degree <= order; degree++) {
    if (degree > 0) factorial *= degree;
    const power = positions.map((x) => x ** degree);
    for (const lower of basis) {
      const share = dot(power, lower) / dot(lower, lower);
      for (let i = 0; i < width; i++) power[i]! -= share * lower[i]!;
    }
    basis.push(power);
  }
  const top = basis[order]!;
  const scale = factorial / dot(top, top);
  return top.map((x) => x * scale);
}
