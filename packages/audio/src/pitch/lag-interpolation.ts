// Between the lags of an autocorrelation: interpolated maxima, sharper periods, how long a periodicity lasts.
// Used by candidates.ts.

/**
 * Samples of the sinc interpolation on each side of a maximum. Few samples underrate the sharp maxima of strong high
 * harmonics, the more the shorter the lag, so that a multiple of the period wins.
 */
export const SINC_REACH: number = 16;
/** Lags beyond the longest period that the search looks at. */
export const LAG_MARGIN: number = SINC_REACH + 4;
/** The curve is interpolated at multiples of one lag divided by this. */
export const FRACTIONS: number = 32;
/** Step, in FRACTIONS of a lag, of the parabola laid through interpolated points. */
const PARABOLA_STEP = 13;

/** Lower maxima than this never win, and stay where the parabola through the whole lags put them. */
const REFINED_FROM = 0.25;

/** Periods looked at to sharpen the lag, and how high their maxima must be relative to the first. */
const MULTIPLES = 6;
const MULTIPLE_HEIGHT = 0.7;

/** Vertex of the sinc-interpolated curve near `start`, which counts FRACTIONS of a lag. */
export function refineMaximum(extended: Float64Array, start: number): { lag: number; value: number } {
  const middle = interpolate(extended, start);
  if (middle < REFINED_FROM) return { lag: start / FRACTIONS, value: middle };
  const left = interpolate(extended, start - PARABOLA_STEP);
  const right = interpolate(extended, start + PARABOLA_STEP);
  const shift = Math.min(1, Math.max(-1, vertex(left, middle, right)));
  return {
    lag: (start + shift * PARABOLA_STEP) / FRACTIONS,
    value: middle - 0.25 * (left - right) * shift,
  };
}

/**
 * The period again from the maxima at its multiples: an error of the maximum at m periods counts only 1 / m.
 * Stops where the maxima fade, at the end of the lags, or where there is none at the expected place.
 */
export function sharpenByMultiples(curve: Float64Array, lag: number, value: number, maxLag: number): number {
  let period = lag;
  for (let m = 2; m <= MULTIPLES && m * period < maxLag; m++) {
    let k = Math.round(m * period);
    if (curve[k + 1]! > curve[k]!) k++;
    else if (curve[k - 1]! > curve[k]!) k--;
    const height = curve[k]!;
    if (height < MULTIPLE_HEIGHT * value || height < curve[k - 1]! || height < curve[k + 1]!) break;
    period = (k + vertex(curve[k - 1]!, height, curve[k + 1]!)) / m;
  }
  return period;
}

/** Interpolation and window correction may overshoot 1, the more the less there is to trust. */
export function foldAboveOne(height: number): number {
  return height > 1 ? 1 / height : height;
}

/**
 * How far the mean height at the multiples of a period, up to a lag, lies below that at the period itself; at least 0.
 * Noise through a resonance resembles itself after a few milliseconds, but no longer after ten.
 */
export function periodicityDecay(
  extended: Float64Array,
  period: number,
  height: number,
  maxLag: number,
): number {
  let sum = 0;
  let count = 0;
  for (let lag = 2 * period; lag <= maxLag; lag += period) {
    sum += foldAboveOne(interpolate(extended, Math.round(FRACTIONS * lag)));
    count++;
  }
  return count > 0 ? Math.max(0, height - sum / count) : 0;
}

/** Position of the vertex of a parabola through three equally spaced points, in steps from the middle one. */
export function vertex(left: number, middle: number, right: number): number {
  const curvature = left - 2 * middle + right;
  return curvature < 0 ? (0.5 * (left - right)) / curvature : 0;
}

/**
 * Weights of the windowed sinc at the fractions 0, 1 / FRACTIONS ... of a lag, 2 SINC_REACH for each, of sum 1:
 * the sum removes the ripple of the truncated sinc, which would pull the vertex of broad maxima.
 */
const TAPS: Float64Array = sincTaps();

function sincTaps(): Float64Array {
  const width = 2 * SINC_REACH;
  const taps = new Float64Array(FRACTIONS * width);
  taps[SINC_REACH - 1] = 1;
  for (let fraction = 1; fraction < FRACTIONS; fraction++) {
    const row = taps.subarray(fraction * width, (fraction + 1) * width);
    let sum = 0;
    for (let i = 0; i < width; i++) {
      const x = Math.PI * (fraction / FRACTIONS - (i + 1 - SINC_REACH));
      row[i] = (Math.sin(x) / x) * (1 + Math.cos(x / SINC_REACH));
      sum += row[i]!;
    }
    for (let i = 0; i < width; i++) row[i] = row[i]! / sum;
  }
  return taps;
}

/** Windowed sinc interpolation at a position counted in FRACTIONS of a lag; `extended` begins at lag -SINC_REACH. */
function interpolate(extended: Float64Array, position: number): number {
  const base = Math.floor(position / FRACTIONS);
  const width = 2 * SINC_REACH;
  const row = (position - base * FRACTIONS) * width;
  // The first tap belongs to lag base + 1 - SINC_REACH.
  let sum = 0;
  for (let i = 0, k = base + 1; i < width; i++, k++) sum += TAPS[row + i]! * extended[k]!;
  return sum;
}
