// Checkpoints by path, for Node: written atomically, so that a kill leaves the old file or the new one.

import { fileURLToPath } from "node:url";
import { type FileError, readFileBytes, writeFileAtomic } from "@echo-ts/tensor/files";
import { checkOptions } from "@echo-ts/tensor/internal";
import { CheckpointError } from "../errors.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";

/** Path of the checkpoint that comes with the package; checkpoints/README.md says how it was made. */
export const SHIPPED_CHECKPOINT: string = fileURLToPath(
  new URL("../../checkpoints/an4-f0.safetensors", import.meta.url),
);

/** Writes a checkpoint; see `encodeCheckpoint`. Throws FileError when it cannot; the old file then stays. */
export async function saveCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  options: { readonly half?: boolean } = {},
): Promise<void> {
  checkOptions("saveCheckpoint", options, { half: "boolean" });
  await writeFileAtomic(path, await encodeCheckpoint(checkpoint, options));
}

/**
 * Reads a checkpoint.
 * @throws CheckpointError naming the file when it is missing, damaged or no checkpoint.
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await readFileBytes(path);
  } catch (error) {
    throw new CheckpointError(`checkpoint: ${(error as FileError).message}`, { cause: error });
  }
  return decodeCheckpoint(bytes, path);
}
