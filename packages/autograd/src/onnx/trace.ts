// Watching one call of a function: which ops it ran, on what, and which values it made on the host. A fused op that has
// no row of its own is followed into its definition. Read next: align.ts.

import {
  formatShape,
  type OpEvent,
  observe,
  type Shape,
  type Storage,
  type Tensor,
  type TypedArray,
} from "@echo-ts/tensor";
import { type FusedOp, OPS, type Op, type OpParams, wrongArgument } from "@echo-ts/tensor/internal";
import { withRecording } from "../engine.ts";
import { OnnxError } from "./onnx-error.ts";
import type { Operand } from "./rows/row.ts";
import { exportsDefinition } from "./rows.ts";

/** A value of a call that was watched. */
export interface Value extends Operand {
  readonly from: Input | Constant | Weight | Call;
}

/** An argument of the function. */
export interface Input {
  readonly kind: "input";
  readonly name: string;
}

/** Made on the host, or before the call. */
export interface Constant {
  readonly kind: "constant";
  readonly data: TypedArray;
}

/** A named tensor whose values go into the file. */
export interface Weight {
  readonly kind: "weight";
  readonly name: string;
  readonly tensor: Tensor;
}

/** The result of an op. */
export interface Call {
  readonly kind: "call";
  readonly op: Op;
  readonly params: OpParams[Op];
  readonly inputs: readonly Value[];
}

/** What a function takes. */
export type Inputs = Readonly<Record<string, Tensor>>;
/** What a function gives. */
export type Outputs = Tensor | Inputs;

/** The values that a call of a function gave, by name. */
export type Trace = ReadonlyMap<string, Value>;

const layoutOf = (x: Tensor): string => `${x.offset}:${x.shape}:${x.strides}`;

/** The values of a call so far. Two handles on the same elements of a storage are one value. */
class Values {
  readonly #byHandle = new Map<Tensor, Value>();
  readonly #byLayout = new Map<Storage, Map<string, Value>>();
  readonly #versions = new Map<Storage, number>();
  readonly #weights: ReadonlyMap<Storage, Weight>;

  constructor(weights: ReadonlyMap<Storage, Weight>) {
    this.#weights = weights;
  }

  set(x: Tensor, value: Value): Value {
    this.#byHandle.set(x, value);
    const layouts = this.#byLayout.get(x.storage) ?? new Map<string, Value>();
    this.#byLayout.set(x.storage, layouts.set(layoutOf(x), value));
    if (!this.#versions.has(x.storage)) this.#versions.set(x.storage, x.storage.version);
    return value;
  }

  of(x: Tensor): Value {
    const known = this.#byHandle.get(x) ?? this.#byLayout.get(x.storage)?.get(layoutOf(x));
    if (known !== undefined) return known;
    const weight = this.#weights.get(x.storage);
    const { shape, dtype } = x;
    const whole = weight !== undefined && x.isContiguous && x.size === weight.tensor.size;
    if (whole && String(shape) === String(weight.tensor.shape))
      return this.set(x, { from: weight, shape, dtype });
    return this.set(x, { from: { kind: "constant", data: x.dataSync().slice() }, shape, dtype });
  }

  /** Refuses a function that wrote over a value it had used. */
  checkUnwritten(): void {
    for (const [storage, version] of this.#versions) {
      if (storage.version === version) continue;
      throw new OnnxError(
        "exportOnnx: the function writes into a tensor in place, which a graph cannot; call eval() on modules that keep statistics",
      );
    }
  }
}

/**
 * Calls `fn` once and says how each of its results was computed.
 *
 * @throws OnnxError if it writes into a tensor that it has used
 */
export function traceCall<I extends Inputs>(
  fn: (inputs: I) => Outputs,
  inputs: I,
  weights: ReadonlyMap<Storage, Weight>,
): Trace {
  const values = new Values(weights);
  for (const [name, x] of Object.entries(inputs)) {
    values.set(x, { from: { kind: "input", name }, shape: x.shape, dtype: x.dtype });
  }
  const stop = observe((event) => note(event, values));
  let given: Outputs;
  const trace = new Map<string, Value>();
  try {
    given = withRecording(false, () => fn(inputs));
  } finally {
    stop();
  }
  for (const [name, x] of Object.entries(namedOutputs(given))) trace.set(name, values.of(x));
  values.checkUnwritten();
  return trace;
}

function namedOutputs(given: Outputs): Inputs {
  const isTensor = (x: unknown): x is Tensor => (x as Tensor | null)?.storage !== undefined;
  if (isTensor(given)) return { output: given };
  const named = typeof given === "object" && given !== null && Object.keys(given).length > 0;
  if (named && Object.values(given).every(isTensor)) return given;
  throw wrongArgument("exportOnnx", "the result of fn", "a tensor, or an object of named tensors", given);
}

/** Takes one op down. */
function note({ op: name, by, inputs, output, params }: OpEvent, values: Values): void {
  if (!(name in OPS)) return; // a function with a gradient of its own: its ops are watched one by one
  const op = name as Op;
  const { shape, dtype } = output;
  if (!exportsDefinition(op)) {
    const from: Call = {
      kind: "call",
      op,
      params: params as OpParams[Op],
      inputs: inputs.map((x) => values.of(x)),
    };
    values.set(output, { from, shape, dtype });
  } else if (by !== "composition") {
    const definition = OPS[op as FusedOp].definition as (x: readonly Tensor[], params: object) => Tensor;
    const composed = definition(inputs, params); // its ops are noted while it runs
    if (String(composed.shape) !== String(shape)) {
      throw new OnnxError(
        `exportOnnx: the definition of ${op} gives ${formatShape(composed.shape)}, its kernel ${formatShape(shape)}`,
      );
    }
    values.set(output, values.of(composed));
  }
}

/** The shape that an input has in each of several traces, one list for each axis. */
export function sizesOf(values: readonly Value[]): number[][] {
  const rank = (values[0]!.shape as Shape).length;
  return Array.from({ length: rank }, (_, axis) => values.map(({ shape }) => shape[axis]!));
}
