// How loud a recording is over time, and which level parts speech from pauses. Read next: stretches.ts, speech-gate.ts.

/** Length of one block of levels in seconds. */
export const BLOCK_SECONDS = 0.01;
/** Nothing below this level (dB full scale) counts as speech. */
export const LOWEST_DB = -70;
const SILENCE_DB = -120;

/** Samples per block of {@link BLOCK_SECONDS}. */
export function blockLength(sampleRate: number): number {
  return Math.max(1, Math.round(BLOCK_SECONDS * sampleRate));
}

/** Level in dB full scale of `count` samples with this energy (sum of squares), -120 at least. */
export function levelDb(energy: number, count: number): number {
  return Math.max(SILENCE_DB, 10 * Math.log10(energy / count));
}

/** Levels of the blocks of a wave in dB full scale; a shorter last block counts. */
export function blockLevels(wave: Float32Array, block: number): number[] {
  const levels: number[] = [];
  for (let start = 0; start < wave.length; start += block) {
    const end = Math.min(start + block, wave.length);
    let energy = 0;
    for (let i = start; i < end; i++) energy += wave[i]! * wave[i]!;
    levels.push(levelDb(energy, end - start));
  }
  return levels;
}

/**
 * The level between pause and speech: 6 dB above the 10th percentile of `background`, within 6 ... 35 dB below the 95th
 * of `speech`.
 */
export function speechThreshold(
  background: readonly number[],
  speech: readonly number[] = background,
): number {
  const floor = percentile(background, 0.1);
  const loud = percentile(speech, 0.95);
  return Math.max(Math.min(floor + 6, loud - 6), loud - 35, LOWEST_DB);
}

/** The value below which a share of the values lies; -120 of none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return SILENCE_DB;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))]!;
}
