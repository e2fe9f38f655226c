// 1-D convolution and its gradients, each as sums read from where they lie: no window is ever copied.
// Read next: moving.ts.

import type { Kernels, View } from "../../backend.ts";
import { dense, type Strided, slotOf } from "./kernel-text.ts";
import { kernel, place, reduce, SUM, temporary } from "./run.ts";
import { EXACT_LIMIT } from "./slot.ts";

/** A view without its axes: texts find its elements by strides of their own. */
const whole = (view: View, rank: number): Strided => ({
  slot: slotOf(view),
  offset: view.offset,
  strides: new Array<number>(rank).fill(0),
});

const TOTAL = "let total = 0.5;\ntotal = 0;";

/** Kernels of convolutions. */
export const convolutionKernels: Kernels = {
  // out[b, o, t] = bias[o] + sum over c, k of x[b, first channel + c, t stride + k dilation - padding] w[o, c, k]
  conv1d: kernel<"conv1d">((device, out, [x, weight, bias], params, slot) => {
    const { stride, padding, dilation, groups } = params;
    const [outChannels, perGroup, taps] = weight!.shape as [number, number, number];
    const inputs = [whole(x!, 3), whole(weight!, 3)];
    if (bias !== undefined) inputs.push({ ...whole(bias, 3), strides: [0, bias.strides[0]!, 0] });
    const text = `
const group = Math.floor((c1 + 0.5) / outPerGroup);
const row = p0 + c0 * xB + group * perGroup * xC;
const taken = p1 + c1 * wO;
${TOTAL}
for (let k = 0; k < taps; k++) {
  const t = c2 * stride + k * dilation - padding;
  if (t >= 0) { if (t < frames) {
    for (let j = 0; j < perGroup; j++) {
      total = total + x0[row + j * xC + t * xT] * x1[taken + j * wC + k * wK];
    }
  } }
}
return total${bias === undefined ? "" : " + x2[p2]"};`;
    const [xB, xC, xT] = x!.strides as [number, number, number];
    const [wO, wC, wK] = weight!.strides as [number, number, number];
    place(device, slot, out.shape, inputs, "conv1d", text, {
      ...{ xB, xC, xT, wO, wC, wK, stride, padding, dilation, taps, perGroup },
      outPerGroup: outChannels / groups,
      frames: x!.shape[2]!,
    });
    return true;
  }),

  // dx[b, c, s] = sum over o of c's group, k with s + padding = t stride + k dilation of g[b, o, t] w[o, c, k]
  conv1dInputGrad: kernel<"conv1dInputGrad">((device, out, [g, weight], params, slot) => {
    const { stride, padding, dilation, groups } = params;
    const [outChannels, perGroup, taps] = weight!.shape as [number, number, number];
    const text = `
const group = Math.floor((c1 + 0.5) / perGroup);
const first = group * outPerGroup;
const row = p0 + c0 * gB + first * gO;
const taken = p1 + first * wO + (c1 - group * perGroup) * wC;
${TOTAL}
for (let k = 0; k < taps; k++) {
  const s = c2 + padding - k * dilation;
  const t = Math.floor((s + 0.5) / stride);
  if (t >= 0) { if (t < frames) { if (t * stride === s) {
    for (let j = 0; j < outPerGroup; j++) {
      total = total + x0[row + j * gO + t * gT] * x1[taken + j * wO + k * wK];
    }
  } } }
}
return total;`;
    const [gB, gO, gT] = g!.strides as [number, number, number];
    const [wO, wC, wK] = weight!.strides as [number, number, number];
    place(device, slot, out.shape, [whole(g!, 3), whole(weight!, 3)], "conv1dInputGrad", text, {
      ...{ gB, gO, gT, wO, wC, wK, stride, padding, dilation, taps, perGroup },
      outPerGroup: outChannels / groups,
      frames: g!.shape[2]!,
    });
    return true;
  }),

  // dw[o, c, k] = sum over b, t of g[b, o, t] x[b, first channel + c, t stride + k dilation - padding]
  conv1dWeightGrad: kernel<"conv1dWeightGrad">((device, out, [g, x], params, slot) => {
    const { stride, padding, dilation, groups } = params;
    const [batch, outChannels, frames] = g!.shape as [number, number, number];
    if (batch * out.storage.length > EXACT_LIMIT) return false;
    const [, perGroup] = out.shape as [number, number, number];
    const text = `
const group = Math.floor((c1 + 0.5) / outPerGroup);
const row = p0 + c0 * gB + c1 * gO;
const taken = p1 + c0 * xB + (group * perGroup + c2) * xC;
const shift = c3 * dilation - padding;
${TOTAL}
for (let t = 0; t < frames; t++) {
  const s = t * stride + shift;
  if (s >= 0) { if (s < length) { total = total + x0[row + t * gT] * x1[taken + s * xT]; } }
}
return total;`;
    const [gB, gO, gT] = g!.strides as [number, number, number];
    const [xB, xC, xT] = x!.strides as [number, number, number];
    const shape = [batch, ...out.shape];
    const parts = temporary(batch * out.storage.length);
    place(device, parts, shape, [whole(g!, 4), whole(x!, 4)], "conv1dWeightGrad", text, {
      ...{ gB, gO, gT, xB, xC, xT, stride, padding, dilation, frames, perGroup },
      outPerGroup: outChannels / groups,
      length: x!.shape[2]!,
    });
    const all = dense(parts, shape);
    const byBatch = { ...all, strides: [...all.strides.slice(1), all.strides[0]!] };
    reduce(device, slot, [...out.shape, batch], 3, [byBatch], "sum", SUM, "a");
    device.drop(parts);
    return true;
  }),
};
