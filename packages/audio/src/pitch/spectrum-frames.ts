// Power spectra of the tracker's frames, two per transform, with the levels voicing is judged by.
// Used by pitch-stream.ts; read next: noise-floor.ts.
import { Fft } from "../fft.ts";
import { TwinFft } from "./twin-fft.ts";

/** Bands over which noise is estimated, evenly spaced from 0 Hz to half the analysis rate. */
export const NOISE_BANDS = 32;

/** A band's noise is read where it is weakest, in one of so many parts: between harmonics, not on them. */
export const VALLEY_PARTS = 4;

/** Frames whose values share an array; it lives as long as any of them. */
const SLAB_FRAMES = 32;

/** One analysed frame. */
export interface SpectrumFrame {
  /** Power per bin, shape [size / 2 + 1]. */
  readonly power: Float32Array;
  /** Mean power of the weakest part of every noise band, shape [NOISE_BANDS]. */
  readonly bands: Float32Array;
  /** Level of the short window around the centre, dB. */
  readonly level: number;
  /** Level of the whole analysis window, dB. */
  readonly windowLevel: number;
}

/** The level of digital silence, dB re 1: far below any recording, however faint. */
export const SILENCE_DB = -200;

/** Analyses frames of `length` samples with a Hann window, zero-padded to `size`. */
export class SpectrumAnalysis {
  readonly length: number;
  readonly size: number;
  /** Autocorrelation of the window, 1 at lag 0, shape [size]: what a periodic signal's is divided by. */
  readonly windowCorrelation: Float64Array;
  readonly #window: Float64Array;
  /** Sum of the squared window: what white noise of variance 1 gives per bin. */
  readonly windowPower: number;
  readonly #levelWindow: Float64Array;
  readonly #fft: Fft;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #twins: TwinFft | undefined;
  /** The array that the next frames take their values from, and how much of it is taken. */
  #slab: Float32Array = new Float32Array(0);
  #slabUsed = 0;
  /** Where the kernel writes the powers of four frames. */
  readonly #powers: readonly Float32Array[];

  constructor(length: number, levelLength: number, size: number) {
    this.length = length;
    this.size = size;
    this.#window = halfSampleHann(length);
    this.#levelWindow = halfSampleHann(levelLength);
    const levelSum = this.#levelWindow.reduce((sum, value) => sum + value, 0);
    for (let i = 0; i < levelLength; i++) this.#levelWindow[i] = this.#levelWindow[i]! / levelSum;
    this.windowPower = this.#window.reduce((sum, value) => sum + value * value, 0);
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.windowCorrelation = this.#windowCorrelation();
    const twins = TwinFft.open(size, 16 * size);
    this.#twins = twins;
    this.#powers = twins ? [0, 1, 2, 3].map(() => twins.memory.floats(size / 2 + 1)) : [];
  }

  /** Transform of the window's power spectrum, scaled to 1 at lag 0. */
  #windowCorrelation(): Float64Array {
    const re = this.#re.fill(0);
    const im = this.#im.fill(0);
    re.set(this.#window);
    this.#fft.forward(re, im, re, im);
    for (let k = 0; k < this.size; k++) {
      re[k] = re[k]! ** 2 + im[k]! ** 2;
      im[k] = 0;
    }
    this.#fft.forward(re, im, re, im);
    return re.map((value) => value / re[0]!);
  }

  /** Analyses the two frames that begin at `a` and `b` of `samples` (both inside it). */
  pair(samples: Float64Array, a: number, b: number): [SpectrumFrame, SpectrumFrame] {
    const { length, size } = this;
    const re = this.#re.fill(0);
    const im = this.#im.fill(0);
    const window = this.#window;
    const meanA = mean(samples, a, length);
    const meanB = mean(samples, b, length);
    for (let i = 0; i < length; i++) {
      re[i] = (samples[a + i]! - meanA) * window[i]!;
      im[i] = (samples[b + i]! - meanB) * window[i]!;
    }
    this.#fft.forward(re, im, re, im);
    const half = size / 2;
    const powerA = this.#room(half + 1);
    const powerB = this.#room(half + 1);
    for (let k = 1; k <= half; k++) {
      const m = size - k;
      const evenRe = re[k]! + re[m]!;
      const evenIm = im[k]! - im[m]!;
      const oddRe = re[k]! - re[m]!;
      const oddIm = im[k]! + im[m]!;
      powerA[k] = 0.25 * (evenRe * evenRe + evenIm * evenIm);
      powerB[k] = 0.25 * (oddRe * oddRe + oddIm * oddIm);
    }
    return [this.#frame(samples, a, meanA, powerA), this.#frame(samples, b, meanB, powerB)];
  }

  /** Analyses four frames, as `pair` the first two and the last two. */
  four(samples: Float64Array, starts: readonly [number, number, number, number]): SpectrumFrame[] {
    const [a, b, c, d] = starts;
    const twins = this.#twins;
    if (!twins) return [...this.pair(samples, a, b), ...this.pair(samples, c, d)];
    const { length, size } = this;
    const window = this.#window;
    const means = fourMeans(samples, starts, length);
    const [meanA, meanB, meanC, meanD] = means;
    const { re, im } = twins;
    for (let i = 0, k = 0; i < length; i++, k += 2) {
      const weight = window[i]!;
      re[k] = (samples[a + i]! - meanA) * weight;
      re[k + 1] = (samples[c + i]! - meanC) * weight;
      im[k] = (samples[b + i]! - meanB) * weight;
      im[k + 1] = (samples[d + i]! - meanD) * weight;
    }
    re.fill(0, 2 * length);
    im.fill(0, 2 * length);
    const [xr, xi] = twins.run();
    const [pa, pb, pc, pd] = this.#powers.map((power) => power.byteOffset);
    twins.wasm.framePowers(xr, xi, size, pa!, pb!, pc!, pd!);
    return starts.map((start, i) => {
      const power = this.#room(size / 2 + 1);
      power.set(this.#powers[i]!);
      return this.#frame(samples, start, means[i]!, power);
    });
  }

  /** So many zeros: a part of a larger array, since each array of its own costs the engine far more than its values. */
  #room(count: number): Float32Array {
    if (this.#slabUsed + count > this.#slab.length) {
      this.#slab = new Float32Array(SLAB_FRAMES * (this.size / 2 + 1 + NOISE_BANDS));
      this.#slabUsed = 0;
    }
    const from = this.#slabUsed;
    this.#slabUsed += count;
    return this.#slab.subarray(from, from + count);
  }

  #frame(samples: Float64Array, start: number, offset: number, power: Float32Array): SpectrumFrame {
    const width = this.size / 2 / NOISE_BANDS / VALLEY_PARTS;
    const bands = this.#room(NOISE_BANDS);
    let total = 0;
    for (let band = 0, k = 1; band < NOISE_BANDS; band++) {
      let least = Number.POSITIVE_INFINITY;
      for (let part = 0; part < VALLEY_PARTS; part++) {
        let sum = 0;
        for (let i = 0; i < width; i++, k++) sum += power[k]!;
        total += sum;
        least = Math.min(least, sum);
      }
      bands[band] = least / width;
    }
    const levelWindow = this.#levelWindow;
    const from = start + (this.length - levelWindow.length) / 2;
    let level = 0;
    for (let i = 0; i < levelWindow.length; i++) {
      const value = samples[from + i]! - offset;
      level += levelWindow[i]! * value * value;
    }
    return {
      power,
      bands,
      level: decibels(level),
      windowLevel: decibels((2 * total) / this.size / this.windowPower),
    };
  }
}

function decibels(power: number): number {
  return Math.max(SILENCE_DB, 10 * Math.log10(power + 1e-30));
}

function mean(samples: Float64Array, start: number, length: number): number {
  let sum = 0;
  for (let i = start; i < start + length; i++) sum += samples[i]!;
  return sum / length;
}

/** `mean` of four frames; one sum alone would wait for each of its additions. */
function fourMeans(
  samples: Float64Array,
  [a, b, c, d]: readonly [number, number, number, number],
  length: number,
): [number, number, number, number] {
  let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
  for (let i = 0; i < length; i++) {
    sumA += samples[a + i]!;
    sumB += samples[b + i]!;
    sumC += samples[c + i]!;
    sumD += samples[d + i]!;
  }
  return [sumA / length, sumB / length, sumC / length, sumD / length];
}

/** Hann window of even length whose peak lies between the two middle samples; no value is zero. */
function halfSampleHann(length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length));
}
