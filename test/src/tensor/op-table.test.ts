// Every op of the table, on every backend, through every kind of view: contiguous, permuted, sliced with
// negative steps, broadcast, rank 0 and size 0, against oracles written element by element.
import {
  arange,
  type Backend,
  broadcastTo,
  type DType,
  explain,
  type Kernel,
  permute,
  type Storage,
  slice,
  type Tensor,
  tensor,
  toBackend,
  withBackend,
} from "@echo-ts/tensor";
import { OPS, type Op, type Trace } from "@echo-ts/tensor/internal";
import t from "tap";
import { everyBackend } from "./every-backend.ts";
import { at, build, type Grid } from "./naive.ts";
import { dense, distance, filled, NAMES, rowsOf, shapeSets, TOLERANCE } from "./op-inputs.ts";
import type { Row } from "./op-row.ts";

/** An input: its values, and a tensor that holds them in some layout. */
interface Input {
  readonly grid: Grid;
  readonly tensor: Tensor;
}

/** The ways to lay out the same values. */
const LAYOUTS: Readonly<Record<string, (grid: Grid, dtype: DType) => Input>> = {
  contiguous: (grid, dtype) => ({ grid, tensor: dense(grid, dtype) }),
  permuted: (grid, dtype) => {
    const turned = build([...grid.shape].reverse(), (...index) => at(grid, ...index.reverse()));
    return { grid, tensor: permute(dense(turned, dtype), [...grid.shape.keys()].reverse()) };
  },
  sliced: (grid, dtype) => {
    // Every other element, backwards, of a larger array; what lies between must not be read.
    const junk = dtype === "int32" ? 1_000_000 : dtype === "bool" ? 1 : Number.NaN;
    const larger = build(
      grid.shape.map((n) => 2 * n + 1),
      (...index) => {
        const from = index.map((k, axis) => (2 * grid.shape[axis]! - 1 - k) / 2);
        return from.every((k, axis) => Number.isInteger(k) && k >= 0 && k < grid.shape[axis]!)
          ? at(grid, ...from)
          : junk;
      },
    );
    return {
      grid,
      tensor: slice(
        dense(larger, dtype),
        grid.shape.map(() => ({ start: -2, step: -2 })),
      ),
    };
  },
  broadcast: (grid, dtype) => {
    // The first axis that can be is one value stretched, and the oracle sees the stretched values.
    const axis = grid.shape.findIndex((n) => n > 1);
    if (axis < 0) return { grid, tensor: dense(grid, dtype) };
    const one = build(
      grid.shape.map((n, i) => (i === axis ? 1 : n)),
      (...index) => at(grid, ...index),
    );
    const stretched = build(grid.shape, (...index) => at(grid, ...index.map((k, i) => (i === axis ? 0 : k))));
    return { grid: stretched, tensor: broadcastTo(dense(one, dtype), grid.shape) };
  },
};

/** Runs one row on inputs and says what is wrong with the result, or nothing. */
async function mismatch(
  row: Row,
  inputs: readonly Input[],
  expected: Grid,
  dtype: DType,
): Promise<string | null> {
  const actual = row.call(...inputs.map((x) => x.tensor));
  if (`${actual.shape}` !== `${expected.shape}`)
    return `shape [${actual.shape}], expected [${expected.shape}]`;
  const values = await actual.data();
  if (values.length !== expected.data.length) return `${values.length} elements of ${expected.data.length}`;
  const d = distance(values, expected.data);
  return d <= Math.max(TOLERANCE[dtype], row.tolerance ?? 0)
    ? null
    : `off by ${d} of the largest value (${dtype})`;
}

t.test("the test table names every op of the op table", async (t) => {
  t.same(NAMES.toSorted(), Object.keys(OPS).toSorted());
  for (const op of NAMES)
    for (const row of rowsOf(op)) {
      t.ok(row.shapes.length > 0, op);
      if (typeof row.scalar === "string") t.match(row.scalar, "[]", `${op}: rank 0`);
      for (const shapes of row.empty) t.match(shapes, /\b0\b/, `${op}: size 0`);
    }
});

for (const backend of await everyBackend()) {
  t.test(`every op through every kind of view on ${backend.name}`, async (t) => {
    let ran = 0;
    for (const op of NAMES) {
      const wrong: string[] = [];
      for (const row of rowsOf(op)) {
        for (const dtype of ["float32", "float64", ...(row.ints ? (["int32"] as const) : [])] as const) {
          for (const { what, shapes } of shapeSets(row)) {
            const values = filled(op, row, shapes, dtype);
            const plain = row.naive(...values.map((v) => v.grid));
            for (const layout of Object.keys(LAYOUTS)) {
              // All inputs laid out that way, and only the first one.
              for (const others of new Set([layout, "contiguous"])) {
                const inputs = withBackend(backend, () =>
                  values.map((v, i) => LAYOUTS[i === 0 ? layout : others]!(v.grid, v.dtype)),
                );
                // Only broadcasting changes the values.
                const same = inputs.every((input, i) => input.grid === values[i]!.grid);
                const expected = same ? plain : row.naive(...inputs.map((x) => x.grid));
                const problem = await withBackend(backend, () => mismatch(row, inputs, expected, dtype));
                ran++;
                if (problem !== null)
                  wrong.push(`${shapes.map((s) => `[${s}]`)} ${what} ${layout}: ${problem}`);
              }
            }
          }
        }
      }
      t.same(wrong, [], op);
    }
    t.ok(ran > 4000, `${ran} combinations`);
  });
}

/** A storage on plain memory that belongs to another backend. */
function hostStorage(backend: Backend, dtype: DType, data: Storage["data"]): Storage {
  return { backend, dtype, data, length: data.length, owner: null, closedBy: null, version: 0 };
}

/** A backend that has no kernel but one, which takes notes and declines. */
function spy(op: Op | null, notes: string[]): Backend {
  const kernel: Kernel<Op> = (out) => {
    notes.push(`${out.storage.dtype} [${out.shape}]`);
    return false;
  };
  const backend: Backend = {
    name: "spy",
    host: true,
    kernels: op === null ? {} : { [op]: kernel },
    allocate: (dtype, length) =>
      hostStorage(backend, dtype, tensor(new Float64Array(length), { dtype }).dataSync()),
    upload: (dtype, data) => hostStorage(backend, dtype, data),
    read: async (storage) => storage.data.slice(),
  };
  return backend;
}

t.test("the table's shape and dtype rules agree with what is computed", async (t) => {
  for (const op of NAMES) {
    const notes: string[] = [];
    const backend = spy(op, notes);
    const results: string[] = [];
    for (const row of rowsOf(op)) {
      for (const dtype of ["float32", "float64", ...(row.ints ? (["int32"] as const) : [])] as const) {
        for (const { shapes } of shapeSets(row)) {
          const inputs = filled(op, row, shapes, dtype);
          notes.length = 0;
          const recorded: string[] = [];
          const trace: Trace = {
            grad: null,
            recordsWhole: () => true,
            backward: () => {},
            record: (name, given, params, output) => {
              output.trace = trace;
              const spec = OPS[name];
              const rule = `${spec.dtype(given, params)} [${spec.shape(given, params, name)}]`;
              if (rule !== `${output.dtype} [${output.shape}]`) results.push(`${name}: rule says ${rule}`);
              recorded.push(name);
            },
          };
          const tensors = withBackend(backend, () => inputs.map((v) => dense(v.grid, v.dtype)));
          tensors[0]!.trace = trace;
          const y = withBackend(backend, () => {
            row.call(...tensors);
            // Once more as a plain value: a fused op may choose to be composed where gradients are wanted.
            tensors[0]!.trace = null;
            return row.call(...tensors);
          });
          const fused = OPS[op].kind === "fused";
          if (fused && notes.length > 0 && !notes.includes(`${y.dtype} [${y.shape}]`))
            results.push(`${notes[0]} announced, ${y.dtype} [${y.shape}] computed`);
          const skipped = dtype === "int32" && (op === "floor" || op === "round"); // the identity on integers
          // Under a gradient, attention keeps its weights on backends without a kernel for its backward pass.
          const kept = op === "attention" && recorded.includes("attentionWeights");
          if (notes.length === 0 && !recorded.includes(op) && !skipped && !kept)
            results.push(`${op} was not reached`);
        }
      }
    }
    t.same([...new Set(results)], [], op);
  }
});

t.test("a backend without kernels computes everything by falling back, and says so", async (t) => {
  const backend = spy(null, []);
  explain({ reset: true });
  const x = withBackend(backend, () => arange(6).reshape([2, 3]));
  t.equal(x.softmax().sum().backend, backend);
  const report = explain({ reset: true });
  t.match(
    report.find((line) => line.op === "softmax"),
    { backend: "spy", op: "softmax", dtype: "float32", count: 1 },
    "a fused op computed by its definition",
  );
  t.match(
    report.find((line) => line.op === "exp"),
    { backend: "spy", count: 1 },
    "a primitive without a kernel",
  );
  t.same(explain(), []);
  withBackend("reference", () => arange(6).softmax());
  t.same(explain(), [], "the reference backend's own definitions are no fallbacks");
  const moved = await toBackend(x, "reference");
  t.equal(moved.backend.name, "reference");
  t.same(moved.toArray(), arange(6).reshape([2, 3]).toArray());
  t.equal(await toBackend(moved, "reference"), moved);
});
