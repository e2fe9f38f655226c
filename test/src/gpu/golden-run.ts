// One golden case on one backend: PyTorch's values, and its gradients where it has some. Nothing here needs Node.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { GOLDEN_OPS, type GoldenCase, type GoldenOps, shareOfTolerance } from "../golden-cases.ts";

/** How a case went. */
export interface GoldenRun {
  readonly name: string;
  /** Largest error of a tensor, as a share of the tolerance. */
  readonly worst: number;
  /** Tensors compared. */
  readonly tensors: number;
}

/** Cases that GOLDEN_OPS has: one expression of ops each. */
export const goldenNames = ({ cases }: GoldenOps): string[] =>
  cases.filter((c) => GOLDEN_OPS[c.op] !== undefined).map((c) => c.name);

/** Runs the case called `name` on `backend`. */
export async function runGolden(golden: GoldenOps, name: string, backend: e.Backend): Promise<GoldenRun> {
  const c = golden.cases.find((one) => one.name === name)!;
  const inputs: Record<string, e.Tensor> = {};
  const outputs = e.withBackend(backend, () => forward(golden, c, inputs));
  const pairs: [e.Tensor | null, string][] = [
    ...Object.entries(c.out).map(([key, wanted]): [e.Tensor, string] => [outputs[key]!, wanted]),
    ...Object.entries(c.grad ?? {}).map(([key, wanted]): [e.Tensor | null, string] => [
      inputs[key]!.grad,
      wanted,
    ]),
  ];
  let worst = 0;
  for (const [actual, key] of pairs) {
    const wanted = e.withBackend("reference", () => golden.value(key));
    const same = actual !== null && actual.shape.join() === wanted.shape.join();
    const share = same ? shareOfTolerance(await actual.data(), wanted.dataSync()) : Number.POSITIVE_INFINITY;
    worst = Math.max(worst, share);
  }
  return { name, worst, tensors: pairs.length };
}

/** The outputs; fills `inputs`, whose gradients are computed too where the case has some. */
function forward(
  { value }: GoldenOps,
  c: GoldenCase,
  inputs: Record<string, e.Tensor>,
): Readonly<Record<string, e.Tensor>> {
  for (const [name, key] of Object.entries(c.in)) {
    inputs[name] = name in (c.grad ?? {}) ? a.variable(value(key)) : value(key);
  }
  const result = GOLDEN_OPS[c.op]!(inputs, c.params, value(Object.values(c.out)[0]!));
  const outputs = result instanceof e.Tensor ? { y: result } : result;
  if (Object.keys(c.grad ?? {}).length === 0) return outputs;
  let total: e.Tensor = e.tensor(0);
  for (const name of Object.keys(c.out)) {
    total = e.add(total, e.sum(e.mul(outputs[name]!, value(c.cot![name]!))));
  }
  // The outputs are still to be read.
  a.backward(total, undefined, { retainGraph: true });
  return outputs;
}
