// Moments of glottal closure: one per period, found by matching each period with the next.
// Read next: perturbation.ts, which measures jitter and shimmer on them.
import { parameterError, requirePositive } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { requireFiniteSamples } from "../pitch/framing.ts";
import { monoOf, type Signal } from "../signal.ts";

/** A period is taken when it resembles its neighbour this much, or at the edge of a voiced stretch this much. */
const LEAST_MATCH = 0.3;
const LEAST_EDGE_MATCH = 0.7;
/** ... and its peak is at least this share of the signal's. */
const LEAST_PEAK = 0.01;
const LEAST_EDGE_PEAK = 0.023333;
/** The next period is sought between these multiples of 1 / f0. */
const SHORTEST = 0.8;
const LONGEST = 1.25;

/** Options of `glottalPulses`. */
export interface GlottalPulseOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** f0 and voicing of the same signal: `autocorrelationPitch` for Praat's pulses, or `trackPitch`. */
  readonly track: { readonly times: ArrayLike<number>; readonly f0: ArrayLike<number> };
}

const PULSE_KEYS: OptionKeys<GlottalPulseOptions> = { sampleRate: true, track: true };

/**
 * Times of the glottal pulses in seconds, rising.
 *
 * In the middle of every voiced stretch the greatest deflection within one period is the first pulse. From it the search
 * goes both ways: the next pulse lies where one period of signal correlates best with the present one, between 0.8
 * and 1.25 periods away, refined by a parabola.
 *
 * @param signal mono: shape [n] or [1, n]
 * @returns Float64Array of shape [pulses]
 * @throws AudioError (`parameter`) for a track of two lengths, (`nonfinite`) for NaN or infinite samples
 *
 * The definitions are those of Praat's "Sound & Pitch: To PointProcess (cc)".
 *
 * @example
 * const track = autocorrelationPitch(vowel, { sampleRate: 16000, fmin: 75, fmax: 500 });
 * const pulses = glottalPulses(vowel, { sampleRate: 16000, track });
 */
export function glottalPulses(signal: Signal, options: GlottalPulseOptions): Float64Array {
  const { track } = checkOptions("glottalPulses", options, PULSE_KEYS);
  const sampleRate = requirePositive("glottalPulses", "sampleRate", options.sampleRate);
  if (track.times.length !== track.f0.length) {
    throw parameterError(
      "glottalPulses",
      `expected as many times as f0 values in the track, got ${track.times.length} and ${track.f0.length}`,
    );
  }
  const samples = monoOf("glottalPulses", signal);
  requireFiniteSamples("glottalPulses", samples);
  let globalPeak = 0;
  for (const value of samples) globalPeak = Math.max(globalPeak, Math.abs(value));
  const pulses: number[] = [];
  let addedRight = Number.NEGATIVE_INFINITY;
  for (const [left, right] of voicedStretches(track)) {
    const middle = (left + right) / 2;
    const f0 = f0At(track, middle);
    if (f0 === undefined) continue;
    const first = extremumNear(samples, sampleRate, middle - 0.5 / f0, middle + 0.5 / f0);
    pulses.push(first);
    for (const direction of [-1, 1] as const) {
      let at = first;
      for (;;) {
        const hz = f0At(track, at);
        if (hz === undefined) break;
        const match = nextPeriod(samples, sampleRate, at, 1 / hz, direction);
        at = match.time;
        const outside = direction < 0 ? at < left : at > right;
        const clear = outside
          ? match.correlation > LEAST_EDGE_MATCH && match.peak > LEAST_EDGE_PEAK * globalPeak
          : match.correlation > LEAST_MATCH && (match.peak === 0 || match.peak > LEAST_PEAK * globalPeak);
        // A short gap between two stretches is not filled from both sides.
        if (clear && (direction > 0 || at - addedRight > SHORTEST / hz)) {
          pulses.push(at);
          if (direction > 0) addedRight = at;
        }
        if (outside) break;
      }
    }
  }
  return Float64Array.from(pulses).sort();
}

/** From half a frame before the first voiced frame to half a frame after the last, for every stretch. */
function voicedStretches({ times, f0 }: GlottalPulseOptions["track"]): [number, number][] {
  const stretches: [number, number][] = [];
  const half = times.length > 1 ? (times[1]! - times[0]!) / 2 : 0;
  for (let i = 0; i < f0.length; i++) {
    if (!(f0[i]! > 0)) continue;
    const from = i;
    while (i + 1 < f0.length && f0[i + 1]! > 0) i++;
    stretches.push([times[from]! - half, times[i]! + half]);
  }
  return stretches;
}

/** f0 at a time, linear between frames, undefined where the nearest frame is unvoiced. */
function f0At({ times, f0 }: GlottalPulseOptions["track"], time: number): number | undefined {
  if (times.length === 0) return undefined;
  const step = times.length > 1 ? times[1]! - times[0]! : 1;
  const at = (time - times[0]!) / step;
  const nearest = Math.round(at);
  if (!(f0[nearest]! > 0)) return undefined;
  const lower = Math.floor(at);
  const a = f0[lower] ?? 0;
  const b = f0[lower + 1] ?? 0;
  return a > 0 && b > 0 ? a + (at - lower) * (b - a) : f0[nearest];
}

/** Time of the sample farthest from 0 between two times, refined by a parabola unless it is the first or the last. */
function extremumNear(samples: Float32Array, rate: number, from: number, to: number): number {
  const first = Math.max(0, Math.floor(from * rate));
  const last = Math.min(samples.length - 1, Math.ceil(to * rate));
  let best = Math.min(first, samples.length - 1);
  for (let n = first; n <= last; n++) if (Math.abs(samples[n]!) > Math.abs(samples[best]!)) best = n;
  if (best === first || best === last) return best / rate;
  const left = samples[best - 1]!;
  const right = samples[best + 1]!;
  const curvature = 2 * samples[best]! - left - right;
  return (best + (curvature === 0 ? 0 : (0.5 * (right - left)) / curvature)) / rate;
}

/** The time one period before or after `time` at which the signal resembles that at `time` most. */
function nextPeriod(
  samples: Float32Array,
  rate: number,
  time: number,
  period: number,
  direction: -1 | 1,
): { time: number; correlation: number; peak: number } {
  const half = period / 2;
  const near = direction * SHORTEST * period;
  const far = direction * LONGEST * period;
  const fixed = Math.round((time - half) * rate);
  const length = Math.round((time + half) * rate) - fixed + 1;
  const first = Math.floor((time + Math.min(near, far) - half) * rate);
  const last = Math.ceil((time + Math.max(near, far) - half) * rate);
  let best = { correlation: -1, start: 0, peak: 0, left: 0, right: 0 };
  let before = 0;
  let here = 0;
  for (let start = first; start <= last; start++) {
    const { correlation: after, peak } = resemblance(samples, fixed, start, length);
    if (here > best.correlation && here >= before && here >= after) {
      // The peak is that of the stretch one sample later, as in Praat.
      best = { correlation: here, start: start - 1, peak, left: before, right: after };
    }
    before = here;
    here = after;
  }
  // No maximum in reach: one period drops out.
  if (best.correlation < 0) return { time: time + direction * period, correlation: -1, peak: 0 };
  const curvature = 2 * best.correlation - best.left - best.right;
  const slope = 0.5 * (best.right - best.left);
  const shift = curvature === 0 ? 0 : slope / curvature;
  return {
    time: time + (best.start + shift - fixed) / rate,
    correlation: best.correlation + (curvature === 0 ? 0 : (0.5 * slope * slope) / curvature),
    peak: best.peak,
  };
}

/** Correlation of two stretches, and the peak of the second; samples outside the signal do not count. */
function resemblance(
  samples: Float32Array,
  a: number,
  b: number,
  length: number,
): { correlation: number; peak: number } {
  let product = 0;
  let powerA = 0;
  let powerB = 0;
  let peak = 0;
  const from = Math.max(0, -a, -b);
  const to = Math.min(length, samples.length - a, samples.length - b);
  for (let n = from; n < to; n++) {
    const x = samples[a + n]!;
    const y = samples[b + n]!;
    product += x * y;
    powerA += x * x;
    powerB += y * y;
    peak = Math.max(peak, Math.abs(y));
  }
  return { correlation: product === 0 ? 0 : product / Math.sqrt(powerA * powerB), peak };
}
