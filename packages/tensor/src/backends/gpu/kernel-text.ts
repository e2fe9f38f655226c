// Source text of kernels, put together from a few patterns: find the coordinates of an element, from them
// its place in each strided input, then compute. All arrays are flat and all positions below 2^24, where
// float32 counts exactly; a quotient that a GPU rounds the wrong way is put right.

import type { View } from "../../backend.ts";
import { broadcastStrides, type Shape } from "../../shape.ts";
import type { Slot } from "./slot.ts";
import type { GpuStorage } from "./storage.ts";

/** An input of a kernel: its slot, and how its elements are found by coordinates. */
export interface Strided {
  readonly slot: Slot;
  readonly offset: number;
  /** One per axis of the kernel's space. */
  readonly strides: readonly number[];
}

/** The slot of a view. */
export const slotOf = (view: View): Slot => (view.storage as GpuStorage).slot;

/** A view read as if it had the larger shape `shape`. */
export function strided(view: View, shape: Shape = view.shape): Strided {
  return {
    slot: slotOf(view),
    offset: view.offset,
    strides: broadcastStrides(view.shape, view.strides, shape),
  };
}

/** A dense array of `shape`. */
export function dense(slot: Slot, shape: Shape, axes: readonly number[] = shape.map((_, i) => i)): Strided {
  // Strides of a row-major array over `axes`; 0 along all others.
  const strides = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    strides[axes[i]!] = step;
    step *= shape[axes[i]!]!;
  }
  return { slot, offset: 0, strides };
}

/** A space with as few axes as possible: axes of size 1 are dropped, and neighbours that all inputs run through evenly become one. */
export function collapse(shape: Shape, inputs: readonly Strided[]): { shape: number[]; inputs: Strided[] } {
  const sizes: number[] = [];
  const strides: number[][] = inputs.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    const merges = last >= 0 && inputs.every((input, k) => strides[k]![last] === input.strides[axis]! * size);
    if (merges) sizes[last]! *= size;
    else sizes.push(size);
    inputs.forEach((input, k) => {
      if (merges) strides[k]![last] = input.strides[axis]!;
      else strides[k]!.push(input.strides[axis]!);
    });
  }
  return { shape: sizes, inputs: inputs.map((input, k) => ({ ...input, strides: strides[k]! })) };
}

/** Statements that set c0, c1, ... to the coordinates of element this.thread.x in a space of `rank` axes n0, n1, ... */
export function coordinates(rank: number): string {
  if (rank === 0) return "";
  const lines: string[] = [];
  let rest = "this.thread.x";
  for (let axis = rank - 1; axis > 0; axis--) {
    lines.push(
      `let t${axis} = Math.floor((${rest} + 0.5) / n${axis});`,
      `if (t${axis} * n${axis} > ${rest}) { t${axis} = t${axis} - 1; }`,
      `if ((t${axis} + 1) * n${axis} <= ${rest}) { t${axis} = t${axis} + 1; }`,
      `const c${axis} = ${rest} - t${axis} * n${axis};`,
    );
    rest = `t${axis}`;
  }
  lines.push(`const c0 = ${rest};`);
  return lines.join("\n");
}

/** Statements that set p0, p1, ... to the positions of the inputs at the coordinates. */
export function positions(rank: number, count: number): string {
  const lines: string[] = [];
  for (let k = 0; k < count; k++) {
    const terms = Array.from({ length: rank }, (_, axis) => ` + c${axis} * s${k}_${axis}`);
    lines.push(`const p${k} = o${k}${terms.join("")};`);
  }
  return lines.join("\n");
}

/** Names of the integers that `coordinates` and `positions` speak of: sizes, then offset and strides of each input. */
export function layoutNames(rank: number, count: number): string[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const inputs = Array.from({ length: count }, (_, k) => [`o${k}`, ...axes.map((axis) => `s${k}_${axis}`)]);
  return [...axes.map((axis) => `n${axis}`), ...inputs.flat()];
}

/** Their values. */
export function layoutValues(shape: Shape, inputs: readonly Strided[]): number[] {
  const values = [...shape];
  for (const { offset, strides } of inputs) {
    values.push(offset);
    for (let axis = 0; axis < shape.length; axis++) values.push(strides[axis]!);
  }
  return values;
}
