// Formant frequencies and bandwidths per frame, from the poles of linear prediction.
// Read before: linear-prediction.ts, polynomial-roots.ts.
import { parameterError, requireInteger, requirePositive } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { requireFiniteSamples } from "../pitch/framing.ts";
import { resample } from "../resample.ts";
import { monoOf, type Signal } from "../signal.ts";
import { lpc } from "./linear-prediction.ts";
import { polynomialRoots } from "./polynomial-roots.ts";

/** Poles closer than this to 0 Hz or to `ceiling`, in Hz, shape the tilt of the spectrum and are no formants. */
const SAFETY_MARGIN = 50;

/** Options of `formants`, with Praat's names in brackets. */
export interface FormantOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Highest formant, Hz ("formant ceiling"); default 5500, which suits women; 5000 suits men, 8000 small children. */
  readonly ceiling?: number | undefined;
  /** Formants expected below the ceiling ("maximum number of formants"), default 5; a half is allowed (one pole). */
  readonly count?: number | undefined;
  /** Half the length of the Gaussian window, seconds ("window length"), default 0.025. */
  readonly windowLength?: number | undefined;
  /** From this frequency on the spectrum is raised by 6 dB per octave, Hz ("pre-emphasis from"), default 50. */
  readonly preEmphasisFrom?: number | undefined;
  /** Samples between frames, default a quarter of `windowLength`. */
  readonly hopLength?: number | undefined;
}

const FORMANT_KEYS: OptionKeys<FormantOptions> = {
  sampleRate: true,
  ceiling: true,
  count: true,
  windowLength: true,
  preEmphasisFrom: true,
  hopLength: true,
};

/** Formants per frame; frame i is centred on time i * hopLength / sampleRate. */
export interface FormantTrack {
  /** Seconds, shape [frames]. */
  readonly times: Float64Array;
  /** Hz, row by row by rising frequency, NaN where a frame has fewer, shape [frames * formants]. */
  readonly frequencies: Float64Array;
  /** Hz, -3 dB, in the same places. */
  readonly bandwidths: Float64Array;
  /** Places per frame: `count`, rounded up. */
  readonly formants: number;
}

/**
 * Formants of a voice: the resonances of the vocal tract, F1 first.
 *
 * The signal is resampled to twice the ceiling and pre-emphasised; each frame, under a Gaussian window, is modelled by
 * Burg's method with two poles per formant. A pole at angle w and radius r is a formant at w fs / (2 pi) with the
 * bandwidth -ln(r) fs / pi. Values of unvoiced and silent frames mean little: use them where `trackPitch` is voiced.
 *
 * @param signal mono: shape [n] or [1, n]
 * @returns 1 + floor(n / hopLength) frames; those beyond the ends of the signal see zeros there
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * The definitions are those of Praat's "Sound: To Formant (burg)...". It places its frames symmetrically in the
 * signal, this one at multiples of the hop; at equal times the first three formants of a clear vowel agree within 1 %
 * (PITCH.md).
 *
 * @example
 * const { frequencies, formants: places } = formants(vowel, { sampleRate: 16000, ceiling: 5000 });
 * const f1 = frequencies[20 * places]; // of frame 20, Hz
 */
export function formants(signal: Signal, options: FormantOptions): FormantTrack {
  checkOptions("formants", options, FORMANT_KEYS);
  const { ceiling = 5500, count = 5, windowLength = 0.025, preEmphasisFrom = 50 } = options;
  const sampleRate = requirePositive("formants", "sampleRate", options.sampleRate);
  requirePositive("formants", "ceiling", ceiling);
  requirePositive("formants", "windowLength", windowLength);
  requirePositive("formants", "preEmphasisFrom", preEmphasisFrom);
  const order = requireInteger("formants", "count, doubled,", 2 * count, 2);
  if (ceiling > sampleRate / 2) {
    throw parameterError(
      "formants",
      `ceiling ${ceiling} Hz is above half the sample rate (${sampleRate / 2} Hz), expected less or a higher rate`,
    );
  }
  const hop = requireInteger(
    "formants",
    "hopLength",
    options.hopLength ?? Math.max(1, Math.round((windowLength / 4) * sampleRate)),
    1,
  );
  const samples = monoOf("formants", signal);
  requireFiniteSamples("formants", samples);
  const rate = Math.round(2 * ceiling);
  const half = Math.floor(Math.floor(2 * windowLength * rate) / 2);
  if (2 * half <= order) {
    throw parameterError(
      "formants",
      `windowLength ${windowLength} s holds ${2 * half} samples at ${rate} Hz, expected more than ${order}`,
    );
  }
  const lowered = rate === sampleRate ? samples : resampled(samples, sampleRate, rate);
  const emphasised = preEmphasised(lowered, Math.exp((-2 * Math.PI * preEmphasisFrom) / rate));
  const window = gaussianWindow(2 * half);

  const frames = 1 + Math.floor(samples.length / hop);
  const places = Math.ceil(count);
  const frequencies = new Float64Array(frames * places).fill(Number.NaN);
  const bandwidths = new Float64Array(frames * places).fill(Number.NaN);
  const frame = new Float64Array(2 * half);
  for (let i = 0; i < frames; i++) {
    // The middle of the window lies between two samples, the nearest such place to the frame's time.
    const start = Math.floor((i * hop * rate) / sampleRate) + 1 - half;
    for (let n = 0; n < frame.length; n++) frame[n] = window[n]! * (emphasised[start + n] ?? 0);
    polesOf(frame, order, rate).forEach(({ frequency, bandwidth }, k) => {
      if (k >= places) return;
      frequencies[i * places + k] = frequency;
      bandwidths[i * places + k] = bandwidth;
    });
  }
  const times = Float64Array.from({ length: frames }, (_, i) => (i * hop) / sampleRate);
  return { times, frequencies, bandwidths, formants: places };
}

/** Resonances of a frame by rising frequency. */
function polesOf(
  frame: Float64Array,
  order: number,
  rate: number,
): { frequency: number; bandwidth: number }[] {
  if (frame.every((value) => value === 0)) return [];
  return polynomialRoots(lpc(frame, order))
    .filter(({ im }) => im >= 0)
    .map(({ re, im }) => ({
      frequency: (Math.atan2(im, re) * rate) / (2 * Math.PI),
      // Burg's poles lie inside the unit circle; rounding may put one just outside, where it counts mirrored.
      bandwidth: (Math.abs(Math.log(Math.hypot(re, im))) * rate) / Math.PI,
    }))
    .filter(({ frequency }) => frequency >= SAFETY_MARGIN && frequency <= rate / 2 - SAFETY_MARGIN)
    .sort((a, b) => a.frequency - b.frequency);
}

/** `resample` takes whole rates; a fraction of a hertz does not matter to formants. */
function resampled(samples: Float32Array, from: number, to: number): Float32Array {
  return resample(samples, Math.round(from), to) as Float32Array;
}

function preEmphasised(samples: Float32Array, factor: number): Float64Array {
  return Float64Array.from(samples, (value, i) => value - factor * (i > 0 ? samples[i - 1]! : 0));
}

/** Praat's Gaussian: exp(-12) at the edges, taken off so that it ends in zero. */
function gaussianWindow(length: number): Float64Array {
  const edge = Math.exp(-12);
  return Float64Array.from({ length }, (_, i) => {
    const x = (i - (length - 1) / 2) / (length + 1);
    return (Math.exp(-48 * x * x) - edge) / (1 - edge);
  });
}
