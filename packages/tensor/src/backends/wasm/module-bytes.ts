// The compiled kernels as bytes, and the one bit by which modules for shared and unshared memory differ.

import { ARCHIVES, BYTES, LETTERS, MODULES } from "./generated/modules.ts";

/** Names of the embedded modules. */
export type ModuleName = keyof typeof MODULES;

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const SHARED_FLAG = 2;

/** The bytes of an embedded module. */
export function moduleBytes(name: ModuleName, shared: boolean): Uint8Array<ArrayBuffer> {
  const { archive, start, end } = MODULES[name];
  const bytes = bytesOf(ARCHIVES[archive], end).slice(start);
  if (shared) bytes[memoryFlagsPosition(bytes)]! |= SHARED_FLAG;
  return bytes;
}

/** The first `count` bytes of what scripts/kernel-text.mjs wrote: a letter for a frequent byte, a mark and a letter else. */
function bytesOf(text: string, count: number): Uint8Array<ArrayBuffer> {
  const single = LETTERS.length - 2;
  const ranks = new Uint8Array(128);
  for (let rank = 0; rank < LETTERS.length; rank++) ranks[LETTERS.charCodeAt(rank)] = rank;
  const values = new Uint8Array(256);
  for (let rank = 0; rank < 256; rank++)
    values[rank] = Number.parseInt(BYTES.slice(2 * rank, 2 * rank + 2), 16);
  const letters = new TextEncoder().encode(text);
  const bytes = new Uint8Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    let rank = ranks[letters[at++]!]!;
    if (rank >= single) rank = (rank - single + 1) * single + ranks[letters[at++]!]!;
    bytes[i] = values[rank]!;
  }
  return bytes;
}

/**
 * Where the flags of the imported memory lie. A module states in one bit whether its memory is shared;
 * the kernels hold no atomic instructions, so the rest of the module is the same for both.
 */
function memoryFlagsPosition(bytes: Uint8Array): number {
  let at = 8; // past the magic number and the version
  const integer = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const skipName = (): void => {
    const length = integer();
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++]!;
    const size = integer();
    if (section !== IMPORT_SECTION) {
      at += size;
      continue;
    }
    for (let left = integer(); left > 0; left--) {
      skipName();
      skipName();
      const kind = bytes[at++]!;
      if (kind === MEMORY_IMPORT) return at;
      integer(); // functions: a type index
    }
  }
  throw new Error("wasm: an embedded module imports no memory");
}
