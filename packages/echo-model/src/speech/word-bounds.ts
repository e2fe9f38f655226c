// When words begin and end. CTC answers with one or two frames somewhere in the word; how loud the recording is tells the
// rest. Read first: decode/word-times.ts.
import type { TimedWord } from "./decode/word-times.ts";
import { BLOCK_SECONDS, blockLength, blockLevels, speechThreshold } from "./levels.ts";

/** Quiet blocks inside a word: the closure of a stop lasts up to 0.12 s. */
const CLOSURE_BLOCKS = 12;
/** An answer of CTC may come so many blocks after the word's last sound. */
const LATE_BLOCKS = 30;

/**
 * Words with the times at which they are heard. Between two answers the quietest block is the boundary; from its answer
 * each word reaches to where it gets quiet, on both sides, never over a boundary.
 *
 * @param words - from `wordTimes`, in order. @param wave - [N] samples they were found in. @param sampleRate - Hz.
 */
export function spokenBounds(
  words: readonly TimedWord[],
  wave: Float32Array,
  sampleRate: number,
): TimedWord[] {
  const levels = blockLevels(wave, blockLength(sampleRate));
  const limit = speechThreshold(levels);
  const blockOf = (seconds: number): number =>
    Math.min(levels.length - 1, Math.max(0, Math.floor(seconds / BLOCK_SECONDS)));
  const answers = words.map(({ start, end }) => ({
    from: blockOf(start),
    to: Math.max(blockOf(start), blockOf(end) - 1),
  }));
  const boundaries = answers.slice(1).map(({ from }, i) => quietest(levels, answers[i]!.to + 1, from));
  return words.map((word, i) => {
    const left = boundaries[i - 1] ?? 0;
    const right = boundaries[i] ?? levels.length;
    const { from, to } = answers[i]!;
    let at = Math.min(Math.max(from, left), right - 1);
    // An answer in a pause belongs to the sound before it.
    for (let back = 0; back < LATE_BLOCKS && levels[at]! <= limit && at > left; back++) at--;
    if (levels[at]! <= limit) at = from;
    const start = reach(levels, limit, at, left - 1, -1);
    const end = reach(levels, limit, Math.min(Math.max(at, to), right - 1), right, 1) + 1;
    return {
      ...word,
      start: start * BLOCK_SECONDS,
      end: Math.min(end * BLOCK_SECONDS, wave.length / sampleRate),
    };
  });
}

/** The quietest block of [from, to), the middle of the quietest when there are several; `to` when there is none. */
function quietest(levels: readonly number[], from: number, to: number): number {
  if (from >= to) return to;
  const least = Math.min(...levels.slice(from, to));
  const first = levels.indexOf(least, from);
  let last = first;
  while (last + 1 < to && levels[last + 1] === least) last++;
  return (first + last + 1) >> 1;
}

/** Goes from `at` towards `stop` while it is loud, over quiet gaps of a closure's length; the last loud block. */
function reach(levels: readonly number[], limit: number, at: number, stop: number, step: 1 | -1): number {
  let last = at;
  for (let i = at; i !== stop && Math.abs(i - last) <= CLOSURE_BLOCKS; i += step)
    if (levels[i]! > limit) last = i;
  return last;
}
