// Products of matrices and of tensors in general.

import { apply, NONE } from "../apply.ts";
import { checkTensors, wrongArgument } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { type FusedRow, fused, type PrimitiveRow, primitive, rows, sameDtype } from "../op.ts";
import { broadcastShapes, formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add } from "./elementwise.ts";
import { lettersThatOccurOnce, withoutEllipsis } from "./ellipsis.ts";
import { alike, checkedTensor, pair } from "./operands.ts";
import { sum } from "./reduction.ts";
import { permute, reshape, slice, transpose, unsqueeze } from "./shaping.ts";

interface Rows {
  readonly matmul: PrimitiveRow;
  readonly linear: FusedRow;
}

const ROWS: Rows = rows<Rows>({
  matmul: primitive({
    meaning: "matrix product of the last two axes, the others broadcast",
    shape: ([a, b], _params, op) => {
      const p = a!.shape;
      const q = b!.shape;
      if (p.length === 2 && q.length === 2) return [p[0]!, q[1]!];
      const batch = broadcastShapes(op, p.slice(0, -2), q.slice(0, -2));
      return [...batch, p[p.length - 2]!, q[q.length - 1]!];
    },
    dtype: sameDtype,
  }),
  linear: fused(
    {
      meaning: "x W^T + b with W [out, in]",
      shape: ([x, weight]) => [...x!.shape.slice(0, -1), weight!.shape[0]!],
      dtype: sameDtype,
    },
    ([x, weight, bias]) => {
      const product = matmul(x!, transpose(weight!));
      return bias === undefined ? product : add(product, bias);
    },
  ),
});
export default ROWS;

/**
 * Matrix product over the last two axes; the axes before them broadcast. Vectors are taken as in NumPy: a
 * 1-D a is a row, a 1-D b a column, and the axis they lack is dropped again.
 *
 * a [.., m, k], b [.., k, n] -> [.., m, n]
 *
 * @throws ShapeError if the inner sizes differ or an operand has rank 0
 * @example matmul(ones([2, 3]), ones([3, 4])).shape // [2, 4]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [p, q] = pair("matmul", a, b, "int32");
  if (p.rank === 0 || q.rank === 0) {
    throw new ShapeError(
      `matmul: expected rank 1 or more, got ${formatShape(p.shape)} @ ${formatShape(q.shape)}`,
    );
  }
  const m = p.rank === 1 ? unsqueeze(p, 0) : p;
  const n = q.rank === 1 ? unsqueeze(q, 1) : q;
  const inner = m.shape[m.rank - 1]!;
  const other = n.shape[n.rank - 2]!;
  if (inner !== other) {
    throw new ShapeError(
      `matmul: inner sizes differ: ${formatShape(p.shape)} @ ${formatShape(q.shape)} (${inner} != ${other})`,
    );
  }
  const product = apply(ROWS.matmul, [m, n], NONE);
  if (p.rank > 1 && q.rank > 1) return product;
  const shape = product.shape.slice(0, -2);
  if (p.rank > 1) shape.push(m.shape[m.rank - 2]!);
  if (q.rank > 1) shape.push(n.shape[n.rank - 1]!);
  return reshape(product, shape);
}

/**
 * x W^T + b. PyTorch's linear.
 *
 * x [.., in], weight [out, in], bias [out] -> [.., out]
 *
 * @throws ShapeError if the sizes do not fit
 * @example linear(ones([5, 3]), zeros([4, 3]), ones([4])).shape // [5, 4]
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  checkTensors("linear", bias === null ? { x, weight } : { x, weight, bias });
  const width = x.shape[x.rank - 1];
  if (weight.rank !== 2 || width !== weight.shape[1]) {
    throw new ShapeError(
      `linear: input ${formatShape(x.shape)} does not fit weight ${formatShape(weight.shape)}, expected [.., ${weight.shape[1]}]`,
    );
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== weight.shape[0])) {
    throw new ShapeError(`linear: bias must be [${weight.shape[0]}], got ${formatShape(bias.shape)}`);
  }
  const inputs = alike(bias === null ? [x, weight] : [x, weight, bias], "int32");
  return apply(ROWS.linear, inputs, NONE);
}

/**
 * Sum of products named by subscripts, as NumPy's einsum: letters name axes, a letter missing on the right
 * is summed over. Without `->` the result has the letters that occur once, in alphabetical order. `...` stands for any
 * number of axes, which broadcast; where the right does not name it they are summed over, as in PyTorch (NumPy refuses).
 *
 * @throws ShapeError if a letter stands for two sizes, or the subscripts do not fit the operands
 * @example einsum("bij,bjk->bik", a, b) // batched matmul
 * @example einsum("...ij,...kj->...ik", ones([2, 1, 3, 4]), ones([5, 6, 4])).shape // [2, 5, 3, 6]
 */
export function einsum(equation: string, ...tensors: Tensor[]): Tensor {
  if (typeof equation !== "string") {
    throw wrongArgument("einsum", "subscripts", 'a text such as "ij,jk->ik"', equation);
  }
  for (const x of tensors) checkedTensor("einsum", x);
  const { subscripts, operands } = withoutEllipsis(equation, tensors);
  const { terms, output } = parseSubscripts(subscripts, operands);
  const needed = (from: number): Set<string> => new Set([...output, ...terms.slice(from).join("")]);
  let [result, letters] = diagonal(operands[0]!, terms[0]!);
  [result, letters] = sumOut(result, letters, needed(1));
  for (let i = 1; i < operands.length; i++) {
    const [other, otherLetters] = diagonal(operands[i]!, terms[i]!);
    [result, letters] = contract(result, letters, other, otherLetters, needed(i + 1));
  }
  return permute(
    result,
    [...output].map((letter) => letters.indexOf(letter)),
  );
}

function parseSubscripts(
  subscripts: string,
  operands: readonly Tensor[],
): { terms: string[]; output: string } {
  const text = subscripts.replaceAll(" ", "");
  const [left, right, extra] = text.split("->");
  const terms = left!.split(",");
  if (extra !== undefined || !/^[a-zA-Z,]*$/.test(left!) || !/^[a-zA-Z]*$/.test(right ?? "")) {
    throw new ShapeError(
      `einsum: cannot read "${subscripts}", expected letters, "...", commas and at most one "->"`,
    );
  }
  if (terms.length !== operands.length) {
    throw new ShapeError(`einsum: "${subscripts}" names ${terms.length} operands, got ${operands.length}`);
  }
  const sizes = new Map<string, number>();
  terms.forEach((term, i) => {
    const { shape } = operands[i]!;
    if (term.length !== shape.length) {
      throw new ShapeError(
        `einsum: "${term}" names ${term.length} axes, operand ${i} has shape ${formatShape(shape)}`,
      );
    }
    [...term].forEach((letter, axis) => {
      const known = sizes.get(letter);
      if (known !== undefined && known !== shape[axis]) {
        throw new ShapeError(`einsum: "${letter}" has size ${known} and size ${shape[axis]} (operand ${i})`);
      }
      sizes.set(letter, shape[axis]!);
    });
  });
  const output = right ?? lettersThatOccurOnce(terms.join(""));
  for (const letter of output) {
    if (!sizes.has(letter))
      throw new ShapeError(`einsum: "${letter}" stands on the right of "${subscripts}" only`);
    if (output.indexOf(letter) !== output.lastIndexOf(letter)) {
      throw new ShapeError(`einsum: "${letter}" stands twice on the right of "${subscripts}"`);
    }
  }
  return { terms, output };
}

/** Takes the diagonal wherever a letter repeats within one term, by slicing its two axes laid end to end. */
function diagonal(x: Tensor, term: string): [Tensor, string] {
  let out = x;
  let letters = term;
  for (let i = 0; i < letters.length; i++) {
    const j = letters.indexOf(letters[i]!, i + 1);
    if (j < 0) continue;
    const n = out.shape[i]!;
    const order = [...letters].map((_, axis) => axis).filter((axis) => axis !== i && axis !== j);
    const moved = permute(out, [i, j, ...order]);
    const rest = moved.shape.slice(2);
    const flat = reshape(moved, [n * n, ...rest]);
    // Entry (k, k) of an n x n matrix lies at k (n + 1) of its rows laid end to end.
    out = slice(flat, [{ step: n + 1 }]);
    letters = letters[i]! + order.map((axis) => letters[axis]!).join("");
    i = -1;
  }
  return [out, letters];
}

function sumOut(x: Tensor, letters: string, keep: Set<string>): [Tensor, string] {
  const gone = [...letters].flatMap((letter, i) => (keep.has(letter) ? [] : [i]));
  if (gone.length === 0) return [x, letters];
  return [sum(x, gone), [...letters].filter((letter) => keep.has(letter)).join("")];
}

/** One product of two operands, as a batched matmul [batch, rows, inner] @ [batch, inner, columns]. */
function contract(a: Tensor, as: string, b: Tensor, bs: string, keep: Set<string>): [Tensor, string] {
  const [p, ps] = sumOut(a, as, new Set([...keep, ...bs]));
  const [q, qs] = sumOut(b, bs, new Set([...keep, ...as]));
  const batch = [...ps].filter((c) => qs.includes(c) && keep.has(c));
  const inner = [...ps].filter((c) => qs.includes(c) && !keep.has(c));
  const rows = [...ps].filter((c) => !qs.includes(c));
  const columns = [...qs].filter((c) => !ps.includes(c));
  const arrange = (x: Tensor, letters: string, groups: string[][]): Tensor => {
    const moved = permute(
      x,
      groups.flat().map((c) => letters.indexOf(c)),
    );
    return reshape(
      moved,
      groups.map((group) => group.reduce((n, c) => n * x.shape[letters.indexOf(c)]!, 1)),
    );
  };
  const product = matmul(arrange(p, ps, [batch, rows, inner]), arrange(q, qs, [batch, inner, columns]));
  const result = [...batch, ...rows, ...columns];
  const sizeOfLetter = (c: string): number =>
    ps.includes(c) ? p.shape[ps.indexOf(c)]! : q.shape[qs.indexOf(c)]!;
  return [reshape(product, result.map(sizeOfLetter)), result.join("")];
}

/**
 * The outer product of two vectors: [m], [n] -> [m, n]. Tensors of another rank are laid end to end first, as in NumPy.
 *
 * @example outer(tensor([1, 2]), tensor([3, 4])).toArray() // [[3, 4], [6, 8]]
 */
export function outer(a: Tensor, b: Tensor): Tensor {
  checkTensors("outer", { a, b });
  return matmul(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));
}

/**
 * The sum of the products of two vectors: [n], [n] -> []. PyTorch's dot; `matmul` takes other ranks.
 *
 * @throws ShapeError unless both are vectors of one length
 * @example dot(tensor([1, 2]), tensor([3, 4])).item() // 11
 */
export function dot(a: Tensor, b: Tensor): Tensor {
  checkTensors("dot", { a, b });
  if (a.rank !== 1 || b.rank !== 1 || a.size !== b.size) {
    throw new ShapeError(
      `dot: expected two vectors of one length, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  }
  return matmul(a, b);
}
