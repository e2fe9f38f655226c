// The interval of a mean of few values, such as error rates of three seeds (Student 1908).
import type { Interval } from "./bootstrap.ts";

/** The 0.975 quantile of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH handbook, table 1.3.6.7.2). */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Normal quantile, and the first terms by which Student's lies above it (Fisher and Cornish 1960): 4 digits from 31 on. */
const Z = 1.959964;

/**
 * The 95 % interval of the mean of values that scatter normally: mean +- t s / sqrt(n).
 * Of three values it is 2.5 standard deviations wide to each side: few seeds say little.
 * @param values - at least two; @throws RangeError for fewer.
 * @example
 * meanInterval([0.10, 0.12, 0.14]); // { value: 0.12, low: 0.0703..., high: 0.1697... }
 */
export function meanInterval(values: readonly number[]): Interval {
  const n = values.length;
  if (n < 2) throw new RangeError(`meanInterval: one value has no spread, expected at least 2, got ${n}`);
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile(n - 1) * Math.sqrt(variance / n);
  return { value: mean, low: mean - half, high: mean + half };
}

function studentQuantile(freedom: number): number {
  const listed = T_975[freedom - 1];
  if (listed !== undefined) return listed;
  return Z + (Z ** 3 + Z) / (4 * freedom) + (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / (96 * freedom ** 2);
}
