// The rows of the op test table with inputs to try them on: shared by the tests that run every op. Read next: op-table.test.ts.
import { type DType, type Shape, stream, type Tensor, tensor } from "@echo-ts/tensor";
import type { Op } from "@echo-ts/tensor/internal";
import { build, type Grid } from "./naive.ts";
import type { Domain, IndexDomain, Row } from "./op-row.ts";
import { FUSED_ROWS } from "./op-rows-fused.ts";
import { GRADIENT_ROWS } from "./op-rows-gradient.ts";
import { PRIMITIVE_ROWS } from "./op-rows-primitive.ts";

/** How to call every op. */
export const ROWS: { readonly [P in Op]: Row | readonly Row[] } = {
  ...PRIMITIVE_ROWS,
  ...FUSED_ROWS,
  ...GRADIENT_ROWS,
};
/** Their names. */
export const NAMES = Object.keys(ROWS) as Op[];
/** The rows of an op. */
export const rowsOf = (op: Op): readonly Row[] => [ROWS[op]].flat() as Row[];

/** Random values as the dtype holds them: small integers for int32, so that ties happen. */
function fill(shape: Shape, domain: Domain, dtype: DType, name: string): { grid: Grid; dtype: DType } {
  const draws = stream("op-table", name);
  const make = (value: () => number, as: DType): { grid: Grid; dtype: DType } => ({
    grid: build(shape, value),
    dtype: as,
  });
  if (domain === "bool") return make(() => Number(draws.bernoulli(0.5)), "bool");
  if (!Array.isArray(domain)) {
    const { from = 0, index } = domain as IndexDomain;
    return make(() => draws.integer(from, index), "int32");
  }
  const [low, high] = domain as [number, number];
  if (dtype === "int32") return make(() => draws.integer(Math.ceil(low), Math.floor(high) + 1), "int32");
  const round = dtype === "float32" ? Math.fround : (x: number) => x;
  return make(() => round(draws.uniform(low, high)), dtype);
}

/** Values as a row-major tensor. */
export const dense = (grid: Grid, dtype: DType): Tensor =>
  tensor(Float64Array.from(grid.data), { shape: grid.shape, dtype });

/** Largest difference over the largest expected magnitude (at least 1); NaN and infinities must agree. */
export function distance(actual: ArrayLike<number>, expected: readonly number[]): number {
  let worst = 0;
  let scale = 1;
  for (const x of expected) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const d = Math.abs(actual[i]! - expected[i]!);
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst / scale;
}

/** How far the result of a dtype may be off. */
export const TOLERANCE: Readonly<Record<DType, number>> = {
  float64: 1e-12,
  float32: 1e-6,
  int32: 0,
  bool: 0,
};

/** "[2,3] []" as shapes. */
function parsed(text: string): Shape[] {
  return [...text.matchAll(/\[([\d,]*)\]/g)].map(([, sizes]) =>
    sizes === "" ? [] : sizes!.split(",").map(Number),
  );
}

/** All the sets of shapes of a row, each with what it shows. */
export function shapeSets(row: Row): { what: string; shapes: readonly Shape[] }[] {
  return [
    ...row.shapes.map((shapes) => ({ what: "", shapes: parsed(shapes) })),
    ...(typeof row.scalar === "string" ? [{ what: "rank 0", shapes: parsed(row.scalar) }] : []),
    ...row.empty.map((shapes) => ({ what: "size 0", shapes: parsed(shapes) })),
  ];
}

/** Random inputs of these shapes. */
export function filled(
  op: Op,
  row: Row,
  shapes: readonly Shape[],
  dtype: DType,
): { grid: Grid; dtype: DType }[] {
  return shapes.map((shape, i) =>
    fill(shape, row.domains?.[i] ?? row.domains?.[0] ?? [-2, 2], dtype, `${op}/${i}`),
  );
}
