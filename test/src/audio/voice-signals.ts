// Sustained vowels with known formants, jitter and shimmer, made by formula. Used by voice.test.ts.
import { uniformStream } from "@echo-ts/audio";

export const VOICE_RATE = 16000;

/** A vowel: pulses at times that vary, through resonances. */
export interface Vowel {
  readonly seed: number;
  /** Hz. */
  readonly f0: number;
  /** Frequency and bandwidth of each resonance, Hz. */
  readonly resonances: readonly (readonly [number, number])[];
  /** Standard deviation of a period, as a share of it. */
  readonly jitter: number;
  /** Standard deviation of a pulse's amplitude, as a share of it. */
  readonly shimmer: number;
  /** Amplitude of white noise, against a peak of 0.5. */
  readonly noise: number;
}

const TUBE = [
  [700, 80],
  [1220, 100],
  [2600, 140],
  [3500, 180],
  [4500, 220],
] as const;

/** The vowels that `praat-values.ts` has the values of. */
export const VOWELS: Readonly<Record<string, Vowel>> = {
  steady: { seed: 1, f0: 120, resonances: TUBE, jitter: 0, shimmer: 0, noise: 0.001 },
  usual: { seed: 2, f0: 120, resonances: TUBE, jitter: 0.008, shimmer: 0.05, noise: 0.002 },
  rough: { seed: 3, f0: 95, resonances: TUBE, jitter: 0.025, shimmer: 0.12, noise: 0.01 },
  high: {
    seed: 4,
    f0: 210,
    resonances: [
      [310, 60],
      [2020, 90],
      [2960, 130],
      [3600, 180],
      [4600, 220],
    ],
    jitter: 0.004,
    shimmer: 0.02,
    noise: 0.002,
  },
};

/** One second at 16 kHz, in steps of 16 bits as a WAV file has them. */
export function vowelSamples(vowel: Vowel): Float32Array {
  const { f0, resonances, jitter, shimmer, noise } = vowel;
  const next = uniformStream(vowel.seed);
  const gauss = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  let samples = new Float64Array(VOICE_RATE);
  for (let time = 0.02; time < 0.98; time += (1 + jitter * gauss()) / f0) {
    addPulse(samples, time * VOICE_RATE, 1 + shimmer * gauss());
  }
  for (const [hz, width] of resonances) samples = resonated(samples, hz, width);
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Float32Array.from(
    samples,
    (value) => Math.round(32767 * ((0.5 * value) / peak + noise * gauss())) / 32768,
  );
}

/** A band-limited pulse at a time in samples, whole or not. */
function addPulse(samples: Float64Array, at: number, amplitude: number): void {
  for (let i = Math.ceil(at - 20); i <= at + 20; i++) {
    if (i < 0 || i >= samples.length) continue;
    const x = 0.9 * Math.PI * (i - at);
    const sinc = x === 0 ? 1 : Math.sin(x) / x;
    samples[i] = samples[i]! + amplitude * sinc * (0.5 + 0.5 * Math.cos((Math.PI * (i - at)) / 20));
  }
}

function resonated(samples: Float64Array, hz: number, width: number): Float64Array<ArrayBuffer> {
  const radius = Math.exp((-Math.PI * width) / VOICE_RATE);
  const near = 2 * radius * Math.cos((2 * Math.PI * hz) / VOICE_RATE);
  const out = new Float64Array(samples.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = samples[i]! + near * (out[i - 1] ?? 0) - radius * radius * (out[i - 2] ?? 0);
  }
  return out;
}
