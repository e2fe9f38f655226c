// Random chains of elementwise ops, compared with the reference backend. Nothing here needs Node.
import * as e from "@echo-ts/tensor";
import { maxNorm } from "./op-cases.ts";

type Unary = (x: e.Tensor) => e.Tensor;
type Binary = (x: e.Tensor, y: e.Tensor) => e.Tensor;

const UNARY: readonly Unary[] = [
  ...[e.neg, e.abs, e.tanh, e.sigmoid, e.sin, e.cos, e.erf, e.gelu, e.geluTanh, e.silu, e.relu, e.softplus],
  (x) => e.elu(x, 0.7),
  (x) => e.leakyRelu(x, 0.1),
  (x) => e.exp(e.neg(e.abs(x))),
  (x) => e.log1p(e.square(x)),
  (x) => e.rsqrt(e.add(e.abs(x), 0.5)),
];
const BINARY: readonly Binary[] = [
  ...[e.add, e.sub, e.maximum, e.minimum],
  (x, y) => e.mul(x, e.tanh(y)),
  (x, y) => e.div(x, e.add(e.abs(y), 1)),
  // Without a jump, where the last bit would decide.
  (x, y) => e.where(e.less(x, y), x, y),
  (x, y) => e.where(e.greater(y, 0), e.mul(x, y), e.neg(e.mul(x, y))),
];

/** A formula of 3 to 14 ops over arrays of several layouts; its last value and one from the middle. */
function formula(seed: number): e.Tensor[] {
  const random = e.stream(seed, "chain");
  const normal = (shape: number[]): e.Tensor => e.randomNormal(shape, random);
  const known = [normal([4, 6]), e.transpose(normal([6, 4])), normal([6]), normal([4, 1]), normal([])];
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length)]!;
  const steps = random.integer(3, 15);
  let last = normal([4, 6]);
  for (let i = 0; i < steps; i++) {
    last = random.bernoulli(0.5) ? pick(UNARY)(last) : pick(BINARY)(last, pick(known));
    known.push(last);
  }
  return [last, known[known.length >> 1]!];
}

/** Distance of a formula on a backend from the same on the reference backend, in the maximum norm. */
export async function compareChain(seed: number, backend: e.Backend): Promise<number> {
  const expected = e.withBackend("reference", () => formula(seed));
  const actual = e.withBackend(backend, () => formula(seed));
  let worst = 0;
  for (const [i, x] of actual.entries()) {
    worst = Math.max(worst, maxNorm(await x.data(), expected[i]!.dataSync()));
  }
  return worst;
}
