// Jitter and shimmer: how much the periods and the amplitudes of a voice vary from one to the next.
// Read before: glottal-pulses.ts.
import { parameterError, requirePositive } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { requireFiniteSamples } from "../pitch/framing.ts";
import { monoOf, type Signal } from "../signal.ts";

/** Which periods count. */
export interface PeriodOptions {
  /** Shortest period that counts, seconds, default 0.0001. */
  readonly shortestPeriod?: number | undefined;
  /** Longest period that counts, seconds, default 0.02. */
  readonly longestPeriod?: number | undefined;
  /** Neighbouring periods that differ by more than this factor do not count, default 1.3. */
  readonly maximumPeriodFactor?: number | undefined;
}

/** Options of `shimmer`. */
export interface ShimmerOptions extends PeriodOptions {
  /** Samples per second, Hz. */
  readonly sampleRate: number;
  /** Neighbouring amplitudes that differ by more than this factor do not count, default 1.6. */
  readonly maximumAmplitudeFactor?: number | undefined;
}

const PERIOD_KEYS: OptionKeys<PeriodOptions> = {
  shortestPeriod: true,
  longestPeriod: true,
  maximumPeriodFactor: true,
};

const SHIMMER_KEYS: OptionKeys<ShimmerOptions> = {
  ...PERIOD_KEYS,
  sampleRate: true,
  maximumAmplitudeFactor: true,
};

/** Variation of the periods; NaN where there are too few. Shares of the mean period, not percent. */
export interface Jitter {
  /** Mean difference of neighbouring periods, over the mean period. */
  readonly local: number;
  /** The same in seconds. */
  readonly localAbsolute: number;
  /** Mean difference between a period and the mean of it and its two neighbours, over the mean period. */
  readonly rap: number;
  /** The same with four neighbours. */
  readonly ppq5: number;
  /** Mean difference of the differences of neighbouring periods, over the mean period: three times `rap`. */
  readonly ddp: number;
}

/** Variation of the amplitudes; NaN where there are too few. Shares of the mean amplitude, not percent. */
export interface Shimmer {
  /** Mean difference of neighbouring amplitudes, over the mean amplitude. */
  readonly local: number;
  /** Mean distance of neighbouring amplitudes in dB. */
  readonly localDb: number;
  /** Mean difference between an amplitude and the mean of it and its two neighbours, over the mean amplitude. */
  readonly apq3: number;
  /** The same with four neighbours. */
  readonly apq5: number;
  /** The same with ten neighbours. */
  readonly apq11: number;
  /** Mean difference of the differences of neighbouring amplitudes: three times `apq3`. */
  readonly dda: number;
}

interface Limits {
  readonly shortest: number;
  readonly longest: number;
  readonly factor: number;
}

/**
 * Jitter of a voice from the times of its glottal pulses.
 *
 * @param pulses seconds, rising (`glottalPulses`)
 * @returns five measures; healthy sustained vowels have a `local` below about 0.01
 * @throws AudioError (`parameter`) for options out of range
 *
 * The definitions are those of Praat's "PointProcess: Get jitter (local)...", (rap), (ppq5), (ddp): a pair or a run of
 * periods counts when all are within the limits and no two neighbours differ by more than the factor.
 *
 * @example
 * const { local } = jitter(glottalPulses(vowel, { sampleRate, track }));
 */
export function jitter(pulses: ArrayLike<number>, options: PeriodOptions = {}): Jitter {
  checkOptions("jitter", options, PERIOD_KEYS);
  const limits = limitsOf("jitter", options);
  const periods = Float64Array.from(
    { length: Math.max(0, pulses.length - 1) },
    (_, i) => pulses[i + 1]! - pulses[i]!,
  );
  const mean = meanPeriod(periods, limits);
  const localAbsolute = meanDeviation(periods, 2, limits);
  const rap = meanDeviation(periods, 3, limits) / mean;
  return {
    local: localAbsolute / mean,
    localAbsolute,
    rap,
    ppq5: meanDeviation(periods, 5, limits) / mean,
    ddp: 3 * rap,
  };
}

/**
 * Shimmer of a voice: the amplitude of a period is the root mean square around its pulse under a Hann window that
 * reaches 0.2 periods to both sides.
 *
 * @param signal mono: shape [n] or [1, n]
 * @param pulses seconds, rising (`glottalPulses`)
 * @returns six measures; healthy sustained vowels have a `local` below about 0.04
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * The definitions are those of Praat's "Sound & PointProcess: Get shimmer (local)...", (local_dB), (apq3), (apq5),
 * (apq11), (dda).
 *
 * @example
 * const { local, localDb } = shimmer(vowel, pulses, { sampleRate: 16000 });
 */
export function shimmer(signal: Signal, pulses: ArrayLike<number>, options: ShimmerOptions): Shimmer {
  checkOptions("shimmer", options, SHIMMER_KEYS);
  const sampleRate = requirePositive("shimmer", "sampleRate", options.sampleRate);
  const limits = limitsOf("shimmer", options);
  const factor = requireFactor("shimmer", "maximumAmplitudeFactor", options.maximumAmplitudeFactor ?? 1.6);
  const samples = monoOf("shimmer", signal);
  requireFiniteSamples("shimmer", samples);
  const times: number[] = [];
  const amplitudes: number[] = [];
  for (let i = 1; i + 1 < pulses.length; i++) {
    const before = pulses[i]! - pulses[i - 1]!;
    const after = pulses[i + 1]! - pulses[i]!;
    if (!countable([before, after], limits)) continue;
    const amplitude = windowedRms(samples, sampleRate, pulses[i]!, 0.2 * before, 0.2 * after);
    if (!(amplitude > 0)) continue;
    times.push(pulses[i]!);
    amplitudes.push(amplitude);
  }
  // Runs of amplitudes whose pulses follow each other within the limits and whose neighbours are alike.
  const runs = (length: number): number[][] => {
    const found: number[][] = [];
    for (let i = 0; i + length <= amplitudes.length; i++) {
      const run = amplitudes.slice(i, i + length);
      const apart = times.slice(i, i + length - 1).map((time, k) => times[i + k + 1]! - time);
      if (apart.every((gap) => gap >= limits.shortest && gap <= limits.longest) && alike(run, factor))
        found.push(run);
    }
    return found;
  };
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  // Praat's scale leaves out the last amplitude, which often belongs to a voice that fades.
  const scale = mean(amplitudes.slice(0, -1));
  const deviation = (length: number) => mean(runs(length).map(deviationOf)) / scale;
  const apq3 = deviation(3);
  return {
    local: deviation(2),
    localDb: mean(runs(2).map(([a, b]) => Math.abs(20 * Math.log10(a! / b!)))),
    apq3,
    apq5: deviation(5),
    apq11: deviation(11),
    dda: 3 * apq3,
  };
}

/** Of two values their difference; of 3, 5 ... that of the middle one from the mean of all. */
function deviationOf(run: ArrayLike<number>): number {
  if (run.length === 2) return Math.abs(run[0]! - run[1]!);
  let sum = 0;
  for (let i = 0; i < run.length; i++) sum += run[i]!;
  return Math.abs(run[(run.length - 1) / 2]! - sum / run.length);
}

/** Mean of `deviationOf` over all runs of neighbouring periods that count; NaN without any. */
function meanDeviation(periods: Float64Array, length: number, limits: Limits): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i + length <= periods.length; i++) {
    const run = periods.subarray(i, i + length);
    if (!countable(run, limits)) continue;
    sum += deviationOf(run);
    count++;
  }
  return count > 0 ? sum / count : Number.NaN;
}

/** Mean of the periods within the limits, but for those that are like neither of two neighbours; NaN without any. */
function meanPeriod(periods: Float64Array, { shortest, longest, factor }: Limits): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < periods.length; i++) {
    if (!(periods[i]! >= shortest && periods[i]! <= longest)) continue;
    const inside = i > 0 && i + 1 < periods.length;
    if (
      inside &&
      !alike(periods.subarray(i - 1, i + 1), factor) &&
      !alike(periods.subarray(i, i + 2), factor)
    )
      continue;
    sum += periods[i]!;
    count++;
  }
  return count > 0 ? sum / count : Number.NaN;
}

function countable(periods: ArrayLike<number>, { shortest, longest, factor }: Limits): boolean {
  for (let i = 0; i < periods.length; i++)
    if (!(periods[i]! >= shortest && periods[i]! <= longest)) return false;
  return alike(periods, factor);
}

/** No two neighbours differ by more than `factor`. */
function alike(values: ArrayLike<number>, factor: number): boolean {
  for (let i = 1; i < values.length; i++) {
    if (values[i]! > factor * values[i - 1]! || values[i - 1]! > factor * values[i]!) return false;
  }
  return true;
}

/** Root mean square under a Hann window around `time` with a width for each side, all in seconds. */
function windowedRms(samples: Float32Array, rate: number, time: number, left: number, right: number): number {
  let power = 0;
  let weight = 0;
  const first = Math.max(0, Math.ceil((time - left) * rate));
  const last = Math.min(samples.length - 1, Math.floor((time + right) * rate));
  for (let n = first; n <= last; n++) {
    const offset = n / rate - time;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * offset) / (offset < 0 ? left : right));
    power += (samples[n]! * window) ** 2;
    weight += window * window;
  }
  return weight > 0 ? Math.sqrt(power / weight) : 0;
}

function limitsOf(operation: string, options: PeriodOptions): Limits {
  const shortest = requirePositive(operation, "shortestPeriod", options.shortestPeriod ?? 0.0001);
  const longest = requirePositive(operation, "longestPeriod", options.longestPeriod ?? 0.02);
  if (longest <= shortest) {
    throw parameterError(
      operation,
      `longestPeriod must be above shortestPeriod, got ${longest} s and ${shortest} s`,
    );
  }
  const factor = requireFactor(operation, "maximumPeriodFactor", options.maximumPeriodFactor ?? 1.3);
  return { shortest, longest, factor };
}

function requireFactor(operation: string, name: string, value: number): number {
  if (Number.isFinite(value) && value >= 1) return value;
  throw parameterError(operation, `${name} must be a finite number >= 1, got ${value}`);
}
