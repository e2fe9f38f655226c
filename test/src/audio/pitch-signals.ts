// Signals with exactly known pitch for the tracker tests: voiced stretches between pauses, in noise.
import { uniformStream } from "@echo-ts/audio";

/** Amplitude of harmonic h of f0; 0 drops it. */
export type Timbre = (harmonic: number, f0: number) => number;

/** Timbres that trackers find easy (saw, vowel) and hard (the rest). */
export const TIMBRES: Readonly<Record<string, Timbre>> = {
  sine: (h) => (h === 1 ? 1 : 0),
  saw: (h, f0) => (h * f0 < 4000 ? 1 / h : 0),
  vowel: (h, f0) => resonance(h * f0, 600, 90) * resonance(h * f0, 1500, 120) * (h * f0 < 4000 ? 1 / h : 0),
  missing: (h) => (h >= 3 && h <= 9 ? 1 : 0),
  evenStrong: (h) => (h > 14 ? 0 : (h % 2 === 0 ? 1 : 0.22) / Math.sqrt(h)),
  telephone: (h, f0) => (h * f0 > 300 && h * f0 < 3400 ? 1 / h : 0),
};

/** f0 in Hz at a time in seconds. */
export type Contour = (seconds: number) => number;

/** Pitch movements around a base frequency. */
export const CONTOURS: Readonly<Record<string, (base: number) => Contour>> = {
  steady: (base) => () => base,
  glide: (base) => (s) => base * 2 ** (0.4 * s - 0.4),
  vibrato: (base) => (s) => base * 2 ** ((0.6 / 12) * Math.sin(2 * Math.PI * 5.5 * s)),
  prosody: (base) => (s) => base * 2 ** (0.25 * Math.sin(2 * Math.PI * 0.9 * s) - 0.1 * s),
  steps: (base) => (s) => base * (s < 0.7 ? 1 : s < 1.4 ? 1.35 : 0.8),
};

/** A signal and its truth: f0 in Hz at sample i * 128, 0 in the pauses. */
export interface PitchSignal {
  readonly name: string;
  readonly snr: number;
  readonly samples: Float32Array;
  readonly truth: Float64Array;
}

const RATE = 16000;
/** Voiced stretches, seconds. */
const VOICED = [
  [0.15, 0.55],
  [0.72, 1.25],
  [1.4, 1.75],
] as const;

/** Two seconds at 16 kHz with an SNR in dB measured over the voiced samples. */
export function pitchSignal(
  name: string,
  timbre: Timbre,
  contour: Contour,
  snr: number,
  noise: "white" | "pink",
  seed: number,
): PitchSignal {
  const length = 2 * RATE;
  const samples = new Float64Array(length);
  const f0 = new Float64Array(length);
  let power = 0;
  let count = 0;
  for (const [from, to] of VOICED) {
    let phase = 0;
    for (let i = Math.round(from * RATE); i < to * RATE; i++) {
      const hz = contour(i / RATE);
      phase += (2 * Math.PI * hz) / RATE;
      const ramp = Math.min(1, (i / RATE - from) / 0.005, (to - i / RATE) / 0.005);
      let sum = 0;
      for (let h = 1; h <= 60 && h * hz < RATE / 2 - 200; h++) {
        const amplitude = timbre(h, hz);
        if (amplitude > 0) sum += amplitude * Math.sin(h * phase + h * h * 0.7);
      }
      f0[i] = hz;
      samples[i] = ramp * sum;
      power += samples[i]! ** 2;
      count++;
    }
  }
  const background = noiseSignal(length, noise, seed);
  const gain = Math.sqrt(power / count) * 10 ** (-snr / 20);
  const scale = 0.1 / Math.sqrt(power / count);
  return {
    name: `${name} ${snr} dB ${noise}`,
    snr,
    samples: Float32Array.from(samples, (value, i) => scale * (value + gain * background[i]!)),
    truth: Float64Array.from({ length: 1 + Math.floor(length / 128) }, (_, i) => f0[i * 128] ?? 0),
  };
}

/** Gaussian noise of variance 1, white or falling by 3 dB per octave. */
function noiseSignal(length: number, colour: "white" | "pink", seed: number): Float64Array {
  const next = uniformStream(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  const out = new Float64Array(length);
  // One-pole filters a factor of about 3 apart approximate the slope (the usual Voss-McCartney-like sum).
  const poles = [0.997, 0.985, 0.95, 0.85, 0.55];
  const states = poles.map(() => 0);
  let power = 0;
  for (let i = 0; i < length; i++) {
    const white = gauss();
    let sum = white * 0.2;
    poles.forEach((pole, k) => {
      states[k] = pole * states[k]! + (1 - pole) * white;
      sum += states[k] / Math.sqrt(1 - pole);
    });
    out[i] = colour === "white" ? white : sum;
    power += out[i]! ** 2;
  }
  const scale = 1 / Math.sqrt(power / length);
  return out.map((value) => value * scale);
}

function resonance(hz: number, centre: number, width: number): number {
  return (centre * centre) / Math.hypot(centre * centre - hz * hz, width * hz);
}
