// The table of all ops, put together from the families in ops/, and the types that are read off it: adding a
// row to a family adds its name everywhere, and the compiler then asks for its kernel, its gradient rule and
// its test row. Nothing in this package but index.ts needs the table at run time.

import type { FusedRow, OpRow, PrimitiveRow, ViewRow } from "./op.ts";
import activation from "./ops/activation.ts";
import attention from "./ops/attention.ts";
import convolution from "./ops/convolution.ts";
import crossEntropy from "./ops/cross-entropy.ts";
import ctc from "./ops/ctc.ts";
import division from "./ops/division.ts";
import elementwise from "./ops/elementwise.ts";
import fourier from "./ops/fourier.ts";
import indexing from "./ops/indexing.ts";
import joining from "./ops/joining.ts";
import linearAlgebra from "./ops/linear-algebra.ts";
import normalization from "./ops/normalization.ts";
import operands from "./ops/operands.ts";
import reduction from "./ops/reduction.ts";
import shaping from "./ops/shaping.ts";
import transcendental from "./ops/transcendental.ts";

/** The rows of each file of ops/. */
interface Families {
  readonly activation: typeof activation;
  readonly attention: typeof attention;
  readonly convolution: typeof convolution;
  readonly crossEntropy: typeof crossEntropy;
  readonly ctc: typeof ctc;
  readonly division: typeof division;
  readonly elementwise: typeof elementwise;
  readonly fourier: typeof fourier;
  readonly indexing: typeof indexing;
  readonly joining: typeof joining;
  readonly linearAlgebra: typeof linearAlgebra;
  readonly normalization: typeof normalization;
  readonly operands: typeof operands;
  readonly reduction: typeof reduction;
  readonly shaping: typeof shaping;
  readonly transcendental: typeof transcendental;
}

/** A file of ops/, named as there. */
export type Family = keyof Families;

/** Names of the ops that a family declares. */
export type OpOf<F extends Family> = { [G in F]: keyof Families[G] }[F];

/** Name of an op. */
export type Op = OpOf<Family>;

/** Every row by its name: all families at once. */
type Table = { [F in Family]: (rows: Families[F]) => void }[Family] extends (rows: infer All) => void
  ? All
  : never;
type ParamsOf<R> = R extends OpRow<infer P> ? P : never;
type OfKind<K> = { [P in Op]: Table[P]["kind"] extends K ? P : never }[Op];

/** Parameters of every op. */
export type OpParams = { readonly [P in Op]: ParamsOf<Table[P]> };

/** Ops that every backend computes by a kernel or by falling back to the reference kernels. */
export type Primitive = OfKind<"primitive">;

/** Ops that only give the same storage another layout. */
export type ViewOp = OfKind<"view">;

/** Ops defined by a composition of other ops. */
export type FusedOp = OfKind<"fused">;

interface RowOfKind<P> {
  readonly primitive: PrimitiveRow<P>;
  readonly view: ViewRow<P>;
  readonly fused: FusedRow<P>;
}

/** The table: one row for each op. */
export const OPS: { readonly [P in Op]: RowOfKind<OpParams[P]>[Table[P]["kind"]] } = {
  ...elementwise,
  ...transcendental,
  ...division,
  ...activation,
  ...reduction,
  ...linearAlgebra,
  ...operands,
  ...shaping,
  ...joining,
  ...indexing,
  ...normalization,
  ...attention,
  ...convolution,
  ...fourier,
  ...crossEntropy,
  ...ctc,
};
