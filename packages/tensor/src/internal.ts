// The entry @echo-ts/tensor/internal: what packages that extend the ops need, such as @echo-ts/autograd. It is no part
// of the public surface and may change in any release. It chooses no backend. Read next: op.ts, apply.ts, memory.ts.

/** The funnel of all ops. */
export { apply, NONE, scalar } from "./apply.ts";
/** Refusing wrong arguments by name. */
export {
  checkFunction,
  checkOptions,
  checkTensors,
  definedOptions,
  describeValue,
  nearestName,
  type OptionKind,
  type OptionKinds,
  unknownOption,
  wrongArgument,
} from "./arguments.ts";
export type { StorageOwner, UpdateKernels } from "./backend.ts";
/** Writing in place. */
export { hostElements, isWhole, noteWrite } from "./inplace.ts";
/** Who gives memory back, and when. */
export { lasting, Owner, onlyResult, outsideScopes, Scope } from "./memory.ts";
/** Telling observers. */
export { observation, tellGradient, tellOp, timed } from "./observe.ts";
/** The rows of all ops. */
export type { Definition, FusedRow, OpRow, PrimitiveRow, ViewRow } from "./op.ts";
export {
  type Family,
  type FusedOp,
  OPS,
  type Op,
  type OpOf,
  type OpParams,
  type Primitive,
  type ViewOp,
} from "./op-table.ts";
/** Parts of fused ops whose rest is in autograd. */
export { attentionWeights, forAllQueries, safeSoftmax } from "./ops/attention.ts";
export { crossEntropyRows } from "./ops/cross-entropy.ts";
export { ctcRows } from "./ops/ctc.ts";
export type { Trace } from "./tensor.ts";
export type { AdamStep, SgdStep } from "./update.ts";
