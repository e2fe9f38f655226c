// argsort by sorting keys: each element becomes one or two int32 words whose order is that of the elements, a radix sort
// then moves positions by eight bits of a word at a time, the lowest first. Stable, as the reference kernel, which
// compares elements. Short lines are sorted by insertion. Where only the first few are wanted, those that can be among them are
// picked first. Read next: indexing.ts.

import type { Kernel, Kernels } from "../../backend.ts";
import { sizeOf } from "../../shape.ts";
import { getEngine } from "./engine.ts";
import { addressOf, around } from "./operands.ts";
import { inWorkspace } from "./workspace.ts";

const DIGIT = 8;
const BUCKETS = 1 << DIGIT;
const DIGITS = 32 / DIGIT;
/** The upper bits by which candidates are picked. */
const PICKED_BITS = 11;
const INSERTION_UP_TO = 48;
const EMPTY = new Int32Array(0);
const LOWEST = -(2 ** 31);
const HIGHEST = 2 ** 31 - 1;
const INFINITY_32 = 0x7f800000;
const INFINITY_64 = 0x7ff00000;

/** Keys of one line; `low` is empty where one word tells the order. Compared as int32, `high` first. */
class Keys {
  readonly high: Int32Array;
  readonly low: Int32Array;
  private readonly counts = new Int32Array(DIGITS * BUCKETS);
  // A word and the position it belongs to travel together: reading words by position would miss the cache each time.
  private words: [Int32Array, Int32Array] = [EMPTY, EMPTY];
  private places: [Int32Array, Int32Array] = [EMPTY, EMPTY];

  constructor(size: number, words: 1 | 2) {
    this.high = new Int32Array(size);
    this.low = new Int32Array(words === 2 ? size : 0);
  }

  /** True if the element at i comes after the one at j. */
  private after(i: number, j: number): boolean {
    const { high, low } = this;
    if (high[i] !== high[j]) return high[i]! > high[j]!;
    return low.length > 0 && low[i]! > low[j]!;
  }

  /** Sorts positions. */
  sort(order: Int32Array): void {
    const { high, low } = this;
    if (order.length <= INSERTION_UP_TO) {
      this.byInsertion(order, 0, order.length);
      return;
    }
    this.byRadix(high, order, 0, order.length);
    if (low.length === 0) return;
    // Elements whose upper words are equal.
    for (let start = 0, end = 1; start < order.length; start = end, end = start + 1) {
      let sorted = true;
      while (end < order.length && high[order[end]!] === high[order[start]!]) {
        sorted = sorted && low[order[end]!]! >= low[order[end - 1]!]!;
        end++;
      }
      if (sorted) continue;
      if (end - start <= INSERTION_UP_TO) this.byInsertion(order, start, end);
      else this.byRadix(low, order, start, end);
    }
  }

  private byInsertion(order: Int32Array, start: number, end: number): void {
    for (let i = start + 1; i < end; i++) {
      const moving = order[i]!;
      let k = i;
      for (; k > start && this.after(order[k - 1]!, moving); k--) order[k] = order[k - 1]!;
      order[k] = moving;
    }
  }

  /** Sorts the positions order[start, end) by one word, digit by digit from the lowest. */
  private byRadix(word: Int32Array, order: Int32Array, start: number, end: number): void {
    const { counts } = this;
    const n = end - start;
    if (this.words[0].length < n) {
      this.words = [new Int32Array(n), new Int32Array(n)];
      this.places = [new Int32Array(n), new Int32Array(n)];
    }
    let [fromWord, toWord] = this.words;
    let [fromPlace, toPlace] = this.places;
    counts.fill(0);
    for (let i = 0; i < n; i++) {
      const place = order[start + i]!;
      const value = word[place]! ^ LOWEST; // in the order of unsigned integers
      fromPlace[i] = place;
      fromWord[i] = value;
      for (let d = 0; d < DIGITS; d++) {
        const at = d * BUCKETS + ((value >>> (d * DIGIT)) & (BUCKETS - 1));
        counts[at] = counts[at]! + 1;
      }
    }
    for (let d = 0; d < DIGITS; d++) {
      const base = d * BUCKETS;
      const shift = d * DIGIT;
      if (counts[base + ((fromWord[0]! >>> shift) & (BUCKETS - 1))] === n) continue;
      for (let i = base, next = 0; i < base + BUCKETS; i++) {
        const count = counts[i]!;
        counts[i] = next;
        next += count;
      }
      for (let i = 0; i < n; i++) {
        const value = fromWord[i]!;
        const at = base + ((value >>> shift) & (BUCKETS - 1));
        const to = counts[at]!;
        counts[at] = to + 1;
        toWord[to] = value;
        toPlace[to] = fromPlace[i]!;
      }
      [fromWord, toWord] = [toWord, fromWord];
      [fromPlace, toPlace] = [toPlace, fromPlace];
    }
    order.set(n === fromPlace.length ? fromPlace : fromPlace.subarray(0, n), start);
  }

  /** Positions of the elements that can be among the first `count`, in order of position. */
  candidates(count: number): Int32Array {
    const { high } = this;
    const shift = 32 - PICKED_BITS;
    const counts = new Int32Array(1 << PICKED_BITS);
    for (let i = 0; i < high.length; i++) {
      const at = (high[i]! ^ LOWEST) >>> shift;
      counts[at] = counts[at]! + 1;
    }
    let last = 0;
    let total = counts[0]!;
    while (total < count) total += counts[++last]!;
    const picked = new Int32Array(total);
    for (let i = 0, next = 0; next < total; i++) {
      if ((high[i]! ^ LOWEST) >>> shift <= last) picked[next++] = i;
    }
    return picked;
  }
}

/** Keys of n floats from their bits, `step` apart: 0 and -0 are equal, NaN is `nan` whatever the direction. */
function keysOfFloats(
  keys: Keys,
  bits: Int32Array,
  at: number,
  step: number,
  flip: number,
  nan: number,
): void {
  const { high } = keys;
  for (let i = 0, p = at; i < high.length; i++, p += step) {
    const b = bits[p]!;
    const size = b & HIGHEST;
    if (size > INFINITY_32) high[i] = nan;
    else high[i] = (size === 0 ? 0 : b < 0 ? b ^ HIGHEST : b) ^ flip;
  }
}

/** The same of float64 in two words, the lower half first in memory. */
function keysOfDoubles(
  keys: Keys,
  bits: Int32Array,
  at: number,
  step: number,
  flip: number,
  nan: number,
): void {
  const { high, low } = keys;
  for (let i = 0, p = at; i < high.length; i++, p += 2 * step) {
    const b = bits[p + 1]!;
    const rest = bits[p]!;
    const size = b & HIGHEST;
    if (size > INFINITY_64 || (size === INFINITY_64 && rest !== 0)) {
      high[i] = nan;
      low[i] = nan;
    } else if (size === 0 && rest === 0) {
      high[i] = flip;
      low[i] = LOWEST ^ flip;
    } else {
      high[i] = (b < 0 ? b ^ HIGHEST : b) ^ flip;
      low[i] = (b < 0 ? ~rest : rest) ^ LOWEST ^ flip;
    }
  }
}

/** Keys of integers. */
function keysOfIntegers(
  keys: Keys,
  values: Int32Array | Uint8Array,
  at: number,
  step: number,
  flip: number,
): void {
  const { high } = keys;
  for (let i = 0, p = at; i < high.length; i++, p += step) high[i] = values[p]! ^ flip;
}

const argsort: Kernel<"argsort"> = (out, [x], { axis, descending, nanFirst, count }) => {
  if (sizeOf(x!.shape) === 0) return true;
  const { dtype } = x!.storage;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const from = workspace.dense(x!);
    const to = addressOf(out) / 4;
    const [outer, size, inner] = around(x!.shape, axis);
    const { int32, uint8 } = engine.arena;
    const keys = new Keys(size, dtype === "float64" ? 2 : 1);
    const all = size <= INSERTION_UP_TO || count * 4 > size;
    const counting = new Int32Array(all ? size : 0);
    for (let i = 0; i < counting.length; i++) counting[i] = i;
    // A key is never turned into that of NaN: the keys of the infinities are neither the lowest nor the highest.
    const flip = descending ? -1 : 0;
    const nan = nanFirst ? LOWEST : HIGHEST;
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < inner; j++) {
        const at = o * size * inner + j;
        if (dtype === "float32") keysOfFloats(keys, int32, from / 4 + at, inner, flip, nan);
        else if (dtype === "float64") keysOfDoubles(keys, int32, from / 4 + 2 * at, inner, flip, nan);
        else if (dtype === "int32") keysOfIntegers(keys, int32, from / 4 + at, inner, flip);
        else keysOfIntegers(keys, uint8, from + at, inner, flip);
        const order = all ? counting.slice() : keys.candidates(count);
        keys.sort(order);
        for (let k = 0, y = to + o * count * inner + j; k < count; k++, y += inner) int32[y] = order[k]!;
      }
    }
    return true;
  });
};

/** The sorting part of the backend's kernel table. */
export const sorting: Kernels = { argsort };
