// How positions see each other, as numbers: the similarity of rotary vectors by lag, the width of the band in which it is
// high, and the same for angles that follow a pitch track. The seed's first figures. Pictures: ../figures/rotary-figures.ts.
// Shapes: T positions, P = head width / 2 pairs.

import { full, zeros } from "@echo-ts/tensor";
import { pitchBias, pitchDistances } from "../model/pitch-bias.ts";
import { PitchTrack } from "../model/pitch-track.ts";
import {
  accumulatedAngles,
  frequenciesAt,
  geometricFrequencies,
  type RotaryConfig,
  steadyAngles,
  thetaFromPitch,
} from "../model/rotary.ts";

/** One way to turn positions: a fixed base, or a base that a mean pitch chooses. */
export interface RotaryPattern {
  /** "static theta 10000" or "f0 120 Hz". */
  readonly name: string;
  /** Mean pitch in Hz; null for a fixed base. */
  readonly f0: number | null;
  readonly theta: number;
  /** Radians per position of each pair: [P]. */
  readonly frequencies: Float64Array;
  /** Cosine similarity by lag, 1 at lag 0: [T]. */
  readonly curve: Float64Array;
  /** First lag at which the similarity is below one half, in positions; null if none of the T is. */
  readonly bandWidth: number | null;
}

/**
 * Similarity of the rotary vectors of two positions by their distance: (1 / P) sum cos(lag * frequency), [T].
 *
 * @param weights weight of each pair, such as the squared radii; default all alike
 */
export function lagCurve(frequencies: Float64Array, positions: number, weights?: Float64Array): Float64Array {
  const weight = (i: number): number => weights?.[i] ?? 1;
  const total = frequencies.reduce((sum, _, i) => sum + weight(i), 0);
  return Float64Array.from(
    { length: positions },
    (_, lag) => frequencies.reduce((sum, w, i) => sum + weight(i) * Math.cos(lag * w), 0) / total,
  );
}

/**
 * Width of the band around the diagonal: the first lag whose similarity is below `level`, or null if there is none.
 *
 * @example bandWidth(lagCurve(geometricFrequencies(10000, 64), 128)) // 46
 */
export function bandWidth(curve: Float64Array, level = 0.5): number | null {
  const first = curve.findIndex((value) => value < level);
  return first < 0 ? null : first;
}

/** What {@link rotaryPatterns} compares. */
export interface PatternChoice {
  /** Pitches in Hz. */
  readonly f0: readonly number[];
  /** Fixed bases. */
  readonly theta: readonly number[];
  /** Even width of a head. */
  readonly headWidth: number;
  /** T. */
  readonly positions: number;
}

/** Patterns of fixed bases, then of pitches, as the settings spread their frequencies. */
export function rotaryPatterns(
  { f0, theta, headWidth, positions }: PatternChoice,
  config: RotaryConfig,
): RotaryPattern[] {
  const pattern = (name: string, hz: number | null, base: number): RotaryPattern => {
    const frequencies = frequenciesAt(base, headWidth / 2, config);
    const curve = lagCurve(frequencies, positions);
    return { name, f0: hz, theta: base, frequencies, curve, bandWidth: bandWidth(curve) };
  };
  return [
    ...theta.map((base) => pattern(`static, theta ${base}`, null, base)),
    ...f0.map((hz) => pattern(`f0 ${hz} Hz`, hz, thetaFromPitch(hz, config))),
  ];
}

/** Cosine similarities between all positions of one utterance's angles [T, P]: [T, T], row-major. */
export function angleSimilarity(values: Float64Array, positions: number, pairs: number): Float64Array {
  const out = new Float64Array(positions * positions);
  for (let m = 0; m < positions; m++) {
    for (let n = m; n < positions; n++) {
      let sum = 0;
      for (let i = 0; i < pairs; i++) sum += Math.cos(values[m * pairs + i]! - values[n * pairs + i]!);
      out[m * positions + n] = sum / pairs;
      out[n * positions + m] = sum / pairs;
    }
  }
  return out;
}

/** Angles of one utterance in three ways, each [T, P] in radians. */
export interface UtteranceAngles {
  readonly positions: number;
  readonly pairs: number;
  /** Mean over the voiced frames, Hz; 0 without any. */
  readonly meanHz: number;
  readonly static: Float64Array;
  readonly utterance: Float64Array;
  readonly frames: Float64Array;
}

/**
 * The angles of an utterance: with a fixed base, with the base of its mean pitch, and following its pitch frame by frame.
 *
 * @param f0 Hz per encoder frame, 0 = unvoiced: [T]
 */
export function utteranceAngles(
  f0: ArrayLike<number>,
  headWidth: number,
  config: RotaryConfig,
): UtteranceAngles {
  const positions = f0.length;
  const pairs = headWidth / 2;
  const track = new PitchTrack([Float64Array.from(f0)], [positions]);
  const meanHz = track.voicedMeans()[0]!;
  const steady = (theta: number): Float64Array =>
    steadyAngles([frequenciesAt(theta, pairs, config)], positions).values;
  return {
    positions,
    pairs,
    meanHz,
    static: steady(config.theta),
    utterance: steady(thetaFromPitch(meanHz, config)),
    frames: accumulatedAngles(track, pairs, config).values,
  };
}

/** Similarity by lag with the pairs spread in either way, and with radii: the options beside the default. */
export interface PatternVariant {
  readonly name: string;
  readonly curve: Float64Array;
  readonly bandWidth: number | null;
}

/**
 * The variants of one pitch: geometric spacing (the default), mel spacing, and a radius that falls from 2 to 0.5 over the
 * pairs, as `model.rotary.variableRadius` might learn (all radii start alike and then change nothing).
 */
export function patternVariants(
  hz: number,
  { headWidth, positions }: Pick<PatternChoice, "headWidth" | "positions">,
  config: RotaryConfig,
): PatternVariant[] {
  const pairs = headWidth / 2;
  const theta = thetaFromPitch(hz, config);
  const variant = (name: string, frequencies: Float64Array, weights?: Float64Array): PatternVariant => {
    const curve = lagCurve(frequencies, positions, weights);
    return { name, curve, bandWidth: bandWidth(curve) };
  };
  const geometric = geometricFrequencies(theta, pairs);
  const falling = Float64Array.from(
    { length: pairs },
    (_, i) => (2 * 0.25 ** (i / Math.max(1, pairs - 1))) ** 2,
  );
  return [
    variant("geometric spacing", geometric),
    variant("mel spacing", frequenciesAt(theta, pairs, { ...config, spacing: "mel" })),
    variant("radius 2 to 0.5, fast pairs larger", geometric, falling),
    variant("radius 0.5 to 2, slow pairs larger", geometric, falling.toReversed()),
  ];
}

/** The pitch bias that the model adds between the frames of one utterance, as attention computes it: [T, T], row-major. */
export function pitchBiasMatrix(f0: ArrayLike<number>, scale = 1): Float64Array {
  const track = new PitchTrack([Float64Array.from(f0)], [f0.length]);
  const distances = pitchDistances(track, zeros([1]));
  return Float64Array.from(pitchBias(distances, full([], scale)).dataSync());
}
