// The tensor: an immutable handle on a strided view of a storage. It knows how to be read and printed;
// ops/ computes with it, and methods.ts makes methods of those functions.

import type { Backend, Storage } from "./backend.ts";
import type { DType, TypedArray } from "./dtype.ts";
import { ARRAYS } from "./dtype.ts";
import { BackendError, ShapeError } from "./errors.ts";
import { checkOpen } from "./memory.ts";
import type { TensorMethods } from "./methods.ts";
import type { FusedOp, Op, OpParams } from "./op-table.ts";
import { formatTensor } from "./print-tensor.ts";
import { formatShape, isContiguous, type Shape, sizeOf } from "./shape.ts";

/**
 * How a differentiation engine follows a tensor. This package stores it on the tensor and calls it for each op
 * that takes the tensor as an input; @echo-ts/autograd implements it.
 */
export interface Trace {
  /** Notes that `output` was computed by `op` from `inputs`, at least one of which carries a trace. */
  record<P extends Op>(op: P, inputs: readonly Tensor[], params: OpParams[P], output: Tensor): void;
  /**
   * False if the engine wants the ops of this fused op's definition, where no kernel computes it, recorded
   * one by one, because it has no rule for the op as a whole.
   */
  recordsWhole(op: FusedOp): boolean;
  /** Takes the gradient of the traced tensor with respect to everything it was computed from. */
  backward(tensor: Tensor, seed?: Tensor): void;
  /** The gradient accumulated so far, or null. */
  readonly grad: Tensor | null;
}

/** Arrays nested as deep as the tensor's rank; a plain value for rank 0. */
export type Nested<T> = T | Nested<T>[];

export interface Tensor extends TensorMethods {}

/**
 * A strided n-dimensional array. Made by `tensor`, `zeros`, `fromNdarray` and the like, and by every op.
 * Handles are immutable: an op never changes its inputs. Views (transpose, slice, ...) share storage.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: methods.ts supplies exactly these, checked there
export class Tensor {
  readonly storage: Storage;
  readonly shape: Shape;
  /** In elements, one per axis; 0 for broadcast axes, negative for reversed ones. */
  readonly strides: readonly number[];
  /** In elements, of the first element. */
  readonly offset: number;
  /** Set by the differentiation engine; null for a constant. */
  trace: Trace | null;

  constructor(storage: Storage, shape: Shape, strides: readonly number[], offset: number) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.trace = null;
  }

  get dtype(): DType {
    return this.storage.dtype;
  }

  get backend(): Backend {
    return this.storage.backend;
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** True if the elements lie in row-major order without gaps. */
  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /** True if a gradient can flow back from this tensor. */
  get requiresGrad(): boolean {
    return this.trace !== null;
  }

  /** Gradient accumulated by `backward`, or null. */
  get grad(): Tensor | null {
    return this.trace?.grad ?? null;
  }

  /**
   * Computes the gradients of this tensor with respect to the variables it was computed from.
   *
   * @param seed gradient of the final result with respect to this tensor; 1 when left out (then this
   *   tensor must hold one element)
   * @throws Error if nothing this tensor was computed from was a variable
   */
  backward(seed?: Tensor): void {
    if (this.trace === null) {
      throw new Error(
        "backward: this tensor was not computed from any variable; wrap inputs with variable() or a module's parameters (@echo-ts/autograd)",
      );
    }
    this.trace.backward(this, seed);
  }

  /**
   * The elements in row-major order, as a fresh typed array. Works on every backend.
   *
   * @throws BackendError if the memory was given back, see `keep`
   */
  async data(): Promise<TypedArray> {
    checkOpen("read", this);
    const all = await this.backend.read(this.storage);
    return rowMajorCopy(all, this);
  }

  /**
   * The elements in row-major order, as a fresh typed array, at once.
   *
   * @throws BackendError on backends that do not compute in host memory, unless the tensor was uploaded and
   *   not computed; use `await data()` there. BackendError if the memory was given back, see `keep`
   */
  dataSync(): TypedArray {
    checkOpen("read", this);
    const { host, name, peek } = this.backend;
    const all = host ? this.storage.data : (peek?.(this.storage) ?? null);
    if (all === null) {
      throw new BackendError(
        `dataSync: tensors of backend "${name}" can only be read with await tensor.data()`,
      );
    }
    return rowMajorCopy(all, this);
  }

  /**
   * The single element as a number (0 or 1 for bool).
   *
   * @throws ShapeError unless there is exactly one element; BackendError if the memory was given back, see `keep`
   */
  item(): number {
    if (this.size !== 1) {
      throw new ShapeError(`item: expected one element, got shape ${formatShape(this.shape)}`);
    }
    checkOpen("read", this);
    return this.backend.host ? this.storage.data[this.offset]! : this.dataSync()[0]!;
  }

  /** The elements as nested arrays; booleans for bool. */
  toArray(): Nested<number> | Nested<boolean> {
    const flat = this.dataSync();
    if (this.dtype === "bool") return nest(this.shape, (i) => flat[i] !== 0);
    return nest(this.shape, (i) => flat[i]!);
  }

  /**
   * What `JSON.stringify` writes: the values as `toArray` gives them. JSON has no NaN and no infinities: they
   * become null, as in any array.
   *
   * @throws BackendError on backends that cannot be read at once
   */
  toJSON(): Nested<number> | Nested<boolean> {
    return this.toArray();
  }

  /** The values laid out like NumPy prints them, with shape and dtype. */
  toString(): string {
    return formatTensor(this);
  }

  static {
    // Node's console.log asks for this symbol; in browsers it stays unused.
    Object.defineProperty(Tensor.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value(this: Tensor) {
        return this.toString();
      },
    });
  }
}

function nest<T>(shape: Shape, value: (index: number) => T): Nested<T> {
  let next = 0;
  const build = (axis: number): Nested<T> =>
    axis === shape.length ? value(next++) : Array.from({ length: shape[axis]! }, () => build(axis + 1));
  return build(0);
}

/** Copies a strided view out of `all` into a dense array. */
function rowMajorCopy(all: TypedArray, view: Tensor): TypedArray {
  const { shape, strides, offset, size } = view;
  if (view.isContiguous) return all.slice(offset, offset + size);
  const out = new ARRAYS[view.dtype](size);
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let at = offset;
  for (let i = 0; i < size; i++) {
    out[i] = all[at]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
