// Values by category and series as dots joined by lines: one number for each block, layer or part of a model.
import * as Plot from "@observablehq/plot";
import { drawFigure, type Figure, type Panel } from "./figure.ts";
import { colorsFor, legend } from "./rotary-figures.ts";

/** One dot. */
export interface DotValue {
  /** Where on the horizontal axis: a block, a part, a layer. */
  readonly at: string;
  readonly series: string;
  /** Null is left out. */
  readonly value: number | null;
}

/** What {@link dotFigure} draws beside the dots. */
export interface DotFigureInput extends Pick<Figure, "name" | "title" | "text"> {
  readonly values: readonly DotValue[];
  /** Name of the horizontal axis, and of the vertical one with its unit. */
  readonly axes: readonly [across: string, up: string];
  /** Logarithmic for ratios and gradients; default "linear". */
  readonly scale?: "log" | "linear";
  /** Dashed levels, such as 1 for "alike". */
  readonly levels?: readonly number[];
}

/** Dots by category and series; the table has a column for each series. */
export function dotFigure({
  values,
  axes: [across, up],
  scale = "linear",
  levels = [],
  ...about
}: DotFigureInput): Figure {
  const places = [...new Set(values.map(({ at }) => at))];
  const series = [...new Set(values.map(({ series: name }) => name))];
  const usable = values.filter(
    ({ value }) => value !== null && Number.isFinite(value) && (scale === "linear" || value > 0),
  );
  const sizes = usable.map(({ value }) => value!);
  const most = Math.max(...places.map((place) => place.length));
  const tilted = places.length > 6;
  const panel: Panel = {
    plot: {
      width: 880,
      height: 260 + (tilted ? 4 * most : 0),
      marginLeft: 56,
      marginBottom: 34 + (tilted ? 4 * most : 0),
      x: {
        type: "point",
        domain: places,
        label: across,
        tickRotate: tilted ? -40 : 0,
        padding: 0.5,
      },
      y: {
        type: scale,
        label: up,
        grid: true,
        ...(scale === "log"
          ? { tickFormat: (x: number) => String(Number(x.toPrecision(2))), ticks: 6 }
          : { zero: true }),
      },
      color: { domain: series, range: colorsFor(series.length) },
      marks: [
        Plot.ruleY(levels, { strokeDasharray: "4 3", strokeOpacity: 0.6 }),
        Plot.line(usable, { x: "at", y: "value", stroke: "series", z: "series", strokeOpacity: 0.35 }),
        Plot.dot(usable, {
          x: "at",
          y: "value",
          fill: "series",
          r: 4.5,
          title: ({ at, series: name, value }: DotValue) => `${name}, ${at}: ${value}`,
        }),
      ],
    } satisfies Plot.PlotOptions,
  };
  const cell = (place: string, name: string): number | null =>
    values.find(({ at, series: one }) => at === place && one === name)?.value ?? null;
  return drawFigure({
    ...about,
    alt: `${up} by ${across} for ${series.join(", ")}; from ${Math.min(...sizes).toPrecision(3)} to ${Math.max(...sizes).toPrecision(3)}.`,
    panels: [[panel], [legend(series, 880)]],
    table: {
      columns: [across, ...series],
      rows: places.map((place) => [place, ...series.map((name) => cell(place, name))]),
    },
  });
}
