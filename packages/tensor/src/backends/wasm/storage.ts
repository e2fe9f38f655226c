// Storages in the arena. A storage gives its block back when its owner says so (`release`) or when the garbage
// collector finds that nobody holds it. Between two runs of the collector the arena may fill with storages that
// nobody owns: those not used lately then move out, into typed arrays (`moveOut`, `moveIn`). Read next: operands.ts.

import type { Backend, Storage, StorageOwner } from "../../backend.ts";
import { type ArrayOf, BYTES_PER_ELEMENT, type DType, newArray, type TypedArray } from "../../dtype.ts";
import { BackendError } from "../../errors.ts";
import { type CountedArray, checkTensorBytes, countArray, forgetArray } from "../../tensor-bytes.ts";
import type { Arena, Block } from "./arena.ts";
import { getEngine } from "./engine.ts";

/** What a finaliser frees. It must not hold the storage itself. */
interface Lease {
  readonly block: Block;
  readonly generation: number;
}

const finalizers = new FinalizationRegistry<Lease>(({ block, generation }) => {
  const { arena } = getEngine();
  arena.release(block, generation);
  // The collector has just run: the storages that are left are in use.
  usedBytes = arena.looseBytes;
});

/** A flat run of elements in the arena, or in a typed array after `moveOut`. */
export class WasmStorage implements Storage {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly length: number;
  owner: StorageOwner | null = null;
  closedBy: string | null = null;
  version = 0;
  /** True once it has a finaliser. */
  hasFinalizer = false;
  /** How often it was moved back into the arena. */
  returns = 0;

  block: Block;
  generation: number;
  /**
   * The elements while they are not in the arena: an array after `moveOut`, a number for a released storage of one
   * element (a loss is often read steps later). Null while they are in the arena, and when they are gone.
   */
  outside: TypedArray | number | null = null;
  /** Counts the array that is outside, if there is a limit. */
  counted: CountedArray | null = null;

  constructor(backend: Backend, dtype: DType, length: number, block: Block) {
    this.backend = backend;
    this.dtype = dtype;
    this.length = length;
    this.block = block;
    this.generation = block.generation;
  }

  /**
   * Where the first element lies in the memory.
   *
   * @throws BackendError if the block was given back: it may hold other elements by now
   */
  get address(): number {
    if (recent.length > 0) noteUse(this);
    if (this.block.generation !== this.generation) {
      if (this.outside !== null) return moveIn(this, this.outside);
      throw new BackendError(
        `read: the memory of this ${this.dtype} storage of ${this.length} elements was given back`,
      );
    }
    return this.block.offset;
  }

  /** Read where it is: to move it into the arena could make the memory grow, which detaches arrays taken before. */
  get data(): TypedArray {
    if (this.outside !== null) {
      if (typeof this.outside === "number") this.outside = newArray(this.dtype, 1).fill(this.outside);
      return this.outside;
    }
    const { address, length } = this;
    const { buffer } = getEngine().arena.memory;
    if (this.dtype === "float32") return new Float32Array(buffer, address, length);
    if (this.dtype === "int32") return new Int32Array(buffer, address, length);
    if (this.dtype === "float64") return new Float64Array(buffer, address, length);
    return new Uint8Array(buffer, address, length);
  }
}

// A finaliser costs more than a small op, and most storages are released by their owner soon. So new storages wait
// in a list, and when it is full, only those still in use get a finaliser.
const YOUNG_COUNT = 512;
const YOUNG_BYTES = 32 << 20;
let young: WasmStorage[] = [];
let youngBytes = 0;

/** Leaves the storage to the collector, unless it is released before. */
function leaveToCollector(storage: WasmStorage): void {
  young.push(storage);
  youngBytes += storage.block.bytes;
  if (young.length < YOUNG_COUNT && youngBytes < YOUNG_BYTES) return;
  const grown = young;
  young = [];
  youngBytes = 0;
  for (const old of grown) {
    const { block, generation } = old;
    if (block.generation !== generation) continue;
    old.hasFinalizer = true;
    finalizers.register(old, { block, generation }, old);
  }
}

/** A storage of undefined elements. */
export function allocateStorage(backend: Backend, dtype: DType, length: number): WasmStorage {
  const { arena } = getEngine();
  const bytes = length * BYTES_PER_ELEMENT[dtype];
  const crowded = isCrowded(arena, bytes);
  if (crowded) moveOut();
  else if (recent.length > 0) leaveRecentToCollector();
  checkTensorBytes(bytes);
  const storage = new WasmStorage(backend, dtype, length, arena.allocate(bytes));
  if (crowded) recent.push(storage);
  else leaveToCollector(storage);
  return storage;
}

// Finalisers run only when the event loop turns, so a long synchronous job would fill the arena with storages that
// nobody holds any more. The arena counts as crowded once the storages without an owner take LOOSE_BYTES more than
// those that were in use when finalisers last ran. New storages are then listed in `recent`, by their last use; all
// but the last RECENT move out to typed arrays, which the collector frees at any time. One that had to be moved
// back RETURNS times is in use, and stays.
const LOOSE_BYTES = 16 << 20;
const RECENT = 16; // more than a kernel takes at once: the addresses it has asked for stay valid that long
const RETURNS = 3;
const recent: WasmStorage[] = [];
/** Bytes of storages without an owner that are known to be in use. */
let usedBytes = 0;

function isCrowded(arena: Arena, bytes: number): boolean {
  return arena.looseBytes + bytes > usedBytes + LOOSE_BYTES || arena.liveBytes + bytes > arena.limit / 2;
}

/** Notes whether somebody will release the storage. */
export function ownStorage(storage: Storage, owned: boolean): void {
  const { block, generation } = storage as WasmStorage;
  if (block.generation === generation) getEngine().arena.setOwned(block, owned);
}

/** Moves all but the most recently used storages in `recent` out of the arena. */
function moveOut(): void {
  const { arena } = getEngine();
  while (recent.length > RECENT) {
    const storage = recent.shift()!;
    if (storage.block.generation !== storage.generation) continue; // released in the meantime
    if (storage.block.owned && arena.liveBytes < arena.limit / 2) {
      leaveToCollector(storage); // its owner will release it, or the collector once nobody holds the owner
      continue;
    }
    const values = storage.data.slice();
    storage.outside = values;
    storage.counted = countArray(values.byteLength);
    arena.release(storage.block, storage.generation);
  }
}

function leaveRecentToCollector(): void {
  for (const storage of recent) {
    if (storage.block.generation === storage.generation) leaveToCollector(storage);
  }
  recent.length = 0;
}

/** Makes the storage the last in `recent`, if it is there. */
function noteUse(storage: WasmStorage): void {
  const at = recent.lastIndexOf(storage);
  if (at < 0) return;
  recent.splice(at, 1);
  recent.push(storage);
}

/** Moves a storage back into the arena; returns its address. */
function moveIn(storage: WasmStorage, values: TypedArray | number): number {
  const { arena } = getEngine();
  const bytes = BYTES_PER_ELEMENT[storage.dtype];
  moveOut();
  const crowded = isCrowded(arena, storage.length * bytes);
  storage.block = arena.allocate(storage.length * bytes);
  storage.generation = storage.block.generation;
  storage.outside = null;
  forgetArray(storage.counted);
  storage.counted = null;
  if (storage.owner?.releases) arena.setOwned(storage.block, true);
  const all = arrayOf(arena, storage.dtype);
  const at = storage.block.offset / bytes;
  if (typeof values === "number") all[at] = values;
  else all.set(values, at);
  const stays = ++storage.returns >= RETURNS && arena.liveBytes < arena.limit / 2;
  if (stays) usedBytes += storage.block.bytes;
  if (crowded && !stays) recent.push(storage);
  else leaveToCollector(storage);
  return storage.block.offset;
}

/** A storage with a copy of these elements. */
export function uploadStorage(backend: Backend, dtype: DType, data: TypedArray): WasmStorage {
  const storage = allocateStorage(backend, dtype, data.length);
  const { arena } = getEngine();
  const at = storage.block.offset / BYTES_PER_ELEMENT[dtype];
  arrayOf(arena, dtype).set(data, at);
  return storage;
}

/** The whole memory as elements of `dtype`. */
export function arrayOf<D extends DType>(arena: Arena, dtype: D): ArrayOf[D];
export function arrayOf(arena: Arena, dtype: DType): TypedArray {
  switch (dtype) {
    case "float32":
      return arena.float32;
    case "float64":
      return arena.float64;
    case "int32":
      return arena.int32;
    case "bool":
      return arena.uint8;
  }
}

/** Gives the block back at once. */
export function releaseStorage(storage: Storage): void {
  const released = storage as WasmStorage;
  const { block, generation, dtype } = released;
  if (block.generation !== generation) {
    if (released.length > 1) released.outside = null;
    forgetArray(released.counted);
    released.counted = null;
    return;
  }
  const { arena } = getEngine();
  if (released.length === 1) {
    released.outside = arrayOf(arena, dtype)[block.offset / BYTES_PER_ELEMENT[dtype]]!;
  }
  arena.release(block, generation);
  // Otherwise the registry would grow until the event loop turns, which it never does in a synchronous loop.
  if (released.hasFinalizer) finalizers.unregister(released);
}
