// The compiled kernels as bytes, and the one bit by which modules for shared and unshared memory differ.
// Read next: kernel-set.ts.

import type { MODULES } from "./generated/modules.ts";
import type { MODULES as SMALL } from "./generated/small-modules.ts";

/** Names of the embedded modules. */
export type ModuleName = keyof (typeof MODULES)["places"] | keyof (typeof SMALL)["places"];

/** Modules as text, as scripts/kernel-text.mjs writes them: the fields are explained there. */
export interface EmbeddedModules {
  readonly letters: string;
  readonly bytes: string;
  readonly archives: Readonly<Record<string, string>>;
  readonly places: Readonly<
    Partial<Record<ModuleName, { readonly archive: string; readonly start: number; readonly end: number }>>
  >;
}

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const SHARED_FLAG = 2;

/** The bytes of an embedded module. */
export function moduleBytes(
  modules: EmbeddedModules,
  name: ModuleName,
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  const place = modules.places[name];
  if (place === undefined) throw new Error(`wasm: the module ${name} is not embedded`);
  const bytes = bytesOf(modules, modules.archives[place.archive]!, place.end).slice(place.start);
  if (shared) bytes[memoryFlagsPosition(bytes)]! |= SHARED_FLAG;
  return bytes;
}

/** The first `count` bytes of what scripts/kernel-text.mjs wrote: a letter for a frequent byte, a mark and a letter else. */
function bytesOf({ letters, bytes }: EmbeddedModules, text: string, count: number): Uint8Array<ArrayBuffer> {
  const single = letters.length - 2;
  const ranks = new Uint8Array(128);
  for (let rank = 0; rank < letters.length; rank++) ranks[letters.charCodeAt(rank)] = rank;
  const values = new Uint8Array(256);
  for (let rank = 0; rank < 256; rank++)
    values[rank] = Number.parseInt(bytes.slice(2 * rank, 2 * rank + 2), 16);
  const codes = new TextEncoder().encode(text);
  const out = new Uint8Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    let rank = ranks[codes[at++]!]!;
    if (rank >= single) rank = (rank - single + 1) * single + ranks[codes[at++]!]!;
    out[i] = values[rank]!;
  }
  return out;
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
