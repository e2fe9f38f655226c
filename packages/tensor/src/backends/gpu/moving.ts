// Kernels that move elements: borders, joints, windows, picking by index, turning pairs. What a host would
// scatter is gathered here: each element looks for what belongs to it. Read next: index.ts.

import type { Kernel, Kernels, View } from "../../backend.ts";
import { ShapeError } from "../../errors.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import type { Device } from "./device.ts";
import { dense, type Strided, slotOf, strided } from "./kernel-text.ts";
import { kernel, MOST_INPUTS, map, place, temporary } from "./run.ts";
import type { Slot } from "./slot.ts";

/** Throws ShapeError for indices outside the axis, if they are in host memory; on the device such an element becomes NaN. */
function checkIndices(op: string, index: View, size: number, axis: number): void {
  const { host } = slotOf(index);
  if (host === null || sizeOf(index.shape) !== index.storage.length) return;
  for (let i = 0; i < host.length; i++) {
    if (host[i]! >= 0 && host[i]! < size) continue;
    throw new ShapeError(
      `${op}: index ${host[i]} at position ${i} is out of range for axis ${axis} of size ${size}`,
    );
  }
}

const CHECKED = "if (at < 0) { return nan; }\nif (at >= size) { return nan; }";

/** Joins slices along an axis, as many at a time as a kernel can read. */
function join(
  device: Device,
  out: Slot,
  shape: Shape,
  parts: readonly Strided[],
  ends: number[],
  axis: number,
): void {
  const starts = [0, ...ends];
  const last = parts.length - 1;
  const text = parts
    .map((_, k) => (k === last ? `return x${k}[p${k}];` : `if (c${axis} < e${k}) { return x${k}[p${k}]; }`))
    .join("\n");
  const moved = parts.map((part, k) => ({
    ...part,
    offset: part.offset - starts[k]! * part.strides[axis]!,
  }));
  const bounds = Object.fromEntries(ends.slice(0, -1).map((end, k) => [`e${k}`, end]));
  place(device, out, shape, moved, `concat/${axis}`, text, bounds);
}

/** A dense copy of a view in temporary memory. */
function copied(device: Device, view: View): Slot {
  const slot = temporary(sizeOf(view.shape));
  map(device, slot, view.shape, [strided(view)], "copy", "return a;");
  return slot;
}

/** A dense array of some shape. */
interface Part {
  readonly slot: Slot;
  readonly shape: Shape;
}

/** Fills `out` of `shape` with arrays put end to end along an axis, as many at a time as a kernel can read. */
export function joinAll(device: Device, out: Slot, shape: Shape, parts: readonly Part[], axis: number): void {
  joinViews(
    device,
    out,
    shape,
    parts.map((part) => ({ from: dense(part.slot, part.shape), size: part.shape[axis]! })),
    axis,
  );
}

function joinViews(
  device: Device,
  out: Slot,
  whole: Shape,
  parts: readonly { readonly from: Strided; readonly size: number }[],
  axis: number,
): void {
  let joined: Part | null = null;
  const rest = [...parts];
  while (rest.length > 0) {
    const taken = rest.splice(0, joined === null ? MOST_INPUTS : MOST_INPUTS - 1);
    if (joined !== null) taken.unshift({ from: dense(joined.slot, joined.shape), size: joined.shape[axis]! });
    let end = 0;
    const ends = taken.map(({ size }) => (end += size));
    const shape = whole.map((n, i) => (i === axis ? end : n));
    const target = rest.length === 0 ? out : temporary(sizeOf(shape));
    const from = taken.map((part) => part.from);
    join(device, target, shape, from, ends, axis);
    if (joined !== null) device.drop(joined.slot);
    joined = { slot: target, shape };
  }
}

const concat: Kernel<"concat"> = kernel<"concat">(
  (device, out, inputs, { axis }, slot) => {
    const parts = inputs.map((view) => ({ from: strided(view), size: view.shape[axis]! }));
    joinViews(device, slot, out.shape, parts, axis);
    return true;
  },
  { integers: true },
);

/** Kernels that move elements. */
export const movingKernels: Kernels = {
  pad: kernel<"pad">(
    (device, out, [x], { widths, value }, slot) => {
      const from = strided(x!);
      const offset = widths.reduce((at, [before], axis) => at - before * from.strides[axis]!, from.offset);
      const tests = widths.map(
        (_, axis) =>
          `if (c${axis} < b${axis}) { return value; }\nif (c${axis} >= e${axis}) { return value; }`,
      );
      const bounds: Record<string, number> = {};
      widths.forEach(([before], axis) => {
        bounds[`b${axis}`] = before;
        bounds[`e${axis}`] = before + x!.shape[axis]!;
      });
      const text = `${tests.join("\n")}\nreturn x0[p0];`;
      place(device, slot, out.shape, [{ ...from, offset }], "pad", text, bounds, { value });
      return true;
    },
    { integers: true },
  ),

  // Empty parts, such as a cache before the first token, add nothing.
  concat: (out, inputs, params) =>
    concat(
      out,
      inputs.filter(({ shape }) => sizeOf(shape) > 0),
      params,
    ),

  // out[.., t, ..] = the sum over taps i of x[.., w, .., i] with w step + i dilation = t
  fold: kernel<"fold">((device, out, [x], { axis, size, step, dilation }, slot) => {
    const last = x!.strides.length - 1;
    const from: Strided = {
      slot: slotOf(x!),
      offset: x!.offset,
      strides: x!.strides.slice(0, last).map((s, i) => (i === axis ? 0 : s)),
    };
    const text = `
let total = 0.5;
total = 0;
for (let j = 0; j < size; j++) {
  const s = c${axis} - j * dilation;
  const w = Math.floor((s + 0.5) / step);
  if (w >= 0) { if (w < windows) { if (w * step === s) { total = total + x0[p0 + w * perWindow + j * perTap]; } } }
}
return total;`;
    place(device, slot, out.shape, [from], `fold/${axis}`, text, {
      ...{ size, step, dilation },
      windows: x!.shape[axis]!,
      perWindow: x!.strides[axis]!,
      perTap: x!.strides[last]!,
    });
    return true;
  }),

  gather: kernel<"gather">(
    (device, out, [x, index], { axis }, slot) => {
      const size = x!.shape[axis]!;
      checkIndices("gather", index!, size, axis);
      const step = x!.strides[axis]!;
      const from = {
        slot: slotOf(x!),
        offset: x!.offset,
        strides: x!.strides.map((s, i) => (i === axis ? 0 : s)),
      };
      const text = `const at = x1[p1];\n${CHECKED}\nreturn x0[p0 + at * step];`;
      place(device, slot, out.shape, [from, strided(index!)], "gather", text, { size, step });
      return true;
    },
    { integers: true },
  ),

  indexSelect: kernel<"indexSelect">(
    (device, out, [x, index], { axis }, slot) => {
      const size = x!.shape[axis]!;
      checkIndices("indexSelect", index!, size, axis);
      const step = x!.strides[axis]!;
      const none = index!.shape.map(() => 0);
      const from = {
        slot: slotOf(x!),
        offset: x!.offset,
        strides: [...x!.strides.slice(0, axis), ...none, ...x!.strides.slice(axis + 1)],
      };
      const picks = {
        slot: slotOf(index!),
        offset: index!.offset,
        strides: out.shape.map((_, i) => index!.strides[i - axis] ?? 0),
      };
      const text = `const at = x1[p1];\n${CHECKED}\nreturn x0[p0 + at * step];`;
      place(device, slot, out.shape, [from, picks], "indexSelect", text, { size, step });
      return true;
    },
    { integers: true },
  ),

  scatterAdd: kernel<"scatterAdd">((device, out, [x, index, source], { axis }, slot) => {
    checkIndices("scatterAdd", index!, x!.shape[axis]!, axis);
    const without = (view: View): Strided => ({
      slot: slotOf(view),
      offset: view.offset,
      strides: view.strides.map((s, i) => (i === axis ? 0 : s)),
    });
    // The index may be shorter than x along other axes: what lies beyond receives nothing.
    const bounds: Record<string, number> = {};
    const tests = out.shape.flatMap((_, i) => {
      if (i === axis) return [];
      bounds[`b${i}`] = index!.shape[i]!;
      return [`if (c${i} >= b${i}) { return total; }`];
    });
    const text = `
let total = x0[p0];
${tests.join("\n")}
for (let j = 0; j < count; j++) {
  if (x1[p1 + j * indexStep] === c${axis}) { total = total + x2[p2 + j * sourceStep]; }
}
return total;`;
    const inputs = [strided(x!), without(index!), without(source!)];
    place(device, slot, out.shape, inputs, `scatterAdd/${axis}`, text, {
      ...bounds,
      count: index!.shape[axis]!,
      indexStep: index!.strides[axis]!,
      sourceStep: source!.strides[axis]!,
    });
    return true;
  }),

  indexAdd: kernel<"indexAdd">((device, out, [x, index, source], { axis }, slot) => {
    checkIndices("indexAdd", index!, x!.shape[axis]!, axis);
    const count = sizeOf(index!.shape);
    const flat = [copied(device, index!), copied(device, source!)] as const;
    const inner = sizeOf(out.shape.slice(axis + 1));
    // The source is [outer, count, inner] now.
    const strides = out.shape.map((_, i) => {
      if (i === axis) return 0;
      const within = sizeOf(out.shape.slice(i + 1));
      return i > axis ? within : (within / out.shape[axis]!) * count;
    });
    const text = `
let total = x0[p0];
for (let j = 0; j < count; j++) {
  if (x1[j] === c${axis}) { total = total + x2[p2 + j * inner]; }
}
return total;`;
    const inputs = [strided(x!), dense(flat[0], out.shape, []), { slot: flat[1], offset: 0, strides }];
    place(device, slot, out.shape, inputs, `indexAdd/${axis}`, text, { count, inner });
    for (const used of flat) device.drop(used);
    return true;
  }),

  // Each pair (x[2i], x[2i + 1]) times cosine + i sine; the last coordinate tells which half of the pair.
  rotatePairs: kernel<"rotatePairs">((device, out, [x, cosine, sine], _params, slot) => {
    const rank = out.shape.length;
    const half = [...out.shape.slice(0, -1), out.shape[rank - 1]! / 2];
    const step = x!.strides[rank - 1]!;
    const pairs = {
      slot: slotOf(x!),
      offset: x!.offset,
      strides: [...x!.strides.slice(0, -1), 2 * step, 0],
    };
    const angle = (view: View): Strided => {
      const { slot: values, offset, strides } = strided(view, half);
      return { slot: values, offset, strides: [...strides, 0] };
    };
    const text = `
const even = x0[p0];
const odd = x0[p0 + step];
if (c${rank} > 0.5) { return even * x2[p2] + odd * x1[p1]; }
return even * x1[p1] - odd * x2[p2];`;
    place(device, slot, [...half, 2], [pairs, angle(cosine!), angle(sine!)], "rotatePairs", text, { step });
    return true;
  }),
};
