// The rows of the op table test as cases that compare a backend with the reference backend: same random
// float32 inputs, several layouts. Nothing here needs Node, so that browsers run the same cases.
import * as a from "@echo-ts/autograd";
import {
  type Backend,
  broadcastTo,
  explain,
  flip,
  mul,
  permute,
  type Shape,
  stream,
  sum,
  type Tensor,
  tensor,
  withBackend,
} from "@echo-ts/tensor";
import type { Op } from "@echo-ts/tensor/internal";
import type { Domain, IndexDomain, Row } from "../tensor/op-row.ts";
import { FUSED_ROWS } from "../tensor/op-rows-fused.ts";
import { GRADIENT_ROWS } from "../tensor/op-rows-gradient.ts";
import { PRIMITIVE_ROWS } from "../tensor/op-rows-primitive.ts";

/** Every op has rows: one without does not compile. */
export const ROWS: { readonly [P in Op]: Row | readonly Row[] } = {
  ...PRIMITIVE_ROWS,
  ...FUSED_ROWS,
  ...GRADIENT_ROWS,
};

/** Names of all ops. */
export const OP_NAMES = Object.keys(ROWS) as Op[];

/** How inputs may lie in memory. */
export const LAYOUTS = ["contiguous", "turned", "broadcast"] as const;
export type LayoutName = (typeof LAYOUTS)[number];

const shapesOf = (text: string): number[][] =>
  [...text.matchAll(/\[([\d,]*)\]/g)].map(([, sizes]) => (sizes === "" ? [] : sizes!.split(",").map(Number)));

function input(shape: Shape, domain: Domain, name: string, layout: LayoutName): Tensor {
  const draws = stream("gpu-ops", name);
  const fill = (sizes: Shape): Tensor => {
    const size = sizes.reduce((n, length) => n * length, 1);
    if (domain === "bool") {
      return tensor(
        Uint8Array.from({ length: size }, () => Number(draws.bernoulli(0.5))),
        { shape: sizes },
      );
    }
    if (!Array.isArray(domain)) {
      const { from = 0, index } = domain as IndexDomain;
      return tensor(
        Int32Array.from({ length: size }, () => draws.integer(from, index)),
        { shape: sizes },
      );
    }
    const [low, high] = domain as [number, number];
    return tensor(
      Float32Array.from({ length: size }, () => draws.uniform(low, high)),
      { shape: sizes },
    );
  };
  if (layout === "turned") {
    // The same shape from memory in the opposite order of axes, each axis backwards.
    return flip(permute(fill([...shape].reverse()), [...shape.keys()].reverse()));
  }
  const axis = shape.findIndex((n) => n > 1);
  if (layout === "broadcast" && axis >= 0) {
    return broadcastTo(fill(shape.map((n, i) => (i === axis ? 1 : n))), shape);
  }
  return fill(shape);
}

/** The worst difference of an op's results, over the largest expected magnitude (at least 1). */
export interface Agreement {
  readonly op: Op;
  readonly worst: number;
  /** Where it was worst. */
  readonly at: string;
  readonly cases: number;
  /** Share of the cases with elements in which a kernel of the backend (or a view) gave the result. */
  readonly own: number;
}

/** The inputs of a row for one set of shapes. */
const inputsOf = (op: Op, row: Row, text: string, layout: LayoutName): Tensor[] =>
  shapesOf(text).map((shape, i) =>
    input(shape, row.domains?.[i] ?? row.domains?.[0] ?? [-2, 2], `${op}/${i}`, layout),
  );

/** NaN and infinities must agree exactly; else the worst distance over the largest magnitude. */
export function maxNorm(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let scale = 1;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i]!;
    if (Number.isFinite(want)) scale = Math.max(scale, Math.abs(want));
    if (Object.is(actual[i], want) || actual[i] === want) continue;
    const d = Math.abs(actual[i]! - want);
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst / scale;
}

/**
 * Runs all rows of an op on a backend and on the reference backend.
 *
 * @param sets which of a row's shapes: "all", with rank 0 and size 0, or only the "first"
 */
export async function compareOp(
  op: Op,
  backend: Backend,
  layouts: readonly LayoutName[] = LAYOUTS,
  sets: "all" | "first" = "all",
): Promise<Agreement> {
  let worst = 0;
  let where = "";
  let cases = 0;
  let filled = 0;
  let elsewhere = 0;
  for (const row of [ROWS[op]].flat() as Row[]) {
    const given = [...row.shapes, ...(typeof row.scalar === "string" ? [row.scalar] : []), ...row.empty];
    for (const text of sets === "all" ? given : given.slice(0, 1)) {
      for (const layout of layouts) {
        const make = (): Tensor[] => inputsOf(op, row, text, layout);
        const expected = withBackend("reference", () => row.call(...make()));
        explain({ reset: true });
        const actual = withBackend(backend, () => row.call(...make()));
        if (!row.empty.includes(text)) {
          filled++;
          if (explain().some((entry) => entry.backend === backend.name && entry.op === op)) elsewhere++;
        }
        const same = `${actual.shape}` === `${expected.shape}` && actual.dtype === expected.dtype;
        const d = same ? maxNorm(await actual.data(), await expected.data()) : Number.POSITIVE_INFINITY;
        cases++;
        if (d <= worst) continue;
        worst = d;
        where = `${text} ${layout}`;
      }
    }
  }
  return { op, worst, at: where, cases, own: 1 - elsewhere / filled };
}

/**
 * The same for the gradients with respect to all real inputs, for the shapes that have elements. An op without
 * gradient has no cases.
 */
export async function compareGradients(op: Op, backend: Backend): Promise<Omit<Agreement, "own">> {
  let worst = 0;
  let where = "";
  let cases = 0;
  for (const row of [ROWS[op]].flat() as Row[]) {
    for (const text of row.shapes) {
      for (const layout of LAYOUTS) {
        const run = (): Tensor[] | null => {
          const inputs = inputsOf(op, row, text, layout);
          const real = inputs.map((x) => (x.dtype === "float32" ? a.variable(x) : x));
          const y = row.call(...real);
          if (!y.requiresGrad) return null;
          a.backward(sum(mul(y, input(y.shape, [-1, 1], `${op}/cotangent`, "contiguous"))));
          return real.flatMap(({ grad }) => (grad === null ? [] : [grad]));
        };
        const expected = withBackend("reference", run);
        if (expected === null) continue;
        const actual = withBackend(backend, run) ?? [];
        for (const [i, grad] of expected.entries()) {
          const d = maxNorm((await actual[i]?.data()) ?? [], await grad.data());
          cases++;
          if (d <= worst) continue;
          worst = d;
          where = `${text} ${layout}, input ${i}`;
        }
      }
    }
  }
  return { op, worst, at: where, cases };
}
