// Kernels on float64, int32 and bool, called by elementwise.ts, matmul.ts and rows.ts for what is not float32. They belong to
// all-set.ts; without it every case is left to the reference kernels. Read next: typed.ts, typed-rows.ts, typed-matmul.ts.

import type * as typed from "./typed.ts";
import type * as matmul from "./typed-matmul.ts";
import type * as rows from "./typed-rows.ts";

interface OtherDtypes {
  unaryOf: typeof typed.unaryOf;
  binaryOf: typeof typed.binaryOf;
  matmulOf: typeof matmul.matmulOf;
  reduceOf: typeof rows.reduceOf;
  alongAxisOf: typeof rows.alongAxisOf;
}

const none = (): boolean => false;

/** Each returns false, having written nothing, for a case without a kernel; all-set.ts puts its own in. */
export const otherDtypes: OtherDtypes = {
  unaryOf: none,
  binaryOf: none,
  matmulOf: none,
  reduceOf: none,
  alongAxisOf: none,
};
