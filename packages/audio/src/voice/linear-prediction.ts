// Linear prediction by Burg's method: the all-pole filter that formants are read from. Read next: formants.ts.
import { parameterError, requireInteger } from "../errors.ts";
import { requireFiniteSamples } from "../pitch/framing.ts";

/**
 * Coefficients of the all-pole filter that predicts a frame best, by Burg's method.
 *
 * x[n] is predicted as -(a[1] x[n-1] + ... + a[order] x[n-order]); the sum of the squared errors, forwards and
 * backwards, is least. The filter 1 / A(z) is always stable.
 *
 * @param samples a frame of at least order + 1 samples, windowed by the caller if wanted
 * @param order number of poles, >= 1; two for each formant that is expected
 * @returns Float64Array of shape [order + 1], a[0] = 1; [1, 0, 0, ...] for a frame of zeros
 * @throws AudioError (`parameter`) for an order out of range, (`nonfinite`) for NaN or infinite samples
 *
 * Burg (1967), "Maximum entropy spectral analysis"; gives the values of librosa.lpc and of Praat's LPC (burg), whose
 * coefficients have the opposite sign from the second on.
 *
 * @example
 * const a = lpc(frame, 10); // A(z) = a[0] + a[1] z^-1 + ...
 */
export function lpc(samples: ArrayLike<number>, order: number): Float64Array {
  requireInteger("lpc", "order", order, 1);
  const count = samples.length;
  if (count <= order) {
    throw parameterError("lpc", `expected at least order + 1 = ${order + 1} samples, got ${count}`);
  }
  const forward = Float64Array.from(samples);
  requireFiniteSamples("lpc", forward);
  const backward = forward.slice();
  let a = new Float64Array(order + 1);
  a[0] = 1;
  for (let m = 1; m <= order; m++) {
    // The reflection coefficient that makes the errors of the next order least.
    let product = 0;
    let energy = 0;
    for (let n = m; n < count; n++) {
      product += forward[n]! * backward[n - 1]!;
      energy += forward[n]! ** 2 + backward[n - 1]! ** 2;
    }
    if (energy <= 0) break;
    const reflection = (-2 * product) / energy;
    const next = a.slice();
    for (let i = 1; i <= m; i++) next[i] = a[i]! + reflection * a[m - i]!;
    a = next;
    for (let n = count - 1; n >= m; n--) {
      const ahead = forward[n]!;
      const behind = backward[n - 1]!;
      forward[n] = ahead + reflection * behind;
      backward[n] = behind + reflection * ahead;
    }
  }
  return a;
}
