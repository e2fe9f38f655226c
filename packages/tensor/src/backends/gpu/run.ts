// The patterns that most kernels follow: map (each element from the elements at its place) and reduce (each
// element from a run of elements). A kernel gives the text of what is computed; layouts, launch and memory
// are the same for all. Read next: elementwise.ts.

import type { Kernel, View } from "../../backend.ts";
import { BackendError } from "../../errors.ts";
import type { Op, OpParams } from "../../op-table.ts";
import { type Shape, sizeOf } from "../../shape.ts";
import type { Device, Program } from "./device.ts";
import {
  collapse,
  coordinates,
  dense,
  layoutNames,
  layoutValues,
  positions,
  type Strided,
  slotOf,
} from "./kernel-text.ts";
import { EXACT_LIMIT, Slot } from "./slot.ts";
import type { GpuStorage } from "./storage.ts";

/** Floats that a text uses by name; `inf` and `nan` are always there, for no shading language has literals for them. */
export type Floats = Readonly<Record<string, number>>;

const SPECIAL: Floats = { inf: Number.POSITIVE_INFINITY, nan: Number.NaN };

/** The names of values a, b, c, ... of the inputs at the place of an element. */
export const LETTERS = "abcdefg";

/** Most arrays that a WebGPU kernel may read. */
export const MOST_INPUTS = 7;

const used = (text: string, floats: Floats): string[] =>
  Object.keys(floats).filter((name) => new RegExp(`\\b${name}\\b`).test(text));

const load = (count: number): string =>
  Array.from({ length: count }, (_, k) => `const ${LETTERS[k]} = x${k}[p${k}];`).join("\n");

/** The device that an output lives on. */
export const deviceOf = (out: View): Device => (out.storage as GpuStorage).device;

/**
 * Fills `out` with the value of `text`, statements that return something of a, b, c, ... and named floats. Texts of
 * one name are the same.
 */
export function map(
  device: Device,
  out: Slot,
  shape: Shape,
  inputs: readonly Strided[],
  name: string,
  text: string,
  floats: Floats = {},
): void {
  const space = collapse(shape, inputs);
  const rank = space.shape.length;
  const count = inputs.length;
  const all = { ...SPECIAL, ...floats };
  device.launch({
    kernel: device.program(`map/${name}/${rank}/${count}`, () => ({
      arrays: count,
      integers: layoutNames(rank, count),
      floats: used(text, all),
      body: [coordinates(rank), positions(rank, count), load(count), text].join("\n"),
    })),
    inputs: inputs.map((input) => input.slot),
    integers: layoutValues(space.shape, space.inputs),
    floats: all,
    out,
  });
}

/** A kernel whose text knows coordinates c0, c1, ... and positions p0, p1, ..., and loads by itself. */
export function place(
  device: Device,
  out: Slot,
  shape: Shape,
  inputs: readonly Strided[],
  name: string,
  text: string,
  integers: Readonly<Record<string, number>> = {},
  floats: Floats = {},
): void {
  const rank = shape.length;
  const count = inputs.length;
  const all = { ...SPECIAL, ...floats };
  device.launch({
    kernel: device.program(`place/${name}/${rank}/${count}`, () => ({
      arrays: count,
      integers: [...layoutNames(rank, count), ...Object.keys(integers)],
      floats: used(text, all),
      body: [coordinates(rank), positions(rank, count), text].join("\n"),
    })),
    inputs: inputs.map((input) => input.slot),
    integers: [...layoutValues(shape, inputs), ...Object.values(integers)],
    floats: all,
    out,
  });
}

/**
 * Memory for a step between two kernels; give it back with `device.drop`.
 *
 * @throws BackendError if it has more elements than kernels can count
 */
export function temporary(length: number): Slot {
  if (length > EXACT_LIMIT) {
    throw new BackendError(
      `gpu: a step of this op has ${length} elements, expected at most ${EXACT_LIMIT}; split the batch, or compute on another backend (await toBackend)`,
    );
  }
  return new Slot("float32", length);
}

/** How a run of elements becomes one. */
export interface Fold {
  readonly name: string;
  readonly start: string;
  /** What happens for each element value `v`. */
  readonly step: string;
  readonly end: string;
}

export const SUM: Fold = {
  name: "sum",
  start: "let total = 0.5; total = 0;",
  step: "total = total + v;",
  end: "return total;",
};

/** NaN wins; comparisons rather than Math.max, which drops NaN on some devices. */
export const MAX: Fold = {
  name: "max",
  start: "let top = 0.5; top = 0 - inf; let odd = 0.5; odd = 0;",
  step: "if (v > top) { top = v; } else { if (v <= top) { } else { odd = 1; } }",
  end: "if (odd > 0) { return nan; } return top;",
};

/** Runs longer than this are split, so that more threads share the work and rounding errors stay small. */
const LONGEST_RUN = 512;

/**
 * Fills `out`, of the shape of the first `kept` axes, by folding `value`, an expression of a, b, c, ..., over
 * the axes of `shape` behind them.
 */
export function reduce(
  device: Device,
  out: Slot,
  shape: Shape,
  kept: number,
  inputs: readonly Strided[],
  name: string,
  fold: Fold,
  value: string,
  floats: Floats = {},
): void {
  const part = (from: number, to: number | undefined): { shape: number[]; inputs: Strided[] } =>
    collapse(
      shape.slice(from, to),
      inputs.map((input) => ({ ...input, strides: input.strides.slice(from, to) })),
    );
  const outer = part(0, kept);
  const inner = part(kept, undefined);
  const longest = inner.shape.indexOf(Math.max(...inner.shape));
  const length = inner.shape[longest] ?? 1;
  if (length <= LONGEST_RUN) {
    launchFold(device, out, outer, inner, name, fold, value, floats);
    return;
  }
  // Every parts-th element goes into one part; parts then fold like elements.
  const parts = Math.ceil(Math.sqrt(length));
  const rows = sizeOf(outer.shape);
  const steps = temporary(rows * parts);
  const split = {
    shape: [...outer.shape, parts],
    inputs: outer.inputs.map((input, k) => ({
      ...input,
      strides: [...input.strides, inner.inputs[k]!.strides[longest]!],
    })),
  };
  launchFold(device, steps, split, inner, name, fold, value, floats, { axis: longest, parts });
  const again = dense(steps, [rows, parts]);
  reduce(device, out, [rows, parts], 1, [again], "parts", fold, "a", {});
  device.drop(steps);
}

interface Space {
  readonly shape: readonly number[];
  readonly inputs: readonly Strided[];
}

function launchFold(
  device: Device,
  out: Slot,
  outer: Space,
  inner: Space,
  name: string,
  fold: Fold,
  value: string,
  floats: Floats,
  split: { axis: number; parts: number } | null = null,
): void {
  const rank = outer.shape.length;
  const count = inner.inputs.length;
  const all = { ...SPECIAL, ...floats };
  const values = layoutValues(outer.shape, outer.inputs);
  inner.shape.forEach((size, axis) => {
    // A split axis is run through in steps of `parts`, from the place of the part.
    const [rounds, step] =
      split?.axis === axis ? [Math.ceil(size / split.parts), split.parts] : ([size, 1] as const);
    values.push(rounds, ...inner.inputs.map(({ strides }) => strides[axis]! * step));
  });
  if (split !== null) values.push(inner.shape[split.axis]!, split.parts);
  const splitName = split === null ? "" : `/split${split.axis}`;
  device.launch({
    kernel: device.program(
      `reduce/${name}/${rank}/${inner.shape.length}/${count}${splitName}/${fold.name}`,
      () => foldProgram(rank, inner.shape.length, count, fold, value, split?.axis ?? null, all),
    ),
    inputs: inner.inputs.map((input) => input.slot),
    integers: values,
    floats: all,
    out,
  });
}

/** One element per place of `outer` axes, folded over `inner` axes, one of which may be split. */
function foldProgram(
  outer: number,
  inner: number,
  count: number,
  fold: Fold,
  value: string,
  splitAxis: number | null,
  floats: Floats,
): Program {
  const axes = Array.from({ length: inner }, (_, axis) => axis);
  const each = Array.from({ length: count }, (_, k) => k);
  const integers = layoutNames(outer, count);
  for (const axis of axes) integers.push(`m${axis}`, ...each.map((k) => `r${k}_${axis}`));
  if (splitAxis !== null) integers.push("whole", "parts");
  const loops = axes.map((axis) => `for (let j${axis} = 0; j${axis} < m${axis}; j${axis}++) {`);
  const at = each.map((k) => `x${k}[p${k}${axes.map((axis) => ` + j${axis} * r${k}_${axis}`).join("")}]`);
  const visit = [
    ...at.map((element, k) => `const ${LETTERS[k]} = ${element};`),
    `const v = ${value};`,
    fold.step,
  ].join("\n");
  const guarded =
    splitAxis === null ? visit : `if (c${outer - 1} + j${splitAxis} * parts < whole) {\n${visit}\n}`;
  return {
    arrays: count,
    integers,
    floats: used(`${fold.start}${fold.end}${value}`, floats),
    body: [
      coordinates(outer),
      positions(outer, count),
      fold.start,
      ...loops,
      guarded,
      ...loops.map(() => "}"),
      fold.end,
    ].join("\n"),
  };
}

/** What may differ between kernels in what they take. */
export interface Taken {
  /** Takes integers and truth values too; they are only moved or compared, never added up. */
  readonly integers?: boolean;
}

const isReady = (view: View): boolean => slotOf(view).host !== null;

/**
 * Wraps a kernel in the test of what the device can take: no float64, no integers that float32 would change,
 * nothing empty, nothing too long to count. Small integer work whose inputs are in host memory stays there.
 */
export function kernel<P extends Op>(
  body: (device: Device, out: View, inputs: readonly View[], params: OpParams[P], slot: Slot) => boolean,
  { integers = false }: Taken = {},
): Kernel<P> {
  return (out, inputs, params) => {
    const { dtype } = out.storage;
    if (out.storage.length === 0 || out.storage.length > EXACT_LIMIT) return false;
    for (const { storage, shape } of inputs) {
      if (storage.length > EXACT_LIMIT || sizeOf(shape) === 0) return false;
    }
    if (dtype !== "float32") {
      if (dtype === "float64" || !integers) return false;
      if (inputs.every(isReady) && inputs.every(({ storage }) => storage.dtype !== "float32")) return false;
    }
    if (inputs.some((input) => !slotOf(input).exact)) return false;
    const storage = out.storage as GpuStorage;
    return body(storage.device, out, inputs, params, storage.beginWrite());
  };
}
