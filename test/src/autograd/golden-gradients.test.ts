// Gradients of PyTorch: every case of the golden operations that has some, for each way of computing:
// fused ops as compositions, fused ops by their own rules, and the wasm kernels.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import t, { type Test } from "tap";
import { GOLDEN_OPS, type GoldenCase, shareOfTolerance } from "../golden-cases.ts";
import { readGoldenCases } from "../read-golden.ts";
import { everyBackend } from "../tensor/every-backend.ts";
import { fusedReference } from "./fused-reference.ts";

/** Cases that are no single expression of ops. */
const MORE_OPS: Readonly<Record<string, (inputs: Readonly<Record<string, e.Tensor>>) => e.Tensor>> = {
  "reuse of one tensor": ({ x }) => e.add(e.add(e.mul(x!, x!), e.mul(x!, e.sin(x!))), e.sum(x!)),
  "two-layer network": ({ x, w1, b1, w2, b2, t }) =>
    a.crossEntropyLoss(e.linear(e.silu(e.linear(x!, w1!, b1)), w2!, b2), t!),
};

t.test("golden gradients", async (t) => {
  const { cases, value } = readGoldenCases();
  const withGradients = cases.filter((c) => Object.keys(c.grad ?? {}).length > 0);
  const run = (t: Test, c: GoldenCase): void => {
    const op = GOLDEN_OPS[c.op] ?? MORE_OPS[c.op];
    if (op === undefined) {
      t.fail(`no row for the golden op ${c.op}`);
      return;
    }
    const inputs: Record<string, e.Tensor> = {};
    for (const [name, key] of Object.entries(c.in)) {
      inputs[name] = name in c.grad! ? a.variable(value(key)) : value(key);
    }
    const expected = Object.fromEntries(Object.entries(c.out).map(([name, key]) => [name, value(key)]));
    const result = op(inputs, c.params, Object.values(expected)[0]!);
    const outputs: Record<string, e.Tensor> = result instanceof e.Tensor ? { y: result } : result;
    let total: e.Tensor = e.tensor(0);
    for (const [name, y] of Object.entries(expected)) {
      const worst = shareOfTolerance(outputs[name]!.dataSync(), y.dataSync());
      t.ok(worst <= 1, `${c.name}: value ${name} within tolerance (${worst.toPrecision(2)} of it)`);
      total = e.add(total, e.sum(e.mul(outputs[name]!, value(c.cot![name]!))));
    }
    total.backward();
    for (const [name, key] of Object.entries(c.grad!)) {
      const gradient = inputs[name]!.grad;
      const want = value(key);
      t.same(gradient?.shape, want.shape, `${c.name}: shape of the gradient of ${name}`);
      const worst = gradient === null ? Number.NaN : shareOfTolerance(gradient.dataSync(), want.dataSync());
      t.ok(worst <= 1, `${c.name}: gradient of ${name} within tolerance (${worst.toPrecision(2)} of it)`);
    }
  };
  for (const backend of [...(await everyBackend()), fusedReference]) {
    await t.test(backend.name, async (t) => {
      for (const c of withGradients) e.withBackend(backend, () => run(t, c));
      t.ok(withGradients.length >= 165, `${withGradients.length} cases`);
    });
  }
});
