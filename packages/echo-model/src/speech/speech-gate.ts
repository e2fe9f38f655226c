// Whether a stretch holds speech at all: a recogniser that was trained on speech alone writes words for silence and
// noise too. Read next: transcribe.ts.
import type { UtteranceFeatures } from "./features.ts";
import { blockLevels, LOWEST_DB, percentile } from "./levels.ts";

/**
 * Speech of half a second and more rises and falls by at least this much (95th against 10th percentile of the levels of
 * 25 ms). The least found: 7.8 dB among 375 single digits (FSDD), 19.9 among the bundled prompts, 24.9 among 316
 * utterances of AN4; hiss, hum and held tones keep below 6.
 */
const LEAST_RANGE_DB = 6;
/** Voiced frames a word needs, 10 ms each at the default hop: the least in 316 utterances of AN4 is 9. */
const LEAST_VOICED = 4;
/** A voice's pitch moves by more than this many octaves from frame to frame (median): least 0.0037. */
const STEADY_OCTAVES = 0.0003;

/**
 * Whether a stretch may hold speech: loud enough, rising and falling in level, voiced somewhere, with a pitch that
 * moves as a voice's does. Whispered stretches, which are voiced nowhere, count as none.
 *
 * @param wave - [N] samples. @param features - of the same wave. @param sampleRate - Hz.
 * @example holdsSpeech(new Float32Array(16000), extractFeatures(new Float32Array(16000), input), 16000); // false
 */
export function holdsSpeech(
  wave: Float32Array,
  { f0 }: Pick<UtteranceFeatures, "f0">,
  sampleRate: number,
): boolean {
  const levels = blockLevels(wave, Math.max(1, Math.round(0.025 * sampleRate)));
  const loud = percentile(levels, 0.95);
  if (loud < LOWEST_DB || loud - percentile(levels, 0.1) < LEAST_RANGE_DB) return false;
  const motion: number[] = [];
  let voiced = 0;
  for (let t = 0; t < f0.length; t++) {
    if (f0[t]! <= 0) continue;
    voiced++;
    if (t > 0 && f0[t - 1]! > 0) motion.push(Math.abs(Math.log2(f0[t]! / f0[t - 1]!)));
  }
  if (voiced < LEAST_VOICED) return false;
  return percentile(motion, 0.5) >= STEADY_OCTAVES;
}
