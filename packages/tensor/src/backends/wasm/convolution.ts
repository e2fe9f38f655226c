// 1-D convolution and its gradients, each a matrix product that reads windows through a table of offsets.
// Read next: losses.ts.

import type { Kernel, Kernels } from "../../backend.ts";
import { sizeOf } from "../../shape.ts";
import { type Engine, getEngine } from "./engine.ts";
import { writeDepthwise } from "./generated/contract.ts";
import { product } from "./matmul.ts";
import { addressOf, all, split } from "./operands.ts";
import { inWorkspace, type Workspace } from "./workspace.ts";

/** How rows of `length` elements are padded. */
interface Padding {
  readonly rows: number;
  readonly length: number;
  /** Zeros before each row. */
  readonly left: number;
  /** Length with the zeros on both sides. */
  readonly padded: number;
  /** `gap` - 1 zeros go between elements. */
  readonly gap: number;
}

/** Address of padded rows; the rows themselves if nothing changes. */
function paddedRows(
  engine: Engine,
  workspace: Workspace,
  x: number,
  { rows, length, left, padded, gap }: Padding,
): number {
  if (left === 0 && padded === length && gap === 1) return x;
  const out = workspace.take(rows * padded * 4);
  split(engine, "padRows", rows, 0.3 * padded, (r, n) => [r, r + n, x, length, left, padded, gap, out], 1);
  return out;
}

/** Where the windows of a padded signal begin. */
interface Windows {
  readonly channels: number;
  readonly taps: number;
  readonly padded: number;
  readonly dilation: number;
}

/** Offsets of (channel, tap) in rows of `padded` elements. */
function tapTable(
  engine: Engine,
  workspace: Workspace,
  { channels, taps, padded, dilation }: Windows,
): number {
  const table = workspace.take(channels * taps * 4);
  engine.kernels.tapOffsets(channels, taps, padded, dilation, table);
  return table;
}

const conv1d: Kernel<"conv1d"> = (out, inputs, { stride, padding, dilation, groups }) => {
  if (!all("float32", inputs) || sizeOf(out.shape) === 0) return false;
  const [batch, channels, length] = inputs[0]!.shape as [number, number, number];
  const [outs, ins, taps] = inputs[1]!.shape as [number, number, number];
  const frames = out.shape[2]!;
  const padded = length + 2 * padding;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const x = workspace.dense(inputs[0]!);
    const weights = workspace.dense(inputs[1]!);
    const bias = inputs[2] === undefined ? 0 : workspace.dense(inputs[2]);
    const rows = batch * channels;
    const signal = paddedRows(engine, workspace, x, { rows, length, left: padding, padded, gap: 1 });
    const to = addressOf(out);
    if (groups === channels && outs === channels) {
      const task = writeDepthwise(engine.arena, engine.record, {
        batch,
        channels,
        x: signal,
        padded,
        weights,
        taps,
        stride,
        dilation,
        bias,
        frames,
        g: 0,
        out: to,
      });
      split(engine, "depthwise", rows, 0.4 * taps * frames, (r, n) => [r, r + n, task], 1);
      return true;
    }
    const table = tapTable(engine, workspace, { channels: ins, taps, padded, dilation });
    const each = outs / groups;
    const k = ins * taps;
    for (let g = 0; g < groups; g++) {
      product(
        engine,
        { batch, m: each, n: frames },
        {
          k,
          a: weights + g * each * k * 4,
          aRow: k,
          aColumn: 1,
          b: signal + g * ins * padded * 4,
          bRow: 0,
          rows: table,
          bColumn: stride,
          bBatch: channels * padded,
          c: to + g * each * frames * 4,
          cRow: frames,
          cBatch: outs * frames,
          bias: bias === 0 ? 0 : bias + g * each * 4,
          biasPerRow: 1,
        },
      );
    }
    return true;
  });
};

/** The gradient spread over the input's frames, convolved with the flipped kernel, channels swapped. */
const conv1dInputGrad: Kernel<"conv1dInputGrad"> = (
  out,
  inputs,
  { stride, padding, dilation, groups, length },
) => {
  const [outs, ins, taps] = inputs[1]!.shape as [number, number, number];
  const left = (taps - 1) * dilation - padding;
  if (!all("float32", inputs) || sizeOf(out.shape) === 0 || left < 0) return false;
  const [batch, , frames] = inputs[0]!.shape as [number, number, number];
  const each = outs / groups;
  const channels = groups * ins;
  const padded = length + (taps - 1) * dilation;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const g = workspace.dense(inputs[0]!);
    const weights = workspace.dense(inputs[1]!);
    const layout = { rows: batch * outs, length: frames, left, padded, gap: stride };
    const spread = paddedRows(engine, workspace, g, layout);
    const flipped = workspace.take(outs * ins * taps * 4);
    engine.kernels.flipWeights(groups, each, ins, taps, weights, flipped);
    const to = addressOf(out);
    if (groups === channels && outs === channels) {
      const task = writeDepthwise(engine.arena, engine.record, {
        batch,
        channels,
        x: spread,
        padded,
        weights: flipped,
        taps,
        stride: 1,
        dilation,
        bias: 0,
        frames: length,
        g: 0,
        out: to,
      });
      split(engine, "depthwise", batch * channels, 0.4 * taps * length, (r, n) => [r, r + n, task], 1);
      return true;
    }
    const table = tapTable(engine, workspace, { channels: each, taps, padded, dilation });
    const k = each * taps;
    for (let group = 0; group < groups; group++) {
      product(
        engine,
        { batch, m: ins, n: length },
        {
          k,
          a: flipped + group * ins * k * 4,
          aRow: k,
          aColumn: 1,
          b: spread + group * each * padded * 4,
          bRow: 0,
          rows: table,
          bColumn: 1,
          bBatch: outs * padded,
          c: to + group * ins * length * 4,
          cRow: length,
          cBatch: channels * length,
        },
      );
    }
    return true;
  });
};

/** The gradient times the windows, summed over frames in the product and over the batch by accumulation. */
const conv1dWeightGrad: Kernel<"conv1dWeightGrad"> = (
  out,
  inputs,
  { stride, padding, dilation, groups, taps },
) => {
  if (!all("float32", inputs) || sizeOf(inputs[0]!.shape) === 0 || sizeOf(out.shape) === 0) return false;
  const [batch, outs, frames] = inputs[0]!.shape as [number, number, number];
  const [, channels, length] = inputs[1]!.shape as [number, number, number];
  const padded = length + 2 * padding;
  const ins = channels / groups;
  const each = outs / groups;
  const engine = getEngine();
  return inWorkspace(engine, (workspace) => {
    const g = workspace.dense(inputs[0]!);
    const x = workspace.dense(inputs[1]!);
    const layout = { rows: batch * channels, length, left: padding, padded, gap: 1 };
    const signal = paddedRows(engine, workspace, x, layout);
    const to = addressOf(out);
    if (ins === 1 && each === 1) {
      const task = writeDepthwise(engine.arena, engine.record, {
        batch,
        channels,
        x: signal,
        padded,
        weights: 0,
        taps,
        stride,
        dilation,
        bias: 0,
        frames,
        g,
        out: to,
      });
      const cost = 0.4 * taps * batch * frames;
      split(engine, "depthwiseWeightGrad", channels, cost, (c, n) => [c, c + n, task], 1);
      return true;
    }
    const columns = tapTable(engine, workspace, { channels: ins, taps, padded, dilation });
    const n = ins * taps;
    for (let group = 0; group < groups; group++) {
      for (let b = 0; b < batch; b++) {
        product(
          engine,
          { batch: 1, m: each, n },
          {
            k: frames,
            a: g + (b * outs + group * each) * frames * 4,
            aRow: frames,
            aColumn: 1,
            b: signal + (b * channels + group * ins) * padded * 4,
            bRow: stride,
            bColumn: 0,
            columns,
            c: to + group * each * n * 4,
            cRow: n,
            accumulate: b > 0 ? 1 : 0,
          },
        );
      }
    }
    return true;
  });
};

/** The convolution part of the backend's kernel table. */
export const convolutions: Kernels = { conv1d, conv1dInputGrad, conv1dWeightGrad };
