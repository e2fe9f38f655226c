// Dropout, with draws from a stream of its own so that a resumed training drops the same elements.

import { mul, type RandomState, type RandomStream, stream, type Tensor, tensor } from "@echo-ts/tensor";
import { describeValue } from "@echo-ts/tensor/internal";
import { constant } from "../tape.ts";
import { Module } from "./module.ts";

/**
 * Fills `mask` with 0 (probability p) and 1 / (1 - p). One draw of the layer's stream seeds a counter that is
 * hashed for each element (mulberry32), several times as fast as a draw for each.
 */
function fillMask(mask: Float32Array | Float64Array, p: number, seed: number): void {
  const scale = p === 1 ? 0 : 1 / (1 - p);
  const dropped = p * 2 ** 32;
  let counter = seed | 0;
  for (let i = 0; i < mask.length; i++) {
    counter = (counter + 0x6d2b79f5) | 0;
    let hash = Math.imul(counter ^ (counter >>> 15), counter | 1);
    hash = (hash + Math.imul(hash ^ (hash >>> 7), hash | 61)) ^ hash;
    mask[i] = (hash ^ (hash >>> 14)) >>> 0 < dropped ? 0 : scale;
  }
}

/**
 * While training, sets each element to 0 with probability p and multiplies the others by 1 / (1 - p).
 * Srivastava et al. 2014; PyTorch's `nn.Dropout`. `Module.initialize` gives it the stream `dropout/NAME`.
 *
 * @param p in [0, 1], default 0.5
 * @throws RangeError when p is outside [0, 1]
 * @example new Dropout(0.1).eval().forward(ones([2])).toArray() // [1, 1]
 */
export class Dropout extends Module {
  readonly p: number;
  #random: RandomStream | null = null;

  constructor(p = 0.5) {
    super();
    if (!(typeof p === "number" && p >= 0 && p <= 1))
      throw new RangeError(`Dropout: expected a probability in [0, 1], got ${describeValue(p)}`);
    this.p = p;
  }

  /** @throws Error while training if no stream was given yet */
  forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    if (this.#random === null) {
      throw new Error(
        "Dropout: no random stream; call model.initialize(seed) before training, and load weights after it",
      );
    }
    const mask = x.dtype === "float64" ? new Float64Array(x.size) : new Float32Array(x.size);
    fillMask(mask, this.p, this.#random.integer(0, 2 ** 32));
    return mul(
      x,
      constant(() => tensor(mask, { shape: x.shape, backend: x.backend })),
    );
  }

  protected override seed(seed: string | number, name: string): void {
    this.#random = stream(seed, name === "" ? "dropout" : `dropout/${name}`);
  }

  protected override saveRandom(): RandomState | null {
    return this.#random?.state() ?? null;
  }

  protected override restoreRandom(state: RandomState): void {
    this.#random?.restore(state);
  }
}
