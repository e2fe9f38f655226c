// Laying traces of the same function at different sizes over one another, from the results back to the inputs: what
// is left is one graph whose every value is known at each of the sizes. Ops that no result needs drop out here.
// Read next: sizes.ts.

import type { Op } from "@echo-ts/tensor/internal";
import { OnnxError } from "./onnx-error.ts";
import type { Call, Trace, Value } from "./trace.ts";

/** A value of the function: what it was in each trace, and what it was computed from. */
export interface Aligned {
  readonly values: readonly Value[];
  readonly inputs: readonly Aligned[];
}

/** The aligned values in an order in which they can be computed, and the results by name. */
export interface AlignedGraph {
  readonly order: readonly Aligned[];
  readonly outputs: ReadonlyMap<string, Aligned>;
}

const nameOf = ({ from }: Value): string => (from.kind === "call" ? `the op ${from.op}` : `a ${from.kind}`);

const inputsOf = ({ from }: Value): readonly Value[] => (from.kind === "call" ? from.inputs : []);

/** The op that computed an aligned value, or null. */
export function opOf({ values }: Aligned): Op | null {
  const { from } = values[0]!;
  return from.kind === "call" ? from.op : null;
}

/** Refuses values that were not computed alike. */
function checkAlike(values: readonly Value[], describe: (trace: number) => string): void {
  const first = values[0]!;
  values.forEach((other, k) => {
    const alike =
      nameOf(first) === nameOf(other) &&
      first.dtype === other.dtype &&
      first.shape.length === other.shape.length &&
      inputsOf(first).length === inputsOf(other).length;
    if (alike) return;
    throw new OnnxError(
      `exportOnnx: the function computes something else for other sizes or values: ${nameOf(first)} where ${describe(0)}, ${nameOf(other)} where ${describe(k)}; a graph has no loops and no branches, so make that axis fixed, or use an op in place of the loop`,
    );
  });
}

/**
 * Aligns traces.
 *
 * @param describe says for messages what a trace was made with, such as "batch is 2"
 * @throws OnnxError if the function did not compute the same in each
 */
export function align(traces: readonly Trace[], describe: (trace: number) => string): AlignedGraph {
  const order: Aligned[] = [];
  const known = new Map<Value, Aligned[]>();
  const find = (values: readonly Value[]): Aligned | undefined =>
    known.get(values[0]!)?.find((one) => one.values.every((value, k) => value === values[k]));
  const visit = (root: readonly Value[]): Aligned => {
    const stack: (readonly Value[])[] = [root];
    // No recursion: a graph may be deeper than the stack of calls.
    while (stack.length > 0) {
      const values = stack[stack.length - 1]!;
      if (find(values) !== undefined) {
        stack.pop();
        continue;
      }
      checkAlike(values, describe);
      const tuples = inputsOf(values[0]!).map((_, i) => values.map(({ from }) => (from as Call).inputs[i]!));
      const missing = tuples.filter((tuple) => find(tuple) === undefined);
      if (missing.length > 0) {
        stack.push(...missing.reverse());
        continue;
      }
      stack.pop();
      const aligned: Aligned = { values, inputs: tuples.map((tuple) => find(tuple)!) };
      known.set(values[0]!, [...(known.get(values[0]!) ?? []), aligned]);
      order.push(aligned);
    }
    return find(root)!;
  };
  const outputs = new Map<string, Aligned>();
  for (const name of traces[0]!.keys()) outputs.set(name, visit(traces.map((trace) => trace.get(name)!)));
  return { order, outputs };
}
