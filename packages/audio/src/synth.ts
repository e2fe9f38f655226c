// Signals made by formula, for tests, examples and benchmarks: tones, harmonic tones, chirps, noise.
// Every function returns `round(seconds * sampleRate)` samples; phase starts at 0 unless said otherwise.
import { parameterError, requirePositive } from "./errors.ts";

/** What every synthetic signal needs: its length in seconds, its rate in Hz, its peak (default 0.5). */
export interface SynthOptions {
  readonly seconds: number;
  readonly sampleRate: number;
  readonly amplitude?: number;
}

function allocate(operation: string, options: SynthOptions): Float32Array {
  requirePositive(operation, "sampleRate", options.sampleRate);
  const samples = Math.round(options.seconds * options.sampleRate);
  if (samples >= 0 && Number.isSafeInteger(samples)) return new Float32Array(samples);
  throw parameterError(operation, `seconds must be >= 0, got ${options.seconds}`);
}

/**
 * A sine of constant frequency.
 *
 * @param hz frequency in Hz
 * @returns Float32Array of shape [samples]
 *
 * @example
 * tone(440, { seconds: 1, sampleRate: 16000 }).length; // 16000
 */
export function tone(hz: number, options: SynthOptions): Float32Array {
  return harmonics(hz, [1], options);
}

/**
 * A periodic tone: the sum of harmonics 1, 2, 3 ... of `hz` with the given amplitudes (not rescaled), each
 * times `amplitude`. Harmonics at or above half the sample rate are left out.
 *
 * @param hz fundamental in Hz, > 0
 * @param amplitudes relative amplitude of harmonic 1, 2, ...; start with 0 for a missing fundamental
 * @returns Float32Array of shape [samples]
 */
export function harmonics(hz: number, amplitudes: readonly number[], options: SynthOptions): Float32Array {
  const out = allocate("harmonics", options);
  requirePositive("harmonics", "hz", hz);
  const { sampleRate, amplitude = 0.5 } = options;
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < amplitudes.length && (k + 1) * hz < sampleRate / 2; k++) {
      sum += amplitudes[k]! * Math.sin((2 * Math.PI * (k + 1) * hz * i) / sampleRate);
    }
    out[i] = amplitude * sum;
  }
  return out;
}

/**
 * A sine whose frequency glides from `fromHz` to `toHz` over the whole length.
 *
 * @param shape "exponential" (default: equal musical intervals in equal times, both ends > 0) or "linear" in Hz
 * @returns Float32Array of shape [samples]
 *
 * @example
 * chirp(110, 220, { seconds: 2, sampleRate: 16000 }); // one octave up
 */
export function chirp(
  fromHz: number,
  toHz: number,
  options: SynthOptions,
  shape: "exponential" | "linear" = "exponential",
): Float32Array {
  const out = allocate("chirp", options);
  requirePositive("chirp", "fromHz", fromHz);
  requirePositive("chirp", "toHz", toHz);
  const { sampleRate, seconds, amplitude = 0.5 } = options;
  const octaves = Math.log(toHz / fromHz);
  const straight = shape === "linear" || Math.abs(octaves) < 1e-12;
  for (let i = 0; i < out.length; i++) {
    const t = i / sampleRate;
    const cycles = straight
      ? fromHz * t + ((toHz - fromHz) * t * t) / (2 * seconds)
      : ((fromHz * seconds) / octaves) * Math.expm1((octaves * t) / seconds);
    out[i] = amplitude * Math.sin(2 * Math.PI * cycles);
  }
  return out;
}

/**
 * Uniform white noise in (-amplitude, amplitude), the same for the same seed on every machine.
 *
 * @param seed any whole number; the stream belongs to this function alone
 * @returns Float32Array of shape [samples]
 */
export function whiteNoise(seed: number, options: SynthOptions): Float32Array {
  const out = allocate("whiteNoise", options);
  const { amplitude = 0.5 } = options;
  const next = uniformStream(seed);
  for (let i = 0; i < out.length; i++) out[i] = amplitude * (2 * next() - 1);
  return out;
}

/**
 * A small seeded source of uniform numbers in [0, 1): SplitMix-style counter and mixer on 32 bits.
 *
 * For test signals, not for statistics or secrets. Equal seeds give equal streams everywhere.
 */
export function uniformStream(seed: number): () => number {
  let state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}
