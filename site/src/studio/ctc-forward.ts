// The sum over all ways in which CTC can spell a text, frame by frame (Graves et al. 2006, section 4.1), in plain
// probabilities: to be read, and short recordings need no logarithms.

/** Probabilities row-major [tokens, frames]; row 0 is the blank. */
export interface Column {
  readonly probabilities: ArrayLike<number>;
  readonly frames: number;
}

/** The likeliest row of each frame. */
export function bestPath({ probabilities, frames }: Column): number[] {
  const rows = probabilities.length / frames;
  return Array.from({ length: frames }, (_, t) => {
    let best = 0;
    for (let row = 1; row < rows; row++)
      if (probabilities[row * frames + t]! > probabilities[best * frames + t]!) best = row;
    return best;
  });
}

/** What a path reads out: repeats merged, blanks dropped. */
export const merged = (path: readonly number[]): number[] =>
  path.filter((row, t) => row !== 0 && row !== path[t - 1]);

/** The signs of a text with the blanks that may stand between: blank, first, blank, second, ..., blank. */
export const signsOf = (text: readonly number[]): number[] => [0, ...text.flatMap((row) => [row, 0])];

/**
 * Probability that the frames up to t have spelled the signs up to s: `sums[t][s]`.
 *
 * @param signs of {@link signsOf}
 */
export function forwardSums({ probabilities, frames }: Column, signs: readonly number[]): number[][] {
  const sums: number[][] = [];
  for (let t = 0; t < frames; t++)
    sums.push(
      signs.map((row, s) => {
        const ways =
          t === 0 ? (s < 2 ? 1 : 0) : waysTo(signs, s).reduce((sum, from) => sum + sums[t - 1]![from]!, 0);
        return ways * probabilities[row * frames + t]!;
      }),
    );
  return sums;
}

/** From which signs one comes to sign s in one frame: itself, the one before, and past a blank between two unlike words. */
export const waysTo = (signs: readonly number[], s: number): number[] =>
  [s, s - 1, ...(signs[s] !== 0 && signs[s] !== signs[s - 2] ? [s - 2] : [])].filter((from) => from >= 0);
