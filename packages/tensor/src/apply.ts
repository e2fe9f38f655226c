// The one funnel through which every op passes: find the result's shape and dtype, make room, run the
// kernel, and tell the differentiation engine if an input is traced. Read next: memory.ts, ops/operands.ts,
// ops/elementwise.ts.

import { wrongArgument } from "./arguments.ts";
import { type Backend, countFallback, getBackend, type Kernel, runKernel } from "./backend.ts";
import { BYTES_PER_ELEMENT, type DType, newArray, type TypedArray } from "./dtype.ts";
import { allocationError, BackendError } from "./errors.ts";
import { adoptResult, checkOpen, lasting, onlyResult } from "./memory.ts";
import { type ComputedBy, nesting, observation, tellOp, timed } from "./observe.ts";
import type { FusedRow, None, OpRow, PrimitiveRow, ViewRow } from "./op.ts";
import type { FusedOp, Op, OpParams } from "./op-table.ts";
import { rowMajorStrides, type Shape, sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";
import type { Layout } from "./view.ts";

/** The empty parameters of ops that take none. */
export const NONE: None = Object.freeze({});

/** Wraps fresh row-major storage. */
export function wrap(storage: Tensor["storage"], shape: Shape): Tensor {
  return new Tensor(storage, shape, rowMajorStrides(shape), 0);
}

/**
 * Computes an op: a primitive by a kernel into fresh storage, a fused op by the backend's kernel if it has one
 * that takes this case, else by its definition.
 */
export function apply<P>(row: PrimitiveRow<P> | FusedRow<P>, inputs: readonly Tensor[], params: P): Tensor {
  if (observation.observers !== null) return observed(row, inputs, params);
  return compute(row, inputs, params);
}

function compute<P>(row: PrimitiveRow<P> | FusedRow<P>, inputs: readonly Tensor[], params: P): Tensor {
  const backend = sharedBackend(row.name, inputs);
  if (row.definition !== null) return applyFused(row, backend, inputs, params);
  const out = allocateResult(backend, row, inputs, params);
  const own = runKernel(backend, row.name, out, inputs, params as OpParams[Op]);
  adoptResult(out);
  record(row, inputs, params, out);
  computedBy = own ? "kernel" : "fallback";
  return out;
}

/** Who computed the op that was computed last. */
let computedBy: ComputedBy = "kernel";

/** Computes an op and tells those who listen. */
function observed<P>(row: PrimitiveRow<P> | FusedRow<P>, inputs: readonly Tensor[], params: P): Tensor {
  const { output, ...times } = timed(() => compute(row, inputs, params));
  const { backend, dtype, length } = output.storage;
  const bytes = length * BYTES_PER_ELEMENT[dtype];
  const given = params as object;
  tellOp({
    op: row.name,
    by: computedBy,
    inputs,
    output,
    params: given,
    backend: backend.name,
    bytes,
    ...times,
  });
  return output;
}

function applyFused<P>(row: FusedRow<P>, backend: Backend, inputs: readonly Tensor[], params: P): Tensor {
  const op = row.name as FusedOp;
  const kernel = backend.kernels[op] as Kernel<Op> | undefined;
  if (kernel !== undefined) {
    const out = allocateResult(backend, row, inputs, params);
    if (kernel(out, inputs, params as OpParams[Op])) {
      adoptResult(out);
      record(row, inputs, params, out);
      computedBy = "kernel";
      return out;
    }
    backend.release?.(out.storage);
  }
  if (backend.name !== "reference") countFallback(backend, op, inputs[0]!.dtype);
  if (inputs.some((x) => x.trace !== null && !x.trace.recordsWhole(op))) {
    const out = row.definition(inputs, params);
    computedBy = "composition";
    return out;
  }
  // Run on constants, nobody but the definition can hold its intermediate results.
  const constants = inputs.map((x) => new Tensor(x.storage, x.shape, x.strides, x.offset));
  const out = onlyResult(() => row.definition(constants, params));
  record(row, inputs, params, out);
  computedBy = "composition";
  return out;
}

/** Gives the input's storage another layout. */
export function applyView<P>(row: ViewRow<P>, input: Tensor, params: P, layout: Layout): Tensor {
  checkOpen(row.name, input);
  const out = new Tensor(input.storage, layout.shape, layout.strides, layout.offset);
  if (input.trace !== null) input.trace.record(row.name, [input], params as OpParams[Op], out);
  if (observation.observers !== null) tellView(row.name, input, params as object, out);
  return out;
}

function tellView(op: Op, input: Tensor, params: object, output: Tensor): void {
  const none = { milliseconds: 0, ownMilliseconds: 0, bytes: 0 };
  const backend = output.storage.backend.name;
  tellOp({ op, by: "view", inputs: [input], output, params, backend, depth: nesting(), ...none });
}

function allocateResult<P>(backend: Backend, row: OpRow<P>, inputs: readonly Tensor[], params: P): Tensor {
  const shape = row.shape(inputs, params, row.name);
  const dtype = row.dtype(inputs, params);
  try {
    return wrap(backend.allocate(dtype, sizeOf(shape)), shape);
  } catch (error) {
    throw allocationError(row.name, error);
  }
}

function record<P>(row: OpRow<P>, inputs: readonly Tensor[], params: P, out: Tensor): void {
  for (let i = 0; i < inputs.length; i++) {
    const { trace } = inputs[i]!;
    if (trace !== null) {
      trace.record(row.name, inputs, params as OpParams[Op], out);
      return;
    }
  }
}

function sharedBackend(op: Op, inputs: readonly Tensor[]): Backend {
  const backend = inputs[0]?.storage?.backend;
  for (let i = 0; i < inputs.length; i++) {
    const storage = inputs[i]?.storage;
    // Plain JavaScript lets arrays and numbers through.
    if (storage === undefined) throw wrongArgument(op, `input ${i}`, "a tensor", inputs[i]);
    if (storage.closedBy !== null) checkOpen(op, inputs[i]!);
    const other = storage.backend;
    if (other !== backend) {
      throw new BackendError(
        `${op}: inputs live on different backends, "${backend!.name}" and "${other.name}"; move one with await toBackend(tensor, name)`,
      );
    }
  }
  return backend!;
}

/** Puts a dense array on a backend. The array must not be written to afterwards. */
export function fromTypedArray(
  dtype: DType,
  data: TypedArray,
  shape: Shape,
  backend: Backend = getBackend(),
): Tensor {
  const out = wrap(backend.upload(dtype, data), shape);
  adoptResult(out);
  return out;
}

const SCALARS_KEPT = 256;
const scalars = new WeakMap<Backend, Map<string, Tensor>>();

/** A rank-0 tensor. The most recent values are kept, so that constants in formulas cost nothing. */
export function scalar(value: number, dtype: DType, backend: Backend = getBackend()): Tensor {
  let known = scalars.get(backend);
  if (known === undefined) {
    known = new Map();
    scalars.set(backend, known);
  }
  const key = `${dtype}${Object.is(value, -0) ? "-0" : value}`;
  let found = known.get(key);
  if (found === undefined) {
    const data = newArray(dtype, 1);
    data[0] = value;
    found = fromTypedArray(dtype, data, [], backend);
    lasting.adopt(found);
    if (known.size >= SCALARS_KEPT) known.delete(known.keys().next().value!);
    known.set(key, found);
  }
  return found;
}
