// The one way to change a tensor: overwriting a whole storage. For optimisers and for loading weights.

import { runKernel } from "./backend.ts";
import { BackendError, ShapeError } from "./errors.ts";
import { copyAs } from "./ops/operands.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Overwrites all elements of `target` with those of `source`, converted to its dtype. Every handle and view
 * on the target's storage sees the change. Not differentiable.
 *
 * @param target dense, the whole of its storage
 * @throws ShapeError if the shapes differ or the target is a view of a part of its storage
 * @throws BackendError if they live on different backends
 * @example const w = zeros([2]); assign(w, tensor([1, 2])); w.toArray() // [1, 2]
 */
export function assign(target: Tensor, source: Tensor): void {
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      `assign: expected shape ${formatShape(target.shape)}, got ${formatShape(source.shape)}`,
    );
  }
  if (!target.isContiguous || target.offset !== 0 || target.storage.length !== target.size) {
    throw new ShapeError("assign: the target is a view of a part of its storage, expected the whole of it");
  }
  if (source.backend !== target.backend) {
    throw new BackendError(
      `assign: the target lives on backend "${target.backend.name}", the source on "${source.backend.name}"; move it with toBackend(tensor, name)`,
    );
  }
  const { dtype, backend } = target;
  // A source that reads the target's own storage in another order would be overwritten while read.
  const shared = source.storage === target.storage;
  const from = shared ? copyAs(source, dtype) : source;
  runKernel(backend, "cast", target, [from], { dtype });
  target.storage.version++;
}
