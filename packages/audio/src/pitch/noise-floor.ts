// What the tracker knows about the surroundings of a block of frames: noise per band, background and loud level.
// Used by pitch-stream.ts; read next: candidates.ts.
import { NOISE_BANDS, SILENCE_DB, type SpectrumFrame, VALLEY_PARTS } from "./spectrum-frames.ts";
import type { TrackerSettings } from "./tracker-settings.ts";

/** Frames looked at per quantile; a longer context is thinned out evenly to at most this many. */
const SAMPLED_FRAMES = 128;

/** Surroundings of a block. */
export interface Context {
  /** Noise power per bin, shape [bins], > 0. */
  readonly noise: Float64Array;
  /** Level at which loudness speaks neither for nor against voicing, dB. */
  readonly referenceLevel: number;
}

/** What the estimate needs to know of the analysis. */
export interface ContextGeometry {
  /** Bins of a power spectrum. */
  readonly bins: number;
  /** Sum of the squared window. */
  readonly windowPower: number;
  /** Half the window, in frames. */
  readonly reach: number;
}

/** Estimates the context from frames first ... last - 1; `frameAt` hands out their analyses. */
export function estimateContext(
  frameAt: (index: number) => SpectrumFrame,
  first: number,
  last: number,
  { bins, windowPower, reach }: ContextGeometry,
  settings: TrackerSettings,
): Context {
  const heard = framesHeard(frameAt, first, last, reach);
  // Without any sound every level is the same, and nothing is compared with it.
  if (heard.length === 0) return { noise: new Float64Array(bins).fill(1e-30), referenceLevel: SILENCE_DB };
  const count = heard.length;
  // Band by band, and the levels behind them.
  const values = new Float64Array((NOISE_BANDS + 1) * count);
  for (let i = 0; i < count; i++) {
    const { bands, level } = heard[i]!;
    for (let band = 0; band < NOISE_BANDS; band++) values[band * count + i] = bands[band]!;
    values[NOISE_BANDS * count + i] = level;
  }
  const row = (band: number) => values.subarray(band * count, (band + 1) * count);
  const floors = new Float64Array(NOISE_BANDS);
  for (let band = 0; band < NOISE_BANDS; band++) {
    // The weakest of several parts lies below the mean of noise by about their number.
    floors[band] = VALLEY_PARTS * quantile(row(band), settings.noiseQuantile);
  }
  const levels = row(NOISE_BANDS);
  const background = quantile(levels, settings.backgroundQuantile);
  const loud = quantile(levels, settings.loudQuantile);
  // 80 dB below the loud frames nothing is heard; digital silence must not make the floor zero.
  const least = 1e-8 * 10 ** (loud / 10) * windowPower;
  return {
    noise: spreadBands(floors, bins, least),
    referenceLevel: Math.max((background + loud) / 2, loud - settings.levelDepth),
  };
}

/**
 * The frames that the context rests on, thinned out. Those that reach into digital silence do not count: how much of it
 * lies around a recording, or between its parts, says nothing about the noise. Short sounds count all the same if
 * there is nothing else.
 */
function framesHeard(
  frameAt: (index: number) => SpectrumFrame,
  first: number,
  last: number,
  reach: number,
): SpectrumFrame[] {
  const stride = Math.max(1, Math.ceil((last - first) / SAMPLED_FRAMES));
  const sounds = (index: number) => frameAt(index).level > SILENCE_DB;
  const sounding: SpectrumFrame[] = [];
  const inside: SpectrumFrame[] = [];
  for (let i = first; i < last; i += stride) {
    if (!sounds(i)) continue;
    sounding.push(frameAt(i));
    if (sounds(Math.max(first, i - reach)) && sounds(Math.min(last - 1, i + reach))) inside.push(frameAt(i));
  }
  return inside.length > 0 ? inside : sounding;
}

/** Band powers to bin powers, linear between the middles of the bands. */
function spreadBands(floors: Float64Array, bins: number, least: number): Float64Array {
  const width = (bins - 1) / NOISE_BANDS;
  const noise = new Float64Array(bins);
  for (let k = 0; k < bins; k++) {
    const at = Math.min(Math.max((k - 0.5) / width - 0.5, 0), NOISE_BANDS - 1);
    const lower = Math.min(Math.floor(at), NOISE_BANDS - 2);
    const part = at - lower;
    noise[k] = floors[lower]! * (1 - part) + floors[lower + 1]! * part + least;
  }
  return noise;
}

/** The value below which a share q of `values` lies (lower rank); reorders `values`. Hoare's selection. */
function quantile(values: Float64Array, q: number): number {
  const rank = Math.min(values.length - 1, Math.floor(values.length * q));
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[rank]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swap = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swap;
    }
    if (j < rank) low = i;
    if (rank < i) high = j;
  }
  return values[rank]!;
}
