// The three dots of einsum: axes without a name, which broadcast. They become letters before linear-algebra.ts reads
// the subscripts.

import { ShapeError } from "../errors.ts";
import { broadcastShapes, formatShape, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { squeeze } from "./shaping.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Subscripts and operands that mean the same without dots; as they are if there are none. */
export function withoutEllipsis(
  subscripts: string,
  operands: readonly Tensor[],
): { subscripts: string; operands: readonly Tensor[] } {
  if (!subscripts.includes("...")) return { subscripts, operands };
  const [left, right] = subscripts.replaceAll(" ", "").split("->") as [string, string | undefined];
  const terms = left.split(",");
  const shapes = operands.map((x, i) => unnamedShape(terms[i] ?? "", x.shape, i));
  const common = shapes.reduce<Shape>((all, one) => broadcastShapes("einsum", all, one), []);
  const letters = [...LETTERS].filter((letter) => !subscripts.includes(letter)).slice(0, common.length);
  if (letters.length < common.length) {
    throw new ShapeError(`einsum: "${subscripts}" names more axes than there are letters`);
  }
  const unnamed = letters.join("");
  const given: Tensor[] = [];
  const named = terms.map((term, i) => {
    const x = operands[i];
    if (x === undefined) return term; // Their number is checked with the subscripts.
    const at = term.indexOf("...");
    const own = shapes[i]!;
    const first = common.length - own.length;
    // An axis of size 1 that others stretch is left out: a product without it broadcasts all the same.
    const dropped = [...own.keys()].filter((k) => own[k] === 1 && common[first + k] !== 1);
    given.push(
      dropped.length === 0
        ? x
        : squeeze(
            x,
            dropped.map((k) => at + k),
          ),
    );
    const kept = letters.filter((_, k) => k >= first && !dropped.includes(k - first));
    return term.replace("...", kept.join(""));
  });
  const output =
    right === undefined ? unnamed + lettersThatOccurOnce(terms.join("")) : right.replace("...", unnamed);
  return { subscripts: `${named.join(",")}->${output}`, operands: given };
}

/** The axes of an operand that its term does not name; none where the term has no dots. */
function unnamedShape(term: string, shape: Shape, operand: number): Shape {
  const at = term.indexOf("...");
  if (at < 0) return [];
  if (at !== term.lastIndexOf("...")) throw new ShapeError(`einsum: "${term}" has more than one "..."`);
  const count = shape.length - (term.length - 3);
  if (count < 0) {
    throw new ShapeError(
      `einsum: "${term}" names ${term.length - 3} axes, operand ${operand} has shape ${formatShape(shape)}`,
    );
  }
  return shape.slice(at, at + count);
}

/** What einsum gives without an arrow, in alphabetical order. */
export function lettersThatOccurOnce(terms: string): string {
  return [...terms]
    .filter((c) => /[a-zA-Z]/.test(c) && terms.indexOf(c) === terms.lastIndexOf(c))
    .sort()
    .join("");
}
