// The memory of a sweep: a gradient is given back as soon as no node waits for it any more, so that only those of
// the nodes between the visited and the unvisited part of the graph are held. Read next: sweep.ts.

import type { Tensor } from "@echo-ts/tensor";
import { Scope } from "@echo-ts/tensor/internal";

/** Owns the gradients on the way of one sweep. Several may share a storage: views of it, or the very same tensor. */
export class SweepScope extends Scope {
  /** For each storage, how many nodes wait with a gradient in it. */
  readonly #waiting = new Map<Tensor["storage"], number>();

  /** Notes that a node waits with `gradient` now, and no longer with `before`. */
  replace(before: Tensor | null, gradient: Tensor): void {
    const { storage } = gradient;
    if (this.owns(gradient)) this.#waiting.set(storage, (this.#waiting.get(storage) ?? 0) + 1);
    if (before !== null) this.#done(before);
  }

  /**
   * Notes that the node which had waited with `gradient` was visited: gives it back, unless another node waits with
   * it, and what was made during the visit, unless a node waits with that.
   */
  visited(gradient: Tensor): void {
    this.#done(gradient);
    this.closeNew(this.#waiting);
  }

  #done(gradient: Tensor): void {
    const { storage } = gradient;
    const count = this.#waiting.get(storage);
    if (count === undefined) return;
    if (count > 1) {
      this.#waiting.set(storage, count - 1);
      return;
    }
    this.#waiting.delete(storage);
    this.close(gradient);
  }
}
