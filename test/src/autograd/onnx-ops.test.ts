// Every op of the table, written as an ONNX file and run by onnxruntime, against the oracles of the op table: a new op
// is tried here as soon as it has a row there. The runtime's own rewriting of graphs is off, so that what is compared is what is written.
import { exportOnnx } from "@echo-ts/autograd/onnx";
import type { DType, Tensor } from "@echo-ts/tensor";
import type { Op } from "@echo-ts/tensor/internal";
import t from "tap";
import { dense, distance, filled, NAMES, rowsOf, shapeSets, TOLERANCE } from "../tensor/op-inputs.ts";
import type { Row } from "../tensor/op-row.ts";
import { runOnnx } from "./onnx-session.ts";

/** What is wrong with the exported op on inputs, or nothing. */
async function mismatch(
  op: Op,
  row: Row,
  shapes: Parameters<typeof filled>[2],
  dtype: DType,
): Promise<string | null> {
  const values = filled(op, row, shapes, dtype);
  const inputs = Object.fromEntries(values.map(({ grid, dtype }, i) => [`x${i}`, dense(grid, dtype)]));
  const file = await exportOnnx((given: Record<string, Tensor>) => row.call(...Object.values(given)), inputs);
  const expected = row.naive(...values.map(({ grid }) => grid));
  const { output } = await runOnnx(file, inputs, "disabled");
  const computed = row.call(...Object.values(inputs));
  if (output!.dtype !== computed.dtype) return `${output!.dtype}, expected ${computed.dtype}`;
  if (`${output!.shape}` !== `${expected.shape}`) return `[${output!.shape}], expected [${expected.shape}]`;
  const d = distance(output!.dataSync(), expected.data);
  const tolerance = Math.max(2 * TOLERANCE[dtype], row.tolerance ?? 0);
  return d <= tolerance ? null : `off by ${d} of the largest value`;
}

/** What the format has and onnxruntime-web 1.30.0 lacks: these are written and not run. */
const NOT_IN_RUNTIME: Readonly<Record<string, RegExp>> = {
  float64: /implementation for (Erf|Asin|Acos|Atan|Sinh|Cosh|Asinh|Acosh|Atanh|Softplus|Conv)\(/,
  // TopK of no rows at all, and a product in which a batch of 1 meets one of 0.
  empty: /^divide by zero$|right operand cannot broadcast on dim 0/,
};

t.test("every op as onnxruntime computes it", async (t) => {
  let ran = 0;
  let left = 0;
  const wrong: string[] = [];
  for (const op of NAMES) {
    for (const row of rowsOf(op)) {
      for (const dtype of ["float32", "float64", ...(row.ints ? (["int32"] as const) : [])] as const) {
        for (const { shapes } of shapeSets(row)) {
          const what = `${op} ${shapes.map((s) => `[${s}]`)} ${dtype}`;
          const problem = await mismatch(op, row, shapes, dtype).catch((error: Error) => error.message);
          const gap = NOT_IN_RUNTIME[dtype]?.test(problem ?? "");
          const empty = shapes.flat().includes(0) && NOT_IN_RUNTIME.empty!.test(problem ?? "");
          if (gap || empty) {
            left++;
            continue;
          }
          ran++;
          if (problem !== null) wrong.push(`${what}: ${problem}`);
        }
      }
    }
  }
  t.same(wrong, []);
  t.ok(ran > 800 && left < 80, `${ran} files run, ${left} that the runtime has no kernel for`);
});
