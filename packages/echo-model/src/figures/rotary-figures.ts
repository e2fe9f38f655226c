// Figures of the rotary encoding: how positions see each other under theta and f0. Numbers: ../study/rotary-patterns.ts.
import * as Plot from "@observablehq/plot";
import type { RotaryConfig } from "../model/rotary.ts";
import { frequenciesAt, thetaFromPitch } from "../model/rotary.ts";
import { bandWidth, lagCurve, type PatternVariant, type RotaryPattern } from "../study/rotary-patterns.ts";
import { colorBar, imageMark } from "./color-image.ts";
import { drawFigure, type Figure, type Panel, SERIES } from "./figure.ts";

const MATRIX = { width: 214, height: 214, bar: 214 } as const;
const COLUMNS = 4;

/** Similarity matrices of all patterns, with one bar of colours. */
export function similarityFigure(patterns: readonly RotaryPattern[], headWidth: number): Figure {
  const positions = patterns[0]!.curve.length;
  const low = Math.min(0, ...patterns.map(({ curve }) => curve.reduce((a, b) => Math.min(a, b))));
  const range = [Math.max(-1, low), 1] as const;
  const matrix = ({ name, curve }: RotaryPattern): Panel => ({
    title: name,
    plot: {
      width: MATRIX.width,
      height: MATRIX.height,
      marginLeft: 42,
      marginRight: 12,
      x: { domain: [0, positions], label: "key position (frames)", ticks: 4 },
      y: { domain: [0, positions], label: "query position (frames)", ticks: 4 },
      marks: [
        imageMark(
          {
            values: Float64Array.from(
              { length: positions ** 2 },
              (_, i) => curve[Math.abs(Math.floor(i / positions) - (i % positions))]!,
            ),
            rows: positions,
            columns: positions,
            range,
          },
          { x: [0, positions], y: [0, positions] },
        ),
      ],
    } satisfies Plot.PlotOptions,
  });
  const rows: Panel[][] = [];
  for (let i = 0; i < patterns.length; i += COLUMNS) rows.push(patterns.slice(i, i + COLUMNS).map(matrix));
  rows[0]!.push(colorBar({ range }, "similarity", { height: MATRIX.height, title: "" }));
  return drawFigure({
    name: "rotary-similarity",
    title: `How positions see each other: similarity of rotary vectors, head width ${headWidth}`,
    text:
      "Each cell is the cosine similarity of the rotary vectors of two positions. The diagonal is 1: a position matches itself. " +
      "A wide bright band lets positions see far, a narrow one keeps attention near. The matrix depends on the distance alone. " +
      "It says nothing of queries and keys: a trained layer may use or cancel these rotations.",
    alt: `${patterns.length} square matrices with a bright diagonal; the band around it is widest for ${widest(patterns)}.`,
    panels: rows,
    table: patternTable(patterns),
    data: patterns.map(({ name, theta, bandWidth: width, curve }) => ({
      name,
      theta,
      bandWidth: width,
      similarityByLag: [...curve],
    })),
  });
}

function widest(patterns: readonly RotaryPattern[]): string {
  const width = ({ bandWidth: lag }: RotaryPattern): number => lag ?? Number.POSITIVE_INFINITY;
  return patterns.reduce((best, one) => (width(one) > width(best) ? one : best)).name;
}

/** Bases, band widths and similarities at some lags. */
export function patternTable(patterns: readonly RotaryPattern[]): Figure["table"] {
  const lags = [1, 4, 16, 64].filter((lag) => lag < patterns[0]!.curve.length);
  return {
    columns: ["pattern", "theta", "band width (frames)", ...lags.map((lag) => `similarity at lag ${lag}`)],
    rows: patterns.map(({ name, theta, bandWidth: width, curve }) => [
      name,
      Number(theta.toFixed(1)),
      width,
      ...lags.map((lag) => curve[lag]!),
    ]),
    note: "Band width: the first lag at which the similarity is below 0.5.",
  };
}

/** Similarity by lag, one line a pattern, with the level that defines the band. */
export function lagCurveFigure(patterns: readonly RotaryPattern[], headWidth: number): Figure {
  const points = patterns.flatMap(({ name, curve }) =>
    Array.from(curve, (similarity, lag) => ({ name, lag, similarity })),
  );
  return drawFigure({
    name: "rotary-lag-curves",
    title: `Similarity by distance, head width ${headWidth}`,
    text:
      "One line a pattern: the similarity of two positions by their distance. Where a line crosses the dashed level of 0.5 its band ends. " +
      "Lines for speaking voices (80 to 300 Hz) lie close together: pitch changes the width of the band far less than the choice of a text model's theta does.",
    alt: `Curves that fall from 1 at distance 0; they cross one half at ${patterns.map(({ name, bandWidth: lag }) => `${lag ?? "no"} frames (${name})`).join(", ")}.`,
    panels: [
      [
        {
          plot: {
            width: 880,
            height: 340,
            marginRight: 24,
            x: { label: "distance (frames)", domain: [0, patterns[0]!.curve.length - 1] },
            y: { label: "similarity", grid: true },
            color: { domain: patterns.map(({ name }) => name), range: colorsFor(patterns.length) },
            marks: [
              Plot.ruleY([0.5], { strokeDasharray: "4 3", strokeOpacity: 0.6 }),
              Plot.line(points, { x: "lag", y: "similarity", stroke: "name", strokeWidth: 1.5 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [
        legend(
          patterns.map(({ name }) => name),
          880,
        ),
      ],
    ],
    table: patternTable(patterns),
    data: patterns.map(({ name, curve }) => ({ name, similarityByLag: [...curve] })),
  });
}

/** As many colours as there are series, over again when there are more than the palette has. */
export function colorsFor(count: number): string[] {
  return Array.from({ length: count }, (_, i) => SERIES[i % SERIES.length]!);
}

/** A row of names with their colours, as a panel of its own. */
export function legend(names: readonly string[], width: number): Panel {
  const across = Math.max(
    1,
    Math.min(names.length, Math.floor(width / Math.max(...names.map((name) => 30 + 6.5 * name.length)))),
  );
  const items = names.map((name, i) => ({ name, column: i % across, row: Math.floor(i / across) }));
  const rows = Math.ceil(names.length / across);
  return {
    plot: {
      width,
      height: 12 + 18 * rows,
      margin: 0,
      marginLeft: 40,
      x: { domain: [0, across], axis: null },
      y: { domain: [rows, 0], axis: null },
      color: { domain: [...names], range: colorsFor(names.length) },
      marks: [
        Plot.dot(items, { x: "column", y: "row", dy: 8, dx: 6, r: 4, fill: "name" }),
        Plot.text(items, {
          x: "column",
          y: "row",
          dy: 8,
          dx: 16,
          text: "name",
          textAnchor: "start",
          fill: "currentColor",
        }),
      ],
    } satisfies Plot.PlotOptions,
  };
}

/** Width of the band by mean pitch, for several widths of head. */
export function bandWidthFigure(config: RotaryConfig, headWidths: readonly number[]): Figure {
  const positions = 512;
  const pitches = Array.from({ length: 53 }, (_, i) => 80 + 10 * i);
  const widthOf = (theta: number, headWidth: number): number | null =>
    bandWidth(lagCurve(frequenciesAt(theta, headWidth / 2, config), positions));
  const points = headWidths.flatMap((headWidth) =>
    pitches.map((hz) => ({
      head: `head width ${headWidth}`,
      hz,
      width: widthOf(thetaFromPitch(hz, config), headWidth),
    })),
  );
  const fixed = headWidths.map((headWidth) => ({
    head: `head width ${headWidth}`,
    width: widthOf(config.theta, headWidth),
  }));
  const names = headWidths.map((headWidth) => `head width ${headWidth}`);
  return drawFigure({
    name: "rotary-band-width",
    title: "Width of the band by the speaker's mean pitch",
    text:
      `Solid: the first distance at which the similarity is below 0.5, with the base that the mean pitch chooses. Dashed: with the fixed theta of ${config.theta}. ` +
      "Steps come from whole frames. The narrower a head, the less pitch can change.",
    alt: `Rising lines: ${names.map((name, i) => `${name} from ${points.find((p) => p.head === name)!.width} to ${points.findLast((p) => p.head === name)!.width} frames, ${fixed[i]!.width} with the fixed base`).join("; ")}.`,
    panels: [
      [
        {
          plot: {
            width: 880,
            height: 320,
            x: { label: "mean pitch (Hz)", domain: [80, 600] },
            y: { label: "band width (frames)", grid: true, zero: true },
            color: { domain: names, range: colorsFor(names.length) },
            marks: [
              Plot.line(points, { x: "hz", y: "width", stroke: "head", curve: "step", strokeWidth: 2 }),
              Plot.ruleY(fixed, { y: "width", stroke: "head", strokeDasharray: "5 4" }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [legend(names, 880)],
    ],
    table: {
      columns: ["mean pitch (Hz)", ...names],
      rows: [
        ["fixed theta", ...fixed.map(({ width }) => width)],
        ...pitches.map((hz) => [
          hz,
          ...names.map((name) => points.find((p) => p.head === name && p.hz === hz)!.width),
        ]),
      ],
    },
  });
}

/** Similarity by lag of the options beside the default. */
export function variantFigure(variants: readonly PatternVariant[], hz: number, headWidth: number): Figure {
  const names = variants.map(({ name }) => name);
  const points = variants.flatMap(({ name, curve }) =>
    Array.from(curve, (similarity, lag) => ({ name, lag, similarity })),
  );
  return drawFigure({
    name: "rotary-variants",
    title: `Options beside the default at ${hz} Hz, head width ${headWidth}`,
    text:
      "Geometric spacing is the default. Mel spacing (model.rotary.spacing) lets more pairs turn fast. With a variable radius (model.rotary.variableRadius) " +
      "pairs count differently; the two radii here are examples, since all radii start alike and what training makes of them is in the checkpoint.",
    alt: `Four curves by distance; bands end at ${variants.map(({ name, bandWidth: lag }) => `${lag ?? "no"} frames (${name})`).join(", ")}.`,
    panels: [
      [
        {
          plot: {
            width: 880,
            height: 320,
            x: { label: "distance (frames)", domain: [0, variants[0]!.curve.length - 1] },
            y: { label: "similarity", grid: true },
            color: { domain: names, range: colorsFor(names.length) },
            marks: [
              Plot.ruleY([0.5], { strokeDasharray: "4 3", strokeOpacity: 0.6 }),
              Plot.line(points, { x: "lag", y: "similarity", stroke: "name", strokeWidth: 1.5 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [legend(names, 880)],
    ],
    table: {
      columns: ["variant", "band width (frames)"],
      rows: variants.map(({ name, bandWidth: lag }) => [name, lag]),
    },
    data: variants.map(({ name, curve }) => ({ name, similarityByLag: [...curve] })),
  });
}
