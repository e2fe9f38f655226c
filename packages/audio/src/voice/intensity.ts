// Loudness contour of a voice in dB, free of the ripple of its periods.
import { requireInteger, requirePositive } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { requireFiniteSamples } from "../pitch/framing.ts";
import { monoOf, type Signal } from "../signal.ts";
import { besselI0 } from "../window.ts";

/** Square of the threshold of hearing, 2e-5 Pa. */
const HEARING_THRESHOLD = 4e-10;
const SILENCE_DB = -300;

/** Options of `intensity`. */
export interface IntensityOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Lowest pitch, Hz; the window holds 6.4 of its periods (3.2 of them count), so that they leave no ripple. Default 100. */
  readonly pitchFloor?: number | undefined;
  /** Samples between frames, default 0.8 periods of `pitchFloor`. */
  readonly hopLength?: number | undefined;
  /** Takes the mean of each window off first, against a DC offset. Default true. */
  readonly subtractMean?: boolean | undefined;
}

const INTENSITY_KEYS: OptionKeys<IntensityOptions> = {
  sampleRate: true,
  pitchFloor: true,
  hopLength: true,
  subtractMean: true,
};

/** A level per frame; frame i is centred on time i * hopLength / sampleRate. */
export interface IntensityTrack {
  /** Seconds, shape [frames]. */
  readonly times: Float64Array;
  /** dB, shape [frames]. */
  readonly decibels: Float64Array;
}

/**
 * Intensity in dB: the mean square under a Kaiser window, re 2e-5.
 *
 * A sample of 1 counts as 1 Pa, as in Praat: a sine of amplitude 1 has 91 dB. Without calibration only differences mean
 * anything; digital silence has -300 dB.
 *
 * @param signal mono: shape [n] or [1, n]
 * @returns 1 + floor(n / hopLength) frames
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * The definitions are those of Praat's "Sound: To Intensity..." (window Kaiser-20, side lobes below -190 dB).
 *
 * @example
 * const { decibels } = intensity(speech, { sampleRate: 16000, pitchFloor: 75 });
 */
export function intensity(signal: Signal, options: IntensityOptions): IntensityTrack {
  checkOptions("intensity", options, INTENSITY_KEYS);
  const { pitchFloor = 100, subtractMean = true } = options;
  const sampleRate = requirePositive("intensity", "sampleRate", options.sampleRate);
  requirePositive("intensity", "pitchFloor", pitchFloor);
  const hop = requireInteger(
    "intensity",
    "hopLength",
    options.hopLength ?? Math.max(1, Math.round((0.8 / pitchFloor) * sampleRate)),
    1,
  );
  const samples = monoOf("intensity", signal);
  requireFiniteSamples("intensity", samples);
  const reach = (3.2 / pitchFloor) * sampleRate;
  const half = Math.floor(reach);
  const window = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = (i - half) / reach;
    return besselI0((2 * Math.PI * Math.PI + 0.5) * Math.sqrt(Math.max(0, 1 - x * x)));
  });
  const frames = 1 + Math.floor(samples.length / hop);
  const decibels = new Float64Array(frames);
  for (let i = 0; i < frames; i++) {
    const first = Math.max(0, i * hop - half);
    const last = Math.min(samples.length - 1, i * hop + half);
    let mean = 0;
    if (subtractMean) {
      for (let n = first; n <= last; n++) mean += samples[n]!;
      mean /= Math.max(1, last - first + 1);
    }
    let power = 0;
    let weight = 0;
    for (let n = first; n <= last; n++) {
      const w = window[n - i * hop + half]!;
      power += w * (samples[n]! - mean) ** 2;
      weight += w;
    }
    const pressure = weight > 0 ? power / weight / HEARING_THRESHOLD : 0;
    decibels[i] = pressure > 1e-30 ? 10 * Math.log10(pressure) : SILENCE_DB;
  }
  return { times: Float64Array.from({ length: frames }, (_, i) => (i * hop) / sampleRate), decibels };
}
