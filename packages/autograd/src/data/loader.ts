// Batches of a data set, epoch after epoch, in an order that can be left and taken up again anywhere.

import { checkOptions, wrongArgument } from "@echo-ts/tensor/internal";
import { BATCH_OPTIONS, type BatchOptions, planEpoch } from "./batches.ts";

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
  /** The epoch, from 0. */
  readonly epoch: number;
  /** Batches already handed out in this epoch. */
  readonly batch: number;
  /** What the order of the batches depends on, to refuse a state of other data or options. */
  readonly items: number;
  readonly batchSize: number;
  readonly seed: string | number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  /** Batches sorted at a time, and a checksum of the lengths; null without lengths. */
  readonly bucketBatches: number | null;
  readonly lengths: string | null;
}

/** How far an iteration is. */
interface Cursor {
  readonly epoch: number;
  batch: number;
}

/**
 * The batches of a data set, epoch after epoch. Each `for` is an iteration of its own over one epoch, from its first
 * batch; the next one goes through the next epoch. Only after `restore` does it begin in the middle.
 *
 * A loop inside another one (an evaluation during the training, say), or beside it in another async function, goes
 * through the whole of the same epoch. It does not move the outer one, nor `epoch` and `state()`, which tell where
 * the outer one is: the one that began first counts until it ends or is left. A batch counts as done as soon as it was
 * handed out. Iterators that are taken by hand (`loader[Symbol.iterator]()`) must be used up or closed by `return()`.
 *
 * Data sets that answer with promises are read by `for await`.
 *
 * @throws RangeError for no items or options out of range; ArgumentError for unknown options and no `collate`
 * @example
 * const loader = new DataLoader(items, { batchSize: 32, shuffle: true, seed: 7, collate: (batch) => batch });
 * while (loader.epoch < 10) for (const batch of loader) train(batch); // also right after restore()
 */
export class DataLoader<Item, Batch> implements Iterable<Batch>, AsyncIterable<Batch> {
  readonly #dataset: Dataset<Item>;
  readonly #options: BatchOptions;
  readonly #collate: (items: Item[]) => Batch;
  /** Where the leading iteration is, or the next one begins. */
  #position: Cursor = { epoch: 0, batch: 0 };
  /** True while the iteration that moves the position is going on. */
  #leading = false;
  /** True if the last leading iteration was left before its end. */
  #left = false;
  #plan: { readonly epoch: number; readonly batches: readonly Int32Array[] };

  constructor(dataset: Dataset<Item> | readonly Item[], options: DataLoaderOptions<Item, Batch>) {
    this.#dataset = toDataset(dataset);
    checkOptions<DataLoaderOptions<Item, Batch>>("DataLoader", options, {
      ...BATCH_OPTIONS,
      collate: "function",
    });
    const { collate, ...batching } = options;
    if (collate === undefined) {
      throw wrongArgument("DataLoader", "collate", "a function such as (items) => items", collate);
    }
    this.#collate = collate;
    this.#options = batching;
    this.#plan = { epoch: 0, batches: planEpoch(this.#dataset.length, 0, batching) };
    if (this.#plan.batches.length === 0) {
      throw new RangeError(
        `DataLoader: ${this.#dataset.length} items make no batch of ${options.batchSize}${options.dropLast ? "; set dropLast to false" : ""}`,
      );
    }
  }

  /** Number of batches in an epoch. */
  get batchesPerEpoch(): number {
    return this.#plan.batches.length;
  }

  /** The epoch, from 0: the number of epochs that are over. */
  get epoch(): number {
    return this.#position.epoch;
  }

  /** @throws TypeError if the data set answers with a promise */
  *[Symbol.iterator](): Generator<Batch, void, undefined> {
    const cursor = this.#begin();
    try {
      for (let plan = this.#at(cursor); plan !== undefined; plan = this.#at(cursor)) {
        const items = Array.from(plan, (index) => {
          const item = this.#dataset.get(index);
          if (item instanceof Promise) {
            throw new TypeError(`DataLoader: item ${index} is a promise; use for await`);
          }
          return item;
        });
        const batch = this.#collate(items);
        cursor.batch++;
        yield batch;
      }
    } finally {
      this.#end(cursor);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const cursor = this.#begin();
    try {
      for (let plan = this.#at(cursor); plan !== undefined; plan = this.#at(cursor)) {
        const items = await Promise.all(Array.from(plan, (index) => this.#dataset.get(index)));
        const batch = this.#collate(items);
        cursor.batch++;
        yield batch;
      }
    } finally {
      this.#end(cursor);
    }
  }

  /** A new iteration's cursor. It is the loader's position itself, unless another iteration is moving that one. */
  #begin(): Cursor {
    if (this.#leading) return { epoch: this.#position.epoch, batch: 0 };
    if (this.#left) this.#position = { epoch: this.#position.epoch + 1, batch: 0 };
    this.#left = false;
    this.#leading = true;
    return this.#position;
  }

  #end(cursor: Cursor): void {
    if (cursor !== this.#position || !this.#leading) return;
    this.#leading = false;
    if (this.#at(cursor) === undefined) this.#position = { epoch: cursor.epoch + 1, batch: 0 };
    else this.#left = true;
  }

  /** The items of the batch that comes next; undefined at the end of the epoch. */
  #at({ epoch, batch }: Cursor): Int32Array | undefined {
    if (this.#plan.epoch !== epoch) {
      this.#plan = { epoch, batches: planEpoch(this.#dataset.length, epoch, this.#options) };
    }
    return this.#plan.batches[batch];
  }

  /** Where the loader stands, for a checkpoint. */
  state(): LoaderState {
    const { epoch, batch } = this.#position;
    const { batchSize, seed = 0, shuffle = false, dropLast = false, lengths = null } = this.#options;
    const bucketBatches = lengths === null ? null : (this.#options.bucketBatches ?? 50);
    return {
      epoch,
      batch,
      items: this.#dataset.length,
      batchSize,
      seed,
      shuffle,
      dropLast,
      bucketBatches,
      lengths: lengths === null ? null : checksum(lengths),
    };
  }

  /**
   * Goes on from a saved state: the next loop begins in the middle of its epoch, and the batches to come are those of
   * the uninterrupted run.
   *
   * @throws RangeError if the state belongs to other data or options, or is damaged
   */
  restore(state: LoaderState): void {
    if (typeof state !== "object" || state === null) {
      throw wrongArgument("DataLoader.restore", "the state", "what state() gave", state);
    }
    const own = this.state();
    for (const key of OPTIONS_OF_ORDER) {
      // 7 and "7" are the same seed.
      if (key === "seed" ? String(state.seed) !== String(own.seed) : state[key] !== own[key]) {
        throw new RangeError(
          `DataLoader.restore: ${key} was ${state[key]} when saved, and is ${own[key]} here`,
        );
      }
    }
    const { epoch, batch } = state;
    if (!(Number.isInteger(epoch) && epoch >= 0 && Number.isInteger(batch) && batch >= 0)) {
      throw new RangeError(`DataLoader.restore: damaged state ${JSON.stringify(state)}`);
    }
    if (batch > this.batchesPerEpoch) {
      throw new RangeError(`DataLoader.restore: batch ${batch} of an epoch of ${this.batchesPerEpoch}`);
    }
    // A loop that is going on keeps its own cursor.
    this.#position = { epoch, batch };
    this.#leading = false;
    this.#left = false;
  }
}

const OPTIONS_OF_ORDER = [
  "items",
  "batchSize",
  "seed",
  "shuffle",
  "dropLast",
  "bucketBatches",
  "lengths",
] as const;

function toDataset<Item>(dataset: Dataset<Item> | readonly Item[]): Dataset<Item> {
  if (typeof dataset !== "object" || dataset === null || !Number.isInteger(dataset.length)) {
    throw wrongArgument("DataLoader", "the data set", "an array or { length, get(index) }", dataset);
  }
  return "get" in dataset ? dataset : { length: dataset.length, get: (index) => dataset[index]! };
}

/** FNV-1a of the numbers, as eight hexadecimal digits. */
function checksum(lengths: ArrayLike<number>): string {
  const bytes = new Uint8Array(Float64Array.from(lengths).buffer);
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
