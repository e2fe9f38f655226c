// The messages of an ONNX file: model, graph, node, tensor, type. Numbers of fields and types are those of onnx.proto
// (https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto). Read next: trace.ts.

import type { DType, TypedArray } from "@echo-ts/tensor";
import { Message } from "./protobuf.ts";

/** The operator set that every row writes. The first with LayerNormalization; all runtimes of today read it. */
export const OPSET = 17;
/** The version of the file format that goes with it. */
const IR_VERSION = 8;

/** Element types of ONNX that the exporter writes: tensors' own, int64 for shapes and positions, float16 for storage. */
export type OnnxType = DType | "int64" | "float16";

/** TensorProto.DataType. */
export const DATA_TYPES: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** What a node may be told. A list of numbers is a list of integers; no op here takes a list of floats. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** AttributeProto.AttributeType. */
const KINDS = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** NodeProto. */
export interface NodeRecord {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A tensor whose values are in the file; little-endian, row-major. */
export interface InitializerRecord {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A value with its type and shape; a name stands for a size that may differ from call to call. */
export interface ValueRecord {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** Everything in a file. */
export interface ModelRecord {
  readonly name: string;
  readonly nodes: readonly NodeRecord[];
  readonly initializers: readonly InitializerRecord[];
  readonly inputs: readonly ValueRecord[];
  readonly outputs: readonly ValueRecord[];
  /** Types and shapes of values on the way. */
  readonly values: readonly ValueRecord[];
  readonly metadata: Readonly<Record<string, string>>;
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().bytes(1, name);
  if (typeof value === "string") return message.bytes(4, value).int(20, KINDS.string);
  if (typeof value === "number") return message.int(3, value).int(20, KINDS.int);
  if ("float" in value) return message.float(2, value.float).int(20, KINDS.float);
  for (const one of value) message.int(8, one);
  return message.int(20, KINDS.ints);
}

function node({ type, inputs, outputs, attributes }: NodeRecord, i: number): Message {
  const message = new Message();
  for (const name of inputs) message.bytes(1, name);
  for (const name of outputs) message.bytes(2, name);
  message.bytes(3, `${type}_${i}`).bytes(4, type);
  for (const [name, value] of Object.entries(attributes)) message.bytes(5, attribute(name, value));
  return message;
}

function initializer({ name, type, shape, data }: InitializerRecord): Message {
  const message = new Message();
  for (const size of shape) message.int(1, size);
  return message.int(2, DATA_TYPES[type]).bytes(8, name).bytes(9, data);
}

function valueInfo({ name, type, shape }: ValueRecord): Message {
  const dims = new Message();
  for (const size of shape) {
    dims.bytes(1, typeof size === "string" ? new Message().bytes(2, size) : new Message().int(1, size));
  }
  const tensorType = new Message().int(1, DATA_TYPES[type]).bytes(2, dims);
  return new Message().bytes(1, name).bytes(2, new Message().bytes(1, tensorType));
}

/** The bytes of a file. */
export function writeModel(model: ModelRecord): Uint8Array<ArrayBuffer> {
  const graph = new Message();
  model.nodes.forEach((one, i) => {
    graph.bytes(1, node(one, i));
  });
  graph.bytes(2, model.name);
  for (const one of model.initializers) graph.bytes(5, initializer(one));
  for (const one of model.inputs) graph.bytes(11, valueInfo(one));
  for (const one of model.outputs) graph.bytes(12, valueInfo(one));
  for (const one of model.values) graph.bytes(13, valueInfo(one));
  const file = new Message().int(1, IR_VERSION).bytes(2, "@echo-ts/autograd").bytes(7, graph);
  file.bytes(8, new Message().bytes(1, "").int(2, OPSET));
  for (const [key, value] of Object.entries(model.metadata)) {
    file.bytes(14, new Message().bytes(1, key).bytes(2, value));
  }
  return file.finish();
}

/** The bytes of an array: little-endian, as typed arrays are on every machine that runs JavaScript engines of today. */
export function bytesOf(data: TypedArray | BigInt64Array | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
