// YIN's cumulative mean normalised difference, frame by frame. Used by yin.ts and pyin.ts.
import { FrameAutocorrelation } from "./autocorrelation.ts";
import { copyFrame, type FrameGeometry, type PitchSamples } from "./framing.ts";

/** numpy.finfo(float64).tiny: keeps silence (0 / 0) at 0. */
const TINY = 2.2250738585072014e-308;

/**
 * Calls `visit(frame, curve)` for every frame in order; `curve[k]` is d'(minPeriod + k), shape
 * [maxPeriod - minPeriod + 1], valid until the next call.
 *
 * d(k) = 2 (r(0) - r(k)) - sum of the first k squares, over the whole frame; d'(k) = d(k) / mean of d(1 ... k):
 * equation 8 of de Cheveigne and Kawahara, "YIN" (JASA 111, 2002), as librosa 0.11 evaluates it.
 */
export function forEachDifference(
  samples: PitchSamples,
  geometry: FrameGeometry,
  visit: (frame: number, curve: Float64Array) => void,
): void {
  const { frameLength, hop, offset, frames, minPeriod, maxPeriod } = geometry;
  const correlation = new FrameAutocorrelation(frameLength, maxPeriod);
  const four = Array.from({ length: 4 }, () => new Float64Array(frameLength));
  const lags = Array.from({ length: 4 }, () => new Float64Array(maxPeriod + 1));
  const curve = new Float64Array(maxPeriod - minPeriod + 1);
  for (let i = 0; i < frames; i += 4) {
    const count = Math.min(4, frames - i);
    for (let f = 0; f < count; f++) copyFrame(samples, (i + f) * hop - offset, four[f]!);
    // Two frames share a transform; an odd last one shares it with the frame before it.
    if (count === 1) four[1]!.set(four[3]!);
    if (count === 3) four[3]!.set(four[1]!);
    if (count > 2) correlation.runFour(four, lags);
    else correlation.run(four[0]!, four[1]!, lags[0]!, lags[1]!);
    for (let f = 0; f < count; f++) {
      normalise(four[f]!, lags[f]!, minPeriod, curve);
      visit(i + f, curve);
    }
  }
}

function normalise(frame: Float64Array, lags: Float64Array, minPeriod: number, curve: Float64Array): void {
  const zeroLag = lags[0]!;
  let head = 0;
  let sum = 0;
  for (let k = 1; k < lags.length; k++) {
    const sample = frame[k - 1]!;
    head += sample * sample;
    const difference = 2 * (zeroLag - lags[k]!) - head;
    sum += difference;
    if (k >= minPeriod) curve[k - minPeriod] = difference / (sum / k + TINY);
  }
}

/**
 * Offset of the vertex of the parabola through x[i - 1], x[i], x[i + 1] relative to i; 0 at the ends and where
 * the vertex lies a whole step or more away.
 */
export function parabolicShift(x: Float64Array, i: number): number {
  if (i <= 0 || i >= x.length - 1) return 0;
  const curvature = x[i + 1]! + x[i - 1]! - 2 * x[i]!;
  const slope = (x[i + 1]! - x[i - 1]!) / 2;
  return Math.abs(slope) >= Math.abs(curvature) ? 0 : -slope / curvature;
}

/** Whether x[i] is a trough: below its left neighbour and not above its right one; at the ends, below the only one. */
export function isTrough(x: Float64Array, i: number): boolean {
  if (i === 0) return x[0]! < x[1]!;
  if (i === x.length - 1) return x[i]! < x[i - 1]!;
  return x[i]! < x[i - 1]! && x[i]! <= x[i + 1]!;
}
