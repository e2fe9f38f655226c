// Lines of equal height on a grid, by marching squares: in each cell of the grid a line runs between the sides on which
// the height is crossed.

/** Heights on a regular grid: `values[row][column]`. */
export type HeightGrid = readonly (readonly number[])[];

/**
 * The line of one height as the `d` of an SVG path.
 *
 * @param x place of a column, which may lie between two
 * @param y place of a row
 * @returns "" if the height does not occur
 */
export function contourPath(
  grid: HeightGrid,
  height: number,
  x: (column: number) => number,
  y: (row: number) => number,
): string {
  let path = "";
  for (let row = 0; row + 1 < grid.length; row++) {
    for (let column = 0; column + 1 < grid[row]!.length; column++) {
      const corners = [
        [row, column],
        [row, column + 1],
        [row + 1, column + 1],
        [row + 1, column],
      ] as const;
      const found: string[] = [];
      corners.forEach(([r1, c1], i) => {
        const [r2, c2] = corners[(i + 1) % 4]!;
        const [a, b] = [grid[r1]![c1]!, grid[r2]![c2]!];
        if (a > height === b > height) return;
        const part = (height - a) / (b - a);
        found.push(`${x(c1 + part * (c2 - c1)).toFixed(1)} ${y(r1 + part * (r2 - r1)).toFixed(1)}`);
      });
      for (let i = 0; i + 1 < found.length; i += 2) path += `M${found[i]}L${found[i + 1]}`;
    }
  }
  return path;
}
