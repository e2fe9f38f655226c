// The roofline of this device: what memory and arithmetic allow, by what was reached at best, and where each calculation
// lies below it. Read first: items.ts.
import * as Plot from "@observablehq/plot";
import { Figure, pageColor } from "../figure/figure.ts";
import { ITEMS } from "./items.ts";

/** One measurement. */
export interface Row {
  readonly engine: string;
  readonly item: string;
  readonly milliseconds: number;
}

/** The figure. */
export class RooflineFigure {
  readonly #figure = new Figure("roofline");

  constructor(place: HTMLElement) {
    place.append(this.#figure.element);
  }

  show(rows: readonly Row[]): void {
    const points = rows.flatMap(({ engine, item, milliseconds }) => {
      const found = ITEMS.find(({ name }) => name === item);
      if (found === undefined) return [];
      const { operations, bytes } = found;
      return [{ engine, item, milliseconds, x: operations / bytes, y: operations / milliseconds / 1e6 }];
    });
    const arithmetic = Math.max(...points.map(({ y }) => y));
    const memory = Math.max(...points.map(({ x, y }) => y / x));
    const [low, high] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
    const roof = [low, arithmetic / memory, high]
      .filter((x) => x >= low && x <= high)
      .map((x) => ({ x, y: Math.min(arithmetic, memory * x) }));
    this.#figure.show({
      title: "More operations for each byte, more operations a second",
      text: `Each sign is one calculation on one engine, with its result read back. The line is the roof of this device by what was reached at best, in cache too: ${memory.toPrecision(2)} GB/s of memory to the left, ${arithmetic.toPrecision(2)} billion operations a second to the right. Both axes are logarithmic.`,
      alt: `${rows.length} measurements of this device below its roof.`,
      plot: () => ({
        height: 340,
        marginLeft: 60,
        x: { type: "log", label: "operations for each byte", tickFormat: "~g" },
        y: { type: "log", label: "billion operations a second", tickFormat: "~g" },
        symbol: { legend: true },
        marks: [
          Plot.line(roof, { x: "x", y: "y", stroke: pageColor("--soft"), strokeDasharray: "5 4" }),
          Plot.dot(points, {
            x: "x",
            y: "y",
            symbol: "engine",
            stroke: pageColor("--ours"),
            strokeWidth: 2,
            r: 5,
            title: ({ item, engine, milliseconds }) =>
              `${item}, ${engine}: ${milliseconds.toPrecision(3)} ms`,
          }),
        ],
      }),
      table: () => ({
        columns: ["calculation", "engine", "ms", "billion operations a second", "operations for each byte"],
        rows: points.map(({ item, engine, milliseconds, x, y }) => [item, engine, milliseconds, y, x]),
      }),
    });
  }
}
