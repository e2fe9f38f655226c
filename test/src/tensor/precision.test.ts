// Numbers that float32 loses when a formula subtracts what is nearly equal: logits with a common offset, losses
// close to 0, norms of rows that hardly vary, tails of activations; and Infinity, where only NaN is right. Expected
// values are exact ones (or PyTorch 2.13's, where said), on every backend.
import { crossEntropyLoss, variable } from "@echo-ts/autograd";
import * as T from "@echo-ts/tensor";
import t, { type Test } from "tap";

const backends = ["reference", "wasm"] as const;
const onEach = (name: string, body: (t: Test) => void): void => {
  for (const backend of backends) {
    t.test(`${name}, ${backend}`, async (t) => T.withBackend(backend, () => body(t)));
  }
};

/** True if the values are within `tolerance` of the expected ones, relative to each; NaN only matches NaN. */
function near(t: Test, actual: T.Tensor, expected: readonly number[], tolerance: number, what = ""): void {
  const values = [...actual.dataSync()];
  const worst = expected.reduce((most, value, i) => {
    if (Object.is(values[i], value) || values[i] === value) return most;
    const off = Math.abs(values[i]! - value) / (Math.abs(value) || 1);
    return Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(most, off);
  }, 0);
  t.ok(values.length === expected.length && worst <= tolerance, `${what} ${values} for ${expected}`);
}

const labels = (...values: number[]): T.Tensor => T.tensor(Int32Array.from(values));

onEach("a common offset of the logits changes no loss and no gradient", (t) => {
  for (const offset of [0, 1000, 1e6, -1e6, 3e30]) {
    const logits = variable(T.tensor([[offset, offset]]));
    const loss = crossEntropyLoss(logits, labels(0));
    near(t, loss, [Math.LN2], 2e-7, `offset ${offset}:`);
    loss.backward();
    near(t, logits.grad!, [-0.5, 0.5], 2e-7, `gradient at ${offset}:`);
  }
  const spread = T.tensor([[1e6, 1e6 + 2, 1e6 - 1]]);
  const exact = Math.log(Math.exp(-2) + 1 + Math.exp(-3));
  near(t, crossEntropyLoss(spread, labels(1)), [exact], 1e-6);
  near(t, crossEntropyLoss(spread, labels(0)), [exact + 2], 1e-6);
  near(
    t,
    crossEntropyLoss(spread, labels(2), { labelSmoothing: 0.3 }),
    [exact + 0.7 * 3 + (0.3 * 5) / 3],
    1e-6,
  );
});

t.test("a confident loss keeps its digits on wasm, and so does the gradient of its label", async (t) => {
  T.withBackend("wasm", () => {
    for (const gap of [5, 12, 20, 40]) {
      const logits = variable(T.tensor([[gap, 0, -1]]));
      const exact = Math.log1p(Math.exp(-gap) + Math.exp(-gap - 1));
      const loss = crossEntropyLoss(logits, labels(0));
      if (gap < 40) near(t, loss, [exact], 1e-6, `gap ${gap}:`); // beyond, float64 says 0
      loss.backward();
      const [a, b] = [Math.exp(-gap), Math.exp(-gap - 1)];
      const total = 1 + a + b;
      near(t, logits.grad!, [-(a + b) / total, a / total, b / total], 1e-6, `gradient at ${gap}:`);
    }
  });
});

/** Layer norm of a row in float64. */
function standardized(row: ArrayLike<number>, epsilon = 1e-5): number[] {
  const values = Array.from(row);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
}

onEach("layer norm of a constant row is 0, and so is its variance", (t) => {
  for (const width of [7, 8, 63, 1000]) {
    for (const fill of [12345.678, 0.1, -3e7, 1e-20]) {
      const x = T.tensor(new Float32Array(2 * width).fill(fill)).reshape([2, width]);
      near(t, T.layerNorm(x), new Array(2 * width).fill(0), 1e-4, `${width} of ${fill}:`);
      near(t, T.variance(x, 1), [0, 0], 1e-12, `${width} of ${fill}:`);
    }
  }
});

t.test("layer norm of a row with a large mean keeps the digits of its spread on wasm", async (t) => {
  T.withBackend("wasm", () => {
    for (const [width, mean, spread] of [
      [1000, 12345.678, 1e-6],
      [768, 1e4, 1e-3],
      [33, -5e6, 1e-6],
    ] as const) {
      const row = Float32Array.from({ length: width }, (_, k) => mean * (1 + spread * Math.sin(k * k + 1)));
      const x = variable(T.tensor(row).reshape([1, width]));
      const y = T.layerNorm(x);
      const expected = standardized(row);
      const values = y.dataSync();
      const off = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
      t.ok(off < 2e-5, `${width} about ${mean}: ${off}`);
      // The gradient by the input: r (h - mean(h) - z mean(h z)) for the weights h = sin(j).
      const h = Float32Array.from({ length: width }, (_, j) => Math.sin(j));
      T.sum(T.mul(y, T.tensor(h))).backward();
      const dx = x.grad!;
      const variance = row.reduce((a, b, _, all) => a + (b - mean64(all)) ** 2, 0) / width;
      const r = 1 / Math.sqrt(variance + 1e-5);
      const meanH = mean64(h);
      const along = expected.reduce((a, z, j) => a + z * h[j]!, 0) / width;
      const exact = expected.map((z, j) => r * (h[j]! - meanH - z * along));
      const scale = Math.max(...exact.map(Math.abs));
      const worst = [...dx.dataSync()].reduce((most, v, j) => Math.max(most, Math.abs(v - exact[j]!)), 0);
      t.ok(worst < 2e-5 * scale, `gradient: ${worst} of ${scale}`);
    }
  });
});

function mean64(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total / values.length;
}

t.test("the weight's gradient of layer norm uses the same statistics", async (t) => {
  T.withBackend("wasm", () => {
    const row = Float32Array.from({ length: 40 }, (_, k) => 2e4 * (1 + 1e-5 * Math.sin(k * k + 1)));
    const weight = variable(T.ones([40]));
    T.sum(T.layerNorm(T.tensor(row).reshape([1, 40]), weight)).backward();
    const dw = weight.grad!;
    const off = standardized(row).reduce((most, z, i) => Math.max(most, Math.abs(z - dw.dataSync()[i]!)), 0);
    t.ok(off < 2e-5, `${off}`);
  });
});

onEach("the gradient of elu is alpha e^x however small", (t) => {
  const points = [-30, -17, -5, -0.5, 0.5, 90];
  const x = variable(T.tensor(points));
  T.sum(T.elu(x, 2)).backward();
  const dx = x.grad!;
  near(
    t,
    dx,
    points.map((p) => (p > 0 ? 1 : 2 * Math.exp(p))),
    1e-6,
  );
});

onEach("Infinity among the logits makes the row NaN, as in PyTorch; -Infinity has no weight", (t) => {
  const rows = T.tensor([
    [Infinity, 1, 2],
    [-Infinity, 0, 0],
    [-Infinity, -Infinity, -Infinity],
    [Infinity, Infinity, -Infinity],
  ]);
  const no = [NaN, NaN, NaN];
  near(t, T.softmax(rows), [...no, 0, 0.5, 0.5, ...no, ...no], 1e-6, "softmax:");
  near(t, T.logSoftmax(rows), [...no, -Infinity, -Math.LN2, -Math.LN2, ...no, ...no], 1e-6, "logSoftmax:");
  for (const [row, label, loss] of [
    [0, 0, NaN],
    [0, 1, NaN],
    [1, 1, Math.LN2],
    [1, 0, Infinity],
    [2, 0, NaN],
  ] as const) {
    const one = T.narrow(rows, 0, row, 1);
    near(t, crossEntropyLoss(one, labels(label)), [loss], 1e-6, `row ${row}, label ${label}:`);
  }
  near(t, T.logSumExp(rows, 1), [Infinity, Math.LN2, -Infinity, Infinity], 1e-6, "logSumExp:");
  const long = T.tensor(Float32Array.from({ length: 70 }, (_, i) => (i === 37 ? Infinity : i)));
  near(t, T.softmax(long), new Array(70).fill(NaN), 0, "70 logits:");
});

onEach("max and min pass a NaN on, in any place", (t) => {
  for (const width of [2, 3, 9, 40]) {
    for (const at of [0, 1, width - 1]) {
      const values = Float32Array.from({ length: width }, (_, i) => (i === at ? NaN : i));
      const x = T.tensor(values);
      near(t, T.max(x), [NaN], 0, `max ${width}, ${at}:`);
      near(t, T.min(x), [NaN], 0, `min ${width}, ${at}:`);
      near(t, T.max(x.reshape([width, 1]), 0), [NaN], 0);
    }
  }
});
