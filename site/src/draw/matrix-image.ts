// A matrix as an image: one square for each number, on the map cividis.
import { cividis, element, label, picture } from "./svg.ts";

/** Size and meaning of an image. */
export interface MatrixOptions {
  /** What is darkest and brightest; default the least and the greatest number. */
  readonly range?: readonly [low: number, high: number];
  readonly width?: number;
  readonly across?: string;
  readonly down?: string;
  /** First row at the bottom. */
  readonly upwards?: boolean;
  /** Height of the image; default one square for each number, up to 320. */
  readonly height?: number;
}

/** The image as SVG, with the range beside it. */
export function drawMatrix(
  rows: readonly (readonly number[])[],
  title: string,
  { range, width = 420, across = "", down = "", upwards = false, height }: MatrixOptions = {},
): string {
  const finite = rows.flat().filter(Number.isFinite);
  const low = range?.[0] ?? finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = range?.[1] ?? finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const columns = Math.max(...rows.map((row) => row.length));
  const top = title === "" ? 8 : 28;
  const left = 24;
  const cell = (width - left - 8) / columns;
  const tall = height === undefined ? Math.min(cell, 320 / rows.length) : height / rows.length;
  const squares = rows.flatMap((row, i) =>
    row.map((value, j) =>
      element("rect", {
        x: left + j * cell,
        y: top + (upwards ? rows.length - 1 - i : i) * tall,
        width: cell + 0.4,
        height: tall + 0.4,
        fill: cividis(high === low ? 0.5 : (value - low) / (high - low)),
      }),
    ),
  );
  const bottom = top + rows.length * tall;
  const text = [
    title === "" ? "" : label(left, 18, title, { "font-weight": 600 }),
    label(left, bottom + 18, `${Number(low.toPrecision(4))} dark, ${Number(high.toPrecision(4))} bright`, {
      "font-size": 12,
    }),
    label(width - 8, bottom + 18, across, { "text-anchor": "end", "font-size": 12 }),
    down === ""
      ? ""
      : label(0, 0, down, {
          transform: `translate(14 ${bottom}) rotate(-90)`,
          "font-size": 12,
        }),
  ];
  const what = `${title || "Matrix"}: ${rows.length} rows, ${columns} columns`;
  return picture(width, bottom + 26, what, squares.join("") + text.join(""));
}
