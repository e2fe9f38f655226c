// 1-D convolution and its transpose. A convolution is a matrix product over sliding windows: pad, unfold (a view),
// matmul. Read next: convolution-2d.ts, pooling.ts.

import { apply } from "../apply.ts";
import { checkOptions, checkTensors, type OptionKinds, wrongArgument } from "../arguments.ts";
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

/** Options that `conv1d` and `convTranspose1d` share. */
export interface ConvolutionOptions {
  /** Distance between outputs, in input frames; default 1. */
  readonly stride?: number;
  /** Distance between taps of the kernel; default 1. */
  readonly dilation?: number;
  /** Channels are split into this many groups that do not see each other; default 1. */
  readonly groups?: number;
}

/**
 * Frames added around a signal: a number at both ends, [before, after], "same" for as many outputs as inputs (stride
 * 1; an odd frame goes to the end, as in PyTorch), or "causal" for all of them before, so that no output sees a later
 * input.
 */
export type Padding = number | readonly [before: number, after: number] | "same" | "causal";

/** What the frames of a padding hold: zeros, or as in `pad`. */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Options of `conv1d`, as in PyTorch. */
export interface Conv1dOptions extends ConvolutionOptions {
  /** Default 0. */
  readonly padding?: Padding;
  /** Default "zeros". */
  readonly paddingMode?: PaddingMode;
}

/** The modes of padding, for those who take them on. */
export const PADDING_MODES: readonly PaddingMode[] = ["zeros", "reflect", "replicate", "circular"];

const CONV_OPTIONS: OptionKinds<ConvolutionOptions> = {
  stride: "number",
  dilation: "number",
  groups: "number",
};
const CONV1D_OPTIONS: OptionKinds<Conv1dOptions> = {
  ...CONV_OPTIONS,
  padding: "any",
  paddingMode: PADDING_MODES,
};
const CONV_TRANSPOSE_OPTIONS: OptionKinds<ConvTranspose1dOptions> = {
  ...CONV_OPTIONS,
  padding: "number",
  outputPadding: "number",
};

function checkInteger(op: string, name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new ShapeError(`${op}: ${name} must be an integer of at least ${least}, got ${value}`);
}

function checked(
  op: string,
  { stride = 1, dilation = 1, groups = 1 }: ConvolutionOptions,
): Required<ConvolutionOptions> {
  checkInteger(op, "stride", stride, 1);
  checkInteger(op, "dilation", dilation, 1);
  checkInteger(op, "groups", groups, 1);
  return { stride, dilation, groups };
}

/**
 * The frames before and after that a padding stands for.
 *
 * @param reach frames from the first tap of the kernel to the last, both included
 * @throws ShapeError for numbers out of range and "same" with a stride; ArgumentError for anything else
 */
export function paddingFrames(
  op: string,
  padding: Padding,
  reach: number,
  stride: number,
): readonly [before: number, after: number] {
  if (padding === "causal") return [reach - 1, 0];
  if (padding === "same") {
    if (stride !== 1) throw new ShapeError(`${op}: padding "same" needs stride 1, got ${stride}`);
    const before = Math.floor((reach - 1) / 2);
    return [before, reach - 1 - before];
  }
  const pair: unknown = typeof padding === "number" ? [padding, padding] : padding;
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw wrongArgument(op, "padding", 'a number, [before, after], "same" or "causal"', padding);
  }
  const [before, after] = pair as [number, number];
  checkInteger(op, "padding", before, 0);
  checkInteger(op, "padding", after, 0);
  return [before, after];
}

/**
 * 1-D convolution (cross-correlation, as in PyTorch).
 *
 * x [B, C, T], weight [out, C / groups, k], bias [out] -> [B, out, floor((T + 2 padding - dilation (k - 1) - 1) / stride) + 1]
 *
 * With padding "same" or "causal", or other numbers before and after, 2 padding is their sum.
 *
 * @throws ShapeError if the channels do not fit or the signal is shorter than the kernel; ArgumentError for unknown
 *   options
 * @example conv1d(ones([1, 1, 4]), ones([1, 1, 3]), null, { padding: "causal" }).toArray() // [[[1, 2, 3, 3]]]
 * @example conv1d(ones([1, 1, 4]), ones([1, 1, 3]), null, { padding: 1 }).toArray() // [[[2, 3, 3, 2]]]
 */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: Conv1dOptions = {},
): Tensor {
  checkTensors("conv1d", bias === null ? { x, weight } : { x, weight, bias });
  checkOptions("conv1d", options, CONV1D_OPTIONS);
  const { stride, dilation, groups } = checked("conv1d", options);
  const { padding = 0, paddingMode = "zeros" } = options;
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
  const [before, after] = paddingFrames("conv1d", padding, reach, stride);
  if (x.shape[2]! + before + after < reach) {
    throw new ShapeError(
      `conv1d: a kernel of ${reach} frames does not fit ${x.shape[2]} frames with padding ${padding}`,
    );
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(`conv1d: bias must be [${outChannels}], got ${formatShape(bias.shape)}`);
  }
  // Zeros at both ends alike are the kernel's own business.
  const own = paddingMode === "zeros" && before === after;
  const signal = own ? x : pad(x, [[before, after]], paddingMode === "zeros" ? "constant" : paddingMode);
  const inputs = alike(bias === null ? [signal, weight] : [signal, weight, bias], "float32");
  return apply(ROWS.conv1d, inputs, { stride, padding: own ? before : 0, dilation, groups });
}

/** Options of `convTranspose1d`, as in PyTorch. */
export interface ConvTranspose1dOptions extends ConvolutionOptions {
  /** Frames taken away at both ends of the output; default 0. */
  readonly padding?: number;
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
  checkTensors("convTranspose1d", bias === null ? { x, weight } : { x, weight, bias });
  checkOptions("convTranspose1d", options, CONV_TRANSPOSE_OPTIONS);
  const { stride, dilation, groups } = checked("convTranspose1d", options);
  const { padding = 0, outputPadding = 0 } = options;
  checkInteger("convTranspose1d", "padding", padding, 0);
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
