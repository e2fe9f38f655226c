// Where computed features are kept, by key: in memory here, on disk in disk-cache.ts. A key is made from the
// content of the recording and every setting that matters, so a changed file or setting is never served stale.
import type { ArrayRecord } from "@echo-ts/tensor";

/** A store of named arrays by key. */
export interface FeatureCache {
  /** What was stored under the key, or null. */
  get(key: string): Promise<ReadonlyMap<string, ArrayRecord> | null>;
  set(key: string, arrays: Readonly<Record<string, ArrayRecord>>): Promise<void>;
}

/** A cache that forgets everything: for one pass over the data. */
export const NO_CACHE: FeatureCache = { get: async () => null, set: async () => {} };

/** SHA-256 of bytes as 64 hexadecimal digits. */
export async function contentHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** {@link contentHash} of a text's UTF-8 bytes. */
export function textHash(text: string): Promise<string> {
  return contentHash(new TextEncoder().encode(text));
}
