// Batches of a data set, epoch after epoch, in an order that can be left and taken up again anywhere.

import { type BatchOptions, planEpoch } from "./batches.ts";

/** Items by number; they may be loaded asynchronously. An array is one too. */
export interface Dataset<Item> {
  readonly length: number;
  /** Item number `index`, from 0. */
  get(index: number): Item | Promise<Item>;
}

/** Options of {@link DataLoader}. */
export interface DataLoaderOptions<Item, Batch> extends BatchOptions {
  /** Makes one batch of some items, such as by {@link padStack}. */
  readonly collate: (items: Item[]) => Batch;
}

/** Where a loader stands: plain JSON. */
export interface LoaderState {
  /** Epochs begun, from 0. */
  readonly epoch: number;
  /** Batches already handed out in this epoch. */
  readonly batch: number;
  /** What the order depends on, to refuse a state of other data. */
  readonly items: number;
  readonly batchSize: number;
  readonly seed: string | number;
}

/**
 * Iterates over the batches of one epoch at a time: each `for` loop goes through the rest of the current epoch.
 * A loop that is left early is taken up where it was; `state` and `restore` do the same across programs. A batch
 * counts as done as soon as it was handed out.
 *
 * Data sets that answer with promises are read by `for await`.
 *
 * @throws RangeError for no items or options out of range
 * @example
 * const loader = new DataLoader(items, { batchSize: 32, shuffle: true, seed: 7, collate: (batch) => batch });
 * while (loader.epoch < 10) for (const batch of loader) train(batch); // also right after restore()
 */
export class DataLoader<Item, Batch> implements Iterable<Batch>, AsyncIterable<Batch> {
  readonly #dataset: Dataset<Item>;
  readonly #options: DataLoaderOptions<Item, Batch>;
  #epoch = 0;
  #batch = 0;
  #plan: Int32Array[];

  constructor(dataset: Dataset<Item> | readonly Item[], options: DataLoaderOptions<Item, Batch>) {
    this.#dataset = "get" in dataset ? dataset : { length: dataset.length, get: (index) => dataset[index]! };
    this.#options = options;
    this.#plan = this.#planned(0);
    if (this.#plan.length === 0) {
      throw new RangeError(
        `DataLoader: ${this.#dataset.length} items make no batch of ${options.batchSize}${options.dropLast ? "; set dropLast to false" : ""}`,
      );
    }
  }

  /** Number of batches in an epoch. */
  get batchesPerEpoch(): number {
    return this.#plan.length;
  }

  /** Epochs begun, from 0. */
  get epoch(): number {
    return this.#epoch;
  }

  /** @throws TypeError if the data set answers with a promise */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    for (let plan = this.#next(); plan !== null; plan = this.#next()) {
      const items = Array.from(plan, (index) => {
        const item = this.#dataset.get(index);
        if (item instanceof Promise) {
          throw new TypeError(`DataLoader: item ${index} is a promise; use for await`);
        }
        return item;
      });
      const batch = this.#options.collate(items);
      this.#batch++;
      yield batch;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    for (let plan = this.#next(); plan !== null; plan = this.#next()) {
      const items = await Promise.all(Array.from(plan, (index) => this.#dataset.get(index)));
      const batch = this.#options.collate(items);
      this.#batch++;
      yield batch;
    }
  }

  /** The indices of the batch to come; null, and on to the next epoch, when there is none. */
  #next(): Int32Array | null {
    const plan = this.#plan[this.#batch];
    if (plan !== undefined) return plan;
    this.#moveTo(this.#epoch + 1, 0);
    return null;
  }

  #moveTo(epoch: number, batch: number): void {
    if (epoch !== this.#epoch) this.#plan = this.#planned(epoch);
    this.#epoch = epoch;
    this.#batch = batch;
  }

  #planned(epoch: number): Int32Array[] {
    return planEpoch(this.#dataset.length, epoch, this.#options);
  }

  /** Where the loader stands, for a checkpoint. */
  state(): LoaderState {
    const { batchSize, seed = 0 } = this.#options;
    return { epoch: this.#epoch, batch: this.#batch, items: this.#dataset.length, batchSize, seed };
  }

  /**
   * Goes on from a saved state: the batches to come are those of the uninterrupted run.
   *
   * @throws RangeError if the state belongs to other data or options, or is damaged
   */
  restore(state: LoaderState): void {
    const own = this.state();
    for (const key of ["items", "batchSize", "seed"] as const) {
      if (state[key] !== own[key]) {
        throw new RangeError(
          `DataLoader.restore: ${key} was ${state[key]} when saved, and is ${own[key]} here`,
        );
      }
    }
    const { epoch, batch } = state;
    if (!(Number.isInteger(epoch) && epoch >= 0 && Number.isInteger(batch) && batch >= 0)) {
      throw new RangeError(`DataLoader.restore: damaged state ${JSON.stringify(state)}`);
    }
    if (batch > this.#plan.length) {
      throw new RangeError(`DataLoader.restore: batch ${batch} of an epoch of ${this.#plan.length}`);
    }
    this.#moveTo(epoch, batch);
  }
}
