// Differentiation of functions rather than of values: grad, valueAndGrad, vjp. They leave every `.grad` alone.

import { DtypeError, isFloating, Tensor, zerosLike } from "@echo-ts/tensor";
import { checkOptions, wrongArgument } from "@echo-ts/tensor/internal";
import { seedFor } from "./backward.ts";
import { engine, withRecording } from "./engine.ts";
import { GradientError } from "./errors.ts";
import { identity, nodeOf } from "./node.ts";
import { sweep } from "./sweep.ts";
import { detach } from "./variable.ts";

/** Options of `grad` and `valueAndGrad`. */
export interface GradOptions {
  /**
   * Record the computation of the gradient too, so that results can be differentiated with respect to other
   * variables. Default: only inside another `grad`, or when an input is traced already.
   */
  readonly createGraph?: boolean;
}

/**
 * The gradient of a function of tensors with respect to its first argument, as a function. Nests: the
 * gradient of a gradient is a second derivative.
 *
 * @param fn returns one element
 * @returns a function of the same arguments; its result has the shape of the first
 * @throws GradientError if the function returns more than one element; DtypeError for integer arguments
 * @example grad((x) => x.pow(3).sum())(tensor([2])).toArray() // [12]
 */
export function grad<A extends readonly Tensor[]>(
  fn: (x: Tensor, ...others: A) => Tensor,
  options: GradOptions = {},
): (x: Tensor, ...others: A) => Tensor {
  const both = valueAndGrad(fn, options);
  return (x, ...others) => both(x, ...others).gradient;
}

/**
 * Like `grad`, and gives the function's value too.
 *
 * @example valueAndGrad((x) => x.square().sum())(tensor([3])) // { value: 9, gradient: [6] }
 */
export function valueAndGrad<A extends readonly Tensor[]>(
  fn: (x: Tensor, ...others: A) => Tensor,
  options: GradOptions = {},
): (x: Tensor, ...others: A) => { value: Tensor; gradient: Tensor } {
  checkFunction("grad", fn);
  checkOptions("grad", options, { createGraph: "boolean" });
  return (x, ...others) => {
    const { value, pullback } = trace("grad", ([first]) => fn(first!, ...others), [x], options);
    const [gradient] = pullback(undefined);
    return { value, gradient: gradient! };
  };
}

/**
 * The value of a function, and its vector-Jacobian product: a function that takes a gradient of the value to
 * the gradients of all inputs. It may be called several times.
 *
 * @example const { value, pullback } = vjp(matmul, a, b); const [da, db] = pullback(onesLike(value));
 */
export function vjp<A extends readonly Tensor[]>(
  fn: (...inputs: A) => Tensor,
  ...inputs: A
): { value: Tensor; pullback: (seed?: Tensor) => Tensor[] } {
  checkFunction("vjp", fn);
  const call = (handles: readonly Tensor[]): Tensor => fn(...(handles as unknown as A));
  return trace("vjp", call, inputs, {}, true);
}

function checkFunction(op: string, fn: unknown): void {
  if (typeof fn !== "function") throw wrongArgument(op, "fn", "a function of tensors", fn);
}

/** Runs `fn` recorded, and gives what takes a gradient of its value to the gradients of its inputs. */
function trace(
  op: string,
  fn: (inputs: readonly Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradOptions,
  retain = false,
): { value: Tensor; pullback: (seed: Tensor | undefined) => Tensor[] } {
  inputs.forEach((x, i) => {
    if (!(x instanceof Tensor)) throw wrongArgument(op, `input ${i}`, "a tensor", x);
  });
  const { createGraph = engine.depth > 0 || (engine.recording && inputs.some((x) => x.trace !== null)) } =
    options;
  const handles = inputs.map((x, i) => {
    if (!isFloating(x.dtype)) {
      throw new DtypeError(`${op}: input ${i} is ${x.dtype}, only float32 and float64 carry gradients`);
    }
    // A handle of its own for each call: gradients stop there, and go on from there only if they are recorded.
    return identity(x);
  });
  engine.depth++;
  let value: Tensor;
  try {
    value = withRecording(true, () => fn(handles));
  } finally {
    engine.depth--;
  }
  if (!(value instanceof Tensor)) {
    throw new GradientError(`${op}: the function must return a tensor, got ${typeof value}`);
  }
  const targets = handles.map((handle) => nodeOf(handle)!);
  const pullback = (seed: Tensor | undefined): Tensor[] => {
    if (value.trace !== null) {
      const dropGraph = !createGraph && !retain;
      sweep({ root: value, seed: seedFor(value, seed), targets, createGraph, dropGraph });
    }
    return targets.map((target, i) => {
      const { pending } = target;
      target.pending = null;
      return pending ?? zerosLike(inputs[i]!);
    });
  };
  return { value: createGraph ? value : detach(value), pullback };
}
