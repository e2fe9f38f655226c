// Matrices as pictures, in a colour map that also prints in grey.
import * as Plot from "@observablehq/plot";

/** A matrix and the place of its edges on the axes. */
export interface Heat {
  /** Row-major, first row at the bottom of the picture. */
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  readonly x: readonly [left: number, right: number];
  readonly y: readonly [bottom: number, top: number];
}

/** The mark of a matrix; the plot's colour scale is {@link HEAT_COLORS}. */
export function heat({ values, rows, columns, x, y }: Heat): Plot.Markish {
  return Plot.raster(Array.from(values), {
    width: columns,
    height: rows,
    x1: x[0],
    x2: x[1],
    y1: y[0],
    y2: y[1],
    imageRendering: "pixelated",
  });
}

/** The cell of a matrix at a place of the axes; null beside the matrix. */
export function cellAt(
  { values, rows, columns, x: [left, right], y: [bottom, top] }: Heat,
  x: number,
  y: number,
): { readonly row: number; readonly column: number; readonly value: number } | null {
  const column = Math.floor((columns * (x - left)) / (right - left));
  const row = Math.floor((rows * (y - bottom)) / (top - bottom));
  if (!(column >= 0 && column < columns && row >= 0 && row < rows)) return null;
  return { row, column, value: values[row * columns + column]! };
}

/** Viridis from low to high. */
export const HEAT_COLORS = { scheme: "viridis", type: "linear" } as const;

/** Columns of a column-by-column table, transposed: `values` [A, B] becomes [B, A]. */
export function transposed(values: ArrayLike<number>, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return out;
}
