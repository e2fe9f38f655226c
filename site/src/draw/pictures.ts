// What readers' code can show besides text: lines, images of matrices, the graph behind a loss. A picture is data until
// it is drawn, so that a worker can send it. Read next: chart.ts, matrix-image.ts, graph-picture.ts.
import { drawChart, type Line } from "./chart.ts";
import { drawGraph } from "./graph-picture.ts";
import { drawMatrix } from "./matrix-image.ts";

/** One picture. */
export type Picture =
  | { readonly kind: "chart"; readonly title: string; readonly lines: readonly Line[] }
  | { readonly kind: "matrix"; readonly title: string; readonly rows: readonly (readonly number[])[] }
  | { readonly kind: "graph"; readonly title: string; readonly dot: string };

/** Lists of numbers as readers have them: arrays, typed arrays, tensors. */
type Numbers = ArrayLike<number> | { toArray(): unknown };

function plain(values: unknown): unknown {
  const tensor = values as { toArray?: () => unknown } | null;
  if (typeof tensor?.toArray === "function") return tensor.toArray();
  return Array.isArray(values) ? values.map(plain) : values;
}

function listOf(who: string, values: unknown): number[] {
  const list = Array.from(plain(values) as ArrayLike<number>);
  if (list.length === 0 || !list.every((x) => typeof x === "number"))
    throw new Error(`${who}: expected a list of numbers or a tensor of rank 1`);
  return list;
}

/** The functions, each of which hands a picture to `show`. */
export interface Drawing {
  /** Lines: one list, or a record of lists by name. */
  plot(values: Numbers | Readonly<Record<string, Numbers>>, title?: string): void;
  /** A matrix as an image, its first row on top. */
  image(matrix: Numbers | readonly Numbers[], title?: string): void;
  /** The graph behind a loss, from `toDot(loss)` of @echo-ts/autograd. */
  drawTape(dot: string, title?: string): void;
}

/** What `runCode` gives to the code. */
export function pictures(show: (picture: Picture) => void): Drawing {
  return {
    plot(values, title = "") {
      const single = Array.isArray(values) || ArrayBuffer.isView(values) || "toArray" in values;
      const named = single ? { "": values } : (values as Readonly<Record<string, Numbers>>);
      const lines = Object.entries(named).map(([name, list]) => ({ name, values: listOf("plot", list) }));
      show({ kind: "chart", title, lines });
    },
    image(matrix, title = "") {
      const rows = Array.from(plain(matrix) as ArrayLike<unknown>, (row) => listOf("image", row));
      show({ kind: "matrix", title, rows });
    },
    drawTape(dot, title = "") {
      if (typeof dot !== "string") throw new Error("drawTape: expected the text of toDot(loss)");
      show({ kind: "graph", title, dot });
    },
  };
}

/** A picture as SVG under its title. */
export function pictureSvg(picture: Picture): string {
  if (picture.kind === "chart") return drawChart(picture.lines, picture.title);
  if (picture.kind === "matrix") return drawMatrix(picture.rows, picture.title);
  return drawGraph(picture.dot, picture.title);
}
