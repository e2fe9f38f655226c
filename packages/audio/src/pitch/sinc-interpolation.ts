// Values and maxima between the lags of a correlation, as Praat finds them. Used by autocorrelation-pitch.ts and
// voice/harmonicity.ts.

const GOLDEN = (3 - Math.sqrt(5)) / 2;

/**
 * Sinc interpolation under raised cosines of an even curve that is known at lags 0 ... length - 1.
 *
 * `depth` values on each side count; near the end of the curve fewer.
 */
export function interpolateEven(curve: Float64Array, position: number, depth: number): number {
  const base = Math.floor(position);
  const part = position - base;
  if (part === 0) return curve[Math.abs(base)]!;
  const last = curve.length - 1;
  const reach = Math.min(depth, base + last + 1, last - base);
  if (reach < 1) return curve[Math.abs(Math.round(position))]!;
  // The sine of the sinc is the same at every value but for its sign.
  let sine = 0.5 * Math.sin(Math.PI * part);
  let sum = 0;
  for (let i = 0, x = Math.PI * part; i < reach; i++, x += Math.PI, sine = -sine) {
    sum += (sine / x) * (1 + Math.cos(x / (part + reach))) * curve[Math.abs(base - i)]!;
  }
  sine = 0.5 * Math.sin(Math.PI * (1 - part));
  for (let i = 1, x = Math.PI * (1 - part); i <= reach; i++, x += Math.PI, sine = -sine) {
    sum += (sine / x) * (1 + Math.cos(x / (reach + 1 - part))) * curve[Math.abs(base + i)]!;
  }
  return sum;
}

/**
 * Place and height of the maximum of `interpolateEven` within a lag of the whole lag `near`, by Brent's method:
 * parabolas, and golden sections where these lead nowhere ("Algorithms for minimization without derivatives", 1973).
 */
export function maximumNear(
  curve: Float64Array,
  near: number,
  depth: number,
): { lag: number; value: number } {
  const at = (position: number) => interpolateEven(curve, position, depth);
  let low = near - 1;
  let high = near + 1;
  let best = low + GOLDEN * (high - low);
  let second = best;
  let third = best;
  let atBest = at(best);
  let atSecond = atBest;
  let atThird = atBest;
  let step = 0;
  let before = 0;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    const least = 1e-9 * Math.abs(best) + 1e-10;
    if (Math.abs(best - middle) <= 2 * least - (high - low) / 2) break;
    const r = (best - second) * (atBest - atThird);
    const q = (best - third) * (atBest - atSecond);
    const denominator = 2 * (q - r);
    const parabola = denominator === 0 ? 0 : ((best - third) * q - (best - second) * r) / -denominator;
    const inside = best + parabola > low + 2 * least && best + parabola < high - 2 * least;
    if (parabola !== 0 && inside && Math.abs(parabola) < Math.abs(before) / 2) {
      before = step;
      step = parabola;
    } else {
      before = best < middle ? high - best : low - best;
      step = GOLDEN * before;
    }
    if (Math.abs(step) < least) step = step < 0 ? -least : least;
    const next = best + step;
    const atNext = at(next);
    if (atNext >= atBest) {
      if (next < best) high = best;
      else low = best;
      [third, second, best] = [second, best, next];
      [atThird, atSecond, atBest] = [atSecond, atBest, atNext];
      continue;
    }
    if (next < best) low = next;
    else high = next;
    if (atNext >= atSecond || second === best) {
      [third, second] = [second, next];
      [atThird, atSecond] = [atSecond, atNext];
    } else if (atNext >= atThird || third === best || third === second) {
      third = next;
      atThird = atNext;
    }
  }
  return { lag: best, value: atBest };
}
