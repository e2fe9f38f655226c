// Draws what `backward` would go through: as numbered lines of text, or in the language of Graphviz.

import { formatShape, type Tensor } from "@echo-ts/tensor";
import { checkTensors } from "@echo-ts/tensor/internal";
import { GradientError } from "./errors.ts";
import { type Node, nodeOf } from "./node.ts";

/** One value of a graph: an op's result, a variable or a constant. */
interface Value {
  readonly id: number;
  readonly kind: "op" | "variable" | "constant";
  /** Name of the op, of the variable, or of nothing. */
  readonly label: string;
  /** Parameters of the op, as text. */
  readonly detail: string;
  /** Shape and dtype. */
  readonly type: string;
  readonly inputs: readonly number[];
}

const typeOf = (x: Tensor): string => `${formatShape(x.shape)} ${x.dtype}`;

/** Numbers and lists of a node's parameters, such as `axes [0], keepDims`; the target shape of a view says nothing new. */
function detailOf({ params, op }: Node): string {
  if (params === null || op === "reshape" || op === "broadcastTo") return "";
  return Object.entries(params as Readonly<Record<string, unknown>>)
    .filter(([, value]) => value !== undefined && value !== false && value !== null)
    .map(([key, value]) => (value === true ? key : `${key} ${JSON.stringify(value)}`))
    .join(", ");
}

/** Everything that `loss` was computed from, each value once, in an order in which it could be computed. */
function valuesOf(who: string, loss: Tensor): Value[] {
  checkTensors(who, { loss });
  const root = nodeOf(loss);
  if (root === null) {
    throw new GradientError(
      `${who}: the tensor was not computed from a variable, or \`backward\` has dropped its graph`,
    );
  }
  const values: Value[] = [];
  const known = new Map<object, number>();
  const stack: { x: Tensor; entered: boolean }[] = [{ x: loss, entered: false }];
  // No recursion: a graph may be deeper than the stack of calls.
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const node = nodeOf(top.x);
    const key = node ?? top.x;
    if (known.has(key)) {
      stack.pop();
    } else if (!top.entered && node !== null) {
      top.entered = true;
      for (let i = node.inputs.length - 1; i >= 0; i--) stack.push({ x: node.inputs[i]!, entered: false });
    } else {
      stack.pop();
      known.set(key, values.length);
      const inputs = (node?.inputs ?? []).map((input) => known.get(nodeOf(input) ?? input)!);
      const kind = node === null ? "constant" : node.op === null ? "variable" : "op";
      const label = node === null ? "" : kind === "op" ? node.opName : node.name;
      const detail = node === null ? "" : detailOf(node);
      values.push({ id: values.length, kind, label, detail, type: typeOf(top.x), inputs });
    }
  }
  return values;
}

/**
 * The graph of a loss as text: one value a line, in the order of computation, with its shape and dtype. Call it
 * before `backward`, which drops the graph.
 *
 * @throws GradientError if the tensor has no graph
 * @example
 * const w = variable([1, 2]);
 * console.log(graphText(sum(mul(w, w))));
 * // %0 = variable [2] float32
 * // %1 = mul(%0, %0) [2] float32
 * // %2 = sum(%1) axes [0] [] float32
 */
export function graphText(loss: Tensor): string {
  return valuesOf("graphText", loss)
    .map(({ id, kind, label, detail, type, inputs }) => {
      const what = kind === "op" ? `${label}(${inputs.map((i) => `%${i}`).join(", ")})` : kind;
      const name = kind === "variable" && label !== "" ? ` ${label}` : "";
      return `%${id} = ${what}${name}${detail === "" ? "" : ` ${detail}`} ${type}`;
    })
    .join("\n");
}

const COLOURS = { op: "white", variable: "lightblue", constant: "lightgrey" } as const;
const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;

/**
 * The graph of a loss in the language of Graphviz, which draws it: `dot -Tsvg`, or a page such as
 * https://dreampuf.github.io/GraphvizOnline. Variables are blue, constants grey. Call it before `backward`.
 *
 * @throws GradientError if the tensor has no graph
 * @example writeFileSync("graph.dot", toDot(loss));
 */
export function toDot(loss: Tensor): string {
  const values = valuesOf("toDot", loss);
  const nodes = values.map(({ id, kind, label, detail, type }) => {
    const title = kind === "op" ? label : label === "" ? kind : `${kind} ${label}`;
    const lines = [title, detail, type]
      .filter((line) => line !== "")
      .map((line) => quoted(line).slice(1, -1));
    const shape = kind === "op" ? "box" : "ellipse";
    return `  n${id} [label="${lines.join("\\n")}", shape=${shape}, style=filled, fillcolor=${COLOURS[kind]}];`;
  });
  const edges = values.flatMap(({ id, inputs }) => inputs.map((input) => `  n${input} -> n${id};`));
  return ["digraph {", "  rankdir=TB;", '  node [fontname="sans-serif"];', ...nodes, ...edges, "}", ""].join(
    "\n",
  );
}
