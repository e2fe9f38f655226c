// One forward pass as it went: which modules were called, in which order, and what each gave. The architecture diagram
// (../figures/architecture-figure.ts) is drawn from it.
import { type Module, noGrad } from "@echo-ts/autograd";
import { Tensor } from "@echo-ts/tensor";
import type { EchoFeatures } from "../model/batch.ts";
import type { Echo } from "../model/model.ts";
import { watchCalls } from "./blocks.ts";

/** A module as it was called. */
export interface TracedModule {
  /** Dotted name in the state dict; "" is the model itself. */
  readonly path: string;
  readonly kind: string;
  /** Parameters of the module and all below it, tied ones counted once. */
  readonly parameters: number;
  /** Shape of what it gave; null where that is no tensor, or it was not called. */
  readonly output: readonly number[] | null;
  /** Calls in this pass. */
  readonly calls: number;
}

/**
 * Every module of a model with what it gave in one forward pass.
 *
 * @param ids int32 [B, L]
 * @returns modules in the order of the tree
 */
export function traceModules(echo: Echo, features: EchoFeatures, ids: Tensor): TracedModule[] {
  const shapes = new Map<Module, readonly number[]>();
  const calls = new Map<Module, number>();
  const modules = echo.namedModules();
  const stops = modules.flatMap(([, module]) => {
    if (typeof Reflect.get(module, "forward") !== "function") return [];
    const onCall = (_: readonly unknown[], result: unknown): void => {
      const shape = shapeOf(result);
      if (shape !== null) shapes.set(module, shape);
      calls.set(module, (calls.get(module) ?? 0) + 1);
    };
    return [watchCalls(module, "forward", onCall)];
  });
  const wasTraining = echo.training;
  echo.eval();
  try {
    noGrad(() => echo.forward(features, ids));
  } finally {
    for (const stop of stops) stop();
    echo.train(wasTraining);
  }
  return modules.map(([path, module]) => ({
    path,
    kind: module.constructor.name,
    parameters: module.parameterCount(),
    output: shapes.get(module) ?? null,
    calls: calls.get(module) ?? 0,
  }));
}

/** Shape of a tensor, or of the frames of a stem's result. */
function shapeOf(result: unknown): readonly number[] | null {
  if (result instanceof Tensor) return [...result.shape];
  if (typeof result === "object" && result !== null && "frames" in result && result.frames instanceof Tensor)
    return [...result.frames.shape];
  return null;
}
