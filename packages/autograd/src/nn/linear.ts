// Linear layer and embedding table.

import { equal, indexSelect, linear, ShapeError, type Tensor, unsqueeze, where } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { constant } from "../tape.ts";
import { detach, type Parameter } from "../variable.ts";
import {
  drawn,
  fanInUniformInit,
  type Initializer,
  normalInit,
  PARAMETER_OPTIONS,
  type ParameterOptions,
  parameter,
} from "./init.ts";
import { Module } from "./module.ts";

/** Options of {@link Linear}. */
export interface LinearOptions extends ParameterOptions {
  /** Add a bias (default true). */
  readonly bias?: boolean;
  /** Of the weight; default uniform within 1 / sqrt(inputs), as in PyTorch. */
  readonly weightInit?: Initializer;
  /** Of the bias; default the same. */
  readonly biasInit?: Initializer;
}

const LINEAR_OPTIONS: OptionKinds<LinearOptions> = {
  ...PARAMETER_OPTIONS,
  bias: "boolean",
  weightInit: "function",
  biasInit: "function",
};

/**
 * x W^T + b. PyTorch's `nn.Linear`: weight [outputs, inputs], bias [outputs].
 *
 * x [.., inputs] -> [.., outputs]
 *
 * @throws ShapeError if a size is not a positive integer
 * @example new Linear(2, 16).initialize(7).forward(ones([5, 2])).shape // [5, 16]
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inputs: number, outputs: number, options: LinearOptions = {}) {
    super();
    checkSizes("Linear", { inputs, outputs });
    checkOptions("Linear", options, LINEAR_OPTIONS);
    const {
      dtype = "float32",
      bias = true,
      weightInit = fanInUniformInit(inputs),
      biasInit = fanInUniformInit(inputs),
    } = options;
    this.weight = parameter([outputs, inputs], weightInit, { dtype });
    this.bias = bias ? parameter([outputs], biasInit, { dtype }) : null;
  }

  forward(x: Tensor): Tensor {
    return linear(x, drawn("Linear", "weight", this.weight), this.bias);
  }
}

/** Options of {@link Embedding}. */
export interface EmbeddingOptions extends ParameterOptions {
  /** A row that starts as zeros and receives no gradient from look-ups. */
  readonly paddingIndex?: number;
  /** Of the weight; default N(0, 1). */
  readonly weightInit?: Initializer;
}

const EMBEDDING_OPTIONS: OptionKinds<EmbeddingOptions> = {
  ...PARAMETER_OPTIONS,
  paddingIndex: "number or null",
  weightInit: "function",
};

/**
 * A table of vectors, looked up by index. PyTorch's `nn.Embedding`: weight [count, width].
 *
 * index int32 [..] -> [.., width]
 *
 * @throws ShapeError if a size is not a positive integer or the padding index is outside the table
 * @example new Embedding(10, 4).initialize(7).forward(tensor([1, 9], { dtype: "int32" })).shape // [2, 4]
 */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly #paddingIndex: number | null;

  constructor(count: number, width: number, options: EmbeddingOptions = {}) {
    super();
    checkSizes("Embedding", { count, width });
    checkOptions("Embedding", options, EMBEDDING_OPTIONS);
    const { dtype = "float32", paddingIndex = null, weightInit = normalInit() } = options;
    if (
      paddingIndex !== null &&
      !(Number.isInteger(paddingIndex) && paddingIndex >= 0 && paddingIndex < count)
    ) {
      throw new ShapeError(`Embedding: paddingIndex must be in 0 .. ${count - 1}, got ${paddingIndex}`);
    }
    this.#paddingIndex = paddingIndex;
    this.weight = parameter([count, width], paddedInit(weightInit, paddingIndex), { dtype });
  }

  /** @throws DtypeError if the index is not int32, ShapeError if it is outside the table */
  forward(index: Tensor): Tensor {
    const rows = indexSelect(drawn("Embedding", "weight", this.weight), 0, index);
    if (this.#paddingIndex === null) return rows;
    const padding = constant(() => unsqueeze(equal(index, this.#paddingIndex!), index.rank));
    const fixed = constant(() => indexSelect(detach(this.weight), 0, index));
    return where(padding, fixed, rows);
  }
}

function paddedInit(initializer: Initializer, paddingIndex: number | null): Initializer {
  if (paddingIndex === null) return initializer;
  return (out, shape, random) => {
    initializer(out, shape, random);
    const width = shape[1]!;
    out.fill(0, paddingIndex * width, (paddingIndex + 1) * width);
  };
}

/** Refuses sizes that are not positive integers, by name. */
export function checkSizes(layer: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new ShapeError(`${layer}: ${name} must be a positive integer, got ${size}`);
    }
  }
}
