// A training that starts from the weights of a checkpoint, whose vocabulary may be another one (`train --init`).
// Read first: checkpoint.ts. Used by run.ts.
import type { ArrayRecord } from "@echo-ts/tensor";
import { CheckpointError } from "../errors.ts";
import type { Echo } from "../model/model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Weights with a row for each token. */
const TOKEN_ROWS = new Set(["decoder.token_embedding.weight", "ctc_head.weight", "ctc_head.bias"]);

/** How much of a vocabulary was known. */
export interface InitialWeights {
  /** Tokens of the new vocabulary, specials included, and how many of them the checkpoint knows. */
  readonly tokens: number;
  readonly known: number;
}

/**
 * Copies the weights of a checkpoint into a new model. Tokens are recognised by their spelling; those that the checkpoint
 * doesn't know keep the model's own first values.
 *
 * @throws CheckpointError when the checkpoint reads recordings in another way (`audio`, stems) or has weights of other
 * names or shapes
 */
export async function startFrom(
  echo: Echo,
  tokenizer: Tokenizer,
  config: EchoConfig,
  checkpoint: Checkpoint,
  source: string,
): Promise<InitialWeights> {
  const [theirs, ours] = [inputOf(checkpoint.config), inputOf(config)];
  for (const key of Object.keys(ours) as (keyof typeof ours)[])
    if (JSON.stringify(theirs[key]) !== JSON.stringify(ours[key]))
      throw new CheckpointError(
        `${source}: reads recordings in another way, expected ${key} ${JSON.stringify(ours[key])}, got ${JSON.stringify(theirs[key])}`,
      );
  const rows = rowsOf(tokenizer, checkpoint.tokenizer);
  const own = await echo.stateDict();
  const weights = new Map<string, ArrayRecord>();
  for (const [name, weight] of checkpoint.weights) {
    const ours = own.get(name);
    weights.set(name, TOKEN_ROWS.has(name) && ours !== undefined ? moved(weight, ours, rows) : weight);
  }
  echo.loadStateDict(weights, { source });
  return { tokens: tokenizer.vocabSize, known: rows.filter((row) => row !== null).length };
}

/** For each token of ours its row in the checkpoint; null where there is none. */
function rowsOf(ours: Tokenizer, theirs: Tokenizer): (number | null)[] {
  const ids = new Map(Array.from({ length: theirs.vocabSize }, (_, id) => [theirs.tokenOf(id), id]));
  return Array.from({ length: ours.vocabSize }, (_, id) => ids.get(ours.tokenOf(id)) ?? null);
}

/** Our rows, [V, ...], with those of theirs, [V', ...], where there is one; as it is where the widths differ. */
function moved(theirs: ArrayRecord, ours: ArrayRecord, rows: readonly (number | null)[]): ArrayRecord {
  const [, ...sizes] = ours.shape;
  if (theirs.shape.slice(1).join() !== sizes.join()) return theirs;
  const width = sizes.reduce((product, size) => product * size, 1);
  const data = Float32Array.from(ours.data as Float32Array);
  rows.forEach((row, token) => {
    if (row === null) return;
    for (let i = 0; i < width; i++) data[token * width + i] = Number(theirs.data[row * width + i]);
  });
  return { dtype: "float32", shape: ours.shape, data };
}
