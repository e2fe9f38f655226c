// What a stranger computes by the small entry of tensor alone: the first lines of program.ts, whose bits it must give, and
// whose kernels it ran on. consumers.ts runs both in every runtime.
import * as e from "@echo-ts/tensor/small";

/** FNV-1a over the bytes, in hexadecimal, and the first value in plain figures, as in program.ts. */
function bits(values: ArrayBufferView & ArrayLike<number | bigint>): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return `${hash.toString(16).padStart(8, "0")} of ${values.length}, first ${values[0]}`;
}

const print = (what: string, x: e.Tensor): void => console.log(`${what}: ${bits(x.dataSync())}`);

const x = e.randomNormal([65, 130], e.stream(7, "x"));
print("matmul", e.matmul(x, x.transpose()));
print("softmax", e.softmax(x));
print("exp, tanh", e.tanh(e.exp(x)));
print("sort", e.sort(x).values);
print("float64", e.cumsum(x.cast("float64"), 1));
console.log(`# kernels: ${e.wasmInfo().kernels}`);
