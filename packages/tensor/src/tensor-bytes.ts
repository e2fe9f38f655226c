// Keeps the elements of all tensors within `maximumBytes` when configureWasm sets it: those in the WebAssembly memory
// and those in typed arrays (of the reference backend, and of wasm tensors that moved out of a crowded memory).
// The engine tells nobody when it frees a typed array, so arrays are counted as they are made; when the count passes
// the limit, the collector runs and what it left is counted anew. Read next: backends/wasm/storage.ts.

import { BackendError } from "./errors.ts";
import { nodeRuntime } from "./node-runtime.ts";

let limit = Number.POSITIVE_INFINITY;
let wasmBytes: () => number = () => 0;

/** Bytes of typed arrays, those included that the collector may have freed since they were last counted. */
let counted = 0;
/** Tensors may take so much before the next recount, which costs a full run of the collector. */
let recountAbove = Number.POSITIVE_INFINITY;
let recounted = 0;
const arrays = new WeakSet<CountedArray>();

/** Bytes of a typed array. A storage holds one of these beside its array, so that both are freed together. */
export class CountedArray {
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  // `util.inspect` calls this for each that is left, which is the one way to list a WeakSet.
  static {
    Object.defineProperty(CountedArray.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value(this: CountedArray) {
        recounted += this.bytes;
        return "";
      },
    });
  }
}

/** From now on tensors take at most so many bytes. Arrays made before do not count. */
export function limitTensorBytes(bytes: number): void {
  limit = bytes;
  recountAbove = bytes;
}

/** Tells how many bytes tensors take in the WebAssembly memory; called by its engine once it runs. */
export function countWasmBytes(bytes: () => number): void {
  wasmBytes = bytes;
}

/** Counts a typed array of a tensor; its storage must hold the result for as long as the array. Null without a limit. */
export function countArray(bytes: number): CountedArray | null {
  if (limit === Number.POSITIVE_INFINITY) return null;
  const array = new CountedArray(bytes);
  arrays.add(array);
  counted += bytes;
  return array;
}

/** Ends the count of an array that its storage lets go. */
export function forgetArray(array: CountedArray | null): void {
  if (array !== null && arrays.delete(array)) counted -= array.bytes;
}

/**
 * Makes sure that tensors may take `bytes` more.
 *
 * @throws BackendError with figures if they would pass the limit
 */
export function checkTensorBytes(bytes: number, op = "allocate"): void {
  if (wasmBytes() + counted + bytes <= recountAbove || !recount()) return;
  const taken = wasmBytes() + counted;
  recountAbove = limit;
  if (taken + bytes <= limit) {
    recountAbove = Math.max(limit, taken + limit / 32);
    return;
  }
  throw new BackendError(
    `${op}: out of memory: ${mebibytes(bytes)} asked for, tensors take ${mebibytes(taken)}, ${mebibytes(counted)} of it ` +
      `in typed arrays, limit ${mebibytes(limit)}; use smaller batches, or let tensors go`,
  );
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Counts the arrays that the collector leaves. False where it cannot be run: outside Node. */
function recount(): boolean {
  const node = nodeRuntime();
  if (node === null) return false;
  collectGarbage ??= findCollector();
  collectGarbage();
  recounted = 0;
  node.getBuiltinModule("node:util").inspect(arrays, { showHidden: true, maxArrayLength: null });
  counted = recounted;
  return true;
}

let collectGarbage: (() => void) | null = null;

/** Node gives `gc` to contexts that are made while the flag is on. */
function findCollector(): () => void {
  const node = nodeRuntime()!;
  const v8 = node.getBuiltinModule("node:v8");
  v8.setFlagsFromString("--expose-gc");
  const gc = node.getBuiltinModule("node:vm").runInNewContext("gc") as () => void;
  v8.setFlagsFromString("--no-expose-gc");
  return gc;
}
