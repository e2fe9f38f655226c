// Finds the op that produced the first NaN or Infinity, forward or backward.

import { formatShape, isFloating, type Observer, observe, type Tensor } from "@echo-ts/tensor";
import { checkFunction } from "@echo-ts/tensor/internal";
import { GradientError } from "./errors.ts";

type Kind = "finite" | "Infinity" | "NaN";

function kindOf(x: Tensor): Kind {
  if (!isFloating(x.dtype)) return "finite";
  const values = x.dataSync();
  let kind: Kind = "finite";
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) kind = "Infinity";
  }
  return kind;
}

/** What is wrong with a value and not with those it was made from, or null. Infinity may be passed on: masks hold it. */
function newlyBad(made: Kind, from: readonly Kind[]): Kind | null {
  if (made === "finite" || (made === "Infinity" && from.some((kind) => kind !== "finite"))) return null;
  return made;
}

const describe = (inputs: readonly Tensor[], kinds: readonly Kind[]): string =>
  inputs
    .map((x, i) => `${formatShape(x.shape)}${kinds[i] === "finite" ? "" : ` holding ${kinds[i]}`}`)
    .join(", ");

const observer: Observer = {
  op({ op, inputs, output }) {
    if (output.trace === null) return; // not computed from variables
    const made = kindOf(output);
    if (made === "finite") return;
    const kinds = inputs.map(kindOf);
    if (newlyBad(made, kinds) === null) return;
    throw new GradientError(
      `detectAnomaly: ${op} produced ${made} in the forward pass from inputs ${describe(inputs, kinds)}`,
    );
  },
  gradient({ op, gradient, parts }) {
    const arrived = kindOf(gradient);
    parts.forEach((part, i) => {
      const made = part === null ? "finite" : kindOf(part);
      if (newlyBad(made, [arrived]) === null) return;
      const arrivedAs = arrived === "finite" ? "" : `, having received ${arrived}`;
      throw new GradientError(
        `detectAnomaly: the gradient of ${op} for its input ${i} ${formatShape(part!.shape)} is ${made}${arrivedAs}`,
      );
    });
  },
};

/**
 * Runs `body` and checks every value computed from variables, and every gradient of a `backward` inside it.
 * Slow: each value is read. Infinity in the inputs (masks hold it) may reach the output.
 *
 * @throws GradientError naming the op that first gave NaN, or Infinity from finite numbers
 * @example detectAnomaly(() => lossOf(batch).backward())
 */
export function detectAnomaly<T>(body: () => T): T {
  checkFunction("detectAnomaly", "body", body);
  const stop = observe(observer);
  try {
    return body();
  } finally {
    stop();
  }
}
