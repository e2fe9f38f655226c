// Copying a module's tensors out under their names, and back in with every misfit named.
// The records are those of the file formats, so a state dict is what readSafetensors gives.

import {
  type ArrayRecord,
  type DType,
  formatShape,
  type NamedArrays,
  readSafetensors,
  Tensor,
  tensor,
  writeSafetensors,
} from "@echo-ts/tensor";
import { checkOptions, wrongArgument } from "@echo-ts/tensor/internal";
import { Parameter } from "../variable.ts";
import type { Member, Module } from "./module.ts";

/** Dotted name -> array, in the order of the modules' fields. */
export type StateDict = Map<string, ArrayRecord>;

/** Options of `Module.loadStateDict`. */
export interface LoadStateOptions {
  /** Refuse missing and unexpected names (default true). Shapes must fit in any case. */
  readonly strict?: boolean;
  /** Where the arrays come from, for the message; default "state dict". */
  readonly source?: string;
}

/** What did not match in a load that was not strict. */
export interface LoadReport {
  /** Names of the module that the arrays lack. */
  readonly missing: readonly string[];
  /** Names of the arrays that the module lacks. */
  readonly unexpected: readonly string[];
}

/** @internal `Module.stateDict`. */
export async function collectStateDict(module: Module): Promise<StateDict> {
  return readRecords(tensorsOf(module));
}

/** @internal The values of named tensors as of the time of the call, in their order. */
export async function readRecords(tensors: Iterable<readonly [string, Tensor]>): Promise<StateDict> {
  const records = Array.from(tensors, async ([name, value]): Promise<[string, ArrayRecord]> => {
    const { dtype, shape } = value;
    return [name, { dtype, shape: [...shape], data: await value.data() }];
  });
  return new Map(await Promise.all(records));
}

function tensorsOf(module: Module): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const { name, value } of module.namedTensors()) {
    if (found.has(name)) {
      throw new Error(
        `stateDict: two tensors are named "${name}"; give one of the fields another memberName`,
      );
    }
    if (value instanceof Tensor) found.set(name, value);
  }
  return found;
}

/** @internal `Module.loadStateDict`. */
export function applyStateDict(module: Module, arrays: NamedArrays, options: LoadStateOptions): LoadReport {
  checkOptions("loadStateDict", options, { strict: "boolean", source: "string" });
  if (typeof arrays !== "object" || arrays === null) {
    throw wrongArgument("loadStateDict", "arrays", "named arrays such as await stateDict() gives", arrays);
  }
  const { strict = true, source = "state dict" } = options;
  const records = new Map(arrays instanceof Map ? arrays : Object.entries(arrays));
  const members = module.namedTensors();
  const names = new Set(members.map(({ name }) => name));
  const known = members.filter(({ name }) => records.has(name));
  // A tied parameter is complete when the file has it under one of its names.
  const covered = new Set(known.map(({ value }) => value));
  const missing = members
    .filter(({ name, value }) => !records.has(name) && !covered.has(value))
    .map(({ name }) => name);
  const unexpected = [...records.keys()].filter((name) => !names.has(name));
  const misfits = known.flatMap(({ name, value }) => {
    const reason = misfit(value as Tensor, records.get(name));
    return reason === null ? [] : [`${name}: ${reason}`];
  });
  if (misfits.length > 0 || (strict && missing.length + unexpected.length > 0)) {
    const lines = [
      describe("missing", missing),
      describe("unexpected", unexpected),
      describe("mis-shaped", misfits),
    ].filter((line) => line !== "");
    throw new Error(
      `loadStateDict: ${source} does not fit ${module.constructor.name}:\n${lines.join("\n")}${
        misfits.length === 0 ? "\n  pass { strict: false } to load what fits" : ""
      }`,
    );
  }
  for (const member of known) load(member, records.get(member.name));
  return { missing, unexpected };
}

const LISTED = 20;

function describe(what: string, entries: readonly string[]): string {
  if (entries.length === 0) return "";
  const more = entries.length > LISTED ? `, and ${entries.length - LISTED} more` : "";
  return `  ${what} (${entries.length}): ${entries.slice(0, LISTED).join(", ")}${more}`;
}

function misfit(value: Tensor, record: ArrayRecord): string | null {
  const { shape, dtype } = record;
  if (shape.length !== value.shape.length || shape.some((size, i) => size !== value.shape[i])) {
    return `expected ${formatShape(value.shape)}, got ${formatShape(shape)}`;
  }
  const { data } = record;
  const bits16 = (dtype === "float16" || dtype === "bfloat16") && !(data instanceof Float32Array);
  if (bits16) return `expected numbers, got ${dtype} as ${data.constructor.name}`;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    // PyTorch's counters, such as num_batches_tracked, are int64.
    const large = data.find((value) => BigInt(Number(value)) !== value || Math.abs(Number(value)) >= 2 ** 31);
    if (value.dtype !== "int32") return `expected numbers, got ${dtype} as ${data.constructor.name}`;
    if (large !== undefined) return `expected int32, got the ${dtype} ${large}`;
  }
  return null;
}

function load({ value, replace }: Member, record: ArrayRecord): void {
  const target = value as Tensor;
  const dtype: DType = target.dtype;
  const { data, shape } = record;
  const whole = data instanceof BigInt64Array || data instanceof BigUint64Array;
  const fresh = tensor(whole ? Float64Array.from(data, Number) : data, {
    dtype,
    shape,
    backend: target.backend,
  });
  if (target instanceof Parameter) target.assign(fresh);
  else replace(fresh);
}

/**
 * The module's state dict as the bytes of a safetensors file, in the dtypes of the tensors. PyTorch reads it by
 * `safetensors.torch.load_file`.
 *
 * @param metadata free text kept in the header
 * @example await writeFile("model.safetensors", await toSafetensors(model))
 */
export async function toSafetensors(
  module: Module,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkModule("toSafetensors", module);
  return writeSafetensors(await module.stateDict(), { metadata });
}

/**
 * Loads the bytes of a safetensors file into a module; see `Module.loadStateDict`.
 *
 * @throws FormatError if the file is damaged, Error if its entries do not fit
 * @example fromSafetensors(model, await readFile(path), { source: path })
 */
export function fromSafetensors(
  module: Module,
  bytes: Uint8Array,
  options: LoadStateOptions = {},
): LoadReport {
  checkModule("fromSafetensors", module);
  const { tensors } = readSafetensors(bytes, options.source === undefined ? {} : { source: options.source });
  return module.loadStateDict(tensors, options);
}

/** Refuses what has no parameters to save or load. */
function checkModule(op: string, module: unknown): void {
  if (typeof (module as Module | null)?.stateDict !== "function") {
    throw wrongArgument(op, "module", "a Module", module);
  }
}
