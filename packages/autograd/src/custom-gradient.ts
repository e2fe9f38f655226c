// Functions whose gradient is given by the user instead of by the rules of the ops inside. Read next: node.ts.

import { formatShape, isFloating, Tensor } from "@echo-ts/tensor";
import { observation, onlyResult, tellOp, timed, wrongArgument } from "@echo-ts/tensor/internal";
import { engine, withRecording } from "./engine.ts";
import { GradientError } from "./errors.ts";
import { type CustomRule, Node, untracedHandle } from "./node.ts";
import { adoptValue, closeDropped } from "./tape.ts";

/** What `customGradient` makes a function of. `Inputs` is the list of its arguments, such as `[x: Tensor, y: Tensor]`. */
export interface CustomGradient<Inputs extends readonly Tensor[]> {
  /** For messages. */
  readonly name: string;
  /** Computes the value, from constants: nothing in it is recorded. */
  forward(...inputs: Inputs): Tensor;
  /**
   * The gradients of the inputs, one for each and of its shape and dtype; null for none.
   *
   * @param gradient of the final result with respect to the output
   * @param inputs those of `forward`, and traced: what is computed from them has a gradient itself
   * @param output what `forward` returned for them
   * @param needs which inputs a gradient is wanted for; the others' are ignored
   */
  backward(
    gradient: Tensor,
    inputs: Inputs,
    output: Tensor,
    needs: readonly boolean[],
  ): readonly (Tensor | null)[];
}

/**
 * A function of tensors with a gradient of your own: straight-through estimators, clipped or reversed gradients,
 * formulas that are more exact or cheaper than what the ops inside would give. PyTorch's autograd.Function, JAX's
 * custom_vjp. Check it with `gradcheck`, unless it is meant to differ.
 *
 * Second derivatives work if `backward` is made of ops on `gradient`, `inputs` and `output`. Anything else that it
 * uses, such as a tensor that `forward` has put aside, counts as a constant there, and must be kept: `keep(x)`.
 *
 * @returns the function; called under `noGrad` or with constants only, it computes `forward` and no more
 * @throws GradientError when called, if `forward` returns no floating tensor or `backward` not one gradient per
 *   input, each of its input's shape and dtype
 * @example customGradient({ name: "half", forward: (x) => x, backward: (g) => [g.mul(0.5)] })(ones([2])).toArray() // [1, 1]
 */
export function customGradient<Inputs extends readonly Tensor[] = [x: Tensor]>(
  rule: CustomGradient<Inputs>,
): (...inputs: Inputs) => Tensor {
  if (typeof rule !== "object" || rule === null) {
    throw wrongArgument("customGradient", "rule", "an object { name, forward, backward }", rule);
  }
  const { name } = rule;
  const custom: CustomRule = {
    name,
    pullBack(gradient, { inputs, output }, needs) {
      const parts = rule.backward(gradient, inputs as Inputs, output!, needs);
      checkGradients(name, parts, inputs, needs);
      return parts;
    },
  };
  return (...inputs) => {
    for (const [i, x] of inputs.entries()) {
      if (!(x instanceof Tensor))
        throw new GradientError(`${name}: input ${i} must be a tensor, got ${kindOf(x)}`);
    }
    const traced = engine.recording && inputs.some((x) => x.trace !== null);
    if (traced) closeDropped();
    const forward = (): Tensor =>
      withRecording(false, () =>
        onlyResult(
          () =>
            checkedValue(name, rule.forward(...(inputs.map(untracedHandle) as readonly Tensor[] as Inputs))),
          (made) => traced && adoptValue(made, inputs),
        ),
      );
    const times = observation.observers === null ? null : timed(forward);
    const value = times === null ? forward() : times.output;
    // A handle of its own, as forward may return one of its inputs.
    const output = untracedHandle(value);
    if (traced) {
      if (!isFloating(output.dtype)) {
        throw new GradientError(
          `${name}: forward must return float32 or float64 to have a gradient, got ${output.dtype}`,
        );
      }
      output.trace = new Node(custom, inputs, null, output);
    }
    if (times !== null) {
      const backend = output.backend.name;
      tellOp({ ...times, op: name, by: "composition", inputs, output, params: {}, backend, bytes: 0 });
    }
    return output;
  };
}

const kindOf = (x: unknown): string => (x === null ? "null" : typeof x);

function checkedValue(name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  throw new GradientError(`${name}: forward must return a tensor, got ${kindOf(value)}`);
}

function checkGradients(
  name: string,
  parts: readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  needs: readonly boolean[],
): void {
  if (!Array.isArray(parts) || parts.length !== inputs.length) {
    const got = Array.isArray(parts)
      ? `${parts.length}`
      : parts instanceof Tensor
        ? "a tensor"
        : kindOf(parts);
    throw new GradientError(
      `${name}: backward must return a list of ${inputs.length} gradients, one per input (null for none), got ${got}`,
    );
  }
  for (const [i, part] of (parts as (Tensor | null)[]).entries()) {
    if (part === null || !needs[i]) continue;
    const { dtype, shape } = inputs[i]!;
    const expected = `${dtype} ${formatShape(shape)}`;
    const got = part instanceof Tensor ? `${part.dtype} ${formatShape(part.shape)}` : kindOf(part);
    if (got !== expected) {
      throw new GradientError(`${name}: the gradient of input ${i} must be ${expected}, got ${got}`);
    }
  }
}
