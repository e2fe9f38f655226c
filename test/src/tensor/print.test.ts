// Printing of strided views, against the text that NumPy's array2string gives.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { formatView, type PrintableView, type PrintOptions } from "../../../packages/tensor/dist/print.js";

interface Case {
  dtype: "float32" | "float64" | "int32" | "bool";
  shape: number[];
  /** Little-endian elements in hexadecimal. */
  data: string;
  options: PrintOptions;
  text: string;
}

// Written by NumPy itself: test/fixtures/numpy/make.py.
const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../fixtures/numpy/print.json"), "utf8"),
);

function viewOf({ dtype, shape, data: hex }: Case): PrintableView {
  const bytes = new Uint8Array(Buffer.from(hex, "hex"));
  const data =
    dtype === "bool"
      ? bytes
      : dtype === "int32"
        ? new Int32Array(bytes.buffer)
        : dtype === "float32"
          ? new Float32Array(bytes.buffer)
          : new Float64Array(bytes.buffer);
  return { data, dtype, shape, strides: rowMajor(shape), offset: 0 };
}

function rowMajor(shape: number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

for (const dtype of ["float64", "float32", "int32", "bool"]) {
  t.test(`${dtype} views print as in NumPy`, async (t) => {
    const own = cases.filter((x) => x.dtype === dtype);
    t.ok(own.length > 5);
    for (const one of own) {
      const title = `${JSON.stringify(one.shape)} ${JSON.stringify(one.options)} ${one.text.slice(0, 40)}`;
      t.equal(formatView(viewOf(one), one.options), one.text, title);
    }
  });
}

t.test("strides and offset are followed", async (t) => {
  const data = Int32Array.from({ length: 12 }, (_, i) => i);
  const print = (shape: number[], strides: number[], offset: number) =>
    formatView({ data, shape, strides, offset, dtype: "int32" });
  t.equal(print([2, 3], [1, 4], 1), "[[ 1  5  9]\n [ 2  6 10]]", "transposed");
  t.equal(print([3], [-4], 11), "[11  7  3]", "reversed");
  t.equal(print([2, 2], [0, 1], 5), "[[5 6]\n [5 6]]", "broadcast");
  t.equal(print([], [], 7), "7", "0-d");
  t.equal(print([2000], [0], 3), "[3 3 3 ... 3 3 3]", "only shown elements are visited");
});

t.test("a view with a zero size prints as [] whatever its data", async (t) => {
  t.equal(formatView({ data: [], shape: [2, 0], strides: [0, 1], offset: 9, dtype: "bool" }), "[]");
});

t.test("options out of range are named", async (t) => {
  const view: PrintableView = { data: [1], shape: [1], strides: [1], offset: 0, dtype: "float64" };
  const cases: [PrintOptions, string][] = [
    [{ precision: -1 }, "formatView: precision is -1, expected an integer in [0, 100]"],
    [{ threshold: 0.5 }, "formatView: threshold is 0.5, expected an integer in [0, 9007199254740991]"],
    [{ edgeItems: 0 }, "formatView: edgeItems is 0, expected an integer in [1, 9007199254740991]"],
    [{ lineWidth: Number.NaN }, "formatView: lineWidth is NaN, expected an integer in [1, 9007199254740991]"],
  ];
  for (const [options, message] of cases) t.throws(() => formatView(view, options), new RangeError(message));
});
