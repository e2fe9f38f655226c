// 1-D convolution and its gradients, each a matrix product that reads windows through a table of offsets.

import type { Kernel, Kernels } from "../../backend.ts";
import { sizeOf } from "../../shape.ts";
import type { Block } from "./arena.ts";
import { type Engine, getEngine } from "./engine.ts";
import { product } from "./matmul.ts";
import { addressOf, all, denseAddress, releaseAll, split } from "./operands.ts";
import type { WasmStorage } from "./storage.ts";

/** Blocks of the arena that live as long as one kernel call. */
class Workspace {
  private readonly engine: Engine;
  private readonly blocks: Block[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  take(bytes: number): number {
    const block = this.engine.arena.allocate(bytes);
    this.blocks.push(block);
    return block.offset;
  }

  free(): void {
    for (const block of this.blocks) this.engine.arena.release(block, block.generation);
  }
}

/** Rows of `length` with zeros around them and `gap` - 1 zeros between elements; the rows themselves if nothing changes. */
function padded(
  engine: Engine,
  work: Workspace,
  x: number,
  rows: number,
  length: number,
  left: number,
  to: number,
  gap: number,
): number {
  if (left === 0 && to === length && gap === 1) return x;
  const out = work.take(rows * to * 4);
  split(engine, "padRows", rows, 0.3 * to, (r, n) => [r, r + n, x, length, left, to, gap, out], 1);
  return out;
}

/** Offsets of (channel, tap) in rows of `length`. */
function tapTable(
  engine: Engine,
  work: Workspace,
  channels: number,
  taps: number,
  length: number,
  dilation: number,
): number {
  const table = work.take(channels * taps * 4);
  engine.kernels.tapOffsets!(channels, taps, length, dilation, table);
  return table;
}

const conv1d: Kernel<"conv1d"> = (out, inputs, { stride, padding, dilation, groups }) => {
  if (!all("float32", inputs) || sizeOf(out.shape) === 0) return false;
  const engine = getEngine();
  const temporaries: WasmStorage[] = [];
  const work = new Workspace(engine);
  const [batch, channels, length] = inputs[0]!.shape as [number, number, number];
  const [outs, ins, taps] = inputs[1]!.shape as [number, number, number];
  const frames = out.shape[2]!;
  const [x, weight, bias = 0] = inputs.map((input) => denseAddress(input, temporaries)) as [
    number,
    number,
    number,
  ];
  const reach = length + 2 * padding;
  const signal = padded(engine, work, x, batch * channels, length, padding, reach, 1);
  const to = addressOf(out);
  if (groups === channels && outs === channels) {
    const rest = [channels, signal, reach, weight, taps, stride, dilation, bias, frames, to] as const;
    split(engine, "depthwise", batch * channels, 0.4 * taps * frames, (r, n) => [r, r + n, ...rest], 1);
  } else {
    const rows = tapTable(engine, work, ins, taps, reach, dilation);
    const each = outs / groups;
    const k = ins * taps;
    for (let g = 0; g < groups; g++) {
      const left = { address: weight + g * each * k * 4, row: k, column: 1, batch: 0 };
      const right = {
        address: signal + g * ins * reach * 4,
        row: 0,
        column: stride,
        batch: channels * reach,
        rows,
      };
      product(
        engine,
        each,
        frames,
        k,
        left,
        right,
        to + g * each * frames * 4,
        frames,
        batch,
        outs * frames,
        {
          bias: bias === 0 ? 0 : bias + g * each * 4,
          biasPerRow: true,
        },
      );
    }
  }
  work.free();
  releaseAll(temporaries);
  return true;
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
  const engine = getEngine();
  const temporaries: WasmStorage[] = [];
  const work = new Workspace(engine);
  const [batch, , frames] = inputs[0]!.shape as [number, number, number];
  const [g, weight] = inputs.map((input) => denseAddress(input, temporaries)) as [number, number];
  const each = outs / groups;
  const reach = length + (taps - 1) * dilation;
  const spread = padded(engine, work, g, batch * outs, frames, left, reach, stride);
  const flipped = work.take(outs * ins * taps * 4);
  engine.kernels.flipWeights!(groups, each, ins, taps, weight, flipped);
  const to = addressOf(out);
  const channels = groups * ins;
  if (groups === channels && outs === channels) {
    const rest = [channels, spread, reach, flipped, taps, 1, dilation, 0, length, to] as const;
    split(engine, "depthwise", batch * channels, 0.4 * taps * length, (r, n) => [r, r + n, ...rest], 1);
  } else {
    const rows = tapTable(engine, work, each, taps, reach, dilation);
    const k = each * taps;
    for (let group = 0; group < groups; group++) {
      const a = { address: flipped + group * ins * k * 4, row: k, column: 1, batch: 0 };
      const b = { address: spread + group * each * reach * 4, row: 0, column: 1, batch: outs * reach, rows };
      product(engine, ins, length, k, a, b, to + group * ins * length * 4, length, batch, channels * length);
    }
  }
  work.free();
  releaseAll(temporaries);
  return true;
};

/** The gradient times the windows, summed over frames in the product and over the batch by accumulation. */
const conv1dWeightGrad: Kernel<"conv1dWeightGrad"> = (
  out,
  inputs,
  { stride, padding, dilation, groups, taps },
) => {
  if (!all("float32", inputs) || sizeOf(inputs[0]!.shape) === 0 || sizeOf(out.shape) === 0) return false;
  const engine = getEngine();
  const temporaries: WasmStorage[] = [];
  const work = new Workspace(engine);
  const [batch, outs, frames] = inputs[0]!.shape as [number, number, number];
  const [, channels, length] = inputs[1]!.shape as [number, number, number];
  const [g, x] = inputs.map((input) => denseAddress(input, temporaries)) as [number, number];
  const reach = length + 2 * padding;
  const signal = padded(engine, work, x, batch * channels, length, padding, reach, 1);
  const to = addressOf(out);
  const ins = channels / groups;
  const each = outs / groups;
  if (ins === 1 && each === 1) {
    const rest = [batch, channels, g, frames, signal, reach, taps, stride, dilation, to] as const;
    split(
      engine,
      "depthwiseWeightGrad",
      channels,
      0.4 * taps * batch * frames,
      (c, n) => [c, c + n, ...rest],
      1,
    );
  } else {
    const columns = tapTable(engine, work, ins, taps, reach, dilation);
    const n = ins * taps;
    for (let group = 0; group < groups; group++) {
      for (let b = 0; b < batch; b++) {
        const left = {
          address: g + (b * outs + group * each) * frames * 4,
          row: frames,
          column: 1,
          batch: 0,
        };
        const from = signal + (b * channels + group * ins) * reach * 4;
        const right = { address: from, row: stride, column: 0, batch: 0, columns };
        product(engine, each, n, frames, left, right, to + group * each * n * 4, n, 1, 0, {
          accumulate: b > 0,
        });
      }
    }
  }
  work.free();
  releaseAll(temporaries);
  return true;
};

/** The convolution part of the backend's kernel table. */
export const convolutions: Kernels = { conv1d, conv1dInputGrad, conv1dWeightGrad };
