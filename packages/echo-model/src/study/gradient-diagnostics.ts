// Gradient diagnostics of the seed: how the gradients of gates compare with those of MLPs, and of values with
// those of queries and keys, block by block. Print them, at step 10 and at the end, as a look inside; the
// reference's own reading of them did not hold (REFERENCE.md), so none is given here.

import type { Parameter } from "@echo-ts/autograd";
import { EchoBlock } from "../model/block.ts";
import type { Echo } from "../model/model.ts";

/** Mean absolute gradients of one block, summed over the observed steps. */
export interface BlockGradients {
  /** Dotted name of the block. */
  readonly name: string;
  /** Gate weights over first MLP weights; null without a gate or without gradients. */
  readonly gateOverMlp: number | null;
  /** Query, key and value weights of self-attention, mean over the steps. */
  readonly self: QkvGradients | null;
  /** The same of cross-attention. */
  readonly cross: QkvGradients | null;
}

/** Mean absolute gradients of the three projections. */
export interface QkvGradients {
  readonly query: number;
  readonly key: number;
  readonly value: number;
}

/**
 * Collects gradients over steps.
 *
 * @example
 * const diagnostics = new GradientDiagnostics(echo);
 * loss.backward();
 * diagnostics.observe(); // before the optimiser forgets the gradients
 * console.log(diagnostics.table());
 */
export class GradientDiagnostics {
  readonly #blocks: readonly [string, EchoBlock][];
  readonly #sums: Map<Parameter, number> = new Map();
  #steps = 0;

  constructor(echo: Echo) {
    this.#blocks = echo
      .namedModules()
      .filter((entry): entry is [string, EchoBlock] => entry[1] instanceof EchoBlock);
  }

  /** Adds the mean absolute gradients of the weights that are watched, as `backward` left them. */
  observe(): void {
    this.#steps++;
    for (const [, block] of this.#blocks) {
      for (const weight of [...gateWeights(block), firstMlpWeight(block), ...projections(block)]) {
        const { grad } = weight;
        if (grad === null) continue;
        const mean = Float64Array.from(grad.dataSync()).reduce((sum, g) => sum + Math.abs(g), 0) / grad.size;
        this.#sums.set(weight, (this.#sums.get(weight) ?? 0) + mean);
      }
    }
  }

  /** One entry per block, in the order of the model. */
  report(): BlockGradients[] {
    return this.#blocks.map(([name, block]) => {
      const gate = gateWeights(block).reduce((sum, weight) => sum + (this.#sums.get(weight) ?? 0), 0);
      const mlp = this.#sums.get(firstMlpWeight(block)) ?? 0;
      const [self, cross] = [block.selfAttention, block.crossAttention].map((layer) =>
        layer === null
          ? null
          : this.#means([layer.query, layer.key, layer.value].map((p) => p.linear.weight)),
      );
      return { name, gateOverMlp: gate === 0 || mlp === 0 ? null : gate / mlp, self: self!, cross: cross! };
    });
  }

  #means(weights: readonly Parameter[]): QkvGradients | null {
    if (!this.#sums.has(weights[0]!)) return null;
    const [query, key, value] = weights.map((weight) => (this.#sums.get(weight) ?? 0) / this.#steps);
    return { query: query!, key: key!, value: value! };
  }

  /** The report as text, one line per block. */
  table(): string {
    const number = (x: number | null | undefined): string =>
      x === null || x === undefined ? "-" : x.toPrecision(3);
    const rows = this.report().map(({ name, gateOverMlp, self, cross }) => [
      name,
      number(gateOverMlp),
      ...[self, cross].flatMap((qkv) => [number(qkv?.query), number(qkv?.key), number(qkv?.value)]),
    ]);
    const head = ["block", "gate/MLP", "self Q", "self K", "self V", "cross Q", "cross K", "cross V"];
    const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
    const line = (cells: readonly string[]): string =>
      cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
    return [line(head), ...rows.map(line)].join("\n");
  }
}

/** The weights of a block's gate that see the normalised input. */
function gateWeights({ gate }: EchoBlock): Parameter[] {
  return gate?.namedParameters().flatMap(([name, p]) => (name.endsWith("weight") ? [p] : [])) ?? [];
}

function firstMlpWeight(block: EchoBlock): Parameter {
  return block.mlp.namedParameters().find(([name]) => name === "0.linear.weight")![1];
}

function projections(block: EchoBlock): Parameter[] {
  return [block.selfAttention, block.crossAttention].flatMap((layer) =>
    layer === null ? [] : [layer.query, layer.key, layer.value].map(({ linear }) => linear.weight),
  );
}
