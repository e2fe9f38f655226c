// Features in memory, by key: all of them, or as many as a budget allows where a cache has the rest. Those used longest
// ago go first. Read next: feature-store.ts.
import type { UtteranceFeatures } from "./features.ts";

/** Keeps promised features; forgets the least recently used beyond a budget of bytes. */
export class FeatureMemory {
  readonly #budget: number;
  /** In the order of use, the latest last. */
  readonly #promised = new Map<string, Promise<UtteranceFeatures>>();
  /** Bytes of those that are there. */
  readonly #sizes = new Map<string, number>();
  #held = 0;

  /** @param budget - bytes; Infinity keeps everything. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Bytes of the features that are kept now. */
  get heldBytes(): number {
    return this.#held;
  }

  /** What is kept under the key, or what `make` promises. */
  get(key: string, make: () => Promise<UtteranceFeatures>): Promise<UtteranceFeatures> {
    const found = this.#promised.get(key);
    const promised = found ?? make();
    this.#promised.delete(key);
    this.#promised.set(key, promised);
    // Who asked hears of a failure; it stays as it is, as everything else.
    if (found === undefined) promised.then((features) => this.#keep(key, features)).catch(() => {});
    return promised;
  }

  #keep(key: string, { mel, f0, silent, samples }: UtteranceFeatures): void {
    const size = mel.byteLength + f0.byteLength + silent.byteLength + (samples?.byteLength ?? 0);
    this.#sizes.set(key, size);
    this.#held += size;
    for (const oldest of this.#promised.keys()) {
      if (this.#held <= this.#budget) return;
      const bytes = this.#sizes.get(oldest);
      if (bytes === undefined) continue; // still being computed
      this.#promised.delete(oldest);
      this.#sizes.delete(oldest);
      this.#held -= bytes;
    }
  }
}
