// Lines over their index, or over given positions, with axes.
import { element, label, picture, scale, ticks } from "./svg.ts";

/** One line. */
export interface Line {
  readonly name: string;
  readonly values: readonly number[];
  /** A colour of site.css; default by the line's place. */
  readonly colour?: string;
}

/** Axes and marks of a chart. */
export interface ChartOptions {
  /** Position of each value; default its index. */
  readonly x?: readonly number[];
  readonly across?: string;
  readonly up?: string;
  readonly width?: number;
  readonly height?: number;
  /** Upright line at this position. */
  readonly cursor?: number;
  /** Bounds of the upright axis; default those of the values. */
  readonly range?: readonly [low: number, high: number];
}

const COLOURS = ["var(--ours)", "var(--pitch)", "var(--soft)", "var(--ink)"];
const DASHES = ["none", "6 3", "2 3", "8 3 2 3"];

/** The chart as SVG. Values that aren't finite leave a gap. */
export function drawChart(lines: readonly Line[], title: string, options: ChartOptions = {}): string {
  const { width = 640, height = 240, across = "", up = "", cursor } = options;
  const finite = lines.flatMap(({ values }) => values.filter(Number.isFinite));
  const low = options.range?.[0] ?? Math.min(...finite);
  const high = options.range?.[1] ?? Math.max(...finite);
  const count = Math.max(...lines.map(({ values }) => values.length));
  const places = options.x ?? Array.from({ length: count }, (_, i) => i);
  const first = places[0] ?? 0;
  const last = places.at(-1) ?? 0;
  const named = lines.some(({ name }) => name !== "");
  const top = (title === "" ? 10 : 28) + (named ? 18 : 0);
  const x = scale(first, last, 52, width - 14);
  const y = scale(low, high, height - 40, top + 4);
  const marks = [title === "" ? "" : label(52, 18, title, { "font-weight": 600 })];
  for (const tick of ticks(low, high, 4)) {
    marks.push(
      element("line", { x1: 52, x2: width - 14, y1: y(tick), y2: y(tick), stroke: "var(--line)" }),
      label(46, y(tick) + 4, String(tick), { "text-anchor": "end", "font-size": 11 }),
    );
  }
  for (const tick of ticks(first, last, 8))
    marks.push(label(x(tick), height - 22, String(tick), { "text-anchor": "middle", "font-size": 11 }));
  marks.push(label(width - 14, height - 6, across, { "text-anchor": "end", "font-size": 12 }));
  if (up !== "") marks.push(label(52, top - (named ? 22 : 4), up, { "font-size": 12 }));
  let left = 52;
  lines.forEach(({ name, values, colour }, i) => {
    const stroke = colour ?? COLOURS[i % COLOURS.length]!;
    const dash = DASHES[i % DASHES.length]!;
    let path = "";
    values.forEach((value, k) => {
      if (!Number.isFinite(value)) return;
      const start = k === 0 || !Number.isFinite(values[k - 1]!);
      path += `${start ? "M" : "L"}${x(places[k]!).toFixed(1)} ${y(value).toFixed(1)}`;
    });
    marks.push(
      element("path", { d: path, fill: "none", stroke, "stroke-width": 2, "stroke-dasharray": dash }),
    );
    if (name !== "") {
      const at = { x1: left, x2: left + 22, y1: top - 10, y2: top - 10 };
      marks.push(element("line", { ...at, stroke, "stroke-width": 2, "stroke-dasharray": dash }));
      marks.push(label(left + 27, top - 6, name, { "font-size": 12 }));
      left += 42 + 7 * name.length;
    }
  });
  if (cursor !== undefined)
    marks.push(
      element("line", { x1: x(cursor), x2: x(cursor), y1: top, y2: height - 40, stroke: "var(--pitch)" }),
    );
  const names = lines.map(({ name }) => name).filter((name) => name !== "");
  const what = `${title || "Lines"}${names.length > 0 ? `: ${names.join(", ")}` : ""}`;
  return picture(width, height, `${what}, from ${low} to ${high}`, marks.join(""));
}
