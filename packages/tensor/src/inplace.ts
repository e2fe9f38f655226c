// The one way to change a tensor: overwriting a whole storage. For optimisers and for loading weights.

import { checkTensors } from "./arguments.ts";
import { runKernel } from "./backend.ts";
import type { TypedArray } from "./dtype.ts";
import { BackendError, ShapeError } from "./errors.ts";
import { checkOpen } from "./memory.ts";
import { copyAs } from "./ops/operands.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Overwrites all elements of `target` with those of `source`, converted to its dtype. Every handle and view
 * on the target's storage sees the change. Not differentiable.
 *
 * @param target dense, the whole of its storage
 * @throws ShapeError if the shapes differ or the target is a view of a part of its storage
 * @throws BackendError if they live on different backends, or the memory of one was given back
 * @example const w = zeros([2]); assign(w, tensor([1, 2])); w.toArray() // [1, 2]
 */
export function assign(target: Tensor, source: Tensor): void {
  checkTensors("assign", { target, source });
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      `assign: expected shape ${formatShape(target.shape)}, got ${formatShape(source.shape)}`,
    );
  }
  if (!isWhole(target)) {
    throw new ShapeError("assign: the target is a view of a part of its storage, expected the whole of it");
  }
  if (source.backend !== target.backend) {
    throw new BackendError(
      `assign: the target lives on backend "${target.backend.name}", the source on "${source.backend.name}"; move it with await toBackend(tensor, name)`,
    );
  }
  checkOpen("assign", target);
  checkOpen("assign", source);
  const { dtype, backend } = target;
  // A source that reads the target's own storage in another order would be overwritten while read.
  const shared = source.storage === target.storage;
  const from = shared ? copyAs(source, dtype) : source;
  runKernel(backend, "cast", target, [from], { dtype });
  noteWrite(target);
}

/**
 * True if x is dense and the whole of its storage, so that it can be written in place.
 *
 * @example isWhole(ones([4]).slice([{ start: 1 }])) // false
 */
export function isWhole(x: Tensor): boolean {
  return x.isContiguous && x.offset === 0 && x.storage.length === x.size;
}

/**
 * Notes that x was written in place: gradients that need the old values will refuse.
 *
 * @example hostElements(w).fill(0); noteWrite(w);
 */
export function noteWrite(x: Tensor): void {
  x.storage.version++;
}

/**
 * The elements of x where they are in host memory, for plain loops that read or write them; after a write call
 * `noteWrite`. Use the array at once: the next op may move the memory.
 *
 * @param x dense, the whole of its storage
 * @throws ShapeError if x is a view of a part of its storage; BackendError where the memory cannot be reached
 */
export function hostElements(x: Tensor): TypedArray {
  checkTensors("hostElements", { x });
  if (!x.backend.host) {
    throw new BackendError(
      `hostElements: tensors on backend "${x.backend.name}" cannot be written in place; use a backend that computes in host memory, such as wasm or reference`,
    );
  }
  if (!isWhole(x)) {
    throw new ShapeError(
      "hostElements: the tensor is a view of a part of its storage, expected the whole of it",
    );
  }
  return x.storage.data;
}
