// Refusing wrong arguments by name, for callers in plain JavaScript whom no compiler helps: unknown option keys,
// values of the wrong kind. Options are looked at once per call, and not at all where none were given.
// Standalone file; every function with options uses it.

import { ArgumentError } from "./errors.ts";

type BaseKind = "number" | "boolean" | "string" | "function" | "object" | "array" | "tensor" | "any";

/**
 * What an option may be: a JavaScript type, an array (typed ones too), a tensor, "any" where its own check comes
 * later, each with "or null" where null may be given; or a list of the texts that are allowed. `undefined` always
 * stands for the default.
 */
export type OptionKind = BaseKind | `${BaseKind} or null` | readonly (string | boolean)[];

/** One kind for each key of `Options`; a key that is missing here does not compile. */
export type OptionKinds<Options> = { readonly [Key in keyof Required<Options>]: OptionKind };

/**
 * Refuses options that are no object, keys that the function does not know, and values of another kind.
 *
 * @param op the function that the user called, for the message
 * @param options what it was given
 * @param kinds the keys it knows
 * @throws ArgumentError naming the key, with the nearest known one if there is one
 * @example
 * checkOptions("avgPool", { sise: 2 }, { size: "number" });
 * // ArgumentError: avgPool: unknown option "sise"; did you mean "size"?
 */
export function checkOptions<Options extends object>(
  op: string,
  options: Options,
  kinds: OptionKinds<Options>,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const known = Object.keys(kinds);
    const forgotten = typeof options === "string" && known.includes("dtype");
    const example = forgotten ? `{ dtype: "${options}" }` : `{ ${known[0] ?? ""}: ... }`;
    throw new ArgumentError(
      `${op}: options must be an object such as ${example}, got ${describeValue(options)}`,
    );
  }
  for (const key in options) {
    if (!Object.hasOwn(kinds, key)) throw unknownOption(op, key, Object.keys(kinds));
    const value: unknown = options[key];
    if (value !== undefined && !isOfKind(value, kinds[key])) {
      throw wrongArgument(op, key, expectedKind(kinds[key]), value);
    }
  }
}

/**
 * The error for an option that does not exist.
 *
 * @example
 * unknownOption("Adam", "lr", ["learningRate"]).message;
 * // Adam: unknown option "lr"; did you mean "learningRate"?
 */
export function unknownOption(op: string, key: string, known: readonly string[]): ArgumentError {
  const near = nearestName(key, known);
  const advice =
    near !== null
      ? `; did you mean "${near}"?`
      : known.length === 0
        ? "; it takes none"
        : `, expected one of: ${known.join(", ")}`;
  return new ArgumentError(`${op}: unknown option "${key}"${advice}`);
}

/**
 * The error for an argument of the wrong kind.
 *
 * @param expected such as "a number", with an example where that helps
 * @example wrongArgument("permute", "order", "an array such as [1, 0]", 1).message // "permute: order must be an array such as [1, 0], got 1"
 */
export function wrongArgument(op: string, name: string, expected: string, got: unknown): ArgumentError {
  return new ArgumentError(`${op}: ${name} must be ${expected}, got ${describeValue(got)}`);
}

/**
 * Refuses what is no tensor, such as a plain array, by name.
 *
 * @param values the arguments by their names
 * @throws ArgumentError
 * @example
 * checkTensors("mseLoss", { prediction: [1], target: ones([1]) });
 * // ArgumentError: mseLoss: prediction must be a tensor, got an array of 1
 */
export function checkTensors(op: string, values: Readonly<Record<string, unknown>>): void {
  for (const name in values) {
    if (!isTensor(values[name])) throw wrongArgument(op, name, "a tensor", values[name]);
  }
}

/** Told by its fields, so that this file knows no other. */
function isTensor(value: unknown): boolean {
  return typeof value === "object" && value !== null && "storage" in value && "shape" in value;
}

/**
 * Refuses what is no boolean, such as options in the place of `keepDims`.
 *
 * @throws ArgumentError
 */
export function checkFlag(op: string, name: string, value: unknown): void {
  if (typeof value !== "boolean") throw wrongArgument(op, name, "true or false", value);
}

/** Refuses what is no function. @throws ArgumentError */
export function checkFunction(op: string, name: string, value: unknown): void {
  if (typeof value !== "function") throw wrongArgument(op, name, "a function", value);
}

/** Refuses what is no number. @throws ArgumentError */
export function checkNumber(op: string, name: string, value: unknown): void {
  if (typeof value !== "number") throw wrongArgument(op, name, "a number", value);
}

function isOfKind(value: unknown, kind: OptionKind): boolean {
  if (typeof kind !== "string") return (kind as readonly unknown[]).includes(value);
  if (value === null) return kind.endsWith(" or null") || kind === "any";
  if (kind.startsWith("array")) return Array.isArray(value) || ArrayBuffer.isView(value);
  if (kind.startsWith("tensor")) return isTensor(value);
  return kind.startsWith("any") || kind.startsWith(typeof value);
}

function expectedKind(kind: OptionKind): string {
  if (typeof kind !== "string") return kind.map(describeValue).join(" or ");
  return kind.startsWith("object") || kind.startsWith("array") ? `an ${kind}` : `a ${kind}`;
}

/**
 * A value in a few words, for messages.
 *
 * @example describeValue({ axis: 0 }) // "an object { axis }"
 */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (typeof value === "bigint") return `the bigint ${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = value.constructor?.name;
  if (typeof name === "string" && name !== "Object" && name !== "") return name;
  const keys = Object.keys(value);
  return keys.length === 0 ? "an object {}" : `an object { ${keys.slice(0, 5).join(", ")} }`;
}

/** Names that other libraries have for the same thing; suggested where the function knows ours. */
const ELSEWHERE: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    lr: ["learningRate"],
    rate: ["learningRate", "sampleRate"],
    maxlr: ["peak"],
    eps: ["epsilon"],
    wd: ["weightDecay"],
    beta1: ["betas"],
    beta2: ["betas"],
    dim: ["axis", "axes"],
    dims: ["axes", "axis"],
    axes: ["axis"],
    axis: ["axes"],
    keepdim: ["keepDims"],
    ddof: ["correction"],
    unbiased: ["correction"],
    device: ["backend"],
    type: ["dtype"],
    size: ["shape"],
    kernelsize: ["size", "kernel"],
    nfft: ["fftSize"],
    nmels: ["melBins"],
    nmel: ["melBins"],
    sr: ["sampleRate"],
    winlength: ["windowLength"],
    iscausal: ["causal"],
    attnmask: ["mask"],
    dropoutp: ["dropout"],
    kdim: ["keyWidth"],
    vdim: ["valueWidth"],
    paddingidx: ["paddingIndex"],
    gamma: ["factor"],
    stepsize: ["every"],
    tmax: ["steps"],
    totalsteps: ["steps"],
    numlayers: ["layers"],
    reduce: ["reduction"],
    end: ["stop"],
    to: ["stop"],
    from: ["start"],
    begin: ["start"],
    collatefn: ["collate"],
  }),
);

const plain = (name: string): string => name.toLowerCase().replace(/[_\-\s]/g, "");

/**
 * The known name that was probably meant: another library's word for it, the same letters in another case, one
 * that contains the other, or one within a third of its letters in edits. Null if none is near.
 *
 * @example nearestName("paddding", ["stride", "padding"]) // "padding"
 */
export function nearestName(name: string, known: readonly string[]): string | null {
  const wanted = plain(name);
  const other = ELSEWHERE.get(wanted)?.find((candidate) => known.includes(candidate));
  if (other !== undefined) return other;
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const text = plain(candidate);
    let distance = editDistance(wanted, text);
    const [short, long] = wanted.length < text.length ? [wanted, text] : [text, wanted];
    if (short.length >= 3 && (long.startsWith(short) || (short.length > 3 && long.includes(short))))
      distance = Math.min(distance, 1);
    if (distance <= Math.max(1, Math.floor(text.length / 3)) && distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return wanted.length < 2 ? null : best;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words (Damerau 1964). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1);
      }
      row.push(least);
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}

/**
 * The options without the keys whose value is undefined, so that spreading them over defaults keeps those.
 *
 * @example definedOptions({ dtype: undefined, shape: [2] }) // { shape: [2] }
 */
export function definedOptions<Options extends object>(options: Options): Partial<Options> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Options>;
}
