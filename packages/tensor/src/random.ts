// Named, reproducible random streams on Alea (seedrandom). Every random draw of the project comes from here:
// one stream per purpose, so that a new layer or a new stage does not reshuffle the draws of the others.
// Initialisers and dropout build on it.
import seedrandom from "seedrandom";
import { wrongArgument } from "./arguments.ts";

/** The complete state of a {@link RandomStream}: plain JSON that restores the stream exactly. */
export interface RandomState {
  /** The stream's path `seed/name`, checked on restore. */
  readonly path: string;
  /** The registers of the Alea generator. */
  readonly alea: { readonly c: number; readonly s0: number; readonly s1: number; readonly s2: number };
  /** The second normal deviate of the last pair, when it is still unused. */
  readonly spare: number | null;
}

/** Typed arrays that real-valued draws can fill. */
export type FloatArray = Float32Array | Float64Array;

/** Typed arrays that 0/1 draws can fill. */
export type MaskArray = FloatArray | Int32Array | Uint8Array;

const TWO_TO_32 = 2 ** 32;

/**
 * A reproducible sequence of random draws; make one with {@link stream}.
 *
 * The same path gives the same bits on every machine whose `Math.log`, `Math.sqrt` and `Math.exp` agree to the
 * last bit (all engines built on V8 do); draws that use none of these (`next`, `uniform`, `bernoulli`,
 * `integer`, `permutation`) agree everywhere.
 */
export class RandomStream {
  /** `seed/name`, the seed in quotes where it holds a slash itself: what the sequence depends on, and nothing else. */
  readonly path: string;
  #alea: seedrandom.StatefulPRNG<seedrandom.State.Alea>;
  #spare: number | null = null;

  /** Use {@link stream}; `path` is the text that seeds the generator. */
  constructor(path: string) {
    this.path = path;
    this.#alea = seedrandom.alea(path, { state: true });
  }

  /**
   * A stream of its own below this one; it depends on the path only, not on the draws made so far.
   *
   * @param name appended to the path: `stream(7, "init").child("query")` equals `stream(7, "init/query")`.
   */
  child(name: string): RandomStream {
    return new RandomStream(joinPath("child", this.path, name));
  }

  /** One number in [0, 1) with 53 random bits. */
  next(): number {
    return this.#alea.double();
  }

  /**
   * One number uniform in [low, high).
   *
   * @param low inclusive, default 0. @param high exclusive, > low, default 1.
   * @throws RangeError when the bounds are not finite or not in order.
   */
  uniform(low = 0, high = 1): number {
    checkInterval("uniform", low, high);
    return this.#uniform(low, high, high);
  }

  /**
   * One normal deviate, by Marsaglia's polar method (SIAM Review 6, 1964): a point drawn in the unit disc gives
   * two independent deviates; the second is kept for the next call and is part of {@link state}.
   *
   * @param mean default 0. @param std standard deviation, >= 0, default 1.
   * @throws RangeError when mean or std is not finite or std is negative.
   */
  normal(mean = 0, std = 1): number {
    checkNormal("normal", mean, std);
    return mean + std * this.#standardNormal();
  }

  /**
   * One normal deviate conditioned on lying in [low, high], exactly, by rejection: normal proposals for wide
   * intervals, exponential ones in the tails, uniform ones for narrow intervals (Robert, Statistics and
   * Computing 5, 1995). Bounds are values, not numbers of deviations, as in PyTorch's `trunc_normal_`.
   *
   * @param mean default 0. @param std > 0, default 1. @param low default -2. @param high >= low, default 2.
   * @throws RangeError for bounds or parameters that are not finite or not in order.
   */
  truncatedNormal(mean = 0, std = 1, low = -2, high = 2): number {
    checkTruncated("truncatedNormal", mean, std, low, high);
    return this.#truncated(mean, std, low, high);
  }

  /**
   * True with probability p.
   *
   * @param p in [0, 1].
   * @throws RangeError when p is outside [0, 1].
   */
  bernoulli(p: number): boolean {
    checkProbability("bernoulli", p);
    return this.#alea.quick() < p;
  }

  /**
   * One integer uniform in [low, high), without bias (draws from the incomplete last block are repeated).
   *
   * @param low inclusive. @param high exclusive; `high - low` is at most 2^32.
   * @throws RangeError when the bounds are not safe integers or the range is empty or too wide.
   */
  integer(low: number, high: number): number {
    const range = high - low;
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || range < 1 || range > TWO_TO_32)
      throw new RangeError(
        `integer: expected integers low < high <= low + 2^32, got low ${low}, high ${high}`,
      );
    const limit = TWO_TO_32 - (TWO_TO_32 % range);
    let draw = this.#alea.quick() * TWO_TO_32;
    while (draw >= limit) draw = this.#alea.quick() * TWO_TO_32;
    return low + (draw % range);
  }

  /**
   * The integers 0 ... n-1 in random order (Fisher-Yates, from the back).
   *
   * @param n length of the result, >= 0.
   * @throws RangeError when n is not an integer in [0, 2^31).
   */
  permutation(n: number): Int32Array {
    if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31)
      throw new RangeError(`permutation: expected an integer n in [0, 2^31), got ${n}`);
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      const moved = order[i]!;
      order[i] = order[j]!;
      order[j] = moved;
    }
    return order;
  }

  /** Fill `out` with draws of {@link uniform}; also after rounding to float32 every value is below `high`. */
  fillUniform<T extends FloatArray>(out: T, low = 0, high = 1): T {
    checkInterval("fillUniform", low, high);
    if (out instanceof Float32Array) {
      // The nearest float32 of a number just below `high` can be `high` itself: compare after rounding.
      for (let i = 0; i < out.length; i++) {
        const value = Math.fround(low + (high - low) * this.next());
        out[i] = value < high ? value : low;
      }
    } else {
      for (let i = 0; i < out.length; i++) out[i] = this.#uniform(low, high, high);
    }
    return out;
  }

  /** Fill `out` with draws of {@link normal}. */
  fillNormal<T extends FloatArray>(out: T, mean = 0, std = 1): T {
    checkNormal("fillNormal", mean, std);
    for (let i = 0; i < out.length; i++) out[i] = mean + std * this.#standardNormal();
    return out;
  }

  /** Fill `out` with draws of {@link truncatedNormal}. */
  fillTruncatedNormal<T extends FloatArray>(out: T, mean = 0, std = 1, low = -2, high = 2): T {
    checkTruncated("fillTruncatedNormal", mean, std, low, high);
    for (let i = 0; i < out.length; i++) out[i] = this.#truncated(mean, std, low, high);
    return out;
  }

  /** Fill `out` with draws of {@link bernoulli}, as 0 and 1. */
  fillBernoulli<T extends MaskArray>(out: T, p: number): T {
    checkProbability("fillBernoulli", p);
    for (let i = 0; i < out.length; i++) out[i] = this.#alea.quick() < p ? 1 : 0;
    return out;
  }

  /** Fill `out` with draws of {@link integer}. */
  fillInteger<T extends Int32Array | FloatArray>(out: T, low: number, high: number): T {
    for (let i = 0; i < out.length; i++) out[i] = this.integer(low, high);
    return out;
  }

  /** The present state, for a checkpoint: `JSON.parse(JSON.stringify(state))` restores bit for bit. */
  state(): RandomState {
    return { path: this.path, alea: this.#alea.state(), spare: this.#spare };
  }

  /**
   * Continue from a saved state, as if the draws since then had not been made.
   *
   * @throws RangeError when the state is damaged or belongs to a stream of another path.
   */
  restore(state: RandomState): void {
    const { path, alea, spare } = state;
    if (path !== this.path)
      throw new RangeError(`restore: the state belongs to the stream "${path}", this one is "${this.path}"`);
    const { c, s0, s1, s2 } = alea;
    const inUnit = [s0, s1, s2].every((s) => typeof s === "number" && s >= 0 && s < 1);
    if (!inUnit || !Number.isInteger(c) || c < 0 || !(spare === null || Number.isFinite(spare)))
      throw new RangeError(`restore: damaged state of the stream "${path}": ${JSON.stringify(state)}`);
    this.#alea = seedrandom.alea(path, { state: { c, s0, s1, s2 } });
    this.#spare = spare;
  }

  #uniform(low: number, high: number, limit: number): number {
    const value = low + (high - low) * this.next();
    return value < limit ? value : low;
  }

  #standardNormal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * this.next() - 1;
      y = 2 * this.next() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spare = y * scale;
    return x * scale;
  }

  #truncated(mean: number, std: number, low: number, high: number): number {
    const a = (low - mean) / std;
    const b = (high - mean) / std;
    // That far out the deviate equals the nearer bound to the last bit of a double.
    if (a > 1e8) return low;
    if (b < -1e8) return high;
    const z = b < 0 ? -this.#truncatedStandard(-b, -a) : this.#truncatedStandard(a, b);
    // Scaling back can leave the interval by one rounding step.
    return Math.min(Math.max(mean + std * z, low), high);
  }

  /** A standard normal deviate in [a, b], b >= 0; every branch accepts more than one proposal in three. */
  #truncatedStandard(a: number, b: number): number {
    if (a <= 0 && b - a > 2.5) {
      for (;;) {
        const z = this.#standardNormal();
        if (z >= a && z <= b) return z;
      }
    }
    const rate = (a + Math.sqrt(a * a + 4)) / 2;
    if (a > 0 && (b - a) * rate > 1) {
      for (;;) {
        const z = a - Math.log(1 - this.next()) / rate;
        if (z <= b && this.next() < Math.exp((-(z - rate) * (z - rate)) / 2)) return z;
      }
    }
    const nearest = Math.max(a, 0);
    for (;;) {
      const z = a + (b - a) * this.next();
      if (this.next() < Math.exp(((nearest - z) * (nearest + z)) / 2)) return z;
    }
  }
}

/**
 * The random stream of this seed and name. Streams of different seeds or names are independent; the same pair
 * always gives the same draws.
 *
 * @param seed any text or finite number; `7` and `"7"` are the same seed.
 * @param name what the draws are for, such as `init/encoder.0.query`, `dropout`, `shuffle`; not empty.
 * @throws RangeError for an empty name or a number that is not finite; ArgumentError for another kind of seed.
 * @example
 * stream(7, "shuffle").permutation(5) // the same order in every run
 */
export function stream(seed: string | number, name: string): RandomStream {
  if (typeof seed === "number" && !Number.isFinite(seed))
    throw new RangeError(`stream: expected a finite number or a text as seed, got ${seed}`);
  if (typeof seed !== "number" && typeof seed !== "string")
    throw wrongArgument("stream", "seed", "a finite number or a text", seed);
  return new RandomStream(joinPath("stream", seedText(String(seed)), name));
}

/**
 * The seed as the head of a path. The first slash behind it must be the one that ends it, so a text with a slash
 * in it is quoted, and so is one that could be taken for a quoted text: "7/1" with the name "x" is another
 * stream than 7 with the name "1/x".
 */
function seedText(seed: string): string {
  return seed.includes("/") || seed.startsWith('"') ? JSON.stringify(seed) : seed;
}

function joinPath(op: string, path: string, name: string): string {
  if (typeof name !== "string") throw new TypeError(`${op}: expected a name such as "dropout", got ${name}`);
  if (name === "") throw new RangeError(`${op}: expected a name such as "dropout", got an empty one`);
  return `${path}/${name}`;
}

function checkInterval(op: string, low: number, high: number): void {
  if (!(low < high) || !Number.isFinite(high - low))
    throw new RangeError(`${op}: expected finite bounds low < high, got low ${low}, high ${high}`);
}

function checkNormal(op: string, mean: number, std: number): void {
  if (!Number.isFinite(mean) || !Number.isFinite(std) || std < 0)
    throw new RangeError(`${op}: expected a finite mean and std >= 0, got mean ${mean}, std ${std}`);
}

function checkTruncated(op: string, mean: number, std: number, low: number, high: number): void {
  checkNormal(op, mean, std);
  if (std === 0) throw new RangeError(`${op}: expected std > 0, got 0`);
  if (!(low <= high) || !Number.isFinite(high - low))
    throw new RangeError(`${op}: expected finite bounds low <= high, got low ${low}, high ${high}`);
}

function checkProbability(op: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${op}: expected a probability in [0, 1], got ${p}`);
}
