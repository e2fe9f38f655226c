// Short-time Fourier transform and its inverse, in librosa's and torch's conventions. Read mel.ts next;
// stream.ts computes the same frames from chunks.
import { framesView } from "./array.ts";
import { parameterError, requireInteger } from "./errors.ts";
import { RealFft } from "./fft.ts";
import { type FloatArray, type FloatView, floatArray } from "./float-array.ts";
import { frameCount, PAD_MODES, type PadMode, padSamples } from "./frame.ts";
import { istftKernel } from "./istft-kernel.ts";
import { checkOptions, type OptionKeys, requireBoolean, requireOneOf } from "./options.ts";
import { channelsOf, type Signal, viewOf } from "./signal.ts";
import { KERNEL_FRAMES, type StftKernel, stftKernel } from "./stft-kernel.ts";
import { type WindowSpec, windowFor } from "./window.ts";

/** How a signal is cut and transformed; the defaults are librosa's. */
export interface StftOptions {
  /** Samples per transform, >= 1, any number (n_fft). Default 2048. */
  readonly fftSize?: number;
  /** Samples from frame to frame, >= 1 (hop_length). Default floor(windowLength / 4). */
  readonly hopLength?: number;
  /** Samples under the window, 1 ... fftSize; a shorter window is centred in the frame (win_length). Default fftSize. */
  readonly windowLength?: number;
  /** Periodic window of windowLength values. Default "hann" (torch.stft itself defaults to "rectangular"). */
  readonly window?: WindowSpec;
  /** true (default): frame t is centred on sample t * hopLength, the ends padded; false: it starts there. */
  readonly center?: boolean;
  /** How the ends are padded when centred. Default "constant" (librosa; torch.stft defaults to "reflect"). */
  readonly padMode?: PadMode;
  /** Divide by sqrt(fftSize), as torch's `normalized=True`. Default false. */
  readonly normalized?: boolean;
}

/** The keys of `StftOptions`. */
export const STFT_KEYS: OptionKeys<StftOptions> = {
  fftSize: true,
  hopLength: true,
  windowLength: true,
  window: true,
  center: true,
  padMode: true,
  normalized: true,
};

/** A complex spectrogram: real and imaginary parts, each [bins, frames] or [channels, bins, frames]. */
export interface ComplexSpectrogram {
  readonly re: FloatArray;
  readonly im: FloatArray;
}

/** `StftOptions` with every default filled in and the window made: what the frame loops run on. */
export interface StftPlan {
  readonly fftSize: number;
  readonly hopLength: number;
  readonly bins: number;
  /** The window, centred in fftSize values, times the normalisation. */
  readonly window: Float64Array;
  readonly center: boolean;
  readonly padMode: PadMode;
  /** Samples added in front and behind: fftSize / 2 when centred, else 0. */
  readonly padding: number;
}

/** Checks the options and fills in the defaults. */
export function planStft(operation: string, options: StftOptions): StftPlan {
  const fftSize = requireInteger(operation, "fftSize", options.fftSize ?? 2048, 1);
  const windowLength = requireInteger(operation, "windowLength", options.windowLength ?? fftSize, 1);
  if (windowLength > fftSize) {
    throw parameterError(operation, `windowLength ${windowLength} is larger than fftSize ${fftSize}`);
  }
  const defaultHop = Math.max(1, Math.floor(windowLength / 4));
  const hopLength = requireInteger(operation, "hopLength", options.hopLength ?? defaultHop, 1);
  const window = new Float64Array(fftSize);
  window.set(
    windowFor(operation, options.window ?? "hann", windowLength),
    Math.floor((fftSize - windowLength) / 2),
  );
  if (requireBoolean(operation, "normalized", options.normalized ?? false)) {
    for (let i = 0; i < fftSize; i++) window[i] = window[i]! / Math.sqrt(fftSize);
  }
  const center = requireBoolean(operation, "center", options.center ?? true);
  return {
    fftSize,
    hopLength,
    bins: Math.floor(fftSize / 2) + 1,
    window,
    center,
    padMode: requireOneOf(operation, "padMode", options.padMode ?? "constant", PAD_MODES),
    padding: center ? Math.floor(fftSize / 2) : 0,
  };
}

/** The signal with its ends padded as the plan says; an empty signal is refused. */
export function padForStft(operation: string, signal: Float32Array, plan: StftPlan): Float32Array {
  if (signal.length === 0) throw parameterError(operation, "the signal is empty");
  return plan.padding === 0
    ? signal
    : padSamples(operation, signal, plan.padding, plan.padding, plan.padMode);
}

/** Computes one windowed spectrum after another, reusing its arrays. */
export class FrameTransform {
  readonly plan: StftPlan;
  readonly re: Float64Array;
  readonly im: Float64Array;
  readonly #fft: RealFft;
  #powers: Float64Array | undefined;

  constructor(plan: StftPlan) {
    this.plan = plan;
    this.#fft = new RealFft(plan.fftSize);
    this.re = new Float64Array(plan.bins);
    this.im = new Float64Array(plan.bins);
  }

  /** Sets `re` and `im` to the spectrum of the frame that starts at `offset` of an already padded signal. */
  run(padded: Float32Array, offset: number): void {
    this.#fft.forwardWindowed(padded, offset, this.plan.window, this.re, this.im);
  }

  /**
   * Writes the spectra of `count` frames, the first at `offset`, to re and im, frame after frame from `at`.
   * `count` is at most `KERNEL_FRAMES`.
   */
  spectra(
    padded: Float32Array,
    offset: number,
    count: number,
    re: Float32Array,
    im: Float32Array,
    at: number,
  ): void {
    const kernel = this.kernelFor(count);
    if (kernel) {
      kernel.spectra(padded, offset, count, re, im, at);
      return;
    }
    const { bins, hopLength } = this.plan;
    for (let f = 0; f < count; f++) {
      this.run(padded, offset + f * hopLength);
      store(this.re, re, at + f * bins);
      store(this.im, im, at + f * bins);
    }
  }

  /** |X|^2 of `count` frames, the first at `offset`, frame after frame; valid until the next call. */
  powers(padded: Float32Array, offset: number, count: number): Float64Array {
    const kernel = this.kernelFor(count);
    if (kernel) return kernel.powers(padded, offset, count);
    const { re, im, plan } = this;
    this.#powers ??= new Float64Array(KERNEL_FRAMES * plan.bins);
    const powers = this.#powers;
    for (let f = 0, i = 0; f < count; f++) {
      this.run(padded, offset + f * plan.hopLength);
      for (let k = 0; k < re.length; k++) powers[i++] = re[k]! * re[k]! + im[k]! * im[k]!;
    }
    return powers;
  }

  /** The wasm form, from the second frame on: for one frame, moving the samples costs more than it saves. */
  kernelFor(count: number): StftKernel | undefined {
    if (count < 2) return undefined;
    const { fftSize, hopLength, window } = this.plan;
    const kernel = stftKernel(fftSize, hopLength);
    // Kernels are shared between plans of one size.
    kernel?.setWindow(window);
    return kernel;
  }
}

/** Runs `visit(padded, offset, index of the first frame over all channels, count)` for blocks of frames. */
export function eachBlock(
  operation: string,
  signal: Signal,
  plan: StftPlan,
  visit: (padded: Float32Array, offset: number, index: number, count: number) => void,
  allocate: (channels: number, frames: number) => void,
): void {
  const channels = channelsOf(operation, signal);
  let index = 0;
  for (const [c, channel] of channels.entries()) {
    const padded = padForStft(operation, channel, plan);
    const frames = frameCount(operation, padded.length, plan.fftSize, plan.hopLength);
    if (c === 0) allocate(channels.length, frames);
    for (let f = 0; f < frames; f += KERNEL_FRAMES) {
      const count = Math.min(KERNEL_FRAMES, frames - f);
      visit(padded, f * plan.hopLength, index, count);
      index += count;
    }
  }
}

/**
 * Short-time Fourier transform of a real signal.
 *
 * @param signal [samples] or [channels, samples]
 * @param options see `StftOptions`
 * @returns { re, im } of shape [bins, frames] or [channels, bins, frames]; bins = floor(fftSize / 2) + 1,
 *   frames = 1 + floor(samples / hopLength) when centred (even fftSize). In memory each frame is contiguous.
 * @throws AudioError (`parameter`) for an empty signal, one shorter than a frame, or bad options
 *
 * Matches librosa.stft and torch.stft (return_complex, with the same window and pad mode).
 *
 * @example
 * const { re, im } = stft(signal, { fftSize: 1024, hopLength: 128 });
 * re.get(bin, frame);
 */
export function stft(signal: Signal, options: StftOptions = {}): ComplexSpectrogram {
  const plan = planStft("stft", checkOptions("stft", options, STFT_KEYS));
  const { bins } = plan;
  const transform = new FrameTransform(plan);
  let re = new Float32Array(0);
  let im = new Float32Array(0);
  let shape = { channels: 0, frames: 0 };
  eachBlock(
    "stft",
    signal,
    plan,
    (padded, offset, index, count) => transform.spectra(padded, offset, count, re, im, index * bins),
    (channels, frames) => {
      shape = { channels, frames };
      re = new Float32Array(channels * frames * bins);
      im = new Float32Array(channels * frames * bins);
    },
  );
  return {
    re: framesView(re, signal, shape.channels, bins, shape.frames),
    im: framesView(im, signal, shape.channels, bins, shape.frames),
  };
}

/** Copies doubles to floats; a plain loop beats `set` between different element types. */
export function store(from: Float64Array, to: Float32Array, at: number): void {
  for (let k = 0; k < from.length; k++) to[at + k] = from[k]!;
}

const SPECTROGRAM_KEYS: OptionKeys<StftOptions & { power?: number }> = { ...STFT_KEYS, power: true };

/**
 * Magnitude (power 1) or power (power 2) spectrogram, |stft|^power.
 *
 * @param options `StftOptions` plus `power`, > 0, default 2
 * @returns shape [bins, frames] or [channels, bins, frames]
 * @throws AudioError as `stft`
 *
 * Matches |librosa.stft|**power and torchaudio's Spectrogram (with its "reflect" padding).
 */
export function spectrogram(
  signal: Signal,
  options: StftOptions & { readonly power?: number } = {},
): FloatArray {
  const plan = planStft("spectrogram", checkOptions("spectrogram", options, SPECTROGRAM_KEYS));
  const exponent = (options.power ?? 2) / 2;
  if (!(exponent > 0)) throw parameterError("spectrogram", `power must be > 0, got ${options.power}`);
  const { bins } = plan;
  const transform = new FrameTransform(plan);
  let out = new Float32Array(0);
  let shape = { channels: 0, frames: 0 };
  eachBlock(
    "spectrogram",
    signal,
    plan,
    (padded, offset, index, count) => {
      const powers = transform.powers(padded, offset, count).subarray(0, count * bins);
      raise(powers, exponent);
      store(powers, out, index * bins);
    },
    (channels, frames) => {
      shape = { channels, frames };
      out = new Float32Array(channels * frames * bins);
    },
  );
  return framesView(out, signal, shape.channels, bins, shape.frames);
}

/** values[i] **= exponent, in place; the usual exponents take the short way. */
export function raise(values: Float64Array, exponent: number): void {
  if (exponent === 1) return;
  if (exponent === 0.5) for (let k = 0; k < values.length; k++) values[k] = Math.sqrt(values[k]!);
  else for (let k = 0; k < values.length; k++) values[k] = values[k]! ** exponent;
}

/** Options of `istft`: those the spectrogram was made with, and the length to return. */
export interface IstftOptions extends StftOptions {
  /** Samples to return; default: what the frames cover, without the padding. */
  readonly length?: number;
}

const ISTFT_KEYS: OptionKeys<IstftOptions> = { ...STFT_KEYS, length: true };

/**
 * Inverse short-time Fourier transform by windowed overlap-add: the signal whose frames are closest, in the
 * least-squares sense, to the given ones (Griffin and Lim 1984, equation 6). Exact for an unchanged `stft`
 * wherever the squared windows do not sum to 0; such samples are returned as they are, without division.
 *
 * @param spectrum { re, im } of shape [bins, frames]
 * @returns Float32Array of shape [length]
 * @throws AudioError (`parameter`) if the shapes do not fit each other or fftSize, if `length` goes beyond the last
 *   frame (a hop above half the window leaves the end of a signal to no frame), and if hops are longer than the window
 *
 * Matches librosa.istft, and torch.istft where that does not refuse.
 *
 * @example
 * istft(stft(signal), { length: signal.length }); // the signal again, to about 1e-7
 */
export function istft(
  spectrum: { readonly re: FloatView; readonly im: FloatView },
  options: IstftOptions = {},
): Float32Array {
  checkOptions("istft", options, ISTFT_KEYS);
  const re = viewOf("istft", spectrum.re);
  const im = viewOf("istft", spectrum.im);
  if (re.shape.length !== 2 || re.shape.join() !== im.shape.join()) {
    throw parameterError(
      "istft",
      `re and im must share one shape [bins, frames], got [${re.shape}] and [${im.shape}]`,
    );
  }
  const [bins, frames] = re.shape as [number, number];
  const plan = planStft("istft", { ...options, fftSize: options.fftSize ?? 2 * (bins - 1) });
  if (bins !== plan.bins) {
    throw parameterError("istft", `fftSize ${plan.fftSize} has ${plan.bins} bins, the spectrum ${bins}`);
  }
  const { fftSize, hopLength, padding, window } = plan;
  const covered = fftSize + hopLength * (frames - 1);
  const length = requireInteger("istft", "length", options.length ?? Math.max(0, covered - 2 * padding), 0);
  requireCover(plan, options.windowLength ?? fftSize, length, covered - padding);
  const weight = squaredWindows(window, hopLength, frames);
  const sum =
    istftKernel(fftSize, hopLength)?.overlap(re, im, frames, window) ?? overlap(re, im, frames, plan);
  const out = new Float32Array(length);
  const end = Math.min(length, covered - padding);
  for (let i = 0; i < end; i++) {
    const w = weight[padding + i]!;
    out[i] = w > TINY ? sum[padding + i]! / w : sum[padding + i]!;
  }
  return out;
}

/** The windowed inverse transforms of all frames, added up where they lie. */
function overlap(re: FloatArray, im: FloatArray, frames: number, plan: StftPlan): Float64Array {
  const { fftSize, hopLength, bins, window } = plan;
  const sum = new Float64Array(fftSize + hopLength * (frames - 1));
  const fft = new RealFft(fftSize);
  const binsRe = new Float64Array(bins);
  const binsIm = new Float64Array(bins);
  const piece = new Float64Array(fftSize);
  for (let f = 0; f < frames; f++) {
    column(re, f, binsRe);
    column(im, f, binsIm);
    fft.inverse(binsRe, binsIm, piece);
    const at = f * hopLength;
    for (let i = 0; i < fftSize; i++) sum[at + i] = sum[at + i]! + window[i]! * piece[i]!;
  }
  return sum;
}

/** The squared windows of all frames, added up where they lie: the same from hop to hop but near the ends. */
function squaredWindows(window: Float64Array, hop: number, frames: number): Float64Array {
  const size = window.length;
  const out = new Float64Array(size + hop * (frames - 1));
  for (let i = 0; i < out.length; i++) {
    // All frames around it are there one hop earlier too.
    if (i >= size + hop && i < frames * hop) {
      out[i] = out[i - hop]!;
      continue;
    }
    let sum = 0;
    const last = Math.min(frames - 1, Math.floor(i / hop));
    for (let f = Math.max(0, Math.ceil((i - size + 1) / hop)); f <= last; f++) {
      sum += window[i - f * hop]! * window[i - f * hop]!;
    }
    out[i] = sum;
  }
  return out;
}

/** Refuses what would leave samples that no frame holds: they would come back as zeros. */
function requireCover(plan: StftPlan, windowLength: number, length: number, end: number): void {
  const { hopLength } = plan;
  if (hopLength > windowLength) {
    const lost = `the ${hopLength - windowLength} samples between two frames are lost`;
    throw parameterError(
      "istft",
      `hopLength ${hopLength} is longer than the window (${windowLength}): ${lost}`,
    );
  }
  if (length <= end) return;
  throw parameterError(
    "istft",
    `length ${length} goes beyond the last frame, which ends at sample ${end}; ` +
      "use a hopLength of at most half the window, or pad the signal before stft",
  );
}

/** The smallest normal float32, librosa's limit for a window sum that counts as zero. */
const TINY = 1.1754943508222875e-38;

function column(array: FloatArray, frame: number, out: Float64Array): void {
  const step = array.stride[0]!;
  for (let k = 0, i = array.offset + frame * array.stride[1]!; k < out.length; k++, i += step) {
    out[k] = array.data[i]!;
  }
}

/** Wraps frames stored one after another as [bins, frames]; used by the streaming forms. */
export function columnsView(data: Float32Array, bins: number): FloatArray {
  return floatArray(data, [bins, bins === 0 ? 0 : data.length / bins], [1, bins]);
}
