// Rotary position encoding whose base follows the speaker's pitch (vRoPE): the seed's first enhancement.
// A pair of channels at position t is turned by t * frequency; f0 chooses the base of the frequencies.
// Shapes: B utterances, T positions, P = head width / 2 pairs. Su et al. 2021 for the static form.

import type { ModelConfig } from "../settings/settings.ts";
import type { PitchTrack } from "./pitch-track.ts";

/** Settings of the rotary encoding. */
export type RotaryConfig = ModelConfig["rotary"];

const MEL_BREAK_HZ = 700;

/**
 * The base theta for a mean pitch: on the mel scale, minTheta at 0 Hz and maxTheta at the reference pitch.
 *
 * @param hz mean f0, clamped to [minPitchHz, maxPitchHz]
 * @example thetaFromPitch(120, config) // 1398.5 with the defaults
 */
export function thetaFromPitch(
  hz: number,
  { minTheta, maxTheta, minPitchHz, maxPitchHz, referencePitchHz }: RotaryConfig,
): number {
  const clamped = Math.min(Math.max(hz, minPitchHz), maxPitchHz);
  const factor = Math.log1p(clamped / MEL_BREAK_HZ) / Math.log1p(referencePitchHz / MEL_BREAK_HZ);
  return minTheta + factor * (maxTheta - minTheta);
}

/**
 * Radians per position of each pair, fastest first: theta^(-i / P). // inv_freq
 *
 * @returns P numbers from 1 down
 */
export function geometricFrequencies(theta: number, pairs: number): Float64Array {
  return Float64Array.from({ length: pairs }, (_, i) => theta ** (-i / pairs));
}

/**
 * Frequencies over the same range as `geometricFrequencies`, but spread evenly on the mel scale, so that
 * more pairs turn fast. An option beyond the reference.
 */
export function melFrequencies(theta: number, pairs: number): Float64Array {
  const slowest = theta ** (-(pairs - 1) / pairs);
  const mel = (x: number): number => Math.log1p((x * 8000) / MEL_BREAK_HZ);
  const [low, high] = [mel(slowest), mel(1)];
  return Float64Array.from({ length: pairs }, (_, i) => {
    const at = pairs === 1 ? high : high + ((low - high) * i) / (pairs - 1);
    return (Math.expm1(at) * MEL_BREAK_HZ) / 8000;
  });
}

/** Angles of a batch, in radians: one table for all utterances (rows 1) or one each. */
export interface Angles {
  /** [rows, T, P], row-major. */
  readonly values: Float64Array;
  readonly rows: number;
  readonly positions: number;
  readonly pairs: number;
}

/**
 * Angles position * frequency, one table per given set of frequencies.
 *
 * @param start the first position, default 0
 */
export function steadyAngles(frequencies: readonly Float64Array[], positions: number, start = 0): Angles {
  const pairs = frequencies[0]!.length;
  const values = new Float64Array(frequencies.length * positions * pairs);
  frequencies.forEach((row, b) => {
    for (let t = 0; t < positions; t++) {
      for (let i = 0; i < pairs; i++) values[(b * positions + t) * pairs + i] = (start + t) * row[i]!;
    }
  });
  return { values, rows: frequencies.length, positions, pairs };
}

/**
 * Angles that follow f0 frame by frame as accumulated phase: each frame advances every pair by the
 * frequency that its own pitch asks for (an unvoiced frame by that of the utterance's mean). With a
 * constant pitch this equals the per-utterance form. An option beyond the reference.
 *
 * @param track f0 on the encoder's clock
 */
export function accumulatedAngles(track: PitchTrack, pairs: number, config: RotaryConfig): Angles {
  const positions = track.rows[0]?.length ?? 0;
  const values = new Float64Array(track.rows.length * positions * pairs);
  const means = track.voicedMeans();
  track.rows.forEach((row, b) => {
    const phase = new Float64Array(pairs);
    for (let t = 0; t < positions; t++) {
      values.set(phase, (b * positions + t) * pairs);
      const hz = row[t]! > 0 ? row[t]! : means[b]!;
      const step = frequenciesAt(thetaFromPitch(hz, config), pairs, config);
      for (let i = 0; i < pairs; i++) phase[i]! += step[i]!;
    }
  });
  return { values, rows: track.rows.length, positions, pairs };
}

/** Frequencies for a base, in the configured spacing. */
export function frequenciesAt(theta: number, pairs: number, config: RotaryConfig): Float64Array {
  return config.spacing === "mel" ? melFrequencies(theta, pairs) : geometricFrequencies(theta, pairs);
}

/**
 * How positions see each other: the cosine similarity of positions' rotary vectors, (1/P) sum cos(lag * frequency).
 * It depends on the lag alone; the diagonal is 1. The seed's figures show this matrix.
 *
 * @returns positions x positions, row-major
 */
export function positionSimilarity(frequencies: Float64Array, positions: number): Float64Array {
  const byLag = Float64Array.from(
    { length: positions },
    (_, lag) => frequencies.reduce((sum, w) => sum + Math.cos(lag * w), 0) / frequencies.length,
  );
  const out = new Float64Array(positions * positions);
  for (let m = 0; m < positions; m++) {
    for (let n = 0; n < positions; n++) out[m * positions + n] = byLag[Math.abs(m - n)]!;
  }
  return out;
}
