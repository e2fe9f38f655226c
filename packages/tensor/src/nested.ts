// Nested lists of numbers laid end to end, as `tensor` and the operands of arithmetic take them.

import { describeValue } from "./arguments.ts";
import { DtypeError, ShapeError } from "./errors.ts";
import { formatShape, type Shape } from "./shape.ts";

/** Numbers or booleans, nested as deep as the tensor has axes. */
export type NumberList = readonly (number | boolean | NumberList)[];

/**
 * The elements in row-major order, and the shape.
 *
 * @param op the function that the user called, for the message
 * @throws ShapeError if rows differ in length; DtypeError for what is no number or boolean
 */
export function flatten(
  op: string,
  data: number | boolean | NumberList,
): { shape: number[]; flat: (number | boolean)[] } {
  const shape: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat: (number | boolean)[] = [];
  collect(op, data, shape, 0, flat);
  return { shape, flat };
}

function collect(
  op: string,
  data: number | boolean | NumberList,
  shape: Shape,
  depth: number,
  out: (number | boolean)[],
): void {
  if (typeof data === "number" || typeof data === "boolean") {
    if (depth !== shape.length)
      throw new ShapeError(
        `${op}: ragged array, a number where ${formatShape(shape.slice(depth))} was expected`,
      );
    out.push(data);
    return;
  }
  if (!Array.isArray(data)) {
    throw new DtypeError(`${op}: expected numbers or booleans, got ${describeValue(data)}`);
  }
  if (depth === shape.length || data.length !== shape[depth]) {
    throw new ShapeError(
      `${op}: ragged array, ${data.length} entries at depth ${depth} where ${shape[depth] ?? "a number"} was expected`,
    );
  }
  for (const item of data as NumberList) collect(op, item, shape, depth + 1, out);
}
