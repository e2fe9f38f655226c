// Reads reference values of shared/golden as tensors. Used by the tests of nn and optim.
import { readFileSync } from "node:fs";
import { type ArrayRecord, readSafetensors, type Tensor, tensor } from "@echo-ts/tensor";
import { sharedPath } from "../shared-material.ts";

const files = new Map<string, ReadonlyMap<string, ArrayRecord>>();

/** All arrays of a golden file, such as "ops/nn". */
export function goldenArrays(file: string): ReadonlyMap<string, ArrayRecord> {
  let arrays = files.get(file);
  if (arrays === undefined) {
    arrays = readSafetensors(readFileSync(sharedPath("golden", `${file}.safetensors`))).tensors;
    files.set(file, arrays);
  }
  return arrays;
}

/** The arrays whose names start with `prefix`, without it. */
export function goldenBelow(file: string, prefix: string): Map<string, ArrayRecord> {
  return new Map(
    [...goldenArrays(file)].flatMap(([name, record]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), record] as const] : [],
    ),
  );
}

/** One array of a golden file as a tensor. */
export function goldenTensor(file: string, name: string): Tensor {
  const record = goldenArrays(file).get(name);
  if (record === undefined) throw new Error(`no array "${name}" in ${file}`);
  return tensor(record.data as Float32Array | Int32Array, { shape: record.shape });
}

/** Largest |got - want| / (absolute + relative |want|); at most 1 when all agree. */
export function worstError(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  absolute: number,
  relative: number,
): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i]! - want[i]!) / (absolute + relative * Math.abs(want[i]!));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
