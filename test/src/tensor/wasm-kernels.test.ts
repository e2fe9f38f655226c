// The kernels below the tensor: accuracy of the elementary functions in units in the last place, equal bits
// for every register tile and number of threads, optimiser steps against float64 loops.
import { tensor, transpose, withBackend } from "@echo-ts/tensor";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";
import {
  type KernelTable,
  type Product,
  Unary,
  writeAdamUpdate,
  writeProduct,
  writeSgdUpdate,
} from "../../../packages/tensor/dist/backends/wasm/generated/contract.js";
import { MODULES } from "../../../packages/tensor/dist/backends/wasm/generated/modules.js";
import { configureWasm, wasm } from "../../../packages/tensor/dist/backends/wasm/index.js";
import { product } from "../../../packages/tensor/dist/backends/wasm/matmul.js";
import { type ModuleName, moduleBytes } from "../../../packages/tensor/dist/backends/wasm/module-bytes.js";

configureWasm({ threads: 2 });
const engine = getEngine();
const { arena, kernels, pool, scratch } = engine;

/** The workers start beside this thread; until they are there, everything would run here. */
async function workersReady(): Promise<void> {
  pool.start();
  while (!pool.ready) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Room for `count` floats, filled with `data` if given. */
function room(count: number, data?: ArrayLike<number>): number {
  const { offset } = arena.allocate(count * 4);
  if (data !== undefined) arena.float32.set(data, offset / 4);
  return offset;
}

function floats(address: number, count: number): Float32Array {
  return arena.float32.slice(address / 4, address / 4 + count);
}

function noise(count: number, seed: number): Float32Array {
  let state = seed * 7919 + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 30;
  });
}

/** Distance of `actual` from the exact value, in units of the last place that float32 has there. */
function ulps(actual: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(actual, rounded) || (Number.isNaN(actual) && Number.isNaN(exact))) return 0;
  if (!Number.isFinite(rounded) || !Number.isFinite(actual)) {
    // The largest float and infinity are neighbours.
    return actual === rounded || Math.abs(exact) > 3.4028234e38 * (1 - 2 ** -22)
      ? 1
      : Number.POSITIVE_INFINITY;
  }
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(exact) || Number.MIN_VALUE)), -126);
  return Math.abs(actual - exact) / 2 ** (exponent - 23);
}

/** Floats of both signs and every exponent, and what matters at the ends. */
function everyKind(): Float32Array {
  const bits: number[] = [];
  for (let b = 0; b < 0x7f800000; b += 40_009) bits.push(b, b | 0x80000000);
  const floats = new Float32Array(Uint32Array.from(bits).buffer);
  const ends = [
    NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    1,
    -1,
    1.4e-45,
    -1.4e-45,
    1.17549435e-38,
    3.4028234e38,
    -3.4028234e38,
  ];
  return Float32Array.of(...ends, ...floats);
}

/** Numbers from low to high, evenly. */
const span = (low: number, high: number, count = 60_000): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => low + ((high - low) * i) / count);

/** erf in double precision: its series up to 3, the continued fraction of erfc above. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let total = x;
    for (let n = 1; n < 90; n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return total === 0 ? x * 1.1283791670955126 : (total * 2) / Math.sqrt(Math.PI);
  }
  let tail = 0;
  for (let n = 60; n > 0; n--) tail = n / 2 / (a + tail);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + tail) * Math.sqrt(Math.PI)));
}

/** Name of the unary operation, its exact value, the interval looked at closely, the bound stated in the docs. */
const FUNCTIONS: [keyof typeof Unary, (x: number) => number, number, number, number][] = [
  ["exp", Math.exp, -110, 95, 1],
  ["expm1", Math.expm1, -20, 90, 1.5],
  ["log", Math.log, 0, 4, 1],
  ["log1p", Math.log1p, -1, 4, 1.5],
  ["sqrt", Math.sqrt, 0, 100, 0.5],
  ["sin", Math.sin, -1000, 1000, 1.5],
  ["cos", Math.cos, -1000, 1000, 1.5],
  ["tanh", Math.tanh, -10, 10, 2.5],
  ["erf", erf, -5, 5, 1.5],
];

for (const [name, exact, low, high, bound] of FUNCTIONS) {
  t.test(`${name} is within ${bound} ulp over the whole range`, async (t) => {
    for (const [range, inputs] of [
      ["all floats", everyKind()],
      [`${low} to ${high}`, span(low, high)],
      ["near 0", span(-1e-3, 1e-3)],
    ] as const) {
      const x = room(inputs.length, inputs);
      const y = room(inputs.length + 8);
      kernels.unary(Unary[name], 0, inputs.length, x, 0, y, 0, scratch);
      const actual = floats(y, inputs.length);
      let worst = 0;
      let at = 0;
      for (let i = 0; i < inputs.length; i++) {
        const distance = ulps(actual[i]!, exact(inputs[i]!));
        if (distance > worst) [worst, at] = [distance, i];
      }
      t.ok(worst <= bound, `${range}: ${worst.toFixed(2)} ulp at ${inputs[at]} (${actual[at]})`);
    }
  });
}

/** The record of a product of dense matrices. */
function dense(n: number, k: number, a: number, b: number, c: number): Product {
  return { k, a, aRow: k, aColumn: 1, b, bRow: n, bColumn: 1, c, cRow: n };
}

/** C = A B by the named module, or by the running one. */
function multiply(table: KernelTable, m: number, n: number, k: number, a: number, b: number): Float32Array {
  const c = room(m * n);
  const task = writeProduct(arena, engine.record, dense(n, k, a, b, c));
  table.gemm(task, 0, 1, 0, m, 0, n, scratch);
  return floats(c, m * n);
}

t.test("every register tile gives the same bits", async (t) => {
  const tiles = (names: ModuleName[]): KernelTable[] =>
    names
      .map((name) => moduleBytes(MODULES, name, true))
      .filter((bytes) => WebAssembly.validate(bytes))
      .map(
        (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: arena.memory } }),
      )
      .map((instance) => instance.exports as unknown as KernelTable);
  for (const [kind, tables] of [
    ["plain", tiles(["gemm4x8", "gemm4x16"])],
    ["fused multiply-add", tiles(["gemm4x8Fma", "gemm6x8Fma", "gemm4x16Fma"])],
  ] as const) {
    if (tables.length === 0) {
      t.comment(`${kind}: this engine has no relaxed SIMD`);
      continue;
    }
    for (const [m, n, k] of [
      [1, 1, 1],
      [7, 13, 5],
      [97, 485, 300],
      [375, 500, 509],
      [100, 17, 1000],
    ] as const) {
      const a = room(m * k, noise(m * k, 1));
      const b = room(k * n, noise(k * n, 2));
      const [first, ...others] = tables.map((table) => multiply(table, m, n, k, a, b));
      for (const other of others) t.same(other, first, `${kind}, ${m} x ${n} x ${k}`);
      let worst = 0;
      for (let i = 0; i < 200; i++) {
        const [row, column] = [(i * 37) % m, (i * 91) % n];
        let exact = 0;
        for (let p = 0; p < k; p++)
          exact += arena.float32[a / 4 + row * k + p]! * arena.float32[b / 4 + p * n + column]!;
        worst = Math.max(worst, Math.abs(exact - first![row * n + column]!));
      }
      t.ok(worst <= 1e-6 * k, `${kind}, ${m} x ${n} x ${k}: ${worst} off`);
    }
  }
});

t.test("a bias by columns or rows and accumulation are part of the product", async (t) => {
  const [m, n, k] = [37, 29, 300];
  const a = room(m * k, noise(m * k, 1));
  const b = room(k * n, noise(k * n, 2));
  const bias = room(n, noise(n, 3));
  const rowBias = room(m, noise(m, 4));
  const plain = multiply(kernels, m, n, k, a, b);
  const c = room(m * n);
  const sizes = { batch: 1, m, n };
  product(engine, sizes, { ...dense(n, k, a, b, c), bias });
  t.same(
    floats(c, m * n),
    plain.map((value, i) => value + arena.float32[bias / 4 + (i % n)]!),
  );
  product(engine, sizes, { ...dense(n, k, a, b, c), bias: rowBias, biasPerRow: 1 });
  t.same(
    floats(c, m * n),
    plain.map((value, i) => value + arena.float32[rowBias / 4 + Math.floor(i / n)]!),
  );
  const short = { ...dense(n, 200, a, b, c), aRow: k };
  product(engine, sizes, short);
  const added = floats(c, m * n);
  const twice = room(m * n, plain);
  product(engine, sizes, { ...short, c: twice, accumulate: 1 });
  t.same(
    floats(twice, m * n),
    plain.map((value, i) => value + added[i]!),
  );
});

t.test("two threads give the bits of one", async (t) => {
  await workersReady();
  t.equal(pool.threads, 2);
  for (const [m, n, k, batch] of [
    [375, 128, 512, 1],
    [128, 700, 300, 1],
    [20, 900, 300, 1],
    [150, 60, 70, 8],
    [300, 200, 64, 3],
  ] as const) {
    const a = room(batch * m * k, noise(batch * m * k, 1));
    const b = room(batch * k * n, noise(batch * k * n, 2));
    const one = room(batch * m * n);
    const two = room(batch * m * n);
    const batches = { aBatch: m * k, bBatch: k * n, cBatch: m * n };
    const task = writeProduct(arena, engine.record, { ...dense(n, k, a, b, one), ...batches });
    kernels.gemm(task, 0, batch, 0, m, 0, n, scratch);
    product(engine, { batch, m, n }, { ...dense(n, k, a, b, two), ...batches });
    t.same(floats(two, batch * m * n), floats(one, batch * m * n), `${batch} of ${m} x ${n} x ${k}`);
  }
  const count = 300_000;
  const x = room(count, noise(count, 3));
  const [one, two] = [room(count + 8), room(count + 8)];
  kernels.unary(Unary.exp, 0, count, x, 0, one, 0, scratch);
  const half = 149_504;
  pool.run("unary", [
    [Unary.exp, 0, half, x, 0, two, 0, scratch],
    [Unary.exp, half, count - half, x, 0, two, 0, pool.scratchOf(1)],
  ]);
  t.same(floats(two, count), floats(one, count));
});

t.test("a sum does not depend on how it is cut", async (t) => {
  const count = 300_001;
  const x = room(count, noise(count, 9));
  const out = room(1);
  kernels.sumRows(0, 1, x, count, out);
  const parts = arena.allocate(8 * 5).offset;
  for (let i = 4; i >= 0; i--) kernels.sumParts(i, i + 1, x, count, parts);
  const cut = room(1);
  kernels.sumOfParts(parts, 5, cut);
  t.equal(floats(cut, 1)[0], floats(out, 1)[0]);
  const exact = floats(x, count).reduce((a, b) => a + b, 0);
  t.ok(Math.abs(floats(cut, 1)[0]! - exact) < 1e-6 * count ** 0.5, `${floats(cut, 1)[0]} and ${exact}`);
});

t.test("the sum of squares for gradient norms is that of float64", async (t) => {
  for (const count of [0, 1, 1003, 200_001]) {
    const values = noise(count, 5);
    const gradient = withBackend(wasm, () => tensor(values));
    const exact = values.reduce((total, value) => total + value * value, 0);
    const actual = wasm.updates!.sumOfSquares!(gradient)!;
    t.ok(Math.abs(actual - exact) <= 1e-12 * exact, `${count}: ${actual} and ${exact}`);
  }
  const view = transpose(
    withBackend(wasm, () =>
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ),
  );
  t.equal(wasm.updates!.sumOfSquares!(view), null, "a strided view is left to the caller");
});

t.test("AdamW and SGD follow float64 loops", async (t) => {
  const count = 1003;
  const initial = noise(count, 1);
  const [w, m, v] = [
    room(count, initial),
    room(count, new Float32Array(count)),
    room(count, new Float32Array(count)),
  ];
  const [lr, beta1, beta2, epsilon, decay] = [0.01, 0.9, 0.98, 1e-8, 0.1];
  const exact = Float64Array.from(initial);
  const [em, ev] = [new Float64Array(count), new Float64Array(count)];
  const canary = arena.float32[w / 4 + count]!;
  for (let step = 1; step <= 20; step++) {
    const gradient = noise(count, 100 + step);
    const g = room(count, gradient);
    const task = writeAdamUpdate(arena, engine.record, {
      learningRate: lr,
      beta1,
      beta2,
      epsilon,
      weightDecay: decay,
      correction1: 1 - beta1 ** step,
      correction2: 1 - beta2 ** step,
      weights: w,
      gradient: g,
      mean: m,
      square: v,
    });
    kernels.adamw(0, count, task);
    for (let i = 0; i < count; i++) {
      const gi = gradient[i]!;
      em[i] = beta1 * em[i]! + (1 - beta1) * gi;
      ev[i] = beta2 * ev[i]! + (1 - beta2) * gi * gi;
      const below = Math.sqrt(ev[i]! / (1 - beta2 ** step)) + epsilon;
      exact[i] = exact[i]! * (1 - lr * decay) - (lr * (em[i]! / (1 - beta1 ** step))) / below;
    }
  }
  const worst = floats(w, count).reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i]!)), 0);
  t.ok(worst < 3e-6, `AdamW: ${worst}`);
  t.equal(arena.float32[w / 4 + count], canary, "nothing is written past the end");

  const [sw, velocity] = [room(count, initial), room(count, new Float32Array(count))];
  const plain = Float64Array.from(initial);
  const speed = new Float64Array(count);
  for (let step = 1; step <= 10; step++) {
    const gradient = noise(count, 200 + step);
    const rates = { learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 };
    const addresses = { weights: sw, gradient: room(count, gradient), velocity };
    kernels.sgd(0, count, writeSgdUpdate(arena, engine.record, { ...rates, ...addresses }));
    for (let i = 0; i < count; i++) {
      speed[i] = 0.9 * speed[i]! + gradient[i]! + 0.01 * plain[i]!;
      plain[i] = plain[i]! - 0.05 * speed[i]!;
    }
  }
  const off = floats(sw, count).reduce((most, value, i) => Math.max(most, Math.abs(value - plain[i]!)), 0);
  t.ok(off < 1e-5, `SGD: ${off}`);
});
