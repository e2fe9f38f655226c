// Gated recurrent units and long short-term memory, one step at a time. Read next: recurrent.ts, which runs
// them along sequences.

import {
  add,
  chunk,
  formatShape,
  linear,
  mul,
  ShapeError,
  sigmoid,
  sub,
  type Tensor,
  tanh,
  zeros,
} from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { Parameter } from "../variable.ts";
import { drawn, fanInUniformInit, PARAMETER_OPTIONS, type ParameterOptions, parameter } from "./init.ts";
import { checkSizes } from "./linear.ts";
import { Module } from "./module.ts";

/** Options of the recurrent cells. */
export interface CellOptions extends ParameterOptions {
  /** Add biases (default true). */
  readonly bias?: boolean;
}

/** The parameters of one cell; both biases are there or neither. */
export interface CellParameters {
  /** [gates hidden, inputs] */
  readonly weightIh: Tensor;
  /** [gates hidden, hidden] */
  readonly weightHh: Tensor;
  /** [gates hidden] */
  readonly biasIh: Tensor | null;
  readonly biasHh: Tensor | null;
}

/** What an LSTM carries from step to step. */
export interface LSTMState {
  /** What it puts out: [B, hidden] of a cell, [layers directions, B, hidden] of a layer. */
  readonly hidden: Tensor;
  /** What it keeps to itself, of the same shape. */
  readonly cell: Tensor;
}

/**
 * The next hidden state of a GRU. Cho et al. 2014, with PyTorch's gates r, z, n below one another and the reset gate
 * applied after the product: n = tanh(x W_in + b_in + r (h W_hn + b_hn)), h' = (1 - z) n + z h.
 *
 * @param projected x W_ih^T + b_ih [B, 3 H]
 * @param hidden h [B, H]
 */
export function gruStep(projected: Tensor, hidden: Tensor, { weightHh, biasHh }: CellParameters): Tensor {
  const [inputReset, inputUpdate, inputNew] = chunk(projected, 3, -1) as [Tensor, Tensor, Tensor];
  const recurrent = linear(hidden, weightHh, biasHh);
  const [hiddenReset, hiddenUpdate, hiddenNew] = chunk(recurrent, 3, -1) as [Tensor, Tensor, Tensor];
  const reset = sigmoid(add(inputReset, hiddenReset));
  const update = sigmoid(add(inputUpdate, hiddenUpdate));
  const fresh = tanh(add(inputNew, mul(reset, hiddenNew)));
  return add(fresh, mul(update, sub(hidden, fresh)));
}

/**
 * The next state of an LSTM. Hochreiter and Schmidhuber 1997 with forget gates; PyTorch's gates i, f, g, o below one
 * another: c' = f c + i tanh(g), h' = o tanh(c').
 *
 * @param projected x W_ih^T + b_ih [B, 4 H]
 */
export function lstmStep(
  projected: Tensor,
  { hidden, cell }: LSTMState,
  { weightHh, biasHh }: CellParameters,
): LSTMState {
  const gates = add(projected, linear(hidden, weightHh, biasHh));
  const [input, forget, candidate, output] = chunk(gates, 4, -1) as [Tensor, Tensor, Tensor, Tensor];
  const next = add(mul(sigmoid(forget), cell), mul(sigmoid(input), tanh(candidate)));
  return { hidden: mul(sigmoid(output), tanh(next)), cell: next };
}

const CELL_OPTIONS: OptionKinds<CellOptions> = { ...PARAMETER_OPTIONS, bias: "boolean" };

/** What both cells have: parameters under PyTorch's names, drawn within 1 / sqrt(hidden). */
abstract class Cell extends Module implements CellParameters {
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | null;
  readonly biasHh: Parameter | null;

  constructor(gates: number, inputs: number, hidden: number, options: CellOptions) {
    super();
    const { name } = new.target;
    checkSizes(name, { inputs, hidden });
    checkOptions(name, options, CELL_OPTIONS);
    const { bias = true, dtype = "float32" } = options;
    const declare = (...shape: number[]): Parameter => parameter(shape, fanInUniformInit(hidden), { dtype });
    this.weightIh = declare(gates * hidden, inputs);
    this.weightHh = declare(gates * hidden, hidden);
    this.biasIh = bias ? declare(gates * hidden) : null;
    this.biasHh = bias ? declare(gates * hidden) : null;
  }

  /** x W_ih^T + b_ih, once x fits. */
  protected project(x: Tensor): Tensor {
    const inputs = this.weightIh.shape[1]!;
    if (x.rank !== 2 || x.shape[1] !== inputs) {
      throw new ShapeError(
        `${this.constructor.name}: expected input [B, ${inputs}], got ${formatShape(x.shape)}`,
      );
    }
    return linear(x, drawn(this.constructor.name, "weightIh", this.weightIh), this.biasIh);
  }

  /** A given state once it fits, or zeros. */
  protected stateFor(x: Tensor, state: Tensor | undefined, what: string): Tensor {
    const shape = [x.shape[0]!, this.weightHh.shape[1]!];
    const { dtype, backend } = x;
    return checkedState(this.constructor.name, what, state, shape) ?? zeros(shape, { dtype, backend });
  }
}

/** @internal The state, or null if none was given. @throws ShapeError if it does not fit */
export function checkedState(
  layer: string,
  what: string,
  state: Tensor | undefined,
  shape: readonly number[],
): Tensor | null {
  if (state === undefined) return null;
  if (formatShape(state.shape) !== formatShape(shape)) {
    throw new ShapeError(
      `${layer}: the ${what} state must be ${formatShape(shape)}, got ${formatShape(state.shape)}`,
    );
  }
  return state;
}

/**
 * One step of a gated recurrent unit, see {@link gruStep}. PyTorch's `nn.GRUCell`: weight_ih [3 hidden, inputs],
 * weight_hh [3 hidden, hidden], bias_ih and bias_hh [3 hidden].
 *
 * x [B, inputs], hidden [B, hidden] -> [B, hidden]
 *
 * @throws ShapeError if a size is not a positive integer
 * @example new GRUCell(3, 4).initialize(7).forward(zeros([2, 3])).shape // [2, 4]
 */
export class GRUCell extends Cell {
  constructor(inputs: number, hidden: number, options: CellOptions = {}) {
    super(3, inputs, hidden, options);
  }

  /** @param hidden default zeros */
  forward(x: Tensor, hidden?: Tensor): Tensor {
    return gruStep(this.project(x), this.stateFor(x, hidden, "hidden"), this);
  }
}

/**
 * One step of a long short-term memory, see {@link lstmStep}. PyTorch's `nn.LSTMCell`: weight_ih [4 hidden, inputs],
 * weight_hh [4 hidden, hidden], bias_ih and bias_hh [4 hidden].
 *
 * x [B, inputs], state of two [B, hidden] -> state of two [B, hidden]
 *
 * @throws ShapeError if a size is not a positive integer
 * @example new LSTMCell(3, 4).initialize(7).forward(zeros([2, 3])).cell.shape // [2, 4]
 */
export class LSTMCell extends Cell {
  constructor(inputs: number, hidden: number, options: CellOptions = {}) {
    super(4, inputs, hidden, options);
  }

  /** @param state default zeros */
  forward(x: Tensor, state?: LSTMState): LSTMState {
    const projected = this.project(x);
    const hidden = this.stateFor(x, state?.hidden, "hidden");
    return lstmStep(projected, { hidden, cell: this.stateFor(x, state?.cell, "cell") }, this);
  }
}
