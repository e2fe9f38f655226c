// How periodic a frame must be to count as voiced, by its level and its surroundings.
// Used by pitch-stream.ts; read next: voicing-path.ts.
import type { Candidates } from "./candidates.ts";
import type { Context } from "./noise-floor.ts";
import type { SpectrumFrame } from "./spectrum-frames.ts";
import type { TrackerSettings } from "./tracker-settings.ts";

/** A centre louder than the whole window by this share of `edgeSpan` speaks for voicing as much as it ever does. */
const EDGE_LIMIT = 0.3;

/** Share of the power above the noise floor below which a frame may be nothing but noise. */
const NOISE_EXCESS = 0.62;

/**
 * The strength of leaving a frame unvoiced: a candidate must be more periodic than this to win by itself.
 *
 * `voicingThreshold`, lower for loud frames and higher for faint ones and for those just outside a voiced stretch, but
 * never below `leastThreshold`; higher again when the periodicity decays within a few periods, and when little stands above the noise.
 */
export function unvoicedStrength(
  frame: SpectrumFrame,
  candidates: Candidates,
  context: Context,
  settings: TrackerSettings,
): number {
  const { voicingThreshold, leastThreshold, levelWeight, levelSpan, levelLimit } = settings;
  const loudness = clamp((frame.level - context.referenceLevel) / levelSpan, -levelLimit, 1);
  const centre = clamp((frame.level - frame.windowLevel) / settings.edgeSpan, -1, EDGE_LIMIT);
  const threshold = voicingThreshold - levelWeight * loudness - settings.edgeWeight * centre;
  const noisiness = Math.max(0, NOISE_EXCESS - candidates.excess);
  return (
    Math.max(threshold, leastThreshold) +
    settings.decayWeight * candidates.decay +
    settings.noiseWeight * noisiness
  );
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
