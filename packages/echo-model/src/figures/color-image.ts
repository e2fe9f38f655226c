// Matrices as pictures: each value a coloured cell of a small PNG that stands inside the SVG, and the bar that says what
// the colours mean. A picture of 500 x 500 values takes about 50 kB this way, as rectangles it would take 20 MB.
import * as Plot from "@observablehq/plot";
import { encode } from "fast-png";
import type { Panel } from "./figure.ts";

/** Scheme of the colours: "viridis" from low to high, "RdBu" around 0 (blue above, red below). */
export type ColorScheme = "viridis" | "RdBu";

/** A matrix to show. */
export interface ColorImage {
  /** Row-major [rows, columns]; the first row is at the bottom. Values that are not finite are left transparent. */
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  /** Values of the first and the last colour; those outside are shown like the nearest end. */
  readonly range: readonly [low: number, high: number];
  readonly scheme?: ColorScheme;
}

/** Where a picture lies on the axes: its edges in the units of the axes. */
export interface ImagePlace {
  readonly x: readonly [left: number, right: number];
  readonly y: readonly [bottom: number, top: number];
}

/** A mark of Observable Plot: a function that draws. Declared without Plot's types, see {@link Panel}. */
export type ImageMark = (
  index: unknown,
  scales: object,
  values: unknown,
  dimensions: unknown,
  context: { readonly document: Document },
) => SVGElement;

const COLORS = 255;
/** More cells across than this are averaged: nobody sees them, and the file grows. */
const MOST_CELLS = 400;

/**
 * Colours of a scheme, each [red, green, blue, alpha]: first that of "no value", then from low to high. The transparent one
 * comes first because a PNG lists transparency from its first colour on, and fast-png writes the list without the others.
 */
export function palette(scheme: ColorScheme): number[][] {
  const scale = Plot.scale({ color: { type: "linear", scheme, domain: [0, 1] } });
  const colors = Array.from({ length: COLORS }, (_, i) => [
    ...rgbOf(String(scale.apply(i / (COLORS - 1)))),
    255,
  ]);
  return [[0, 0, 0, 0], ...colors];
}

function rgbOf(color: string): number[] {
  const hex = /^#(..)(..)(..)$/.exec(color);
  if (hex !== null) return hex.slice(1).map((part) => Number.parseInt(part, 16));
  return [...color.matchAll(/\d+/g)].slice(0, 3).map(([part]) => Number(part));
}

/** Index of the colour of a value. */
function colorIndex(value: number, [low, high]: ColorImage["range"]): number {
  if (!Number.isFinite(value)) return 0;
  const share = high > low ? (value - low) / (high - low) : 0;
  return 1 + Math.round(Math.min(1, Math.max(0, share)) * (COLORS - 1));
}

/** The matrix with at most `MOST_CELLS` rows and columns: cells that fall together are averaged. */
export function reduced({ values, rows, columns, ...rest }: ColorImage): ColorImage {
  const down = Math.min(rows, MOST_CELLS);
  const across = Math.min(columns, MOST_CELLS);
  if (down === rows && across === columns) return { values, rows, columns, ...rest };
  const out = new Float64Array(down * across);
  for (let r = 0; r < down; r++) {
    const [top, bottom] = [Math.floor((r * rows) / down), Math.ceil(((r + 1) * rows) / down)];
    for (let c = 0; c < across; c++) {
      const [left, right] = [Math.floor((c * columns) / across), Math.ceil(((c + 1) * columns) / across)];
      let sum = 0;
      for (let i = top; i < bottom; i++) for (let j = left; j < right; j++) sum += values[i * columns + j]!;
      out[r * across + c] = sum / ((bottom - top) * (right - left));
    }
  }
  return { values: out, rows: down, columns: across, ...rest };
}

/**
 * A matrix as the address of a PNG that holds it ("data:image/png;base64,..."), the first row at the bottom.
 *
 * @throws RangeError if values and shape disagree
 */
export function imageAddress(image: ColorImage): string {
  if (image.values.length !== image.rows * image.columns || image.values.length === 0)
    throw new RangeError(
      `imageAddress: expected ${image.rows} x ${image.columns} values, got ${image.values.length}`,
    );
  const { values, rows, columns, range, scheme = "viridis" } = reduced(image);
  const data = new Uint8Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      data[(rows - 1 - r) * columns + c] = colorIndex(values[r * columns + c]!, range);
  const bytes = encode({
    width: columns,
    height: rows,
    data,
    depth: 8,
    channels: 1,
    palette: palette(scheme),
  });
  return `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
}

/**
 * The mark that lays a matrix on the axes of a panel.
 *
 * @param place its edges in the units of the axes; the scales must be linear
 */
export function imageMark(image: ColorImage, { x, y }: ImagePlace): ImageMark {
  const address = imageAddress(image);
  return (_index, scales, _values, _dimensions, context) => {
    const at = scales as { readonly [axis in "x" | "y"]: (value: number) => number };
    const [left, right] = [at.x(x[0]), at.x(x[1])];
    const [bottom, top] = [at.y(y[0]), at.y(y[1])];
    const element = context.document.createElementNS("http://www.w3.org/2000/svg", "image");
    const attributes = {
      x: Math.min(left, right),
      y: Math.min(bottom, top),
      width: Math.abs(right - left),
      height: Math.abs(top - bottom),
      preserveAspectRatio: "none",
      style: "image-rendering:pixelated",
      href: address,
    };
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    return element;
  };
}

/**
 * The bar that says which colour stands for which value.
 *
 * @param label what the values are, with their unit
 * @param height of the panel it stands beside, without its title
 */
export function colorBar(
  { range: [low, high], scheme = "viridis" }: Pick<ColorImage, "range" | "scheme">,
  label: string,
  { height, title }: { readonly height: number; readonly title?: string },
): Panel {
  const values = Float64Array.from({ length: COLORS }, (_, i) => low + ((high - low) * i) / (COLORS - 1));
  const image: ColorImage = { values, rows: COLORS, columns: 1, range: [low, high], scheme };
  return {
    ...(title !== undefined && { title }),
    plot: {
      width: 84,
      height,
      marginLeft: 8,
      marginRight: 58,
      marginTop: 28,
      marginBottom: 40,
      x: { domain: [0, 1], axis: null },
      y: { domain: [low, high], axis: "right", label, ticks: 5, labelArrow: "none" },
      marks: [imageMark(image, { x: [0, 1], y: [low, high] })],
    } satisfies Plot.PlotOptions,
  };
}
