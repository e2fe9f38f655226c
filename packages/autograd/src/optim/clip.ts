// Gradient clipping, and the search for gradients that are not finite.

import {
  abs,
  add,
  clamp,
  div,
  full,
  max,
  maximum,
  minimum,
  mul,
  pow,
  sqrt,
  square,
  sum,
  type Tensor,
} from "@echo-ts/tensor";
import {
  checkOptions,
  checkTensors,
  hostElements,
  isWhole,
  onlyResult,
  wrongArgument,
} from "@echo-ts/tensor/internal";
import { GradientError } from "../errors.ts";
import { setGradient } from "../tape.ts";
import { noGrad, type Parameter } from "../variable.ts";

/** Options of {@link clipGradNorm}. */
export interface ClipOptions {
  /** Order of the norm, default 2; Infinity takes the largest magnitude. */
  readonly normType?: number;
  /** Throw if the norm is not finite, naming the parameter (default true). */
  readonly errorIfNonfinite?: boolean;
}

/**
 * Scales all gradients by min(1, maxNorm / (norm + 1e-6)), norm being that of all gradients laid end to end.
 * PyTorch's `clip_grad_norm_`. Norm and scaling are computed where the gradients are: on a GPU only the norm is read.
 *
 * The gradients are scaled when this returns its promise; to await it is to learn the norm, and whether it was finite.
 *
 * @param maxNorm at least 0; Infinity only measures
 * @returns the norm before clipping; 0 without gradients
 * @throws GradientError if the norm is not finite, unless told otherwise. Gradients in host memory are then as they
 *   were, and the message names the parameter; those on a GPU are not finite any more.
 * @example
 * loss.backward();
 * const norm = await clipGradNorm(model.parameters(), 1);
 * optimizer.step();
 */
export async function clipGradNorm(
  parameters: Iterable<Parameter>,
  maxNorm: number,
  options: ClipOptions = {},
): Promise<number> {
  checkOptions("clipGradNorm", options, { normType: "number", errorIfNonfinite: "boolean" });
  checkParameters("clipGradNorm", parameters);
  const { normType = 2, errorIfNonfinite = true } = options;
  if (!(maxNorm >= 0)) throw new RangeError(`clipGradNorm: maxNorm must be at least 0, got ${maxNorm}`);
  if (!(normType > 0)) throw new RangeError(`clipGradNorm: normType must be above 0, got ${normType}`);
  const list = [...parameters].filter(({ grad }) => grad !== null);
  if (list.length === 0) return 0;
  if (list.every(({ grad }) => grad!.backend.host))
    return clipOnHost(list, maxNorm, normType, errorIfNonfinite);
  const norm = (await clipOnDevice(list, maxNorm, normType).data())[0]!;
  if (Number.isFinite(norm) || !errorIfNonfinite) return norm;
  throw new GradientError(
    `clipGradNorm: the gradients are not finite or too large (norm ${norm}); detectAnomaly(() => ...) names the op it came from`,
  );
}

function clipOnHost(list: readonly Parameter[], maxNorm: number, order: number, refuse: boolean): number {
  const norm = totalNorm(list, order);
  if (!Number.isFinite(norm) && refuse) {
    const culprit = list.findIndex(({ grad }) => !isAllFinite(grad!));
    const whose = culprit < 0 ? "all" : `"${list[culprit]!.name || culprit}"`;
    const what = culprit < 0 ? "is too large" : "is not finite";
    throw new GradientError(
      `clipGradNorm: the gradient of ${whose} ${what} (norm ${norm}); detectAnomaly(() => ...) names the op it came from`,
    );
  }
  const scale = maxNorm / (norm + 1e-6);
  if (!(scale >= 1)) for (const parameter of list) replaceGradient(parameter, (grad) => scaled(grad, scale));
  return norm;
}

/** Scales without reading anything. @returns the norm, a rank-0 tensor */
function clipOnDevice(list: readonly Parameter[], maxNorm: number, order: number): Tensor {
  const norm = noGrad(() => {
    if (order === Number.POSITIVE_INFINITY) return list.map(({ grad }) => max(abs(grad!))).reduce(maximum);
    const power = (grad: Tensor): Tensor => (order === 2 ? square(grad) : pow(abs(grad), order));
    const total = list.map(({ grad }) => sum(power(grad!))).reduce((all, part) => add(all, part));
    return order === 2 ? sqrt(total) : pow(total, 1 / order);
  });
  if (maxNorm !== Number.POSITIVE_INFINITY) {
    const scale = noGrad(() => minimum(div(maxNorm, add(norm, 1e-6)), 1));
    for (const parameter of list) replaceGradient(parameter, (grad) => mul(grad, scale));
  }
  return norm;
}

/**
 * Limits each element of the gradients to [-limit, limit]. PyTorch's `clip_grad_value_`.
 *
 * @param limit at least 0
 */
export function clipGradValue(parameters: Iterable<Parameter>, limit: number): void {
  checkParameters("clipGradValue", parameters);
  if (!(limit >= 0)) throw new RangeError(`clipGradValue: the limit must be at least 0, got ${limit}`);
  for (const parameter of parameters) {
    if (parameter.grad !== null) replaceGradient(parameter, (grad) => clamp(grad, -limit, limit));
  }
}

/** By a tensor and not a number: the ops cache the numbers that they are given, and this one never comes again. */
function scaled(grad: Tensor, scale: number): Tensor {
  return mul(grad, full([], scale, { dtype: grad.dtype, backend: grad.backend }));
}

function replaceGradient(parameter: Parameter, change: (grad: Tensor) => Tensor): void {
  setGradient(
    parameter,
    noGrad(() => onlyResult(() => change(parameter.grad!))),
  );
}

/** Refuses a module, or one parameter, where a list of parameters is expected. */
function checkParameters(op: string, parameters: Iterable<Parameter>): void {
  if (typeof parameters === "object" && parameters !== null && Symbol.iterator in parameters) {
    // A generator can be walked once only: what is in a list can be looked at here.
    if (Array.isArray(parameters)) for (const one of parameters) checkTensors(op, { "each parameter": one });
    return;
  }
  throw wrongArgument(op, "parameters", "a list such as model.parameters()", parameters);
}

function totalNorm(parameters: readonly Parameter[], order: number): number {
  let total = 0;
  for (const { grad } of parameters) {
    if (order === 2) {
      total += grad!.backend.updates?.sumOfSquares?.(grad!) ?? sumOfSquares(denseValues(grad!));
      continue;
    }
    const values = denseValues(grad!);
    if (order === Number.POSITIVE_INFINITY) {
      // Math.max passes NaN on.
      for (let i = 0; i < values.length; i++) total = Math.max(total, Math.abs(values[i]!));
    } else for (let i = 0; i < values.length; i++) total += Math.abs(values[i]!) ** order;
  }
  if (order === Number.POSITIVE_INFINITY) return total;
  return order === 2 ? Math.sqrt(total) : total ** (1 / order);
}

type Values = ArrayLike<number>;

/** The elements, without a copy where they lie dense in host memory. */
function denseValues(grad: Tensor): Values {
  return grad.backend.host && isWhole(grad) ? hostElements(grad) : grad.dataSync();
}

/** In double precision; four sums, because one would wait for each addition. Their order is fixed. */
function sumOfSquares(values: Values): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * values[i]!;
    b += values[i + 1]! * values[i + 1]!;
    c += values[i + 2]! * values[i + 2]!;
    d += values[i + 3]! * values[i + 3]!;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * values[i]!;
  return a + b + (c + d);
}

/** True if no element is NaN or infinite. */
export function isAllFinite(grad: Tensor): boolean {
  // Squares of float32 are far from the end of double precision: their sum is finite if they all are.
  const squares = grad.backend.updates?.sumOfSquares?.(grad) ?? null;
  if (squares !== null && grad.dtype === "float32") return Number.isFinite(squares);
  const values = denseValues(grad);
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length & ~3;
  // 0 times anything finite is 0, times the rest NaN.
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * 0;
    b += values[i + 1]! * 0;
    c += values[i + 2]! * 0;
    d += values[i + 3]! * 0;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * 0;
  return a + b + c + d === 0;
}
