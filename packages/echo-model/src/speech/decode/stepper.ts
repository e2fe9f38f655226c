// One step of the decoder for many hypotheses at once. With a key-value cache only the newest token is
// computed; where the model's arithmetic forbids that (`echo.decodesInSteps`), the whole prefix is.

import { noGrad } from "@echo-ts/autograd";
import { indexSelect, logSoftmax, narrow, reshape, type Tensor, tensor } from "@echo-ts/tensor";
import type { BlockCache } from "../../model/block.ts";
import type { DecoderCache } from "../../model/decoder.ts";
import type { EncodedStream } from "../../model/encoder.ts";
import type { Echo } from "../../model/model.ts";
import type { FeatureName } from "../../settings/settings.ts";

/** What the encoder made of a batch. */
export type Encoded = ReadonlyMap<FeatureName, EncodedStream>;

/** The given rows of a batch, in the given order; a row may be taken several times. */
export function selectRows(encoded: Encoded, rows: readonly number[]): Encoded {
  const take = (x: Tensor): Tensor => indexSelect(x, 0, rowIndex(rows, x));
  return new Map(
    [...encoded].map(([feature, { frames, lengths, padding, silent }]) => [
      feature,
      {
        frames: take(frames),
        middle: null,
        phoneLogits: null,
        lengths: lengths === null ? null : rows.map((row) => lengths[row]!),
        padding: padding === null ? null : take(padding),
        silent: silent === null ? null : take(silent),
      },
    ]),
  );
}

function rowIndex(rows: readonly number[], like: Tensor): Tensor {
  return tensor(Int32Array.from(rows), { backend: like.backend });
}

/** Feeds prefixes to the decoder and gives the log probabilities of the next token. */
export class Stepper {
  readonly #echo: Echo;
  #encoded: Encoded;
  #cache: DecoderCache | null = null;

  constructor(echo: Echo, encoded: Encoded) {
    this.#echo = echo;
    this.#encoded = encoded;
    if (echo.decodesInSteps) this.#cache = noGrad(() => echo.decoder.startCache(encoded));
  }

  /**
   * Log probabilities of the token after each prefix, one row of V numbers per prefix.
   *
   * @param prefixes token ids from BOS on, all of one length, one longer at each call
   */
  async next(prefixes: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const seen = this.#cache?.length ?? 0;
    const length = prefixes[0]!.length - seen;
    const ids = Int32Array.from(prefixes.flatMap((prefix) => prefix.slice(seen)));
    const { backend } = [...this.#encoded.values()][0]!.frames;
    const scores = noGrad(() => {
      const logits = this.#logits(tensor(ids, { shape: [prefixes.length, length], backend })); // [N, L, V]
      const last = narrow(logits, 1, length - 1, 1);
      return logSoftmax(reshape(last, [prefixes.length, last.shape[2]!]));
    });
    const values = Float32Array.from(await scores.data());
    const vocabulary = scores.shape[1]!;
    return prefixes.map((_, i) => values.subarray(i * vocabulary, (i + 1) * vocabulary));
  }

  #logits(ids: Tensor): Tensor {
    if (this.#cache !== null) return this.#echo.decodeStep(ids, this.#encoded, this.#cache);
    return this.#echo.decoder.forward(ids, this.#encoded);
  }

  /** Continues with these rows of the present hypotheses, in this order. */
  reorder(rows: readonly number[]): void {
    this.#encoded = selectRows(this.#encoded, rows);
    const cache = this.#cache;
    if (cache === null) return;
    const take = (x: Tensor): Tensor => noGrad(() => indexSelect(x, 0, rowIndex(rows, x)));
    const pick = (block: BlockCache): BlockCache => ({
      self: { key: take(block.self.key), value: take(block.self.value) },
      cross: block.cross === null ? null : { key: take(block.cross.key), value: take(block.cross.value) },
    });
    this.#cache = {
      length: cache.length,
      self: cache.self.map(pick),
      streams: new Map([...cache.streams].map(([feature, blocks]) => [feature, blocks.map(pick)])),
    };
  }
}
