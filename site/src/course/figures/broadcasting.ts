// Two shapes under the rule of broadcasting: which axes stretch, what comes out, or why nothing does.
import { arange, type Tensor } from "@echo-ts/tensor";
import { element, label, picture } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

const CELL = 34;

/** A matrix of numbers as boxes; those that stretching repeats are drawn with a dashed line. */
function boxes(x: Tensor, own: readonly number[], left: number, top: number, name: string): string {
  const [rows = 1, columns = 1] = x.shape;
  const values = [...x.dataSync()];
  const marks = [label(left, top - 8, name, { "font-weight": 600 })];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const repeated = i >= own[0]! || j >= own[1]!;
      const at = { x: left + j * CELL, y: top + i * CELL };
      marks.push(
        element("rect", {
          ...at,
          width: CELL - 3,
          height: CELL - 3,
          fill: "var(--ground)",
          stroke: repeated ? "var(--soft)" : "var(--ours)",
          "stroke-width": repeated ? 1 : 2,
          "stroke-dasharray": repeated ? "3 3" : "none",
        }),
        label(at.x + CELL / 2 - 2, at.y + 21, String(values[i * columns + j]), {
          "text-anchor": "middle",
          fill: repeated ? "var(--soft)" : "var(--ink)",
        }),
      );
    }
  return marks.join("");
}

function draw(settings: Settings): Drawn {
  const shapes = ["a", "b"].map((name) => [
    settings.number(`${name}-rows`),
    settings.number(`${name}-columns`),
  ]) as [number[], number[]];
  const [a, b] = shapes.map(([rows, columns], i) =>
    arange(rows! * columns!)
      .mul(i === 0 ? 10 : 1)
      .reshape([rows!, columns!]),
  ) as [Tensor, Tensor];
  const wide = 3 * 5 * CELL + 60;
  const columns = ["tensor", "shape", "strides once stretched"];
  try {
    const sum = a.add(b);
    const [left, right] = [a.broadcastTo(sum.shape), b.broadcastTo(sum.shape)];
    const step = 5 * CELL + 20;
    const svg =
      boxes(left, shapes[0], 8, 28, "a") +
      boxes(right, shapes[1], 8 + step, 28, "b") +
      boxes(sum, sum.shape, 8 + 2 * step, 28, "a + b");
    return {
      svg: picture(wide, 28 + sum.shape[0]! * CELL + 6, "Two matrices, stretched, and their sum", svg),
      note: `[${a.shape}] and [${b.shape}] give [${sum.shape}]. Dashed boxes are repeated by a stride of 0; they are not in memory.`,
      table: {
        columns,
        rows: [
          ["a", `[${a.shape}]`, `[${left.strides}]`],
          ["b", `[${b.shape}]`, `[${right.strides}]`],
          ["a + b", `[${sum.shape}]`, `[${sum.strides}]`],
        ],
      },
    };
  } catch (error) {
    const svg = boxes(a, shapes[0], 8, 28, "a") + boxes(b, shapes[1], 8 + 5 * CELL + 20, 28, "b");
    const height = 28 + Math.max(a.shape[0]!, b.shape[0]!) * CELL + 6;
    return {
      svg: picture(wide, height, "Two matrices that don't fit", svg),
      note: `These shapes don't fit. The operation says: ${(error as Error).message}`,
      table: {
        columns,
        rows: [
          ["a", `[${a.shape}]`, "none"],
          ["b", `[${b.shape}]`, "none"],
        ],
      },
    };
  }
}

const size = (name: string, text: string, value: number) =>
  ({ kind: "range", name, label: text, min: 1, max: 4, step: 1, value }) as const;

/** The figure. */
export const figure: CourseFigure = {
  title: "Change both shapes and see what stretches, and when it doesn't fit",
  controls: [
    size("a-rows", "Rows of a", 3),
    size("a-columns", "Columns of a", 1),
    size("b-rows", "Rows of b", 1),
    size("b-columns", "Columns of b", 4),
  ],
  draw,
};
