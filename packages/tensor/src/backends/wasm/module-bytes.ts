// The compiled kernels as bytes, and the one bit by which modules for shared and unshared memory differ.

import { MODULES, type Modules } from "./generated/modules.ts";

/** Names of the embedded modules. */
export type ModuleName = keyof Modules;

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const SHARED_FLAG = 2;

/** The bytes of an embedded module. */
export function moduleBytes(name: ModuleName, shared: boolean): Uint8Array<ArrayBuffer> {
  const text = atob(MODULES[name]);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  if (shared) bytes[memoryFlagsPosition(bytes)]! |= SHARED_FLAG;
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
