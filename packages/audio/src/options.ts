// Checks option objects by name: an unknown key, a wrong kind of value or a word that is not on the list is
// refused where it is given, with the name that was probably meant. Called once a call, never in a loop.
import { parameterError } from "./errors.ts";
import { describe } from "./signal.ts";

/** All keys of an option type; the compiler refuses a list that misses one. */
export type OptionKeys<T> = Readonly<Record<keyof T, true>>;

/** Names of other libraries (lower case, without underscores) and ours. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  nfft: "fftSize",
  winlength: "windowLength",
  hop: "hopLength",
  nmels: "melBins",
  nummelbins: "melBins",
  sr: "sampleRate",
  fs: "sampleRate",
  rate: "sampleRate",
  samplefrequency: "sampleRate",
  lowfreq: "fmin",
  highfreq: "fmax",
  htk: "melScale",
  norm: "melNorm",
  nmfcc: "coefficients",
  numceps: "coefficients",
  ref: "reference",
  amin: "floor",
  channelcount: "channels",
  filter: "method",
  quality: "method",
};

/**
 * Returns the options, an empty object for undefined.
 *
 * @throws AudioError (`parameter`) if it is not an object or has a key that `keys` does not list
 */
export function checkOptions<T extends object>(
  operation: string,
  options: T | undefined,
  keys: OptionKeys<T>,
): T {
  if (options === undefined) return {} as T;
  if (
    typeof options !== "object" ||
    options === null ||
    Array.isArray(options) ||
    ArrayBuffer.isView(options)
  ) {
    throw parameterError(operation, `expected an object of options, got ${describe(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(keys, key)) continue;
    throw parameterError(operation, `unknown option "${key}"${suggestion(key, Object.keys(keys))}`);
  }
  return options;
}

/** Returns `value` if it is one of `known`, else throws naming option and choices. */
export function requireOneOf<T extends string>(
  operation: string,
  name: string,
  value: T,
  known: readonly T[],
): T {
  if (known.includes(value)) return value;
  const near = typeof value === "string" ? suggestion(value, known) : "";
  const choices = `${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
  throw parameterError(operation, `unknown ${name} ${describe(value)}, expected ${choices}${near}`);
}

/** Returns `value` if it is true or false, else throws naming the option. */
export function requireBoolean(operation: string, name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw parameterError(operation, `${name} must be true or false, got ${describe(value)}`);
}

/** `{ ...defaults, ...options }`, in which an option that is undefined leaves the default. */
export function withDefaults<T extends object>(defaults: T, options: Partial<T>): T {
  const merged = { ...defaults };
  for (const key of Object.keys(options) as (keyof T)[]) {
    const value = options[key];
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

/** `, did you mean "fftSize"?`, or nothing when no name is near. */
function suggestion(given: string, known: readonly string[]): string {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const wanted = plain(given);
  const other = OTHER_NAMES[wanted];
  if (other !== undefined && known.includes(other)) return `, did you mean "${other}"?`;
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(wanted, plain(name));
    if (
      distance <= Math.max(1, Math.floor(name.length / 3)) &&
      distance < (best?.distance ?? Number.POSITIVE_INFINITY)
    ) {
      best = { name, distance };
    }
  }
  return best ? `, did you mean "${best.name}"?` : "";
}

/** Levenshtein's distance: insertions, deletions and replacements that turn a into b. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
