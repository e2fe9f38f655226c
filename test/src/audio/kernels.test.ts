// The wasm kernels beside the readable TypeScript: the same bits of every function that uses them, in a worker without
// WebAssembly and here with it.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import t from "tap";
import { frameModule } from "../../../packages/audio/dist/wasm-frames.js";
import { compute, type Results } from "./kernel-results.ts";

/** The values as unsigned integers, so that NaN equals NaN and -0 does not equal 0. */
function bits(values: Results[string]): Uint32Array {
  const copy = values.map((value) => (Number.isNaN(value) ? Number.NaN : value));
  return new Uint32Array(copy.byteLength % 4 === 0 ? copy.buffer : Uint32Array.from(copy).buffer);
}

t.test("every kernel gives the bits of the TypeScript form", async (t) => {
  const worker = new Worker(new URL("./kernel-results.js", import.meta.url));
  const [plain] = (await once(worker, "message")) as [Results];
  t.ok(frameModule(), "there are kernels here");
  const fast = compute();
  t.same(Object.keys(fast), Object.keys(plain));
  for (const [name, values] of Object.entries(fast)) {
    const [a, b] = [bits(values), bits(plain[name]!)];
    t.ok(a.length > 0 && a.length === b.length, `${name}: length`);
    t.equal(
      a.findIndex((value, i) => value !== b[i]),
      -1,
      `${name}: place of the first difference`,
    );
  }
});
