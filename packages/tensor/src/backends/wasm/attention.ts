// Attention by heads: sets up the record that assembly/attention.ts works on. Read next: convolution.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { broadcastStrides, type Shape, sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { type Arguments, QUERY_BLOCK, writeAttention } from "./generated/contract.ts";
import { cut } from "./matmul.ts";
import { addressOf, all } from "./operands.ts";
import { inWorkspace, type Workspace } from "./workspace.ts";

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
function headsOf(view: View, lead: Shape, workspace: Workspace): Heads {
  const rank = view.shape.length;
  const width = view.shape[rank - 1]!;
  if (view.strides[rank - 1] !== 1 && width > 1) {
    const size = width * view.shape[rank - 2]!;
    const address = workspace.dense(view);
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
function biasHeads(bias: View, lead: Shape, queries: number, keys: number, workspace: Workspace): Heads {
  const shape = [...lead, queries, keys];
  const strides = broadcastStrides(bias.shape, bias.strides, shape);
  const rank = shape.length;
  if (strides[rank - 1] === 1 || keys === 1) {
    const offsets = headOffsets(lead, strides.slice(0, -2));
    return { address: addressOf(bias), row: strides[rank - 2]!, offsets };
  }
  const view: View = { storage: bias.storage, shape, strides, offset: bias.offset };
  return {
    address: workspace.dense(view),
    row: keys,
    offsets: headOffsets(lead, denseStrides(shape, queries * keys)),
  };
}

/** Five offsets for each head, in elements, as the record of attention takes them. */
function offsetTable(
  engine: Engine,
  workspace: Workspace,
  count: number,
  heads: readonly (Heads | null)[],
): number {
  const table = workspace.take(count * 20);
  const { int32 } = engine.arena;
  for (let h = 0; h < count; h++) {
    for (let i = 0; i < 5; i++) int32[table / 4 + 5 * h + i] = heads[i]?.offsets[h] ?? 0;
  }
  return table;
}

interface Sizes {
  /** Heads of all batch entries. */
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly width: number;
}

/** Where the forward pass reads and writes; without `out` it computes the weights alone. */
interface Forward {
  readonly q: Heads;
  readonly k: Heads;
  readonly v: Heads | null;
  readonly bias: Heads | null;
  readonly out: number;
  readonly weights: number;
}

/** Runs all heads, cut by heads or, when these are few, by blocks of query rows. */
function forward(
  engine: Engine,
  workspace: Workspace,
  { heads, queries, keys, depth, width }: Sizes,
  { scale, causal }: { scale: number; causal: boolean },
  { q, k, v, bias, out, weights }: Forward,
): void {
  const { arena, pool } = engine;
  const bytes = Math.min(QUERY_BLOCK, queries) * keys * 4;
  const offsets = offsetTable(engine, workspace, heads, [q, k, v, bias]);
  const scores = workspace.take(bytes * pool.threads);
  const task = writeAttention(arena, engine.record, {
    queries,
    keys,
    depth,
    width,
    qRow: q.row,
    kRow: k.row,
    vRow: v?.row ?? 0,
    biasRow: bias?.row ?? 0,
    causal: causal ? 1 : 0,
    scale,
    q: q.address,
    k: k.address,
    v: v?.address ?? 0,
    bias: bias?.address ?? 0,
    out,
    weights,
    offsets,
  });
  const part = (h0: number, h1: number, r0: number, r1: number, index: number): Arguments<"attention"> => [
    h0,
    h1,
    r0,
    r1,
    task,
    scores + index * bytes,
    pool.scratchOf(index),
  ];
  const { threads } = pool;
  const parts: Arguments<"attention">[] = [];
  if (threads === 1 || 2 * heads * queries * keys * (depth + width) < PARALLEL_FLOPS) {
    engine.kernels.attention(...part(0, heads, 0, queries, 0));
  } else if (heads % threads === 0 || heads > 2 * threads) {
    cut(heads, threads, 1, (from, to) => parts.push(part(from, to, 0, queries, parts.length)));
    pool.run("attention", parts);
  } else {
    cut(queries, threads, QUERY_BLOCK, (from, to) => parts.push(part(0, heads, from, to, parts.length)));
    pool.run("attention", parts);
  }
}

const attention: Kernel<"attention"> = (out, inputs, params) => {
  const [q, k, v, bias] = inputs as [View, View, View, View | undefined];
  if (!all("float32", inputs) || sizeOf(out.shape) === 0) return false;
  const lead = q.shape.slice(0, -2);
  const [queries, depth] = q.shape.slice(-2) as [number, number];
  const [keys, width] = v.shape.slice(-2) as [number, number];
  if (keys === 0) return false;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const operands = {
      q: headsOf(q, lead, workspace),
      k: headsOf(k, lead, workspace),
      v: headsOf(v, lead, workspace),
      bias: bias === undefined ? null : biasHeads(bias, lead, queries, keys, workspace),
      out: addressOf(out),
      weights: 0,
    };
    const sizes = { heads: sizeOf(lead), queries, keys, depth, width };
    forward(engine, workspace, sizes, params, operands);
    return true;
  });
};

const attentionWeights: Kernel<"attentionWeights"> = (out, inputs, params) => {
  const [q, k, bias] = inputs as [View, View, View | undefined];
  if (!all("float32", inputs) || sizeOf(out.shape) === 0) return false;
  const lead = q.shape.slice(0, -2);
  const [queries, depth] = q.shape.slice(-2) as [number, number];
  const keys = k.shape[k.shape.length - 2]!;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const operands = {
      q: headsOf(q, lead, workspace),
      k: headsOf(k, lead, workspace),
      v: null,
      bias: bias === undefined ? null : biasHeads(bias, lead, queries, keys, workspace),
      out: 0,
      weights: addressOf(out),
    };
    const sizes = { heads: sizeOf(lead), queries, keys, depth, width: 0 };
    forward(engine, workspace, sizes, params, operands);
    return true;
  });
};

const attentionGrad: Kernel<"attentionGrad"> = (out, inputs, { scale, causal, kept, biasGrad }) => {
  const [g, q, k, v, more] = inputs as [View, View, View, View, View | undefined];
  const [weights, bias] = kept ? [more] : [undefined, more];
  const lead = q.shape.slice(0, -2);
  const heads = sizeOf(lead);
  const [queries, depth] = q.shape.slice(-2) as [number, number];
  const [keys, width] = v.shape.slice(-2) as [number, number];
  if (!all("float32", inputs) || heads * queries * keys === 0) return false;
  const engine = getEngine();
  const { arena, pool } = engine;
  return inWorkspace(engine, (workspace) => {
    const operands = [
      headsOf(q, lead, workspace),
      headsOf(k, lead, workspace),
      headsOf(v, lead, workspace),
      bias === undefined ? null : biasHeads(bias, lead, queries, keys, workspace),
      headsOf(g, lead, workspace),
    ] as const;
    const [qHeads, kHeads, vHeads, biasOf, gHeads] = operands;
    const bytes = (kept ? 1 : 2) * engine.kernels.attentionGradRows(queries, keys) * keys * 4;
    const offsets = offsetTable(engine, workspace, heads, operands);
    // Cut by heads only: a head's gradients of k and v are sums over its query rows.
    const flops = 4 * heads * queries * keys * (depth + width);
    const threads = flops < PARALLEL_FLOPS ? 1 : Math.min(heads, pool.threads);
    const scores = workspace.take(bytes * threads);
    const task = writeAttention(arena, engine.record, {
      queries,
      keys,
      depth,
      width,
      qRow: qHeads.row,
      kRow: kHeads.row,
      vRow: vHeads.row,
      biasRow: biasOf?.row ?? 0,
      causal: causal ? 1 : 0,
      scale,
      q: qHeads.address,
      k: kHeads.address,
      v: vHeads.address,
      bias: biasOf?.address ?? 0,
      out: addressOf(out),
      weights: weights === undefined ? 0 : workspace.dense(weights),
      offsets,
      g: gHeads.address,
      gRow: gHeads.row,
      biasGrad: biasGrad ? 1 : 0,
    });
    const parts: Arguments<"attentionGrad">[] = [];
    cut(heads, threads, 1, (from, to) => {
      const index = parts.length;
      parts.push([from, to, task, scores + index * bytes, pool.scratchOf(index)]);
    });
    pool.run("attentionGrad", parts);
    return true;
  });
};

/** The attention part of the backend's kernel table. */
export const attentions: Kernels = { attention, attentionWeights, attentionGrad };
