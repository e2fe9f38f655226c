// A buffer of 24 numbers and the view on it: which elements are read, in which order.
import { arange, type Tensor } from "@echo-ts/tensor";
import { element, label, picture } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

const ROWS = 4;
const COLUMNS = 6;
const CELL = 40;

/** The view that the controls describe: a matrix [4, 6], sliced, perhaps flipped and transposed. */
function viewOf(settings: Settings): Tensor {
  const step = settings.number("step") * (settings.text("flip") === "yes" ? -1 : 1);
  const start = settings.number("start");
  // A slice with a negative step starts at the end, so the columns are cut off first.
  const columns = arange(ROWS * COLUMNS)
    .reshape([ROWS, COLUMNS])
    .slice([null, { start }]);
  const view = columns.slice([null, { step }]);
  return settings.text("transpose") === "yes" ? view.transpose() : view;
}

const list = (numbers: readonly number[]): string => `[${numbers.join(", ")}]`;

function draw(settings: Settings): Drawn {
  const view = viewOf(settings);
  const read = [...view.dataSync()];
  const order = new Map(read.map((position, i) => [position, i]));
  const marks = [
    label(8, 18, "The buffer: a number in a box says when the view reads it", { "font-weight": 600 }),
  ];
  for (let position = 0; position < ROWS * COLUMNS; position++) {
    const x = 8 + (position % 12) * CELL;
    const y = 30 + Math.floor(position / 12) * (CELL + 20);
    const when = order.get(position);
    marks.push(
      element("rect", {
        x,
        y,
        width: CELL - 3,
        height: CELL - 3,
        fill: when === undefined ? "var(--ground)" : "var(--ours)",
        stroke: "var(--line)",
      }),
      label(x + CELL / 2 - 2, y + CELL + 9, String(position), { "text-anchor": "middle", "font-size": 10 }),
    );
    if (when !== undefined)
      marks.push(
        label(x + CELL / 2 - 2, y + 24, String(when), {
          "text-anchor": "middle",
          "font-weight": 600,
          fill: "var(--ground)",
        }),
      );
  }
  marks.push(label(8, 166, "The view", { "font-weight": 600 }));
  const [rows = 1, columns = 1] = view.shape;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      marks.push(label(28 + j * 44, 190 + i * 24, String(read[i * columns + j]), { "text-anchor": "end" }));
  const { shape, strides, offset } = view;
  return {
    svg: picture(500, 190 + rows * 24, "A buffer of 24 numbers and a view on it", marks.join("")),
    note: `shape ${list(shape)}, strides ${list(strides)}, offset ${offset}. Element [i, j] is number ${offset} + ${strides[0]} i + ${strides[1]} j of the buffer. No number was copied.`,
    table: {
      columns: ["i", "j", "place in the buffer"],
      rows: read.map((position, k) => [Math.floor(k / columns), k % columns, position]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "One buffer, many views: change the view and see which numbers it reads",
  controls: [
    { kind: "range", name: "start", label: "First column", min: 0, max: 5, step: 1, value: 0 },
    { kind: "range", name: "step", label: "Every n-th column", min: 1, max: 3, step: 1, value: 1 },
    { kind: "choice", name: "flip", label: "Flip columns", choices: ["no", "yes"], value: "no" },
    { kind: "choice", name: "transpose", label: "Transpose", choices: ["no", "yes"], value: "no" },
  ],
  draw,
};
