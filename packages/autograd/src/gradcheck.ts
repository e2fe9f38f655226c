// Compares gradients with finite differences. Public: whoever writes a model or a rule needs it.

import {
  cast,
  concat,
  flatten,
  formatShape,
  isFloating,
  type RandomStream,
  sameShape,
  stream,
  type Tensor,
  tensor,
} from "@echo-ts/tensor";
import { checkOptions, type OptionKinds, wrongArgument } from "@echo-ts/tensor/internal";
import { GradientError } from "./errors.ts";
import { vjp } from "./functional.ts";
import { detach, noGrad } from "./variable.ts";

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** Half the distance of the two points of the central difference; default 1e-6. */
  readonly step?: number;
  /** Largest error allowed, relative to the larger of 1 and the derivative; default 1e-6. */
  readonly tolerance?: number;
  /** Also check the gradients of the gradients; default false. */
  readonly secondOrder?: boolean;
  /**
   * "full": every entry of the Jacobian; "projection": random directions only; default: full where the
   * Jacobian has at most 1024 entries.
   */
  readonly mode?: "full" | "projection";
  /** Of the random directions; default 0. */
  readonly seed?: number;
}

/** Result of `gradcheck`. */
export interface GradcheckReport {
  /** Largest error, relative to the larger of 1 and the derivative. */
  readonly error: number;
  /** Number of derivatives compared. */
  readonly compared: number;
}

const GRADCHECK_OPTIONS: OptionKinds<GradcheckOptions> = {
  step: "number",
  tolerance: "number",
  secondOrder: "boolean",
  mode: ["full", "projection"],
  seed: "any",
};

type TensorFunction = (...inputs: Tensor[]) => Tensor;

const FULL_UP_TO = 1024;
const DIRECTIONS = 3;

/**
 * Checks the gradients of a function against central differences in float64. Floating inputs are cast to
 * float64; integer inputs are passed on as they are. Use inputs from the reference backend, away from kinks.
 *
 * @param fn must not be random
 * @throws GradientError naming the first derivative that is off
 * @example gradcheck((x) => x.tanh(), [tensor([0.5, -1])]).error // about 1e-10
 */
export function gradcheck(
  fn: TensorFunction,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): GradcheckReport {
  checkOptions("gradcheck", options, GRADCHECK_OPTIONS);
  if (typeof fn !== "function") throw wrongArgument("gradcheck", "fn", "a function of tensors", fn);
  if (!Array.isArray(inputs)) throw wrongArgument("gradcheck", "inputs", "a list of tensors", inputs);
  const values = inputs.map((x) => (isFloating(x.dtype) ? noGrad(() => cast(detach(x), "float64")) : x));
  const floating = values.flatMap((x, i) => (isFloating(x.dtype) ? [i] : []));
  const call: TensorFunction = (...given) => {
    const all = values.slice();
    for (const [k, i] of floating.entries()) all[i] = given[k]!;
    return fn(...all);
  };
  const points = floating.map((i) => values[i]!);
  const first = check("gradient", call, points, floating, options);
  if (!options.secondOrder) return first;
  const output = noGrad(() => call(...points));
  const cotangent = randomLike(output, stream(options.seed ?? 0, "gradcheck-cotangent"));
  const gradients: TensorFunction = (...given) => {
    const { pullback } = vjp(call, ...given.slice(0, -1));
    return concat(pullback(given[given.length - 1]).map((x) => flatten(x)));
  };
  const places = [...floating, -1];
  const second = check("second gradient", gradients, [...points, cotangent], places, options);
  return { error: Math.max(first.error, second.error), compared: first.compared + second.compared };
}

function randomLike(x: Tensor, random: RandomStream): Tensor {
  const data = Float64Array.from({ length: x.size }, () => 2 * random.uniform() - 1);
  return tensor(data, { shape: x.shape, backend: x.backend });
}

/** Compares pullback and central differences of `fn` at `points`; `places` are their names in messages. */
function check(
  what: string,
  fn: TensorFunction,
  points: readonly Tensor[],
  places: readonly number[],
  options: GradcheckOptions,
): GradcheckReport {
  const { step = 1e-6, tolerance = 1e-6, mode, seed = 0 } = options;
  const random = stream(seed, "gradcheck");
  const { value, pullback } = vjp(fn, ...points);
  const inputSize = points.reduce((n, x) => n + x.size, 0);
  const full = mode === "full" || (mode === undefined && inputSize * value.size <= FULL_UP_TO);
  pullback(randomLike(value, random)).forEach((gradient, k) => {
    if (sameShape(gradient.shape, points[k]!.shape)) return;
    throw new GradientError(
      `gradcheck: the ${what} for input ${k} has shape ${formatShape(gradient.shape)}, expected ${formatShape(points[k]!.shape)}`,
    );
  });
  const evaluate = (at: readonly Tensor[]): ArrayLike<number> => noGrad(() => fn(...at)).dataSync();
  let error = 0;
  let compared = 0;
  const compare = (analytic: number, numeric: number, where: () => string): void => {
    const size = Math.max(1, Math.abs(analytic), Math.abs(numeric));
    const off = Math.abs(analytic - numeric) / size;
    compared++;
    error = Math.max(error, off);
    if (off <= tolerance) return;
    throw new GradientError(
      `gradcheck: the ${what} ${where()} is ${analytic}, central differences give ${numeric} (error ${off.toExponential(1)}, allowed ${tolerance})`,
    );
  };

  /** Derivative of every output along one direction of one input. */
  const difference = (input: number, direction: (i: number) => number): number[] => {
    const shifted = (by: number): ArrayLike<number> => {
      const x = points[input]!;
      const moved = Float64Array.from(x.dataSync(), (v, i) => v + by * direction(i));
      return evaluate(points.with(input, tensor(moved, { shape: x.shape, backend: x.backend })));
    };
    const [after, before] = [shifted(step), shifted(-step)];
    return Array.from(after, (v, i) => (v - before[i]!) / (2 * step));
  };

  const named = (input: number): string => {
    const place = places[input]!;
    return place < 0 ? "for the cotangent" : `for input ${place}`;
  };
  if (full) {
    const rows = Array.from({ length: value.size }, (_, j) => {
      const oneHot = new Float64Array(value.size);
      oneHot[j] = 1;
      return pullback(tensor(oneHot, { shape: value.shape, backend: value.backend })).map((g) =>
        g.dataSync(),
      );
    });
    points.forEach((x, k) => {
      for (let i = 0; i < x.size; i++) {
        difference(k, (at) => (at === i ? 1 : 0)).forEach((numeric, j) => {
          compare(
            rows[j]![k]![i]!,
            numeric,
            () => `of output ${j} ${named(k)}, element ${i} of ${formatShape(x.shape)},`,
          );
        });
      }
    });
    return { error, compared };
  }
  for (let n = 0; n < DIRECTIONS; n++) {
    const cotangent = randomLike(value, random);
    const weights = cotangent.dataSync();
    const gradients = pullback(cotangent);
    points.forEach((x, k) => {
      const direction = randomLike(x, random).dataSync();
      const numeric = difference(k, (i) => direction[i]!).reduce((total, d, j) => total + d * weights[j]!, 0);
      const gradient = gradients[k]!.dataSync();
      let analytic = 0;
      for (let i = 0; i < x.size; i++) analytic += direction[i]! * gradient[i]!;
      compare(analytic, numeric, () => `${named(k)} along a random direction`);
    });
  }
  return { error, compared };
}
