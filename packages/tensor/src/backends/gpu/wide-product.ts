// Matrix products on WebGPU, four elements of a row to a thread: one read of the left factor serves four products. The
// threads have the axes column, row and batch, in groups of 8 x 8, so that neighbours read the same rows and columns,
// and all positions are integers. The sums have the order of the plain kernel. Read next: convolution.ts.

import { type Shape, sizeOf } from "../../shape.ts";
import type { Device, Program } from "./device.ts";
import { collapse, type Strided } from "./kernel-text.ts";
import type { Slot } from "./slot.ts";

/** How far factors lead along the inner axis. */
export interface ProductSteps {
  readonly inner: number;
  readonly stepA: number;
  readonly stepB: number;
}

/** What scores of attention are beyond a product: a factor, and -Infinity where a column is behind its row. */
export interface ScoreOptions {
  readonly scale: number;
  readonly causal: boolean;
  /** The row that the first one is, if the scores are a part of more. */
  readonly firstRow: number;
}

/** Smaller results leave most threads of a group without work. */
const LEAST_ROWS = 8;
const LEAST_COLUMNS = 16;

/** Groups along an axis, as all of WebGPU allows. */
const MOST_GROUPS = 65535;

/**
 * Fills `out` of `shape` [.., m, n]; `inputs` are seen from the places of the result, as in `product`.
 *
 * @returns false if the plain kernel must do it
 */
export function wideProduct(
  device: Device,
  out: Slot,
  shape: Shape,
  inputs: readonly Strided[],
  { inner, stepA, stepB }: ProductSteps,
  scores: ScoreOptions | null = null,
): boolean {
  const [rows = 1, columns = 1] = shape.slice(-2);
  if (shape.length < 2 || device.mode !== "webgpu") return false;
  if (rows < LEAST_ROWS || columns < LEAST_COLUMNS || columns % 4 !== 0) return false;
  const batch = collapse(shape.slice(0, -2), inputs);
  const rank = batch.shape.length;
  const count = sizeOf(batch.shape);
  if (rank > 2 || count > MOST_GROUPS || rows > 8 * MOST_GROUPS) return false;
  const biased = inputs.length === 3;
  const integers = [...batch.shape, inner, stepA, stepB];
  if (scores?.causal) integers.push(scores.firstRow);
  inputs.forEach(({ offset, strides }, k) => {
    integers.push(offset, ...strides.slice(-2), ...batch.inputs[k]!.strides);
  });
  device.launch({
    kernel: device.program(`wideProduct/${rank}/${inputs.length}/${scores?.causal}`, () =>
      program(rank, biased, scores),
    ),
    inputs: inputs.map(({ slot }) => slot),
    integers,
    floats: { scale: scores?.scale ?? 1, inf: Number.POSITIVE_INFINITY },
    out,
    threads: [columns / 4, rows, count],
  });
  return true;
}

const LANES = [0, 1, 2, 3];
const forLanes = (text: (lane: number) => string): string => LANES.map(text).join("\n");

/**
 * Whatever gpu.js stores in a variable is a float, except where a loop counts: so positions are spelled out at each
 * read, which leaves them integers (to convert one costs a GPU more than a product), and of two axes of the batch the
 * first is found by counting.
 */
function program(rank: number, biased: boolean, scores: ScoreOptions | null): Program {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const arrays = biased ? 3 : 2;
  const integers = [...axes.map((axis) => `n${axis}`), "inner", "stepA", "stepB"];
  if (scores?.causal) integers.push("firstRow");
  for (let k = 0; k < arrays; k++) {
    integers.push(`o${k}`, `row${k}`, `column${k}`, ...axes.map((axis) => `s${k}_${axis}`));
  }
  const batch = (k: number): string =>
    ["", ` + this.thread.z * s${k}_0`, ` + c * s${k}_0 + (this.thread.z - c * n1) * s${k}_1`][rank]!;
  const place = (k: number): string =>
    `o${k} + this.thread.y * row${k} + this.thread.x * 4 * column${k}${batch(k)}`;
  const product = `
for (let j = 0; j < inner; j++) {
const a = x0[${place(0)} + j * stepA];
${forLanes((lane) => `s${lane} = s${lane} + a * x1[${place(1)} + j * stepB + column1 * ${lane}];`)}
}
${scores === null ? "" : forLanes((lane) => `s${lane} = s${lane} * scale;`)}
${biased ? forLanes((lane) => `s${lane} = s${lane} + x2[${place(2)} + column2 * ${lane}];`) : ""}
${scores?.causal ? forLanes((lane) => `if (this.thread.x * 4 + ${lane} > this.thread.y + firstRow) { s${lane} = 0 - inf; }`) : ""}`;
  const found =
    rank < 2
      ? product
      : `for (let c = 0; c < n0; c++) {
if (c * n1 <= this.thread.z) { if (this.thread.z < c * n1 + n1) {${product}
} } }`;
  const body = `
${forLanes((lane) => `let s${lane} = 0.5;\ns${lane} = 0;`)}
${found}
return [${LANES.map((lane) => `s${lane}`).join(", ")}];`;
  const floats = [...(scores === null ? [] : ["scale"]), ...(scores?.causal ? ["inf"] : [])];
  return { arrays, integers, floats, body, rank: 3 };
}
