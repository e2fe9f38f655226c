// The entry `@echo-ts/tensor/files`: tensors and records in files, for Node. Apart from the main entry, so that
// browsers can bundle that one.

import "./default-backend.ts";
import { FileError, readFileBytes, writeFileAtomic } from "./formats/files.ts";
import type { Tensor } from "./tensor.ts";
import {
  decodeNpy,
  decodeNpz,
  decodeSafetensors,
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  type LoadOptions,
  type NamedTensors,
  type SaveOptions,
} from "./tensor-records.ts";

export * from "./formats/files.ts";

const CONTAINERS = {
  ".safetensors": { decode: decodeSafetensors, encode: encodeSafetensors },
  ".npz": { decode: decodeNpz, encode: encodeNpz },
} as const;

function container(op: string, path: string): (typeof CONTAINERS)[keyof typeof CONTAINERS] {
  for (const [ending, format] of Object.entries(CONTAINERS)) if (path.endsWith(ending)) return format;
  throw new FileError(op, path, `expected a name ending in ${Object.keys(CONTAINERS).join(" or ")}`);
}

/**
 * The tensors of a .safetensors or .npz file, by name.
 *
 * @throws FileError when the file cannot be read, FormatError when it is refused
 * @example const weight = (await loadTensors("model.safetensors")).get("encoder.weight")
 */
export async function loadTensors(path: string, options: LoadOptions = {}): Promise<Map<string, Tensor>> {
  const { decode } = container("loadTensors", path);
  return decode(await readFileBytes(path), { source: path, ...options });
}

/**
 * Named tensors to a .safetensors or .npz file, written to a temporary name and renamed: the old file or the
 * new one, never a part.
 *
 * @throws FileError when the file cannot be written
 * @example await saveTensors("model.safetensors", { weight })
 */
export async function saveTensors(
  path: string,
  tensors: NamedTensors,
  options: SaveOptions = {},
): Promise<void> {
  const { encode } = container("saveTensors", path);
  await writeFileAtomic(path, await encode(tensors, options));
}

/** The tensor of a NumPy .npy file; see `loadTensors`. */
export async function loadTensor(path: string, options: LoadOptions = {}): Promise<Tensor> {
  return decodeNpy(await readFileBytes(path), { source: path, ...options });
}

/** A tensor to a NumPy .npy file; see `saveTensors`. */
export async function saveTensor(path: string, x: Tensor, options: SaveOptions = {}): Promise<void> {
  await writeFileAtomic(path, await encodeNpy(x, options));
}
