// Reading an ONNX file back, independently of what writes it, and checking it as the format's own checker does: operator
// set, every input produced before it is used, every name given once, types and shapes declared.
// https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto

/** The fields of a protobuf message: numbers, or bytes, by field number, in order. */
type Fields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error(`protobuf: ${length} bytes at ${at} of ${bytes.length}`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    const value = kind === 0 ? varint() : take(kind === 2 ? Number(varint()) : kind === 5 ? 4 : 8);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const messages = (fields: Fields, field: number): Fields[] =>
  (fields.get(field) ?? []).map((value) => fieldsOf(value as Uint8Array));
const texts = (fields: Fields, field: number): string[] =>
  (fields.get(field) ?? []).map((value) => new TextDecoder().decode(value as Uint8Array));
const numbers = (fields: Fields, field: number): number[] => (fields.get(field) ?? []).map(Number);

/** A value with its element type (TensorProto.DataType) and shape. */
export interface Declared {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | string)[];
}

/** What a file holds. */
export interface OnnxModel {
  readonly opset: number;
  readonly nodes: readonly { readonly type: string; readonly inputs: string[]; readonly outputs: string[] }[];
  readonly initializers: readonly {
    readonly name: string;
    readonly type: number;
    readonly shape: number[];
    readonly bytes: number;
  }[];
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
  readonly values: readonly Declared[];
  readonly metadata: Readonly<Record<string, string>>;
}

function declared(value: Fields): Declared {
  const tensor = messages(messages(value, 2)[0]!, 1)[0]!;
  const dims = messages(messages(tensor, 2)[0]!, 1);
  const shape = dims.map((dim) => texts(dim, 2)[0] ?? numbers(dim, 1)[0] ?? 0);
  return { name: texts(value, 1)[0]!, type: numbers(tensor, 1)[0]!, shape };
}

/** Reads a file. */
export function readOnnx(file: Uint8Array): OnnxModel {
  const model = fieldsOf(file);
  const graph = messages(model, 7)[0]!;
  return {
    opset: numbers(messages(model, 8)[0]!, 2)[0]!,
    nodes: messages(graph, 1).map((node) => ({
      type: texts(node, 4)[0]!,
      inputs: texts(node, 1),
      outputs: texts(node, 2),
    })),
    initializers: messages(graph, 5).map((tensor) => ({
      name: texts(tensor, 8)[0]!,
      type: numbers(tensor, 2)[0]!,
      shape: numbers(tensor, 1),
      bytes: (tensor.get(9)![0] as Uint8Array).length,
    })),
    inputs: messages(graph, 11).map(declared),
    outputs: messages(graph, 12).map(declared),
    values: messages(graph, 13).map(declared),
    metadata: Object.fromEntries(
      messages(model, 14).map((entry) => [texts(entry, 1)[0]!, texts(entry, 2)[0]!]),
    ),
  };
}

const BYTES: Readonly<Record<number, number>> = { 1: 4, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8 };

/** What is wrong with a file; nothing for a good one. */
export function faultsOf({ opset, nodes, initializers, inputs, outputs, values }: OnnxModel): string[] {
  const faults: string[] = [];
  if (opset !== 17) faults.push(`operator set ${opset}`);
  const known = new Set<string>();
  const give = (name: string, by: string): void => {
    if (name === "" || known.has(name))
      faults.push(`${by} gives "${name}", which is ${name === "" ? "no name" : "taken"}`);
    known.add(name);
  };
  for (const { name } of inputs) give(name, "the graph");
  for (const { name, type, shape, bytes } of initializers) {
    give(name, "an initializer");
    const size = shape.reduce((n, m) => n * m, 1);
    if (bytes !== size * BYTES[type]!) faults.push(`${name}: ${bytes} bytes for [${shape}] of type ${type}`);
  }
  for (const node of nodes) {
    for (const name of node.inputs)
      if (!known.has(name)) faults.push(`${node.type} takes "${name}" before it is there`);
    for (const name of node.outputs) give(name, node.type);
  }
  for (const { name, type } of [...outputs, ...values]) {
    if (!known.has(name)) faults.push(`"${name}" is declared and never made`);
    if (BYTES[type] === undefined) faults.push(`"${name}" has the type ${type}`);
  }
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...outputs.map(({ name }) => name)]);
  for (const { name } of initializers)
    if (!used.has(name)) faults.push(`nothing uses the initializer "${name}"`);
  return faults;
}
