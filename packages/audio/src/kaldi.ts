// Kaldi's filter bank features, as speech recognisers trained with Kaldi, WeNet or k2 expect them. They differ from
// melSpectrogram in every step: whole frames only, mean and pre-emphasis per frame, Povey's window, triangles in mel.
import { parameterError, requireInteger, requirePositive } from "./errors.ts";
import { RealFft } from "./fft.ts";
import type { FloatArray } from "./float-array.ts";
import { checkOptions, type OptionKeys, requireBoolean, requireOneOf } from "./options.ts";
import { monoOf, type Signal } from "./signal.ts";
import { columnsView } from "./stft.ts";

/** Options of `kaldiFbank`; the defaults are torchaudio's and, but for `dither`, Kaldi's. */
export interface KaldiOptions {
  /** Samples per second. */
  readonly sampleRate: number;
  /** Bands, >= 1 (num_mel_bins). Default 23; recognisers mostly use 80. */
  readonly melBins?: number;
  /** Seconds per frame. Default 0.025. */
  readonly frameSeconds?: number;
  /** Seconds from frame to frame. Default 0.01. */
  readonly hopSeconds?: number;
  /** Lower edge of the first band, Hz. Default 20. */
  readonly fmin?: number;
  /** Upper edge of the last band, Hz; 0 or below: that far below half the rate. Default 0. */
  readonly fmax?: number;
  /** Default 0.97. */
  readonly preEmphasis?: number;
  /** "povey" (default): Hann to the power 0.85; "hann", "hamming", "rectangular": symmetric. */
  readonly window?: "povey" | "hann" | "hamming" | "rectangular";
  /** true (default): whole frames only; false: the ends are mirrored, 1 frame per hop (snip_edges). */
  readonly snipEdges?: boolean;
  /** Full scale of the samples Kaldi would see: 1 (default, torchaudio), or 32768 for models trained on integers. */
  readonly fullScale?: number;
}

const KALDI_KEYS: OptionKeys<KaldiOptions> = {
  sampleRate: true,
  melBins: true,
  frameSeconds: true,
  hopSeconds: true,
  fmin: true,
  fmax: true,
  preEmphasis: true,
  window: true,
  snipEdges: true,
  fullScale: true,
};

/** The smallest power before the logarithm: float32's machine epsilon. */
const LEAST_POWER = 1.1920928955078125e-7;

const toMel = (hz: number): number => 1127 * Math.log(1 + hz / 700);

/**
 * Natural logarithm of Kaldi's mel bands of the power spectrum, without dither.
 *
 * @param signal [samples]
 * @returns shape [melBins, frames]; 1 + floor((samples - frame) / hop) frames, none for a shorter signal. In memory each
 *   frame is contiguous: `transpose(1, 0)` is Kaldi's [frames, melBins].
 * @throws AudioError (`parameter`) for options out of range
 *
 * Matches torchaudio.compliance.kaldi.fbank (dither 0) and Kaldi's compute-fbank-feats --dither=0.
 *
 * @example
 * kaldiFbank(signal, { sampleRate: 16000, melBins: 80, fullScale: 32768 }).transpose(1, 0); // [frames, 80]
 */
export function kaldiFbank(signal: Signal, options: KaldiOptions): FloatArray {
  checkOptions("kaldiFbank", options, KALDI_KEYS);
  const {
    melBins = 23,
    frameSeconds = 0.025,
    hopSeconds = 0.01,
    preEmphasis = 0.97,
    window = "povey",
  } = options;
  const sampleRate = requirePositive("kaldiFbank", "sampleRate", options.sampleRate);
  const scale = requirePositive("kaldiFbank", "fullScale", options.fullScale ?? 1);
  requireInteger("kaldiFbank", "melBins", melBins, 1);
  requireOneOf("kaldiFbank", "window", window, ["povey", "hann", "hamming", "rectangular"]);
  const length = requireInteger("kaldiFbank", "frame", Math.floor(sampleRate * frameSeconds), 2);
  const hop = requireInteger("kaldiFbank", "hop", Math.floor(sampleRate * hopSeconds), 1);
  const samples = framedSamples(
    monoOf("kaldiFbank", signal),
    length,
    hop,
    requireBoolean("kaldiFbank", "snipEdges", options.snipEdges ?? true),
  );
  const fft = new RealFft(2 ** Math.ceil(Math.log2(length)));
  const bank = melBank(options, melBins, fft.size);
  const shape = kaldiWindow(window, length);
  const frames = samples.length < length ? 0 : 1 + Math.floor((samples.length - length) / hop);
  const out = new Float32Array(frames * melBins);
  const frame = new Float64Array(fft.size);
  const re = new Float64Array(fft.bins);
  const im = new Float64Array(fft.bins);
  for (let f = 0; f < frames; f++) {
    let mean = 0;
    for (let i = 0; i < length; i++) mean += samples[f * hop + i]!;
    mean /= length;
    let before = samples[f * hop]! - mean;
    for (let i = 0; i < length; i++) {
      const value = samples[f * hop + i]! - mean;
      frame[i] = scale * shape[i]! * (value - preEmphasis * before);
      before = value;
    }
    fft.forward(frame, re, im);
    for (let k = 0; k < fft.bins; k++) re[k] = re[k]! * re[k]! + im[k]! * im[k]!;
    for (const [m, { first, weights }] of bank.entries()) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * re[first + k]!;
      out[f * melBins + m] = Math.log(Math.max(sum, LEAST_POWER));
    }
  }
  return columnsView(out, melBins);
}

/** The signal whose whole frames are wanted: itself, or with mirrored ends. */
function framedSamples(signal: Float32Array, length: number, hop: number, snip: boolean): Float32Array {
  if (snip || signal.length === 0) return signal;
  const frames = Math.floor((signal.length + Math.floor(hop / 2)) / hop);
  const left = Math.floor(length / 2) - Math.floor(hop / 2);
  const out = new Float32Array(Math.max(0, (frames - 1) * hop + length));
  const period = 2 * signal.length;
  for (let i = 0; i < out.length; i++) {
    // Kaldi mirrors with the end sample repeated.
    const at = (((i - left) % period) + period) % period;
    out[i] = signal[at < signal.length ? at : period - 1 - at]!;
  }
  return frames === 0 ? new Float32Array(0) : out;
}

function kaldiWindow(name: "povey" | "hann" | "hamming" | "rectangular", length: number): Float64Array {
  const base = name === "hamming" ? 0.54 : 0.5;
  return Float64Array.from({ length }, (_, i) => {
    if (name === "rectangular") return 1;
    const value = base - (1 - base) * Math.cos((2 * Math.PI * i) / (length - 1));
    return name === "povey" ? value ** 0.85 : value;
  });
}

/** Triangles whose sides are straight over mel, where melSpectrogram's are over Hz. */
function melBank(options: KaldiOptions, melBins: number, fftSize: number) {
  const { sampleRate, fmin = 20 } = options;
  const nyquist = sampleRate / 2;
  const fmax = (options.fmax ?? 0) > 0 ? options.fmax! : nyquist + (options.fmax ?? 0);
  if (!(fmin >= 0 && fmin < fmax && fmax <= nyquist)) {
    throw parameterError(
      "kaldiFbank",
      `needs 0 <= fmin < fmax <= ${nyquist} Hz, got ${fmin} Hz and ${fmax} Hz`,
    );
  }
  const low = toMel(fmin);
  const step = (toMel(fmax) - low) / (melBins + 1);
  return Array.from({ length: melBins }, (_, m) => {
    let first = 0;
    const weights: number[] = [];
    // The bin at half the rate is left out, as in Kaldi.
    for (let k = 0; k < fftSize / 2; k++) {
      const mel = (toMel((k * sampleRate) / fftSize) - low) / step - m;
      const weight = Math.min(mel, 2 - mel);
      if (!(weight > 0)) continue;
      if (weights.length === 0) first = k;
      weights.push(weight);
    }
    return { first, weights: Float64Array.from(weights) };
  });
}
