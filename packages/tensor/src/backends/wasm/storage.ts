// Storages in the arena. A storage gives its block back when the tape says so (`release`), when the garbage
// collector finds that nobody holds it, or, in a crowded arena, when it was not among the last used: its
// elements then wait in a typed array (`relieve`, `bringBack`). Read next: operands.ts.

import type { Backend, Storage } from "../../backend.ts";
import { type ArrayOf, BYTES_PER_ELEMENT, type DType, newArray, type TypedArray } from "../../dtype.ts";
import { BackendError } from "../../errors.ts";
import type { Arena, Block } from "./arena.ts";
import { getEngine } from "./engine.ts";

/** What the garbage collector is given to free in place of the storage itself. */
interface Lease {
  readonly block: Block;
  readonly generation: number;
}

const forgotten = new FinalizationRegistry<Lease>(({ block, generation }) => {
  const { arena } = getEngine();
  arena.release(block, generation);
  // The collector has just been through: what is left is in use.
  settledBytes = arena.looseBytes;
});

/** A flat run of elements in the arena, or, under pressure, in an array of the host's (see `relieve`). */
export class WasmStorage implements Storage {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly length: number;
  pinned = false;
  version = 0;
  /** True once a finaliser is registered. */
  watched = false;
  /** How often it was brought back after it had left the arena. */
  returns = 0;

  block: Block;
  generation: number;
  /**
   * What the storage held when it left the arena: all elements if that was under pressure, the value of a
   * released storage of one element (a loss is often read steps later), else nothing.
   */
  outside: TypedArray | number | null = null;

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
   * @throws BackendError if the block was given back: the elements may be gone
   */
  get address(): number {
    if (recent.length > 0) touch(this);
    if (this.block.generation !== this.generation) {
      if (this.outside !== null) return bringBack(this, this.outside);
      throw new BackendError(
        `read: this ${this.dtype} storage of ${this.length} elements was released and its memory may hold something else; keep tensors that outlive a training step with keep() or detach them`,
      );
    }
    return this.block.offset;
  }

  /** Read where it lies: to bring it back could make the memory grow, which detaches arrays taken before. */
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

// Registering a finaliser costs more than a small op, and most storages are released by the tape before
// they get old. So they wait here, and only those still in use when the list is full are registered.
const YOUNG_COUNT = 512;
const YOUNG_BYTES = 32 << 20;
let young: WasmStorage[] = [];
let youngBytes = 0;

function watch(storage: WasmStorage): void {
  young.push(storage);
  youngBytes += storage.block.bytes;
  if (young.length < YOUNG_COUNT && youngBytes < YOUNG_BYTES) return;
  const grown = young;
  young = [];
  youngBytes = 0;
  for (const old of grown) {
    const { block, generation } = old;
    if (block.generation !== generation) continue;
    old.watched = true;
    forgotten.register(old, { block, generation }, old);
  }
}

/** A storage of undefined elements. */
export function allocateStorage(backend: Backend, dtype: DType, length: number): WasmStorage {
  const { arena } = getEngine();
  const bytes = length * BYTES_PER_ELEMENT[dtype];
  const crowded = isCrowded(arena, bytes);
  if (crowded) relieve();
  else if (recent.length > 0) settleRecent();
  const storage = new WasmStorage(backend, dtype, length, arena.allocate(bytes));
  if (crowded) recent.push(storage);
  else watch(storage);
  return storage;
}

// Finalisers run only when the event loop turns, so a long synchronous job without a tape would fill the
// arena with storages nobody holds. Once LOOSE_BYTES have come together beyond what was in use when finalisers
// last ran and what tapes hold, results live in the arena only while they are among the last used; then they
// move to typed arrays, which the collector frees at any time. What keeps coming back is in use, and stays.
const LOOSE_BYTES = 16 << 20;
const RECENT = 16; // more than any kernel needs at once: addresses it has asked for stay good that long
const RETURNS = 3;
const recent: WasmStorage[] = [];
let settledBytes = 0;

function isCrowded(arena: Arena, bytes: number): boolean {
  return arena.looseBytes + bytes > settledBytes + LOOSE_BYTES || arena.liveBytes + bytes > arena.limit / 2;
}

/** Notes that the storage is in use and will be released: by a tape, an optimiser, a scoring. */
export function holdStorage(storage: Storage): void {
  const { block, generation } = storage as WasmStorage;
  if (block.generation === generation) getEngine().arena.hold(block);
}

/** Moves all but the most recently used storages of the crowded time out of the arena. */
function relieve(): void {
  const { arena } = getEngine();
  while (recent.length > RECENT) {
    const storage = recent.shift()!;
    if (storage.block.generation !== storage.generation) continue; // released in the meantime
    if (storage.block.held && arena.liveBytes < arena.limit / 2) {
      watch(storage); // the tape gives it back, or the collector when its graph is forgotten
      continue;
    }
    storage.outside = storage.data.slice();
    arena.release(storage.block, storage.generation);
  }
}

/** Leaves what is left of a crowded time to the collector. */
function settleRecent(): void {
  for (const storage of recent) if (storage.block.generation === storage.generation) watch(storage);
  recent.length = 0;
}

/** Makes a storage of the crowded time the most recently used. */
function touch(storage: WasmStorage): void {
  const at = recent.lastIndexOf(storage);
  if (at < 0) return;
  recent.splice(at, 1);
  recent.push(storage);
}

/** Gives a storage that left the arena a block again; returns its address. */
function bringBack(storage: WasmStorage, values: TypedArray | number): number {
  const { arena } = getEngine();
  const bytes = BYTES_PER_ELEMENT[storage.dtype];
  relieve();
  const crowded = isCrowded(arena, storage.length * bytes);
  storage.block = arena.allocate(storage.length * bytes);
  storage.generation = storage.block.generation;
  storage.outside = null;
  const all = arrayOf(arena, storage.dtype);
  const at = storage.block.offset / bytes;
  if (typeof values === "number") all[at] = values;
  else all.set(values, at);
  const stays = ++storage.returns >= RETURNS && arena.liveBytes < arena.limit / 2;
  if (stays) settledBytes += storage.block.bytes;
  if (crowded && !stays) recent.push(storage);
  else watch(storage);
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
  if (block.generation !== generation) return;
  const { arena } = getEngine();
  if (released.length === 1) {
    released.outside = arrayOf(arena, dtype)[block.offset / BYTES_PER_ELEMENT[dtype]]!;
  }
  arena.release(block, generation);
  // The registry would remember it until the event loop turns, which a synchronous loop never lets it.
  if (released.watched) forgotten.unregister(released);
}
