// The complex zeros of a real polynomial, for the poles of linear prediction. Used by formants.ts.

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

const MAX_ROUNDS = 200;
/** A root stands when its correction is below this share of the largest root. */
const SETTLED = 1e-14;

/**
 * All zeros of c[0] z^n + c[1] z^(n-1) + ... + c[n], c[0] not 0, by the method of Aberth and Ehrlich.
 *
 * All zeros are improved together: Newton's correction, with the pull of the other zeros taken out. It converges
 * cubically at simple zeros; at a multiple zero the result is right to about the root of the machine precision.
 *
 * Aberth (1973), "Iteration methods for finding all zeros of a polynomial simultaneously".
 */
export function polynomialRoots(coefficients: ArrayLike<number>): Complex[] {
  const degree = coefficients.length - 1;
  const c = Float64Array.from(coefficients, (value) => value / coefficients[0]!);
  // All zeros lie within this radius (Cauchy).
  let radius = 0;
  for (let k = 1; k <= degree; k++) radius = Math.max(radius, Math.abs(c[k]!) ** (1 / k));
  const re = new Float64Array(degree);
  const im = new Float64Array(degree);
  for (let i = 0; i < degree; i++) {
    // Not symmetric to the real axis, lest pairs stay locked to it.
    const angle = (2 * Math.PI * i) / degree + 0.4;
    re[i] = radius * Math.cos(angle);
    im[i] = radius * Math.sin(angle);
  }
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let largest = 0;
    for (let i = 0; i < degree; i++) largest = Math.max(largest, improve(c, re, im, i));
    if (largest <= SETTLED * radius) break;
  }
  return Array.from({ length: degree }, (_, i) => ({ re: re[i]!, im: im[i]! }));
}

/** Moves zero i; returns by how much. */
function improve(c: Float64Array, re: Float64Array, im: Float64Array, i: number): number {
  const x = re[i]!;
  const y = im[i]!;
  // Horner's scheme for the value p and the slope q.
  let pRe = c[0]!;
  let pIm = 0;
  let qRe = 0;
  let qIm = 0;
  for (let k = 1; k < c.length; k++) {
    [qRe, qIm] = [qRe * x - qIm * y + pRe, qRe * y + qIm * x + pIm];
    [pRe, pIm] = [pRe * x - pIm * y + c[k]!, pRe * y + pIm * x];
  }
  // 1 / correction = q / p - sum over the others of 1 / (z - w).
  const power = pRe * pRe + pIm * pIm;
  if (power === 0) return 0;
  let inverseRe = (qRe * pRe + qIm * pIm) / power;
  let inverseIm = (qIm * pRe - qRe * pIm) / power;
  for (let j = 0; j < re.length; j++) {
    if (j === i) continue;
    const dx = x - re[j]!;
    const dy = y - im[j]!;
    const distance = dx * dx + dy * dy;
    if (distance === 0) continue;
    inverseRe -= dx / distance;
    inverseIm += dy / distance;
  }
  const size = inverseRe * inverseRe + inverseIm * inverseIm;
  if (size === 0) return 0;
  re[i] = x - inverseRe / size;
  im[i] = y + inverseIm / size;
  return 1 / Math.sqrt(size);
}
