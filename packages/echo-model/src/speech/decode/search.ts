// A search over texts as a dialogue: it asks for the scores of the next token and gets them as numbers. Who
// drives it decides how the numbers are read: at once where tensors lie in host memory, or by waiting.

import type { Tensor } from "@echo-ts/tensor";

/** Yields log probabilities [N, V] and is given their rows. */
export type Search<T> = Generator<Tensor, T, Float32Array[]>;

function rowsOf({ shape }: Tensor, data: ArrayLike<number>): Float32Array[] {
  const values = Float32Array.from(data);
  const [count, vocabulary] = shape as [number, number];
  return Array.from({ length: count }, (_, i) => values.subarray(i * vocabulary, (i + 1) * vocabulary));
}

/** Drives a search on a backend that computes in host memory. */
export function searchNow<T>(search: Search<T>): T {
  let step = search.next();
  while (!step.done) step = search.next(rowsOf(step.value, step.value.dataSync()));
  return step.value;
}

/** Drives a search on any backend. */
export async function searchLater<T>(search: Search<T>): Promise<T> {
  let step = search.next();
  while (!step.done) step = search.next(rowsOf(step.value, await step.value.data()));
  return step.value;
}
