// What a whole utterance's pitch is like: the numbers a speaker-normalised model needs.

/** Statistics over the voiced frames of an utterance; all 0 when none is voiced. */
export interface PitchStatistics {
  readonly frames: number;
  readonly voicedFrames: number;
  /** Voiced frames / frames. */
  readonly voicedShare: number;
  /** Arithmetic mean, Hz. */
  readonly mean: number;
  /** Hz; the mean of the middle two for an even count. */
  readonly median: number;
  /** Standard deviation (of the population), Hz. */
  readonly deviation: number;
  /** Lowest and highest f0, Hz. */
  readonly lowest: number;
  readonly highest: number;
  /** highest - lowest, Hz. */
  readonly range: number;
  /** Distance from `lowest` to `highest`, semitones. */
  readonly rangeSemitones: number;
}

/**
 * Statistics of an f0 track over its voiced frames.
 *
 * @param f0 Hz per frame, 0 (or anything not > 0) where unvoiced, shape [frames]
 *
 * @example
 * pitchStatistics(trackPitch(speech, { sampleRate: 16000 }).f0).median; // Hz
 */
export function pitchStatistics(f0: ArrayLike<number>): PitchStatistics {
  const voiced = Float64Array.from(f0).filter((hz) => hz > 0);
  const count = voiced.length;
  if (count === 0) {
    const none = { mean: 0, median: 0, deviation: 0, lowest: 0, highest: 0, range: 0, rangeSemitones: 0 };
    return { frames: f0.length, voicedFrames: 0, voicedShare: 0, ...none };
  }
  const mean = voiced.reduce((sum, hz) => sum + hz, 0) / count;
  const variance = voiced.reduce((sum, hz) => sum + (hz - mean) ** 2, 0) / count;
  voiced.sort();
  const lowest = voiced[0]!;
  const highest = voiced[count - 1]!;
  return {
    frames: f0.length,
    voicedFrames: count,
    voicedShare: count / f0.length,
    mean,
    median: (voiced[(count - 1) >> 1]! + voiced[count >> 1]!) / 2,
    deviation: Math.sqrt(variance),
    lowest,
    highest,
    range: highest - lowest,
    rangeSemitones: 12 * Math.log2(highest / lowest),
  };
}
