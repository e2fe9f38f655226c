// The engine: where gradients go, when graphs end, and what is refused. Expected values are worked out by hand.
import {
  backward,
  detach,
  GradientError,
  grad,
  isGradEnabled,
  noGrad,
  onGradient,
  Parameter,
  valueAndGrad,
  variable,
  vjp,
  zeroGrad,
} from "@echo-ts/autograd";
import { add, exp, linear, matmul, mul, ones, pow, square, sum, type Tensor, tensor } from "@echo-ts/tensor";
import t from "tap";

t.test("backward puts the gradient into the leaf and adds to it the next time", async (t) => {
  const x = variable(tensor([3, 2]));
  const loss = sum(square(x));
  t.ok(loss.requiresGrad);
  loss.backward();
  t.same(x.grad?.toArray(), [6, 4]);
  t.equal(loss.item(), 13, "the loss can be read afterwards");
  sum(square(x)).backward();
  t.same(x.grad?.toArray(), [12, 8]);
  zeroGrad([x]);
  t.equal(x.grad, null);
});

t.test("a value used twice gets the sum of both gradients", async (t) => {
  const x = variable(tensor([2]));
  const y = mul(x, x); // 2x
  sum(add(mul(y, y), y)).backward(); // (2y + 1) 2x
  t.same(x.grad?.toArray(), [36]);
});

t.test("leaves that meet in one op own their gradients separately", async (t) => {
  const [a, b] = [variable(tensor([1])), variable(tensor([1]))];
  sum(add(a, b)).backward();
  t.not(a.grad?.storage, b.grad?.storage);
});

t.test("a graph is used once unless it is retained", async (t) => {
  const x = variable(tensor([3]));
  const loss = sum(square(x));
  backward(loss, undefined, { retainGraph: true });
  backward(loss);
  t.same(x.grad?.toArray(), [12]);
  t.throws(() => backward(loss), {
    name: "GradientError",
    message:
      "backward: the graph was already used and dropped; to use it again, call the first backward with { retainGraph: true }",
  });
  const h = square(x);
  sum(h).backward();
  t.throws(() => sum(h).backward(), GradientError, "a shared part that was dropped is noticed");
});

t.test("gradients have gradients", async (t) => {
  const cube = (x: Tensor) => sum(pow(x, 3));
  t.same(grad(cube)(tensor([2])).toArray(), [12]);
  t.same(grad((x) => sum(grad(cube)(x)))(tensor([2])).toArray(), [12]);
  t.same(grad((x) => sum(grad((y) => sum(grad(cube)(y)))(x)))(tensor([2])).toArray(), [6]);
  const x = variable(tensor([2]));
  backward(cube(x), undefined, { createGraph: true });
  const first = x.grad!;
  zeroGrad([x]);
  sum(first).backward();
  t.same(x.grad?.toArray(), [12]);
});

t.test("nested differentiation keeps variables apart", async (t) => {
  const outer = grad((x) => mul(x, grad((y) => add(x, y))(tensor(1))));
  t.equal(outer(tensor(2)).item(), 1);
  const mixed = grad((x) => grad((y) => mul(x, mul(y, y)))(tensor(3)));
  t.equal(mixed(tensor(2)).item(), 6);
});

t.test("valueAndGrad and vjp leave the gradients of leaves alone", async (t) => {
  const w = new Parameter(tensor([2]), "w");
  const { value, gradient } = valueAndGrad((x: Tensor) => sum(mul(x, w)))(tensor([5]));
  t.equal(value.item(), 10);
  t.same(gradient.toArray(), [2]);
  t.equal(w.grad, null);
  const a = tensor([[1, 2]]);
  const b = tensor([[3], [4]]);
  const product = vjp(matmul, a, b);
  t.same(product.value.toArray(), [[11]]);
  for (const factor of [1, 2]) {
    const [da, db] = product.pullback(tensor([[factor]]));
    t.same(da?.toArray(), [[3 * factor, 4 * factor]]);
    t.same(db?.toArray(), [[factor], [2 * factor]]);
  }
  t.same(grad((_x: Tensor) => tensor(1))(tensor([5])).toArray(), [0], "a constant has gradient 0");
  t.same(grad((x: Tensor) => x)(tensor(5)).toArray(), 1);
});

t.test("noGrad and detach cut the graph", async (t) => {
  const x = variable(tensor([3]));
  t.equal(noGrad(() => square(x)).requiresGrad, false);
  t.equal(
    noGrad(() => isGradEnabled()),
    false,
  );
  t.equal(isGradEnabled(), true);
  t.throws(() => noGrad(() => exp(tensor("a" as unknown as number))));
  t.equal(isGradEnabled(), true, "restored after a throw");
  sum(mul(x, detach(x))).backward();
  t.same(x.grad?.toArray(), [3]);
});

t.test("a parameter is written in place, frozen and thawed", async (t) => {
  const source = tensor([[1, 2]]);
  const w = new Parameter(source, "layer.weight");
  w.assign(tensor([[5, 6]]));
  t.same(w.toArray(), [[5, 6]]);
  t.same(source.toArray(), [[1, 2]], "it has storage of its own");
  w.requiresGrad = false;
  t.equal(linear(ones([1, 2]), w).requiresGrad, false);
  w.requiresGrad = true;
  const loss = sum(linear(ones([1, 2]), w));
  noGrad(() => w.assign(mul(w, 2)));
  t.throws(() => loss.backward(), {
    name: "GradientError",
    message: /^backward: an input \(perhaps "layer.weight"\) of \w+ was changed in place/,
  });
  t.throws(() => w.assign(ones([2, 1])), {
    name: "ShapeError",
    message: "assign: expected shape [1, 2], got [2, 1]",
  });
});

t.test("hooks see the whole gradient of a value and may replace it", async (t) => {
  const x = variable(tensor([1, 2]));
  const h = mul(x, 3);
  const seen: unknown[] = [];
  const remove = onGradient(h, (g) => {
    seen.push(g.toArray());
  });
  onGradient(h, (g) => mul(g, 10));
  backward(add(sum(h), sum(h)), undefined, { retainGraph: true });
  t.same(seen, [[2, 2]]);
  t.same(x.grad?.toArray(), [60, 60]);
  remove();
  sum(h).backward();
  t.equal(seen.length, 1);
  onGradient(x, () => ones([3]));
  t.throws(() => sum(square(x)).backward(), {
    name: "GradientError",
    message: "onGradient: the hook must return shape [2], got [3]",
  });
});

t.test("what cannot be differentiated is refused", async (t) => {
  const x = variable(tensor([1, 2]));
  const refused: [() => unknown, RegExp][] = [
    [() => backward(tensor(1)), /^backward: the tensor was not computed from any variable/],
    [() => square(x).backward(), /^backward: expected one element, got shape \[2\]; reduce it/],
    [() => backward(square(x), ones([3])), /^backward: the seed must be float32 \[2\], got float32 \[3\]/],
    [
      () => variable(tensor([1], { dtype: "int32" })),
      /^variable: only float32 and float64 carry gradients, got int32/,
    ],
    [
      () => grad((x: Tensor) => sum(x))(tensor([1], { dtype: "int32" })),
      /^grad: input 0 is int32, only float32 and float64 carry gradients/,
    ],
    [() => sum(mul(x, Number.NaN)).backward(), /^backward: the loss is NaN; detectAnomaly/],
    [() => onGradient(tensor(1), () => {}), /^onGradient: the tensor is a constant/],
  ];
  for (const [run, message] of refused) t.throws(run, { message });
});
