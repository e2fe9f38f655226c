// The size of gradients by part of a model: where a step pulls. Blocks and what stands beside them.
import type { Parameter } from "@echo-ts/autograd";
import type { Echo } from "../model/model.ts";
import { namedBlocks } from "./blocks.ts";

/** A part of the model and its gradient. */
export interface GradientNorm {
  /** "encoder 0", "encoder stem", "token embedding", "CTC head", ... */
  readonly name: string;
  readonly parameters: number;
  /** Euclidean norm of the part's gradient, mean over the observed steps. */
  readonly norm: number;
}

/** Collects gradient norms over steps. Call `observe` after `backward`, before gradients are clipped or forgotten. */
export class GradientNorms {
  readonly #parts: ReadonlyMap<string, readonly Parameter[]>;
  readonly #sums: Map<string, number> = new Map();
  #steps = 0;

  constructor(echo: Echo) {
    const parts = new Map<string, Parameter[]>();
    const blocks = namedBlocks(echo);
    for (const [path, parameter] of echo.namedParameters()) {
      const block = blocks.find((one) => path.startsWith(`${one.path}.`));
      const name = block?.name ?? partOf(path);
      parts.set(name, [...(parts.get(name) ?? []), parameter]);
    }
    this.#parts = parts;
  }

  /** Adds the norms of the gradients as `backward` left them. */
  observe(): void {
    this.#steps++;
    for (const [name, parameters] of this.#parts) {
      let squares = 0;
      for (const { grad } of parameters) if (grad !== null) for (const g of grad.dataSync()) squares += g * g;
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + Math.sqrt(squares));
    }
  }

  /** One entry a part, in the order of the model. */
  report(): GradientNorm[] {
    return [...this.#parts].map(([name, parameters]) => ({
      name,
      parameters: parameters.reduce((sum, { size }) => sum + size, 0),
      norm: (this.#sums.get(name) ?? 0) / Math.max(1, this.#steps),
    }));
  }
}

/** The part that a parameter outside all blocks belongs to. */
function partOf(path: string): string {
  if (path.includes("token_embedding")) return "token embedding";
  if (path.startsWith("encoder.")) return "encoder stem";
  if (path.startsWith("decoder.")) return "decoder positions, blend, norm";
  return "CTC head";
}
