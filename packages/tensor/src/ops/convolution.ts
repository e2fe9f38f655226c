// 1-D convolution, its transpose and pooling. A convolution is a matrix product over sliding windows:
// pad, unfold (a view), matmul.

import { apply } from "../apply.ts";
import { ShapeError } from "../errors.ts";
import { type FusedRow, fused, rows, sameDtype } from "../op.ts";
import type { Conv1dParams } from "../op-params.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { windowCount } from "../view.ts";
import { add } from "./elementwise.ts";
import { pad } from "./joining.ts";
import { matmul } from "./linear-algebra.ts";
import { alike } from "./operands.ts";
import { max, mean } from "./reduction.ts";
import { fold, narrow, permute, reshape, unfold, unsqueeze } from "./shaping.ts";

interface Rows {
  readonly conv1d: FusedRow<Conv1dParams>;
  readonly conv1dInputGrad: FusedRow<Conv1dParams & { readonly length: number }>;
  readonly conv1dWeightGrad: FusedRow<Conv1dParams & { readonly taps: number }>;
}

const ROWS: Rows = rows<Rows>({
  conv1d: fused(
    {
      meaning: "1-D convolution [B, C, T] with [out, C / groups, k]",
      shape: ([x, weight], { stride, padding, dilation }) => {
        const [outChannels, , taps] = weight!.shape as [number, number, number];
        const window = { size: taps, step: stride, dilation };
        return [x!.shape[0]!, outChannels, windowCount(x!.shape[2]! + 2 * padding, window)];
      },
      dtype: sameDtype,
    },
    ([x, weight, bias], { stride, padding, dilation, groups }) => {
      const [batch, channels] = [x!.shape[0]!, x!.shape[1]!];
      const [outChannels, perGroup, taps] = weight!.shape as [number, number, number];
      const padded = pad(x!, [[padding, padding]]); // [B, C, T + 2 padding]
      const windows = unfold(padded, 2, taps, stride, dilation); // [B, C, T', k]
      const frames = windows.shape[2]!;
      const grouped = reshape(windows, [batch, groups, channels / groups, frames, taps]);
      const columns = reshape(permute(grouped, [0, 1, 2, 4, 3]), [batch, groups, perGroup * taps, frames]);
      const kernels = reshape(weight!, [groups, outChannels / groups, perGroup * taps]);
      const out = reshape(matmul(kernels, columns), [batch, outChannels, frames]); // [B, out, T']
      return bias === undefined ? out : add(out, unsqueeze(bias, 1));
    },
  ),
  // The transposed convolution: every frame of g adds its scaled kernel to the frames it was made from.
  // g [B, out, T'], weight [out, C / groups, k] -> [B, C, length]
  conv1dInputGrad: fused(
    {
      meaning: "gradient of conv1d's input from (gradient, weight): the transposed convolution",
      shape: ([g, weight], { groups, length }) => [g!.shape[0]!, weight!.shape[1]! * groups, length],
      dtype: sameDtype,
    },
    ([g, weight], { stride, padding, dilation, groups, length }) => {
      const [batch, outChannels, frames] = g!.shape as [number, number, number];
      const [, perGroup, taps] = weight!.shape as [number, number, number];
      const grouped = reshape(g!, [batch, groups, outChannels / groups, frames]);
      const kernels = reshape(weight!, [groups, outChannels / groups, perGroup * taps]);
      const spread = matmul(permute(kernels, [0, 2, 1]), grouped); // [B, groups, C / groups * k, T']
      const windows = permute(reshape(spread, [batch, groups * perGroup, taps, frames]), [0, 1, 3, 2]);
      const full = fold(windows, 2, length + 2 * padding, stride, dilation);
      return narrow(full, 2, padding, length);
    },
  ),
  // g times the windows it was made from, summed over batch and time.
  // g [B, out, T'], x [B, C, T] -> [out, C / groups, taps]
  conv1dWeightGrad: fused(
    {
      meaning: "gradient of conv1d's weight from (gradient, input)",
      shape: ([g, x], { groups, taps }) => [g!.shape[1]!, x!.shape[1]! / groups, taps],
      dtype: sameDtype,
    },
    ([g, x], { stride, padding, dilation, groups, taps }) => {
      const [batch, outChannels, frames] = g!.shape as [number, number, number];
      const perGroup = x!.shape[1]! / groups;
      const padded = pad(x!, [[padding, padding]]);
      const windows = narrow(unfold(padded, 2, taps, stride, dilation), 2, 0, frames); // [B, C, T', k]
      const grouped = reshape(windows, [batch, groups, perGroup, frames, taps]);
      const columns = reshape(permute(grouped, [1, 0, 3, 2, 4]), [groups, batch * frames, perGroup * taps]);
      const gradients = reshape(g!, [batch, groups, outChannels / groups, frames]);
      const turned = permute(gradients, [1, 2, 0, 3]);
      const lines = reshape(turned, [groups, outChannels / groups, batch * frames]);
      return reshape(matmul(lines, columns), [outChannels, perGroup, taps]);
    },
  ),
});
export default ROWS;

/** Options of `conv1d`, as in PyTorch. */
export interface Conv1dOptions {
  /** Distance between outputs, in input frames; default 1. */
  readonly stride?: number;
  /** Zeros added at both ends; default 0. */
  readonly padding?: number;
  /** Distance between taps of the kernel; default 1. */
  readonly dilation?: number;
  /** Channels are split into this many groups that do not see each other; default 1. */
  readonly groups?: number;
}

function checked(op: string, options: Conv1dOptions): Conv1dParams {
  const params = { stride: 1, padding: 0, dilation: 1, groups: 1, ...options };
  for (const [name, least] of [
    ["stride", 1],
    ["padding", 0],
    ["dilation", 1],
    ["groups", 1],
  ] as const) {
    const value = params[name];
    if (!Number.isInteger(value) || value < least) {
      throw new ShapeError(`${op}: ${name} must be an integer of at least ${least}, got ${value}`);
    }
  }
  return params;
}

/**
 * 1-D convolution (cross-correlation, as in PyTorch).
 *
 * x [B, C, T], weight [out, C / groups, k], bias [out] -> [B, out, floor((T + 2 padding - dilation (k - 1) - 1) / stride) + 1]
 *
 * @throws ShapeError if the channels do not fit or the signal is shorter than the kernel
 * @example conv1d(ones([1, 1, 4]), ones([1, 1, 3]), null, { padding: 1 }).toArray() // [[[2, 3, 3, 2]]]
 */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: Conv1dOptions = {},
): Tensor {
  const params = checked("conv1d", options);
  const { padding, dilation, groups } = params;
  if (x.rank !== 3 || weight.rank !== 3) {
    throw new ShapeError(
      `conv1d: expected input [B, C, T] and weight [out, C / groups, k], got ${formatShape(x.shape)} and ${formatShape(weight.shape)}`,
    );
  }
  const channels = x.shape[1]!;
  const [outChannels, perGroup, taps] = weight.shape as [number, number, number];
  if (channels !== perGroup * groups || outChannels % groups !== 0) {
    throw new ShapeError(
      `conv1d: ${channels} input channels do not fit weight ${formatShape(weight.shape)} in ${groups} groups`,
    );
  }
  const reach = dilation * (taps - 1) + 1;
  if (x.shape[2]! + 2 * padding < reach) {
    throw new ShapeError(
      `conv1d: a kernel of ${reach} frames does not fit ${x.shape[2]} frames with padding ${padding}`,
    );
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(`conv1d: bias must be [${outChannels}], got ${formatShape(bias.shape)}`);
  }
  const inputs = alike(bias === null ? [x, weight] : [x, weight, bias], "float32");
  return apply(ROWS.conv1d, inputs, params);
}

/** Options of `convTranspose1d`, as in PyTorch. */
export interface ConvTranspose1dOptions extends Conv1dOptions {
  /** Frames added at one end of the output; default 0. */
  readonly outputPadding?: number;
}

/**
 * The adjoint of `conv1d`, also called transposed convolution: each input frame adds a scaled kernel to the output.
 *
 * x [B, C, T], weight [C, out / groups, k] -> [B, out, (T - 1) stride - 2 padding + dilation (k - 1) + outputPadding + 1]
 *
 * @throws ShapeError if the channels do not fit
 * @example convTranspose1d(ones([1, 1, 2]), ones([1, 1, 2]), null, { stride: 2 }).shape // [1, 1, 4]
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvTranspose1dOptions = {},
): Tensor {
  const { stride, padding, dilation, groups } = checked("convTranspose1d", options);
  const outputPadding = options.outputPadding ?? 0;
  if (!Number.isInteger(outputPadding) || outputPadding < 0) {
    throw new ShapeError(`convTranspose1d: outputPadding must be an integer >= 0, got ${outputPadding}`);
  }
  const [, channels, frames] = x.shape as [number, number, number];
  if (x.rank !== 3 || weight.rank !== 3 || channels !== weight.shape[0] || channels % groups !== 0) {
    throw new ShapeError(
      `convTranspose1d: input ${formatShape(x.shape)} does not fit weight ${formatShape(weight.shape)} in ${groups} groups, expected [B, C, T] and [C, out / groups, k]`,
    );
  }
  const [, perGroup, taps] = weight.shape as [number, number, number];
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== perGroup * groups)) {
    throw new ShapeError(
      `convTranspose1d: bias must be [${perGroup * groups}], got ${formatShape(bias.shape)}`,
    );
  }
  const length = Math.max(0, (frames - 1) * stride) + dilation * (taps - 1) + 1 + outputPadding - 2 * padding;
  if (length < 0) {
    throw new ShapeError(
      `convTranspose1d: padding ${padding} leaves nothing of ${length + 2 * padding} frames`,
    );
  }
  const [signal, kernel] = alike([x, weight], "float32");
  const params = { stride, padding, dilation, groups, length };
  const out = apply(ROWS.conv1dInputGrad, [signal!, kernel!], params);
  return bias === null ? out : add(out, unsqueeze(bias, 1));
}

/**
 * Means over windows of the last axis: [.., T] -> [.., floor((T - size) / stride) + 1].
 *
 * @param stride default `size`: windows side by side
 * @example avgPool1d(tensor([1, 3, 5, 7]), 2).toArray() // [2, 6]
 */
export function avgPool1d(x: Tensor, size: number, stride: number = size): Tensor {
  return mean(unfold(x, -1, size, stride), -1);
}

/**
 * Largest values over windows of the last axis, see `avgPool1d`.
 *
 * @example maxPool1d(tensor([1, 3, 7, 5]), 2, 1).toArray() // [3, 7, 7]
 */
export function maxPool1d(x: Tensor, size: number, stride: number = size): Tensor {
  return max(unfold(x, -1, size, stride), -1);
}
