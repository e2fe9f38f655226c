// GRU and LSTM along sequences: several layers, both directions. The steps themselves are in recurrent-cells.ts.

import { concat, formatShape, linear, ShapeError, select, stack, type Tensor, zeros } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import { Dropout } from "./dropout.ts";
import { drawn, fanInUniformInit, PARAMETER_OPTIONS, parameter } from "./init.ts";
import { checkSizes } from "./linear.ts";
import { Module } from "./module.ts";
import {
  type CellOptions,
  type CellParameters,
  checkedState,
  gruStep,
  type LSTMState,
  lstmStep,
} from "./recurrent-cells.ts";

/** Options of {@link GRU} and {@link LSTM}. */
export interface RecurrentOptions extends CellOptions {
  /** Layers on top of one another, each reading the outputs of the one below; default 1. */
  readonly layers?: number;
  /** Read the sequence from its end too, with weights of its own; the outputs stand side by side. Default false. */
  readonly bidirectional?: boolean;
  /** Probability with which outputs between two layers are dropped while training; default 0. */
  readonly dropout?: number;
}

const RECURRENT_OPTIONS: OptionKinds<RecurrentOptions> = {
  ...PARAMETER_OPTIONS,
  bias: "boolean",
  layers: "number",
  bidirectional: "boolean",
  dropout: "number",
};

/** The states of one layer in one direction, step by step. */
interface Run {
  /** T tensors [B, hidden], in the order of time. */
  readonly outputs: readonly Tensor[];
  /** What is left at the end: the hidden state, and the cell's of an LSTM. */
  readonly last: readonly Tensor[];
}

/** What both have: parameters under PyTorch's names, layers and directions. */
abstract class Recurrent extends Module {
  /** weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse, ... */
  readonly parametersByName: Map<string, Parameter>;
  readonly dropout: Dropout;
  readonly #inputs: number;
  readonly #hidden: number;
  readonly #layers: number;
  readonly #suffixes: readonly string[];

  constructor(gates: number, inputs: number, hidden: number, options: RecurrentOptions) {
    super();
    const { name } = new.target;
    checkOptions(name, options, RECURRENT_OPTIONS);
    const { layers = 1, bidirectional = false, bias = true, dtype = "float32" } = options;
    checkSizes(name, { inputs, hidden, layers });
    this.#inputs = inputs;
    this.#hidden = hidden;
    this.#layers = layers;
    this.#suffixes = bidirectional ? ["", "_reverse"] : [""];
    const declare = (...shape: number[]): Parameter => parameter(shape, fanInUniformInit(hidden), { dtype });
    this.parametersByName = new Map();
    for (let layer = 0; layer < layers; layer++) {
      const below = layer === 0 ? inputs : hidden * this.#suffixes.length;
      for (const suffix of this.#suffixes) {
        const put = (what: string, value: Parameter) =>
          this.parametersByName.set(`${what}_l${layer}${suffix}`, value);
        put("weight_ih", declare(gates * hidden, below));
        put("weight_hh", declare(gates * hidden, hidden));
        if (!bias) continue;
        put("bias_ih", declare(gates * hidden));
        put("bias_hh", declare(gates * hidden));
      }
    }
    this.dropout = new Dropout(options.dropout ?? 0);
  }

  protected override memberName(field: string): string {
    return field === "parametersByName" ? "" : super.memberName(field);
  }

  /** Runs one layer in one direction. `states` are [B, hidden] each. */
  protected abstract runLayer(
    projected: readonly Tensor[],
    states: readonly Tensor[],
    cell: CellParameters,
  ): Run;

  /**
   * All layers in all directions.
   *
   * @param states the first states [layers directions, B, hidden], by name; undefined for zeros
   * @returns the outputs of the last layer and the last states
   */
  protected run(
    x: Tensor,
    states: Readonly<Record<string, Tensor | undefined>>,
  ): { output: Tensor; last: Tensor[] } {
    const { name } = this.constructor;
    if (x.rank !== 3 || x.shape[2] !== this.#inputs || x.shape[1] === 0) {
      throw new ShapeError(`${name}: expected input [B, T, ${this.#inputs}], got ${formatShape(x.shape)}`);
    }
    const [batch, time] = x.shape as [number, number, number];
    const directions = this.#suffixes.length;
    const { dtype, backend } = x;
    const shape = [this.#layers * directions, batch, this.#hidden];
    const first = Object.entries(states).map(
      ([what, state]) => checkedState(name, what, state, shape) ?? zeros(shape, { dtype, backend }),
    );
    const last: Tensor[][] = first.map(() => []);
    let sequence = x;
    for (let layer = 0; layer < this.#layers; layer++) {
      if (layer > 0) sequence = this.dropout.forward(sequence);
      const outputs = this.#suffixes.map((suffix, direction) => {
        const cell = this.#cell(`l${layer}${suffix}`);
        const projected = linear(sequence, cell.weightIh, cell.biasIh); // [B, T, gates hidden]
        const steps = Array.from({ length: time }, (_, t) => select(projected, 1, t));
        const reverse = direction === 1;
        const run = this.runLayer(
          reverse ? steps.reverse() : steps,
          first.map((state) => select(state, 0, layer * directions + direction)),
          cell,
        );
        run.last.forEach((state, i) => {
          last[i]!.push(state);
        });
        return stack(reverse ? [...run.outputs].reverse() : run.outputs, 1); // [B, T, hidden]
      });
      sequence = outputs.length === 1 ? outputs[0]! : concat(outputs, -1);
    }
    return { output: sequence, last: last.map((parts) => stack(parts, 0)) };
  }

  #cell(name: string): CellParameters {
    const get = (what: string): Parameter | null => this.parametersByName.get(`${what}_${name}`) ?? null;
    return {
      weightIh: drawn(this.constructor.name, `weight_ih_${name}`, get("weight_ih"))!,
      weightHh: get("weight_hh")!,
      biasIh: get("bias_ih"),
      biasHh: get("bias_hh"),
    };
  }
}

/** What a {@link GRU} gives. */
export interface GRUOutput {
  /** Of shape [B, T, directions hidden]: the hidden states of the last layer at every step. */
  readonly output: Tensor;
  /** Of shape [layers directions, B, hidden]: the last hidden states; forward, then backward, layer by layer. */
  readonly hidden: Tensor;
}

/**
 * Gated recurrent units along sequences. PyTorch's `nn.GRU` with `batch_first`, its names and layouts:
 * weight_ih_l0 [3 hidden, inputs], weight_hh_l0 [3 hidden, hidden], bias_ih_l0, bias_hh_l0, then `_l0_reverse`,
 * `_l1`, ...; all drawn uniformly within 1 / sqrt(hidden). For the formulas see {@link gruStep}.
 *
 * x [B, T, inputs], hidden [layers directions, B, hidden] -> output [B, T, directions hidden], hidden
 *
 * Sequences in a batch are as long as the tensor: padding at the end is read like anything else. The outputs of the
 * forward direction before it do not depend on it.
 *
 * @throws ShapeError if a size is not a positive integer
 * @example new GRU(3, 4, { layers: 2 }).initialize(7).forward(zeros([2, 5, 3])).output.shape // [2, 5, 4]
 */
export class GRU extends Recurrent {
  constructor(inputs: number, hidden: number, options: RecurrentOptions = {}) {
    super(3, inputs, hidden, options);
  }

  /** @param hidden default zeros */
  forward(x: Tensor, hidden?: Tensor): GRUOutput {
    const { output, last } = this.run(x, { hidden });
    return { output, hidden: last[0]! };
  }

  protected runLayer(projected: readonly Tensor[], states: readonly Tensor[], cell: CellParameters): Run {
    let hidden = states[0]!;
    const outputs = projected.map((step) => {
      hidden = gruStep(step, hidden, cell);
      return hidden;
    });
    return { outputs, last: [hidden] };
  }
}

/** What an {@link LSTM} gives: the outputs as in {@link GRUOutput}, and the last states. */
export interface LSTMOutput extends LSTMState {
  /** Of shape [B, T, directions hidden]: the hidden states of the last layer at every step. */
  readonly output: Tensor;
}

/**
 * Long short-term memory along sequences. PyTorch's `nn.LSTM` with `batch_first`, its names and layouts:
 * weight_ih_l0 [4 hidden, inputs], weight_hh_l0 [4 hidden, hidden], bias_ih_l0, bias_hh_l0, then `_l0_reverse`,
 * `_l1`, ...; all drawn uniformly within 1 / sqrt(hidden). For the formulas see {@link lstmStep}, for padding {@link GRU}.
 *
 * x [B, T, inputs], hidden and cell [layers directions, B, hidden] -> output [B, T, directions hidden], hidden, cell
 *
 * @throws ShapeError if a size is not a positive integer
 * @example new LSTM(3, 4, { bidirectional: true }).initialize(7).forward(zeros([2, 5, 3])).output.shape // [2, 5, 8]
 */
export class LSTM extends Recurrent {
  constructor(inputs: number, hidden: number, options: RecurrentOptions = {}) {
    super(4, inputs, hidden, options);
  }

  /** @param state default zeros */
  forward(x: Tensor, state?: LSTMState): LSTMOutput {
    const { output, last } = this.run(x, { hidden: state?.hidden, cell: state?.cell });
    return { output, hidden: last[0]!, cell: last[1]! };
  }

  protected runLayer(projected: readonly Tensor[], states: readonly Tensor[], cell: CellParameters): Run {
    let state: LSTMState = { hidden: states[0]!, cell: states[1]! };
    const outputs = projected.map((step) => {
      state = lstmStep(step, state, cell);
      return state.hidden;
    });
    return { outputs, last: [state.hidden, state.cell] };
  }
}
