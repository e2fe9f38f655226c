// McLeod's pitch method: the first strong peak of the normalised square difference. A light alternative to YIN.
import { parameterError } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { monoSamplesOf } from "../signal.ts";
import { FrameAutocorrelation } from "./autocorrelation.ts";
import {
  copyFrame,
  frameGeometry,
  PITCH_FRAME_KEYS,
  type PitchFrameOptions,
  type PitchSignal,
} from "./framing.ts";

/** Options of `mpm`. */
export interface MpmOptions extends PitchFrameOptions {
  /** A peak this share of the highest one is taken if it comes first, 0 ... 1, default 0.93. */
  readonly peakRatio?: number | undefined;
  /** Least clarity of a voiced frame, 0 ... 1, default 0.7. */
  readonly voicingThreshold?: number | undefined;
}

const MPM_KEYS: OptionKeys<MpmOptions> = { ...PITCH_FRAME_KEYS, peakRatio: true, voicingThreshold: true };

/** Result of `mpm`, one value per frame. */
export interface MpmTrack {
  /** Hz; 0 where unvoiced. */
  readonly f0: Float32Array;
  /** Height of the chosen peak, about 0 (noise) to 1 (periodic). */
  readonly clarity: Float32Array;
}

/**
 * f0 and clarity per frame by the McLeod pitch method.
 *
 * @param signal mono, shape [n], n >= 1
 * @param options `sampleRate`, `fmin`, `fmax` in Hz; `frameLength` 2048, `hopLength` frameLength / 4 in samples
 * @returns two arrays of shape [1 + floor(n / hopLength)] (centred frames)
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * McLeod and Wyvill, "A smarter way to find pitch" (ICMC 2005): n(k) = 2 r(k) / m(k), the highest peak between
 * zero crossings, parabolic refinement.
 *
 * @example
 * mpm(tone(330, { seconds: 1, sampleRate: 16000 }), { sampleRate: 16000, fmin: 60, fmax: 600 }).f0[20]; // 330
 */
export function mpm(signal: PitchSignal, options: MpmOptions): MpmTrack {
  checkOptions("mpm", options, MPM_KEYS);
  const samples = monoSamplesOf("mpm", signal);
  const geometry = frameGeometry("mpm", samples, options);
  const peakRatio = requireShare("peakRatio", options.peakRatio ?? 0.93);
  const threshold = requireShare("voicingThreshold", options.voicingThreshold ?? 0.7);
  const { sampleRate, frameLength, hop, offset, frames, minPeriod, maxPeriod } = geometry;
  const lastLag = Math.min(maxPeriod + 1, frameLength - 1);
  const correlation = new FrameAutocorrelation(frameLength, lastLag);
  const frame = [new Float64Array(frameLength), new Float64Array(frameLength)] as const;
  const lags = [new Float64Array(lastLag + 1), new Float64Array(lastLag + 1)] as const;
  const f0 = new Float32Array(frames);
  const clarity = new Float32Array(frames);
  for (let i = 0; i < frames; i += 2) {
    copyFrame(samples, i * hop - offset, frame[0]);
    copyFrame(samples, (i + 1) * hop - offset, frame[1]);
    correlation.run(frame[0], frame[1], lags[0], lags[1]);
    for (const half of [0, 1] as const) {
      if (i + half >= frames) break;
      squareDifference(frame[half], lags[half]);
      const peak = firstStrongPeak(lags[half], minPeriod, maxPeriod, peakRatio);
      clarity[i + half] = Math.min(1, peak.height);
      if (peak.height >= threshold) f0[i + half] = sampleRate / peak.lag;
    }
  }
  return { f0, clarity };
}

/** Replaces r(k) by n(k) = 2 r(k) / m(k), m(k) = sum of x[i]^2 + x[i + k]^2 over the pairs at lag k. */
function squareDifference(frame: Float64Array, lags: Float64Array): void {
  let pairs = 2 * lags[0]!;
  // Below this the frame is silent to rounding and has no period.
  const floor = 1e-12 * pairs;
  for (let k = 0; k < lags.length; k++) {
    if (k > 0) pairs -= frame[k - 1]! ** 2 + frame[frame.length - k]! ** 2;
    lags[k] = pairs > floor ? (2 * lags[k]!) / pairs : 0;
  }
}

function firstStrongPeak(n: Float64Array, minPeriod: number, maxPeriod: number, ratio: number) {
  const peaks: { lag: number; height: number }[] = [];
  let highest = 0;
  let positive = false;
  let start = 1;
  // The lobe around lag 0 is not a period: wait until the curve has been below zero once.
  while (start <= maxPeriod && n[start]! > 0) start++;
  for (let k = Math.max(start, 1); k <= maxPeriod && k + 1 < n.length; k++) {
    if (n[k]! <= 0) {
      positive = false;
      continue;
    }
    if (k < minPeriod || n[k]! <= n[k - 1]! || n[k]! < n[k + 1]!) continue;
    const curvature = n[k - 1]! - 2 * n[k]! + n[k + 1]!;
    const slope = (n[k + 1]! - n[k - 1]!) / 2;
    const shift = -slope / curvature;
    const peak = { lag: k + shift, height: n[k]! + (slope * shift) / 2 };
    const last = peaks.at(-1);
    // Only the highest peak of each positive stretch counts.
    if (!positive || last === undefined) peaks.push(peak);
    else if (peak.height > last.height) peaks[peaks.length - 1] = peak;
    positive = true;
    highest = Math.max(highest, peak.height);
  }
  return peaks.find((peak) => peak.height >= ratio * highest) ?? { lag: minPeriod, height: 0 };
}

function requireShare(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw parameterError("mpm", `${name} must be in 0 ... 1, got ${value}`);
}
