// What a row of the op test table is, and rows for elementwise ops. Read next: op-rows-primitive.ts.
import type { Tensor } from "@echo-ts/tensor";
import { type Grid, map, sumOver, zip } from "./naive.ts";

/** What an input is filled with: reals from an interval, or integers of a dtype below a bound. */
export type Domain = readonly [low: number, high: number] | IndexDomain | "bool";

/** int32 from `from` (default 0) below `index`. */
export interface IndexDomain {
  readonly from?: number;
  readonly index: number;
}

/** One way of calling an op. */
export interface Row {
  readonly call: (...inputs: Tensor[]) => Tensor;
  readonly naive: (...inputs: Grid[]) => Grid;
  /** Shapes of the inputs, such as "[2,3] [3]"; several sets. */
  readonly shapes: readonly string[];
  /** Shapes with an input of rank 0, or why there are none. */
  readonly scalar: string | { readonly none: string };
  /** Shapes with an axis of size 0. */
  readonly empty: readonly string[];
  /** Default reals in [-2, 2] for every input. */
  readonly domains?: readonly Domain[];
  /** True if the op also computes int32. */
  readonly ints?: boolean;
  /** How exact the oracle is in float64, default 1e-12. */
  readonly tolerance?: number;
}

export const POSITIVE: Domain = [0.1, 3];
export const NO_AXIS = { none: "there is no axis to work along" };

export const INDEX: Domain = { index: 4 };
export const REAL: Domain = [-2, 2];

export function unary(
  call: (x: Tensor) => Tensor,
  f: (x: number) => number,
  domain: Domain = [-3, 3],
  ints = false,
): Row {
  const shapes = ["[2,3,4]", "[1,5]"];
  return { call, naive: map(f), shapes, scalar: "[]", empty: ["[0,3]", "[2,0]"], domains: [domain], ints };
}

export const countable = (call: (x: Tensor) => Tensor, f: (x: number) => number): Row =>
  unary(call, f, [-3, 3], true);

export function binary(
  call: (a: Tensor, b: Tensor) => Tensor,
  f: (a: number, b: number) => number,
  options: { readonly domains?: readonly Domain[]; readonly ints?: boolean } = { ints: true },
): Row {
  return {
    call,
    naive: zip(f),
    shapes: ["[2,3,4] [2,3,4]", "[3,1] [2,1,4]", "[4] [2,3,4]"],
    scalar: "[] []",
    empty: ["[0,3] [3]", "[2,1] [2,0]"],
    ...options,
  };
}

/** Simpson's rule: an erf that shares nothing with the one under test. */
export function erf(x: number): number {
  const n = 2000;
  const f = (i: number): number => Math.exp(-((x * i) / n) * ((x * i) / n));
  const inner = sumOver(n - 1, (i) => (i % 2 === 0 ? 4 : 2) * f(i + 1));
  return ((2 / Math.sqrt(Math.PI)) * (x / n) * (f(0) + inner + f(n))) / 3;
}
