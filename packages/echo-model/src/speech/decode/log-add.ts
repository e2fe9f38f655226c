// Adding probabilities that are held as logarithms.

/** log(e^a + e^b) without overflow; -Infinity stands for probability 0. */
export function logAddExp(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}
