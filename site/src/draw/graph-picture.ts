// The graph behind a loss, from the text of `toDot`: values in rows by their distance from the inputs, lines between them.
import { element, label, picture } from "./svg.ts";

interface Value {
  readonly id: string;
  readonly lines: readonly string[];
  readonly op: boolean;
  readonly variable: boolean;
  readonly inputs: string[];
  row: number;
}

const NODE = /^\s*(n\d+) \[label="((?:[^"\\]|\\.)*)", shape=(box|ellipse), style=filled, fillcolor=(\w+)/;
const EDGE = /^\s*(n\d+) -> (n\d+);/;

/** The values of a graph with their rows; toDot names each value after those it was computed from. */
function valuesOf(dot: string): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const line of dot.split("\n")) {
    const node = NODE.exec(line);
    const edge = EDGE.exec(line);
    if (node !== null) {
      const lines = node[2]!.split("\\n").map((text) => text.replace(/\\(.)/g, "$1"));
      values.set(node[1]!, {
        id: node[1]!,
        lines,
        op: node[3] === "box",
        variable: node[4] === "lightblue",
        inputs: [],
        row: 0,
      });
    } else if (edge !== null) values.get(edge[2]!)?.inputs.push(edge[1]!);
  }
  for (const value of values.values())
    for (const input of value.inputs) value.row = Math.max(value.row, (values.get(input)?.row ?? 0) + 1);
  return values;
}

const WIDTH = 150;
const HEIGHT = 58;

/**
 * The graph as SVG, inputs on top.
 *
 * @throws Error if the text holds no value
 */
export function drawGraph(dot: string, title: string): string {
  const values = valuesOf(dot);
  if (values.size === 0) throw new Error("drawTape: expected the text of toDot(loss)");
  const rows: Value[][] = [];
  for (const value of values.values()) {
    // An input stands right above what first uses it.
    const users = [...values.values()].filter(({ inputs }) => inputs.includes(value.id));
    if (!value.op && users.length > 0) value.row = Math.min(...users.map(({ row }) => row)) - 1;
    rows[value.row] ??= [];
    rows[value.row]!.push(value);
  }
  const most = Math.max(...rows.map((row) => row.length));
  const width = Math.max(most * (WIDTH + 20) + 20, 200);
  const top = title === "" ? 10 : 34;
  const places = new Map<string, readonly [x: number, y: number]>();
  rows.forEach((row, i) => {
    row.forEach((value, k) => {
      const x = width / 2 + (k - (row.length - 1) / 2) * (WIDTH + 20);
      places.set(value.id, [x, top + i * (HEIGHT + 34)]);
    });
  });
  const marks = [title === "" ? "" : label(10, 20, title, { "font-weight": 600 })];
  for (const { id, inputs } of values.values()) {
    const [x, y] = places.get(id)!;
    inputs.forEach((input, k) => {
      const [fromX, fromY] = places.get(input)!;
      const bend = inputs.filter((other) => other === input).length > 1 ? (k - 0.5) * 60 : 0;
      const d = `M${fromX} ${fromY + HEIGHT} Q${(fromX + x) / 2 + bend} ${(fromY + HEIGHT + y) / 2} ${x} ${y}`;
      marks.push(element("path", { d, fill: "none", stroke: "var(--soft)", "stroke-width": 1.5 }));
      marks.push(
        element("path", { d: `M${x - 5} ${y - 8}L${x} ${y}L${x + 5} ${y - 8}z`, fill: "var(--soft)" }),
      );
    });
  }
  for (const { id, lines, op, variable } of values.values()) {
    const [x, y] = places.get(id)!;
    marks.push(
      element("rect", {
        x: x - WIDTH / 2,
        y,
        width: WIDTH,
        height: HEIGHT,
        rx: op ? 3 : 24,
        fill: "var(--panel)",
        stroke: variable ? "var(--ours)" : "var(--line)",
        "stroke-width": variable ? 2.5 : 1,
      }),
    );
    lines.slice(0, 3).forEach((text, i) => {
      const at = y + HEIGHT / 2 + 5 + (i - (Math.min(lines.length, 3) - 1) / 2) * 16;
      const size = i === 0 ? { "font-weight": 600 } : { "font-size": 11 };
      marks.push(label(x, at, text, { "text-anchor": "middle", ...size }));
    });
  }
  const height = top + rows.length * (HEIGHT + 34) - 24;
  return picture(width, height, `${title || "Graph"}: ${values.size} values`, marks.join(""));
}
