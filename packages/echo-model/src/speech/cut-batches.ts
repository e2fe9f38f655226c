// How a list of utterances is cut into batches that fit; for training (in a drawn order) and scoring (by length).

/** Cuts a list into batches of at most maxFrames padded frames and maxUtterances utterances. */
export function cutBatches<T extends { readonly frames: number }>(
  items: readonly T[],
  { maxFrames, maxUtterances }: { readonly maxFrames: number; readonly maxUtterances: number },
): T[][] {
  const batches: T[][] = [];
  let current: T[] = [];
  let longest = 0;
  for (const item of items) {
    const padded = Math.max(longest, item.frames) * (current.length + 1);
    if (current.length > 0 && (padded > maxFrames || current.length >= maxUtterances)) {
      batches.push(current);
      current = [];
      longest = 0;
    }
    current.push(item);
    longest = Math.max(longest, item.frames);
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
