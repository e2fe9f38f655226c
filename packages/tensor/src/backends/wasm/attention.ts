// Attention by heads: sets up the record that assembly/attention.ts works on.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { broadcastStrides, type Shape, sizeOf } from "../../shape.ts";
import type { Block } from "./arena.ts";
import { type Engine, getEngine } from "./engine.ts";
import { cut } from "./matmul.ts";
import { addressOf, all, denseAddress, releaseAll } from "./operands.ts";
import type { WasmStorage } from "./storage.ts";

const BLOCK = 96; // query rows per block, as in assembly/attention.ts
const TASK_BYTES = 17 * 4;
const PARALLEL_FLOPS = 1_000_000;

/** A matrix per head: address of the first, distance of rows, and offset of each head, all in elements. */
interface Heads {
  readonly address: number;
  readonly row: number;
  readonly offsets: readonly number[];
}

/** Offsets of all entries of the leading axes, in row-major order. */
function headOffsets(lead: Shape, strides: readonly number[]): number[] {
  let offsets = [0];
  for (let axis = 0; axis < lead.length; axis++) {
    const next: number[] = [];
    for (const offset of offsets) {
      for (let i = 0; i < lead[axis]!; i++) next.push(offset + i * strides[axis]!);
    }
    offsets = next;
  }
  return offsets;
}

/** The heads of a view whose rows must be dense; copied when they are not. */
function headsOf(view: View, lead: Shape, temporaries: WasmStorage[]): Heads {
  const rank = view.shape.length;
  const width = view.shape[rank - 1]!;
  if (view.strides[rank - 1] !== 1 && width > 1) {
    const size = width * view.shape[rank - 2]!;
    const address = denseAddress(view, temporaries);
    return {
      address,
      row: width,
      offsets: headOffsets(view.shape.slice(0, -2), denseStrides(view.shape, size)),
    };
  }
  const strides = broadcastStrides(view.shape.slice(0, -2), view.strides.slice(0, -2), lead);
  return { address: addressOf(view), row: view.strides[rank - 2]!, offsets: headOffsets(lead, strides) };
}

/** Strides of the leading axes of a dense array whose matrices have `size` elements. */
function denseStrides(shape: Shape, size: number): number[] {
  const strides: number[] = [];
  let step = size;
  for (let axis = shape.length - 3; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** The bias with a full last axis, rows and heads stretched by strides of 0. */
function biasHeads(
  bias: View,
  lead: Shape,
  queries: number,
  keys: number,
  temporaries: WasmStorage[],
): Heads {
  const shape = [...lead, queries, keys];
  const strides = broadcastStrides(bias.shape, bias.strides, shape);
  const rank = shape.length;
  if (strides[rank - 1] === 1 || keys === 1) {
    const offsets = headOffsets(lead, strides.slice(0, -2));
    return { address: addressOf(bias), row: strides[rank - 2]!, offsets };
  }
  const view: View = { storage: bias.storage, shape, strides, offset: bias.offset };
  return {
    address: denseAddress(view, temporaries),
    row: keys,
    offsets: headOffsets(lead, denseStrides(shape, queries * keys)),
  };
}

let record: Block | null = null;

/** Fills the record and runs all heads, cut by heads or, when these are few, by blocks of query rows. */
function run(
  engine: Engine,
  sizes: { heads: number; queries: number; keys: number; depth: number; width: number },
  params: { scale: number; causal: boolean },
  [q, k, v, bias]: readonly [Heads, Heads, Heads | null, Heads | null],
  out: number,
  probabilities: number,
): void {
  const { heads, queries, keys, depth, width } = sizes;
  const { arena, pool } = engine;
  record ??= arena.allocate(TASK_BYTES);
  const table = arena.allocate(heads * 16);
  const bytes = Math.min(BLOCK, queries) * keys * 4;
  const scores = arena.allocate(bytes * pool.threads);
  const at = table.offset / 4;
  for (let h = 0; h < heads; h++) {
    arena.int32[at + 4 * h] = q.offsets[h]!;
    arena.int32[at + 4 * h + 1] = k.offsets[h]!;
    arena.int32[at + 4 * h + 2] = v?.offsets[h] ?? 0;
    arena.int32[at + 4 * h + 3] = bias?.offsets[h] ?? 0;
  }
  const numbers = [
    queries,
    keys,
    depth,
    width,
    q.row,
    k.row,
    v?.row ?? 0,
    params.causal ? 1 : 0,
    bias?.row ?? 0,
  ];
  const addresses = [q.address, k.address, v?.address ?? 0, bias?.address ?? 0, out, probabilities];
  const base = record.offset / 4;
  arena.int32.set(numbers, base);
  arena.float32[base + 9] = params.scale;
  arena.int32.set([...addresses, table.offset], base + 10);

  const task = record.offset;
  const args = (h0: number, h1: number, r0: number, r1: number, part: number): number[] => [
    h0,
    h1,
    r0,
    r1,
    task,
    scores.offset + part * bytes,
    pool.scratchOf(part),
  ];
  const { threads } = pool;
  const parts: number[][] = [];
  if (threads === 1 || 2 * heads * queries * keys * (depth + width) < PARALLEL_FLOPS) {
    engine.kernels.attention!(...args(0, heads, 0, queries, 0));
  } else if (heads % threads === 0 || heads > 2 * threads) {
    cut(heads, threads, 1, (from, to) => parts.push(args(from, to, 0, queries, parts.length)));
    pool.run("attention", parts);
  } else {
    cut(queries, threads, BLOCK, (from, to) => parts.push(args(0, heads, from, to, parts.length)));
    pool.run("attention", parts);
  }
  arena.release(scores, scores.generation);
  arena.release(table, table.generation);
}

const attention: Kernel<"attention"> = (out, inputs, params) => {
  const [q, k, v, bias] = inputs as [View, View, View, View | undefined];
  if (!all("float32", inputs) || sizeOf(out.shape) === 0) return false;
  const lead = q.shape.slice(0, -2);
  const [queries, depth] = q.shape.slice(-2) as [number, number];
  const [keys, width] = v.shape.slice(-2) as [number, number];
  if (keys === 0) return false;
  const temporaries: WasmStorage[] = [];
  const operands = [
    headsOf(q, lead, temporaries),
    headsOf(k, lead, temporaries),
    headsOf(v, lead, temporaries),
    bias === undefined ? null : biasHeads(bias, lead, queries, keys, temporaries),
  ] as const;
  run(getEngine(), { heads: sizeOf(lead), queries, keys, depth, width }, params, operands, addressOf(out), 0);
  releaseAll(temporaries);
  return true;
};

const attentionWeights: Kernel<"attentionWeights"> = (out, inputs, params) => {
  const [q, k, bias] = inputs as [View, View, View | undefined];
  if (!all("float32", inputs) || sizeOf(out.shape) === 0) return false;
  const lead = q.shape.slice(0, -2);
  const [queries, depth] = q.shape.slice(-2) as [number, number];
  const keys = k.shape[k.shape.length - 2]!;
  const temporaries: WasmStorage[] = [];
  const operands = [
    headsOf(q, lead, temporaries),
    headsOf(k, lead, temporaries),
    null,
    bias === undefined ? null : biasHeads(bias, lead, queries, keys, temporaries),
  ] as const;
  run(
    getEngine(),
    { heads: sizeOf(lead), queries, keys, depth, width: 0 },
    params,
    operands,
    0,
    addressOf(out),
  );
  releaseAll(temporaries);
  return true;
};

const attentionGrad: Kernel<"attentionGrad"> = (out, inputs, { scale }) => {
  const [g, q, k, v, weights] = inputs as [View, View, View, View, View];
  if (!all("float32", inputs) || sizeOf(weights.shape) === 0) return false;
  const engine = getEngine();
  const { arena, pool } = engine;
  const lead = q.shape.slice(0, -2);
  const heads = sizeOf(lead);
  const [queries, depth] = q.shape.slice(-2) as [number, number];
  const [keys, width] = v.shape.slice(-2) as [number, number];
  const temporaries: WasmStorage[] = [];
  const operands = [g, q, k, v].map((view) => headsOf(view, lead, temporaries));
  const probabilities = denseAddress(weights, temporaries);
  const table = arena.allocate(heads * 16);
  const bytes = engine.kernels.attentionGradRows!(queries, keys) * keys * 4;
  const scores = arena.allocate(bytes * pool.threads);
  operands.forEach(({ offsets }, i) => {
    for (let h = 0; h < heads; h++) arena.int32[table.offset / 4 + 4 * h + i] = offsets[h]!;
  });
  const matrices = operands.flatMap(({ address, row }) => [address, row]);
  const sizes = [queries, keys, depth, width, scale];
  const rest = [table.offset, probabilities, addressOf(out)];
  // Cut by heads only: a head's gradients of k and v are sums over its query rows.
  const parts: number[][] = [];
  const flops = 4 * heads * queries * keys * (depth + width);
  cut(heads, flops < PARALLEL_FLOPS ? 1 : pool.threads, 1, (from, to) => {
    const part = parts.length;
    parts.push([
      from,
      to,
      ...sizes,
      ...matrices,
      ...rest,
      scores.offset + part * bytes,
      pool.scratchOf(part),
    ]);
  });
  pool.run("attentionGrad", parts);
  arena.release(scores, scores.generation);
  arena.release(table, table.generation);
  releaseAll(temporaries);
  return true;
};

/** The attention part of the backend's kernel table. */
export const attentions: Kernels = { attention, attentionWeights, attentionGrad };
