// A tour of the tensors that everything else here is built on.
//   node examples/dist/tensor-tour.js
// Read next: strided-views.ts.
import {
  add,
  arange,
  attention,
  cos,
  decodeSafetensors,
  encodeSafetensors,
  equal,
  exp,
  explain,
  eye,
  listBackends,
  matmul,
  mean,
  randomNormal,
  rfft,
  select,
  square,
  std,
  stream,
  sub,
  sum,
  type Tensor,
  tensor,
  toBackend,
  withBackend,
} from "@echo-ts/tensor";
import { OPS } from "@echo-ts/tensor/internal";

function heading(text: string): void {
  console.log(`\n${text}\n${"-".repeat(text.length)}`);
}

/** Milliseconds of the fastest of some runs. */
function fastest(runs: number, job: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    job();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

console.log("Echo in TypeScript: a tour of its tensors");

heading("Shapes meet as in NumPy");
const column = arange(3).unsqueeze(1);
const row = tensor([10, 20, 30, 40]);
console.log(`${add(column, row)}`);

heading("Views share memory");
const matrix = arange(12).reshape([3, 4]);
const view = matrix.transpose().slice([{ step: -1 }, { start: 1 }]);
console.log(`${view}`);
console.log(
  `shape [${view.shape}], strides [${view.strides}], same storage: ${view.storage === matrix.storage}`,
);

heading("The same seed draws the same numbers");
const noise = randomNormal([1000], stream(7, "noise"));
const again = randomNormal([1000], stream(7, "noise"));
console.log(`mean ${mean(noise).item().toFixed(4)}, deviation ${std(noise).item().toFixed(4)}`);
console.log(`drawn twice, all equal: ${equal(noise, again).all().item() === 1}`);

heading("A tone, and where its energy is");
const time = arange(64).mul((2 * Math.PI) / 64);
const tone = cos(time.mul(5)).add(cos(time.mul(12)).mul(0.5));
const power = sum(square(rfft(tone)), -1).div(32 ** 2);
for (const bin of [4, 5, 6, 11, 12, 13]) {
  const height = select(power, 0, bin).item();
  console.log(
    `bin ${String(bin).padStart(2)}  ${"#".repeat(Math.round(height * 40)).padEnd(40)} ${height.toFixed(3)}`,
  );
}

heading("Attention over five frames, causal");
const frames = randomNormal([5, 8], stream(7, "frames"));
// The values are the identity, so that the output is the weights.
const weights = attention(frames, frames, eye(5), { causal: true });
console.log(`${weights.mul(100).round().div(100)}`);

heading(`Backends: ${listBackends().join(", ")}`);
const [a, b] = ["a", "b"].map((name) => randomNormal([192, 192], stream(7, name)).dataSync() as Float32Array);
const products: Tensor[] = [];
for (const name of listBackends()) {
  withBackend(name, () => {
    const [x, y] = [tensor(a!, { shape: [192, 192] }), tensor(b!, { shape: [192, 192] })];
    const best = fastest(10, () => matmul(x, y).slice([0, 0]).item());
    const gflops = (2 * 192 ** 3) / best / 1e6;
    console.log(`${name.padEnd(10)} 192 x 192 matmul in ${best.toFixed(2)} ms, ${gflops.toFixed(1)} GFLOP/s`);
    products.push(matmul(x, y));
  });
}
const moved = await Promise.all(products.map((product) => toBackend(product, "reference")));
const gap = moved.map((p) => Math.sqrt(mean(square(sub(p, moved[0]!))).item()));
console.log(`largest difference between them: ${Math.max(...gap).toExponential(1)} (root mean square)`);
withBackend(listBackends().at(-1)!, () => exp(arange(4).cast("float64")));
for (const { backend, op, dtype, count } of explain()) {
  console.log(`computed by a fallback: ${op} (${dtype}) on ${backend}, ${count} times`);
}

heading("Files");
const bytes = await encodeSafetensors({ noise, weights });
const read = decodeSafetensors(bytes);
const exact = equal(read.get("noise")!, noise).all().item() === 1;
console.log(`${bytes.length} bytes of safetensors, read back bit for bit: ${exact}`);

console.log(
  `\n${Object.keys(OPS).length} ops, ${Object.values(OPS).filter((op) => op.kind === "primitive").length} of them primitive`,
);
