// The one memory of the wasm backend: storage by byte offset, cut into blocks of a few sizes per octave.
// Freed blocks queue up by size and the oldest is used first, so that the bits of a block released by
// mistake stay readable as long as possible. Blocks carry a generation: a handle remembers the one it was
// given and can tell that its block has moved on. Read next: engine.ts.

import { BackendError } from "../../errors.ts";

const PAGE = 65536;
const ALIGN = 64;
const FINE_LIMIT = 1024; // up to here sizes are multiples of 64 bytes
const CLASSES = FINE_LIMIT / ALIGN + 1 + 8 * 22; // above it, eight sizes per power of two up to 4 GiB
const MIN_GROWTH = 8 << 20;
const TIDY_ABOVE = 64 << 20;

/** A run of bytes in the arena. The object is reused with its bytes; `generation` counts the uses. */
export interface Block {
  readonly offset: number;
  /** Bytes that may be used; at least what was asked for. */
  readonly bytes: number;
  /** Odd while in use, even while free. */
  generation: number;
  /** True while somebody, such as a gradient graph, will release it; else the garbage collector has to find out. */
  owned: boolean;
  readonly sizeClass: number;
}

/** What the arena holds, in bytes. */
export interface ArenaStats {
  /** In blocks that are in use. */
  readonly live: number;
  readonly liveBlocks: number;
  /** The most that was ever in use. */
  readonly peak: number;
  /** In blocks that wait to be reused. */
  readonly free: number;
  /** Size of the memory, used or not. */
  readonly reserved: number;
  readonly limit: number;
}

/** First in, first out, on a ring that doubles when full. */
class BlockQueue {
  private ring: (Block | null)[] = new Array<Block | null>(8).fill(null);
  private head = 0;
  size = 0;

  push(block: Block): void {
    if (this.size === this.ring.length) {
      const turned = [...this.ring.slice(this.head), ...this.ring.slice(0, this.head)];
      this.ring = [...turned, ...new Array<null>(this.size).fill(null)];
      this.head = 0;
    }
    this.ring[(this.head + this.size++) & (this.ring.length - 1)] = block;
  }

  shift(): Block | null {
    if (this.size === 0) return null;
    const block = this.ring[this.head]!;
    this.ring[this.head] = null;
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.size--;
    return block;
  }
}

/** Number of the smallest size class that holds `bytes`. */
function classOf(bytes: number): number {
  if (bytes <= FINE_LIMIT) return (bytes + ALIGN - 1) >>> 6;
  const octave = 31 - Math.clz32(bytes - 1); // bytes - 1 lies in [2^octave, 2^(octave + 1))
  const eighth = Math.floor((bytes - 1) / 2 ** (octave - 3)) - 8;
  return FINE_LIMIT / ALIGN + 1 + (octave - 10) * 8 + eighth;
}

/** Bytes of the blocks in a size class. */
function classBytes(sizeClass: number): number {
  const coarse = sizeClass - FINE_LIMIT / ALIGN - 1;
  if (coarse < 0) return Math.max(sizeClass, 1) * ALIGN;
  return ((coarse & 7) + 9) * 2 ** ((coarse >> 3) + 7);
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Allocates blocks of one WebAssembly memory. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly limit: number;
  /** The whole memory as numbers; replaced when the memory grows, so never keep them. */
  float32!: Float32Array;
  float64!: Float64Array;
  int32!: Int32Array;
  uint8!: Uint8Array;
  private readonly queues: BlockQueue[] = Array.from({ length: CLASSES }, () => new BlockQueue());
  /** Space never cut into blocks, or merged back from free ones; sorted by offset. */
  private regions: { start: number; end: number }[];
  private live = 0;
  private owned = 0;
  private liveBlocks = 0;
  private peak = 0;
  private free = 0;

  /**
   * @param memory shared or not
   * @param start first byte to hand out; what lies below belongs to the kernels
   * @param limit bytes the memory may grow to
   */
  constructor(memory: WebAssembly.Memory, start: number, limit: number) {
    this.memory = memory;
    this.limit = limit;
    this.regions = [{ start: Math.ceil(start / ALIGN) * ALIGN, end: memory.buffer.byteLength }];
    this.refresh();
  }

  /**
   * A block of at least `bytes` bytes, aligned to 64, its contents undefined.
   *
   * @throws BackendError with figures when the memory cannot grow any further
   */
  allocate(bytes: number): Block {
    if (bytes > this.limit) throw this.exhausted(bytes); // there are no size classes above 4 GiB
    const sizeClass = classOf(bytes);
    const block = this.queues[sizeClass]!.shift() ?? this.cut(bytes, sizeClass);
    if (block.generation > 0) this.free -= block.bytes;
    block.generation++;
    this.live += block.bytes;
    this.liveBlocks++;
    if (this.live > this.peak) this.peak = this.live;
    return block;
  }

  /**
   * Gives a block back. A block that was already given back is left alone.
   *
   * @param generation the block's generation when it was allocated
   */
  release(block: Block, generation: number): void {
    if (block.generation !== generation) return;
    block.generation++;
    this.live -= block.bytes;
    if (block.owned) this.setOwned(block, false);
    this.liveBlocks--;
    this.free += block.bytes;
    this.queues[block.sizeClass]!.push(block);
  }

  /** Notes whether somebody will release the block. */
  setOwned(block: Block, owned: boolean): void {
    if (block.owned === owned) return;
    block.owned = owned;
    this.owned += owned ? block.bytes : -block.bytes;
  }

  /** Bytes in blocks that are in use and that nobody will release: left to the garbage collector. */
  get looseBytes(): number {
    return this.live - this.owned;
  }

  /** Bytes in blocks that are in use. */
  get liveBytes(): number {
    return this.live;
  }

  stats(): ArenaStats {
    const { live, liveBlocks, peak, free, limit } = this;
    return { live, liveBlocks, peak, free, reserved: this.memory.buffer.byteLength, limit };
  }

  /** New space for a block; merges free blocks before the memory grows when they outweigh the live ones. */
  private cut(bytes: number, sizeClass: number): Block {
    const size = classBytes(sizeClass);
    let offset = this.take(size);
    if (offset < 0 && this.free > TIDY_ABOVE && this.free > this.live / 2) {
      this.merge();
      offset = this.take(size);
    }
    if (offset < 0 && this.grow(size)) offset = this.take(size);
    if (offset < 0 && this.free > 0) {
      this.merge();
      offset = this.take(size);
    }
    if (offset < 0) throw this.exhausted(bytes);
    return { offset, bytes: size, generation: 0, owned: false, sizeClass };
  }

  private exhausted(bytes: number): BackendError {
    return new BackendError(
      `allocate: out of memory: ${mebibytes(bytes)} asked for, ${mebibytes(this.live)} live in ${this.liveBlocks} blocks, ` +
        `limit ${mebibytes(this.limit)}; use smaller batches, or let tensors go`,
    );
  }

  private take(size: number): number {
    for (const region of this.regions) {
      if (region.end - region.start < size) continue;
      const offset = region.start;
      region.start += size;
      return offset;
    }
    return -1;
  }

  private grow(size: number): boolean {
    const reserved = this.memory.buffer.byteLength;
    const wishes = [Math.max(size, MIN_GROWTH, reserved / 4), size];
    for (const wish of wishes) {
      const pages = Math.ceil(Math.min(wish, this.limit - reserved) / PAGE);
      if (pages * PAGE < size) continue;
      try {
        this.memory.grow(pages);
      } catch {
        continue; // the engine has no room for that much: try the least
      }
      this.refresh();
      const end = this.memory.buffer.byteLength;
      const last = this.regions[this.regions.length - 1];
      if (last?.end === reserved) last.end = end;
      else this.regions.push({ start: reserved, end });
      return true;
    }
    return false;
  }

  /** Turns all free blocks back into uncut space. Their handles can never become valid again. */
  private merge(): void {
    const spans = this.regions.filter((region) => region.end > region.start);
    for (const queue of this.queues) {
      for (let block = queue.shift(); block !== null; block = queue.shift()) {
        spans.push({ start: block.offset, end: block.offset + block.bytes });
      }
    }
    spans.sort((a, b) => a.start - b.start);
    this.regions = [];
    for (const span of spans) {
      const last = this.regions[this.regions.length - 1];
      if (last?.end === span.start) last.end = span.end;
      else this.regions.push(span);
    }
    this.free = 0;
  }

  private refresh(): void {
    const { buffer } = this.memory;
    this.float32 = new Float32Array(buffer);
    this.float64 = new Float64Array(buffer);
    this.int32 = new Int32Array(buffer);
    this.uint8 = new Uint8Array(buffer);
  }
}
