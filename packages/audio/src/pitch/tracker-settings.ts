// The tracker's tuned constants in one place, with what each of them trades. PITCH.md tells how they were chosen.

/** Constants of the default tracker. Times are in seconds, levels in dB, costs in units of strength (0 ... 1). */
export interface TrackerSettings {
  /** Analysis window in periods of fmin. */
  readonly windowPeriods: number;
  /** Share of the noise-normalised, compressed spectrum in the periodicity; the rest is the plain spectrum. */
  readonly whitening: number;
  /** Weight of the noise floor in the Wiener-like gain on the plain spectrum. */
  readonly suppression: number;
  /** Quantile of the band powers over the context that counts as noise. */
  readonly noiseQuantile: number;
  /** Periodicity at which a frame of middling level is as likely voiced as not. */
  readonly voicingThreshold: number;
  /** The threshold of no frame falls below this periodicity, however loud it is. */
  readonly leastThreshold: number;
  /** How much a periodicity that decays within 10 ms, as that of filtered noise does, counts as unvoiced. */
  readonly decayWeight: number;
  /** How much a frame that hardly rises above the noise floor counts as unvoiced. */
  readonly noiseWeight: number;
  /** What one octave of higher pitch is worth; favours the shortest period. */
  readonly octaveCost: number;
  /** Cost of moving one octave within 8 ms. */
  readonly octaveJumpCost: number;
  /** Cost of a change between voiced and unvoiced. */
  readonly voicingChangeCost: number;
  /** How much a loud or faint frame moves the voicing threshold. */
  readonly levelWeight: number;
  /** Distance from the reference level, dB, at which that is fully felt. */
  readonly levelSpan: number;
  /** How many spans below the reference still count. */
  readonly levelLimit: number;
  /** The reference level lies at most this far below the loud frames, dB. */
  readonly levelDepth: number;
  /** Quantiles of the frame levels taken as background and as loud. */
  readonly backgroundQuantile: number;
  readonly loudQuantile: number;
  /** How much a centre fainter than its surroundings (the edge of a voiced stretch) counts as unvoiced. */
  readonly edgeWeight: number;
  /** That difference, dB, at which it is fully felt. */
  readonly edgeSpan: number;
  /** Window of the level, seconds. */
  readonly levelWindow: number;
}

/** The values in use. */
export const TRACKER_DEFAULTS: TrackerSettings = {
  windowPeriods: 2.75,
  whitening: 0.175,
  suppression: 2.25,
  noiseQuantile: 0.225,
  voicingThreshold: 0.34,
  leastThreshold: 0.3,
  decayWeight: 0.5,
  noiseWeight: 1,
  octaveCost: 0.015,
  octaveJumpCost: 0.675,
  voicingChangeCost: 0.425,
  levelWeight: 0.475,
  levelSpan: 10,
  levelLimit: 1.5,
  levelDepth: 16,
  backgroundQuantile: 0.1,
  loudQuantile: 0.95,
  edgeWeight: 0.3,
  edgeSpan: 6,
  levelWindow: 0.012,
};
