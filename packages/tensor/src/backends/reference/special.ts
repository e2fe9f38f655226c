// Functions that JavaScript's Math lacks, to double precision.

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);
const SERIES_BELOW = 2.5;
const ONE_ABOVE = 6;

/**
 * The error function. Below 2.5 by Kummer's series, whose terms are all positive; above by the continued
 * fraction of the complement (Abramowitz and Stegun 7.1.6 and 7.1.14).
 */
export function errorFunction(x: number): number {
  if (Number.isNaN(x)) return x;
  const z = Math.abs(x);
  if (z > ONE_ABOVE) return Math.sign(x);
  if (z < SERIES_BELOW) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > Math.abs(total) * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      total += term;
    }
    return TWO_OVER_SQRT_PI * Math.exp(-x * x) * total;
  }
  let tail = 0;
  for (let n = 60; n > 0; n--) tail = n / 2 / (z + tail);
  const complement = Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + tail));
  return Math.sign(x) * (1 - complement);
}
