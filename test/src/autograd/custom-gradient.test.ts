// Functions with a gradient of their own: the examples of PyTorch's documentation, gradients and second derivatives
// against differences, and every way in which forward or backward can be wrong.
import {
  backward,
  customGradient,
  detectAnomaly,
  grad,
  gradcheck,
  keep,
  noGrad,
  variable,
} from "@echo-ts/autograd";
import {
  add,
  assign,
  clamp,
  div,
  mul,
  neg,
  round,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  withBackend,
} from "@echo-ts/tensor";
import t from "tap";
import { everyBackend } from "../tensor/every-backend.ts";

const double = (values: number[]): Tensor => tensor(Float64Array.from(values));

/** Length of the vector (a, b), with the gradient of the formula. */
const hypot = customGradient<[a: Tensor, b: Tensor]>({
  name: "hypot",
  forward: (a, b) => sqrt(add(square(a), square(b))),
  backward: (g, [a, b], length) => [mul(g, div(a, length)), mul(g, div(b, length))],
});

for (const backend of await everyBackend()) {
  t.test(`the examples of PyTorch's documentation on ${backend.name}`, async (t) => {
    withBackend(backend, () => {
      // pytorch.org/tutorials, "Defining new autograd functions": P3(x) = (5 x^3 - 3 x) / 2.
      const legendre = customGradient({
        name: "legendre",
        forward: (x) => mul(sub(mul(mul(square(x), x), 5), mul(x, 3)), 0.5),
        backward: (g, [x]) => [mul(g, mul(sub(mul(square(x), 5), 1), 1.5))],
      });
      const x = variable(tensor([0.5, -1, 2]));
      const y = legendre(x);
      t.same(y.toArray(), [-0.4375, -1, 17]);
      backward(sum(y));
      t.same(x.grad!.toArray(), [0.375, 6, 28.5]);
    });
  });

  t.test(`gradients that are meant to differ from the function's on ${backend.name}`, async (t) => {
    withBackend(backend, () => {
      const w = tensor([3, -0.5, 0.25]);
      const weighted = (f: (x: Tensor) => Tensor): { value: unknown; gradient: unknown } => {
        const x = variable(tensor([0.4, 0.6, -1.2]));
        const y = f(x);
        backward(sum(mul(y, w)));
        return { value: y.toArray(), gradient: x.grad!.toArray() };
      };
      const straightThrough = customGradient({
        name: "straightThrough",
        forward: (x) => round(x),
        backward: (g) => [g],
      });
      t.same(weighted(straightThrough), { value: [0, 1, -1], gradient: w.toArray() }, "Bengio et al. 2013");
      const identity = (x: Tensor): Tensor => x;
      const clipped = customGradient({
        name: "clipped",
        forward: identity,
        backward: (g) => [clamp(g, -1, 0.125)],
      });
      t.same(weighted(clipped).gradient, [0.125, -0.5, 0.125]);
      const reversal = customGradient({ name: "reversal", forward: identity, backward: (g) => [neg(g)] });
      t.same(weighted(reversal).gradient, [-3, 0.5, -0.25], "Ganin and Lempitsky 2015");
      t.same(weighted((x) => reversal(clipped(x))).gradient, [-1, 0.125, -0.25], "one inside the other");
    });
  });

  t.test(`what forward puts aside must be kept on ${backend.name}`, async (t) => {
    withBackend(backend, () => {
      const squared = (aside: (x: Tensor) => Tensor): ((x: Tensor) => Tensor) => {
        let saved: Tensor;
        return customGradient({
          name: "squared",
          forward(x) {
            saved = aside(mul(x, 2));
            return square(x);
          },
          backward: (g) => [mul(g, saved)],
        });
      };
      const slope = (f: (x: Tensor) => Tensor): unknown => {
        const x = variable(tensor([3, -1]));
        backward(sum(f(x)));
        return x.grad!.toArray();
      };
      t.same(slope(squared(keep)), [6, -2]);
      t.throws(() => slope(squared((x) => x)), /given back when .* ended; to use it later, call keep\(x\)/);
    });
  });
}

t.test("gradients and second derivatives agree with differences", async (t) => {
  const points = [double([1, -2, 0.5]), double([0.5, 1, -3])];
  t.ok(gradcheck(hypot, points, { secondOrder: true }).compared > 0);
  const outer = customGradient({
    name: "outer",
    forward: (x) => hypot(x, square(x)),
    backward: (g, [x], y) => [mul(g, div(add(x, mul(mul(square(x), x), 2)), y))],
  });
  t.ok(gradcheck(outer, [double([1, -2])], { secondOrder: true }).compared > 0, "within each other");
  const wrong = customGradient({ name: "wrong", forward: square, backward: (g, [x]) => [mul(g, x)] });
  t.throws(() => gradcheck(wrong, [double([1, 2])]), /gradcheck/, "and gradcheck finds a wrong one");
  const third = grad(grad(grad((x) => sum(mul(hypot(x, x), square(x))))));
  // hypot(x, x) x^2 = sqrt(2) x^3 for x > 0.
  t.ok(Math.abs(third(double([2])).item() - 6 * Math.SQRT2) < 1e-12, "third derivative");
});

t.test("only traced inputs get gradients, and only they are asked for", async (t) => {
  const asked: boolean[][] = [];
  const scaled = customGradient<[x: Tensor, by: Tensor, label: Tensor]>({
    name: "scaled",
    forward: (x, by) => mul(x, by),
    backward(g, [x, by], _y, needs) {
      asked.push([...needs]);
      return [needs[0] ? mul(g, by) : null, needs[1] ? sum(mul(g, x)) : null, null];
    },
  });
  const x = variable(tensor([1, 2]));
  const label = tensor([1], { dtype: "int32" });
  backward(sum(scaled(x, tensor(3), label)));
  t.same(x.grad!.toArray(), [3, 3]);
  t.same(asked, [[true, false, false]]);
  const nothing = customGradient({ name: "nothing", forward: square, backward: () => [null] });
  const y = variable(tensor([1]));
  backward(sum(add(nothing(y), y)));
  t.same(y.grad!.toArray(), [1], "null counts as no gradient");
  t.notOk(noGrad(() => hypot(x, x)).requiresGrad, "nothing is recorded under noGrad");
  t.notOk(hypot(tensor([3]), tensor([4])).requiresGrad, "nor for constants");
  t.same(hypot(tensor([3]), tensor([4])).toArray(), [5]);
  const same = customGradient({ name: "same", forward: (z) => z, backward: (g) => [g] });
  t.not(same(x), x, "an input that is returned gets a handle of its own");
  t.same(x.grad!.toArray(), [3, 3], "and stays what it was");
});

t.test("wrong values and gradients are refused by name", async (t) => {
  const x = variable(tensor([1, 2]));
  const ends = (parts: unknown): (() => void) => {
    const f = customGradient({
      name: "ends",
      forward: (z) => mul(z, 2),
      backward: () => parts as (Tensor | null)[],
    });
    return () => backward(sum(f(x)));
  };
  const text = "ends: backward must return a list of 1 gradients, one per input (null for none), got";
  t.throws(ends([]), { name: "GradientError", message: `${text} 0` });
  t.throws(ends(tensor([1, 2])), { message: `${text} a tensor` });
  t.throws(ends(undefined), { message: `${text} undefined` });
  const of = "ends: the gradient of input 0 must be float32 [2], got";
  t.throws(ends([tensor([1])]), { message: `${of} float32 [1]` });
  t.throws(ends([double([1, 2])]), { message: `${of} float64 [2]` });
  t.throws(ends([3]), { message: `${of} number` });
  t.throws(ends([undefined]), { message: `${of} undefined` });
  const gives = (value: unknown): (() => void) => {
    const f = customGradient<[x: Tensor]>({
      name: "gives",
      forward: () => value as Tensor,
      backward: (g) => [g],
    });
    return () => f(x);
  };
  t.throws(gives(1), { message: "gives: forward must return a tensor, got number" });
  t.throws(gives(tensor([true])), {
    message: "gives: forward must return float32 or float64 to have a gradient, got bool",
  });
  t.throws(() => hypot(x, 2 as unknown as Tensor), {
    message: "hypot: input 1 must be a tensor, got number",
  });
});

t.test("the engine's own errors name the function", async (t) => {
  const x = variable(tensor([1, 2]));
  const y = sum(hypot(x, x));
  assign(x, tensor([3, 4]));
  t.throws(() => backward(y), /an input of hypot was changed in place/);
  const broken = customGradient({
    name: "broken",
    forward: (z) => mul(z, 2),
    backward: (g) => [div(g, 0)],
  });
  t.throws(
    () => detectAnomaly(() => backward(sum(broken(variable(tensor([1])))))),
    /the gradient of broken for its input 0 \[1\] is Infinity/,
  );
  const outer = variable(tensor([0]));
  t.throws(() => detectAnomaly(() => hypot(div(outer, 0), outer)), /detectAnomaly: div produced NaN/);
});
