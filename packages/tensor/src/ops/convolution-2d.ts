// 2-D convolution, as a composition: pad, unfold both axes (views), one matrix product. Read next: pooling.ts.

import { checkOptions, checkTensors, type OptionKinds, wrongArgument } from "../arguments.ts";
import { ShapeError } from "../errors.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { PADDING_MODES, type PaddingMode, paddingFrames } from "./convolution.ts";
import { add } from "./elementwise.ts";
import { pad } from "./joining.ts";
import { matmul } from "./linear-algebra.ts";
import { permute, reshape, unfold } from "./shaping.ts";

/** One number for both axes, or [along H, along W]. */
export type Pair = number | readonly [height: number, width: number];

/** Options of `conv2d`, as in PyTorch. */
export interface Conv2dOptions {
  /** Distance between outputs; default 1. */
  readonly stride?: Pair;
  /** Zeros at both ends of the axes, or "same" for outputs of the input's size (stride 1); default 0. */
  readonly padding?: Pair | "same";
  /** What the padding holds; default "zeros". */
  readonly paddingMode?: PaddingMode;
  /** Distance between taps of the kernel; default 1. */
  readonly dilation?: Pair;
  /** Channels are split into this many groups that do not see each other; default 1. */
  readonly groups?: number;
}

const CONV2D_OPTIONS: OptionKinds<Conv2dOptions> = {
  stride: "any",
  padding: "any",
  paddingMode: PADDING_MODES,
  dilation: "any",
  groups: "number",
};

/**
 * The two numbers that an option stands for.
 *
 * @throws ShapeError below `least` or for fractions, ArgumentError for anything but numbers
 */
export function toPair(op: string, name: string, value: Pair, least: number): [number, number] {
  const [height, width] = typeof value === "number" ? [value, value] : Array.isArray(value) ? value : [];
  if (typeof height !== "number" || typeof width !== "number") {
    throw wrongArgument(op, name, "a number or [height, width]", value);
  }
  for (const one of [height, width]) {
    if (Number.isInteger(one) && one >= least) continue;
    throw new ShapeError(`${op}: ${name} must be an integer of at least ${least}, got ${one}`);
  }
  return [height, width];
}

/**
 * 2-D convolution (cross-correlation, as in PyTorch).
 *
 * x [B, C, H, W], weight [out, C / groups, h, w], bias [out] -> [B, out, H', W'], each
 * floor((size + 2 padding - dilation (taps - 1) - 1) / stride) + 1
 *
 * @throws ShapeError if the channels do not fit or the kernel is larger than the input; ArgumentError for unknown
 *   options
 * @example conv2d(ones([1, 1, 3, 3]), ones([1, 1, 2, 2])).toArray() // [[[[4, 4], [4, 4]]]]
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: Conv2dOptions = {},
): Tensor {
  checkTensors("conv2d", bias === null ? { x, weight } : { x, weight, bias });
  checkOptions("conv2d", options, CONV2D_OPTIONS);
  const { padding = 0, paddingMode = "zeros", groups = 1 } = options;
  const stride = toPair("conv2d", "stride", options.stride ?? 1, 1);
  const dilation = toPair("conv2d", "dilation", options.dilation ?? 1, 1);
  const [batch, outChannels, perGroup] = checkInputs(x, weight, bias, groups);
  const taps = [weight.shape[2]!, weight.shape[3]!] as const;
  const numbers = padding === "same" ? null : toPair("conv2d", "padding", padding, 0);
  const widths = [0, 1].map((axis) => {
    const reach = dilation[axis]! * (taps[axis]! - 1) + 1;
    const around = paddingFrames("conv2d", numbers?.[axis] ?? "same", reach, stride[axis]!);
    if (x.shape[axis + 2]! + around[0] + around[1] < reach) {
      throw new ShapeError(
        `conv2d: a kernel that reaches over ${reach} does not fit axis ${axis + 2} of ${formatShape(x.shape)} with padding ${padding}`,
      );
    }
    return around;
  });
  const padded = pad(x, widths, paddingMode === "zeros" ? "constant" : paddingMode);
  const lines = unfold(padded, 2, taps[0], stride[0], dilation[0]); // [B, C, H', W, h]
  const windows = unfold(lines, 3, taps[1], stride[1], dilation[1]); // [B, C, H', W', h, w]
  const [height, width] = [windows.shape[2]!, windows.shape[3]!];
  const columns = reshape(permute(windows, [0, 1, 4, 5, 2, 3]), [
    batch,
    groups,
    perGroup * taps[0] * taps[1],
    height * width,
  ]);
  const kernels = reshape(weight, [groups, outChannels / groups, perGroup * taps[0] * taps[1]]);
  const out = reshape(matmul(kernels, columns), [batch, outChannels, height, width]);
  return bias === null ? out : add(out, reshape(bias, [outChannels, 1, 1]));
}

/** @returns the sizes of the batch, of the output's channels, and of the input's channels in a group */
function checkInputs(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  groups: number,
): [batch: number, outChannels: number, perGroup: number] {
  if (!Number.isInteger(groups) || groups < 1) {
    throw new ShapeError(`conv2d: groups must be an integer of at least 1, got ${groups}`);
  }
  if (x.rank !== 4 || weight.rank !== 4) {
    throw new ShapeError(
      `conv2d: expected input [B, C, H, W] and weight [out, C / groups, h, w], got ${formatShape(x.shape)} and ${formatShape(weight.shape)}`,
    );
  }
  const [outChannels, perGroup] = weight.shape as [number, number];
  if (x.shape[1] !== perGroup * groups || outChannels % groups !== 0) {
    throw new ShapeError(
      `conv2d: ${x.shape[1]} input channels do not fit weight ${formatShape(weight.shape)} in ${groups} groups`,
    );
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(`conv2d: bias must be [${outChannels}], got ${formatShape(bias.shape)}`);
  }
  return [x.shape[0]!, outChannels, perGroup];
}
