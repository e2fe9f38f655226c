// Results that whoever made them gives back, all at once: a gradient sweep, the scoring of a batch.

import { type ResultList, trackResults } from "./apply.ts";
import type { Storage } from "./backend.ts";

/** A list for `trackResults`. The backend is told that these will be given back, and need not look for them itself. */
export class Temporaries implements ResultList {
  readonly #storages: Storage[] = [];

  push(storage: Storage): number {
    storage.backend.hold?.(storage);
    return this.#storages.push(storage);
  }

  pop(): Storage | undefined {
    return this.#storages.pop();
  }

  /** Gives back all but the pinned ones. */
  release(): void {
    for (const storage of this.#storages) if (!storage.pinned) storage.backend.release?.(storage);
  }
}

/**
 * Runs `body` and gives the memory of every tensor that it made back at once. Never needed: it only spares the
 * garbage collector work that a long job makes for it. No tensor made inside may be used afterwards.
 *
 * @returns what `body` returns: numbers, texts, typed arrays
 * @example const best = releasingResults(() => softmax(logits).argmax(-1).toArray());
 */
export function releasingResults<T>(body: () => T): T {
  const made = new Temporaries();
  const outer = trackResults(made);
  try {
    return body();
  } finally {
    trackResults(outer);
    made.release();
  }
}
