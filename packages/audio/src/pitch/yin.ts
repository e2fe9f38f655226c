// YIN, frame for frame the values of librosa.yin: an f0 for every frame, no voicing. Read next: pyin.ts.
import { parameterError } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { monoSamplesOf } from "../signal.ts";
import { forEachDifference, isTrough, parabolicShift } from "./difference.ts";
import { frameGeometry, PITCH_FRAME_KEYS, type PitchFrameOptions, type PitchSignal } from "./framing.ts";

/** Options of `yin`. */
export interface YinOptions extends PitchFrameOptions {
  /** The first trough of the normalised difference below this is the period; > 0, default 0.1. */
  readonly troughThreshold?: number | undefined;
}

const YIN_KEYS: OptionKeys<YinOptions> = { ...PITCH_FRAME_KEYS, troughThreshold: true };

/**
 * f0 per frame by YIN: the shortest period whose normalised difference has a trough below `troughThreshold`,
 * else the deepest point, refined by a parabola.
 *
 * There is no voicing decision: noise and silence get a number too. `trackPitch` decides voicing.
 *
 * @param signal mono, shape [n], n >= 1
 * @param options `sampleRate`, `fmin`, `fmax` in Hz; `frameLength` 2048 and `hopLength` frameLength / 4 in samples
 * @returns f0 in Hz, shape [1 + floor(n / hopLength)] (centred frames)
 * @throws AudioError (`parameter`) for a range or frame that does not fit, (`nonfinite`) for NaN or infinite samples
 *
 * Matches librosa 0.11 `yin` (float64); de Cheveigne and Kawahara, JASA 111 (2002).
 *
 * @example
 * yin(tone(220, { seconds: 1, sampleRate: 16000 }), { sampleRate: 16000, fmin: 60, fmax: 600 })[20]; // 220
 */
export function yin(signal: PitchSignal, options: YinOptions): Float32Array {
  checkOptions("yin", options, YIN_KEYS);
  const samples = monoSamplesOf("yin", signal);
  const geometry = frameGeometry("yin", samples, options);
  const threshold = options.troughThreshold ?? 0.1;
  if (!(threshold > 0)) throw parameterError("yin", `troughThreshold must be > 0, got ${threshold}`);
  const f0 = new Float32Array(geometry.frames);
  forEachDifference(samples, geometry, (frame, curve) => {
    const best = yinTrough(curve, threshold);
    f0[frame] = geometry.sampleRate / (geometry.minPeriod + best + parabolicShift(curve, best));
  });
  return f0;
}

function yinTrough(curve: Float64Array, threshold: number): number {
  let lowest = 0;
  for (let k = 0; k < curve.length; k++) {
    if (curve[k]! < threshold && isTrough(curve, k)) return k;
    if (curve[k]! < curve[lowest]!) lowest = k;
  }
  return lowest;
}
