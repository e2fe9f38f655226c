// What the ops refuse, word by word.
import * as e from "@echo-ts/tensor";
import { arange, stream, tensor } from "@echo-ts/tensor";
import t from "tap";

t.test("error texts", async (t) => {
  const [a, b] = [e.zeros([2, 3]), e.zeros([4, 5])];
  const ints = (...x: number[]) => tensor(Int32Array.from(x));
  const cases: [() => unknown, string, string][] = [
    [() => e.matmul(a, b), "ShapeError", "matmul: inner sizes differ: [2, 3] @ [4, 5] (3 != 4)"],
    [() => e.matmul(tensor(1), a), "ShapeError", "matmul: expected rank 1 or more, got [] @ [2, 3]"],
    [() => a.add(b), "ShapeError", "add: shapes do not broadcast: [2, 3] and [4, 5] (axis -1: 3 != 5)"],
    [() => e.add(1, 2), "DtypeError", "add: expected at least one tensor, got the numbers 1 and 2"],
    [() => a.reshape([4, -1]), "ShapeError", "reshape: 6 elements do not fit the shape [4, -1]"],
    [() => a.reshape([-1, -1]), "ShapeError", "reshape: only one size may be -1, got [-1, -1]"],
    [
      () => e.zeros([0]).reshape([0, -1]),
      "ShapeError",
      "reshape: -1 is ambiguous beside a size of 0, got [0, -1]",
    ],
    [() => a.permute([0, 0]), "ShapeError", "permute: expected each of the 2 axes once, got [0, 0]"],
    [() => a.sum(2), "ShapeError", "sum: axis 2 is out of range for rank 2, expected -2 to 1"],
    [() => tensor(1).cumsum(1), "ShapeError", "cumsum: axis 1 is out of range for rank 0, expected -1 to 0"],
    [() => a.sum([0, -2]), "ShapeError", "sum: axis 0 is given twice"],
    [() => e.max(e.zeros([0, 3]), 0), "ShapeError", "max: nothing to reduce over axes [0] of shape [0, 3]"],
    [() => a.broadcastTo([3, 3]), "ShapeError", "broadcastTo: [2, 3] does not broadcast to [3, 3]"],
    [() => a.squeeze(0), "ShapeError", "squeeze: axis 0 of [2, 3] has size 2, expected 1"],
    [() => a.slice([2]), "ShapeError", "slice: index 2 is out of range for axis 0 of size 2"],
    [() => a.slice([{ step: 0 }]), "ShapeError", "slice: step must be a non-zero integer, got 0"],
    [() => a.narrow(1, 2, 2), "ShapeError", "narrow: positions 2 to 4 exceed axis 1 of size 3"],
    [() => a.unfold(1, 4), "ShapeError", "unfold: a window of 4 elements does not fit axis 1 of size 3"],
    [() => e.fold(e.zeros([2, 3]), 0, 2), "ShapeError", "fold: the windows reach to 4, beyond the length 2"],
    [() => a.flatten(1, 0), "ShapeError", "flatten: start axis 1 comes after end axis 0"],
    [() => e.split(a, [1, 2], 0), "ShapeError", "split: sizes [1, 2] add up to 3, expected 2"],
    [() => e.concat([a, b]), "ShapeError", "concat: shapes differ beside axis 0: [2, 3] and [4, 5]"],
    [() => e.stack([]), "ShapeError", "stack: expected at least one tensor, got none"],
    [() => a.gather(0, e.zeros([1, 3])), "DtypeError", "gather: indices must be int32, got float32"],
    [
      () => e.indexSelect(a, 0, ints(0, 2)),
      "ShapeError",
      "indexSelect: index 2 at position 1 is out of range for axis 0 of size 2",
    ],
    [() => e.oneHot(ints(3), 3), "ShapeError", "oneHot: index 3 is out of range for 3 classes"],
    [() => e.topk(a, 4), "ShapeError", "topk: k must be between 0 and 3, the size of axis 1, got 4"],
    [() => e.tril(ints(1)), "ShapeError", "tril: expected rank 2 or more, got shape [1]"],
    [() => e.clamp(a, 1, 0), "ShapeError", "clamp: min 1 is above max 0"],
    [() => e.norm(a, 0, false, 0), "ShapeError", "norm: the order must be positive, got 0"],
    [() => e.linear(a, b), "ShapeError", "linear: input [2, 3] does not fit weight [4, 5], expected [.., 5]"],
    [
      () => e.layerNorm(a, e.ones([2])),
      "ShapeError",
      "layerNorm: weight [2] does not fit input [2, 3], expected [3]",
    ],
    [
      () => e.conv1d(e.zeros([1, 3, 5]), e.zeros([2, 2, 1])),
      "ShapeError",
      "conv1d: 3 input channels do not fit weight [2, 2, 1] in 1 groups",
    ],
    [
      () => e.conv1d(e.zeros([1, 1, 2]), e.zeros([1, 1, 3])),
      "ShapeError",
      "conv1d: a kernel of 3 frames does not fit 2 frames with padding 0",
    ],
    [
      () => e.conv1d(e.zeros([1, 1, 2]), e.zeros([1, 1, 1]), null, { stride: 0 }),
      "ShapeError",
      "conv1d: stride must be an integer of at least 1, got 0",
    ],
    [
      () => e.attention(a, a, b),
      "ShapeError",
      "attention: expected q [.., Tq, D], k [.., Tk, D], v [.., Tk, E], got [2, 3], [2, 3], [4, 5]",
    ],
    [
      () => e.attention(a, a, a, { bias: e.ones([2, 2], { dtype: "bool" }) }),
      "DtypeError",
      "attention: the bias is added to the scores, got bool; turn a mask into one with where(mask, 0, -Infinity)",
    ],
    [() => e.rotatePairs(a, a, a), "ShapeError", "rotatePairs: angles [2, 3] do not fit the pairs of [2, 3]"],
    [
      () => e.pad(a, [[3, 0]], "reflect"),
      "ShapeError",
      "pad: a reflect border of [3, 0] needs a longer axis 1 than 3",
    ],
    [() => e.rfft(a, 0), "ShapeError", "rfft: size must be a positive integer, got 0 for shape [2, 3]"],
    [() => e.irfft(a), "ShapeError", "irfft: expected [.., 2, 2] for a signal of 2, got [2, 3]"],
    [() => e.einsum("ij,jk->ik", a), "ShapeError", 'einsum: "ij,jk->ik" names 2 operands, got 1'],
    [() => e.einsum("ij,jk->ik", a, b), "ShapeError", 'einsum: "j" has size 3 and size 4 (operand 1)'],
    [
      () => e.einsum("i.j", a),
      "ShapeError",
      'einsum: cannot read "i.j", expected letters, "...", commas and at most one "->"',
    ],
    [
      () => tensor([[1], [1, 2]]),
      "ShapeError",
      "tensor: ragged array, 2 entries at depth 1 where 1 was expected",
    ],
    [() => tensor([1, 2], { shape: [3] }), "ShapeError", "tensor: 2 elements do not fit the shape [3]"],
    [() => tensor([null] as never), "DtypeError", "tensor: expected numbers or booleans, got null"],
    [() => e.zeros(3 as never), "ShapeError", "zeros: expected a shape such as [2, 3], got 3"],
    [() => a.reshape(6 as never), "ShapeError", "reshape: expected a shape such as [2, 3], got 6"],
    [
      () => a.add("1" as never),
      "DtypeError",
      "add: expected tensors, numbers or lists of numbers, got string",
    ],
    [
      () => e.mul(2, null as never),
      "DtypeError",
      "mul: expected tensors, numbers or lists of numbers, got null",
    ],
    [
      () => a.gather(0, 1 as never),
      "ArgumentError",
      "gather: index must be an int32 tensor, behind x and axis, got 1",
    ],
    [
      () => e.indexSelect(a, ints(0) as never, 0 as never),
      "ArgumentError",
      "indexSelect: index must be an int32 tensor, behind x and axis, got 0",
    ],
    [
      () => e.takeAlongAxis(a, ints(0) as never, 0 as never),
      "ArgumentError",
      "takeAlongAxis: index must be an int32 tensor, behind x and axis, got 0",
    ],
    [
      () => a.cast("float16" as never),
      "DtypeError",
      'cast: unknown dtype "float16", expected one of: bool, int32, float32, float64',
    ],
    [() => a.select(1, 3), "ShapeError", "select: index 3 is out of range for axis 1 of size 3"],
    [() => e.stack([a], 3), "ShapeError", "stack: axis 3 is out of range for rank 3, expected -3 to 2"],
    [() => e.roll(a, 0.5, 0), "ShapeError", "roll: shift must be an integer, got 0.5"],
    [
      () => e.randomNormal([2], undefined as never),
      "TypeError",
      'randomNormal: expected a stream such as stream(7, "randomNormal"), got undefined',
    ],
    [
      () => e.stream(7, undefined as never),
      "TypeError",
      'stream: expected a name such as "dropout", got undefined',
    ],
    [() => e.zeros([-1]), "ShapeError", "zeros: sizes must be non-negative integers, got [-1]"],
    [() => arange(0, 1, 0), "ShapeError", "arange: expected finite bounds and a non-zero step, got 0, 1, 0"],
    [() => a.item(), "ShapeError", "item: expected one element, got shape [2, 3]"],
    [
      () => e.setBackend("abacus"),
      "BackendError",
      `setBackend: unknown backend "abacus", expected one of: ${e.listBackends().join(", ")}`,
    ],
    [() => e.assign(a, b), "ShapeError", "assign: expected shape [2, 3], got [4, 5]"],
    [
      () => e.assign(a.transpose(), e.zeros([3, 2])),
      "ShapeError",
      "assign: the target is a view of a part of its storage, expected the whole of it",
    ],
    [
      () => e.randomUniform([2], stream(1, "x"), 0, 1, { dtype: "int32" }),
      "DtypeError",
      "randomUniform: expected float32 or float64, got int32",
    ],
    [
      () => a.backward(),
      "Error",
      "backward: this tensor was not computed from any variable; wrap inputs with variable() or a module's parameters (@echo-ts/autograd)",
    ],
  ];
  for (const [run, name, message] of cases) t.throws(run, { name, message }, message);
  await t.rejects(e.toBackend(a, "abacus"), {
    name: "BackendError",
    message: `toBackend: unknown backend "abacus", expected one of: ${e.listBackends().join(", ")}`,
  });
});
