// A figure: a picture with its title, what it shows in words, and the numbers behind it. Figures are drawn by Observable
// Plot on a document of linkedom, so Node needs no browser. Read next: color-image.ts, then the figures of one subject each
// (rotary-figures.ts, speech-figures.ts, ...), then page.ts, which puts them into one HTML file.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { escapeXml } from "./escape-xml.ts";

/** One value of a table: numbers are shown with four digits, null as a dash. */
export type Cell = string | number | null;

/** The numbers behind a figure. */
export interface FigureTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** What was left out, if anything. */
  readonly note?: string;
}

/** A picture with everything that belongs to it. */
export interface Figure {
  /** File name without its ending, kebab-case. */
  readonly name: string;
  readonly title: string;
  /** What it shows and what it does not show, in a few sentences. */
  readonly text: string;
  /** The picture in one sentence, for those who do not see it. */
  readonly alt: string;
  /** A complete SVG document; it refers to nothing outside. */
  readonly svg: string;
  readonly table: FigureTable;
  /** All numbers shown, as plain JSON values: NAME.json. */
  readonly data: unknown;
}

/** One set of axes of a figure. */
export interface Panel {
  /** Above the axes; default none. */
  readonly title?: string;
  /**
   * What Observable Plot draws: its `PlotOptions`. Declared without them because Plot's own types fail in strict projects
   * (`exactOptionalPropertyTypes`; d3 comes without types); write `{ ... } satisfies Plot.PlotOptions` to have them checked.
   */
  readonly plot: object;
}

/** What {@link drawFigure} draws. */
export interface FigureInput extends Omit<Figure, "svg" | "data"> {
  /** Rows of panels, from top to bottom. */
  readonly panels: readonly (readonly Panel[])[];
  /** Default: the rows of the table. */
  readonly data?: unknown;
}

/** Default size of a panel, pixels. */
export const PANEL = { width: 640, height: 260 } as const;
const TITLE_HEIGHT = 34;
const PANEL_TITLE_HEIGHT = 20;
const FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";

/** Colours of series, told apart in light and in dark and by most who see fewer colours (after Okabe and Ito 2008). */
export const SERIES: readonly string[] = [
  "#3b7dd8",
  "#e07b00",
  "#2a9d63",
  "#c2468c",
  "#8a63d2",
  "#b58900",
  "#00a0b0",
  "#d1495b",
];

// A file of its own follows the reader's choice of light or dark; on a page the page's colours win (page.ts).
const STANDALONE_STYLE =
  ":root{color:#1c1c1e;background:#fff;--plot-background:#fff}" +
  "@media (prefers-color-scheme:dark){:root{color:#e8e8ea;background:#17181c;--plot-background:#17181c}}" +
  "text{white-space:pre}";

let shared: Document | null = null;

/** The document that pictures are drawn in. */
export function drawingDocument(): Document {
  shared ??= parseHTML("<!doctype html><html><body></body></html>").document as unknown as Document;
  return shared;
}

/**
 * Draws a figure: its title, and below it the rows of panels.
 *
 * @returns the figure with its SVG; `data` is the table's rows unless given
 * @throws RangeError without a panel, title, text or alt text
 * @example
 * const figure = drawFigure({ name: "loss", title: "Loss by step", text: "...", alt: "...", table, panels: [[{ plot }]] });
 */
export function drawFigure({ panels, data, ...about }: FigureInput): Figure {
  for (const key of ["name", "title", "text", "alt"] as const)
    if (about[key].trim() === "") throw new RangeError(`drawFigure: expected a ${key}, got an empty text`);
  if (panels.flat().length === 0)
    throw new RangeError(`drawFigure: ${about.name}: expected at least one panel`);
  const drawn = panels.map((row) => row.map(drawPanel));
  const width = Math.max(...drawn.map((row) => row.reduce((sum, panel) => sum + panel.width, 0)));
  let y = TITLE_HEIGHT;
  const parts: string[] = [];
  for (const row of drawn) {
    let x = 0;
    for (const panel of row) {
      parts.push(`<g transform="translate(${x},${y})">${panel.svg}</g>`);
      x += panel.width;
    }
    y += Math.max(...row.map(({ height }) => height));
  }
  const titleId = `${about.name}-title`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-labelledby="${titleId}" ` +
    `viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" fill="currentColor" font-family="${FONT}" font-size="11">` +
    `<title id="${titleId}">${escapeXml(about.title)}</title><desc>${escapeXml(about.alt)}</desc>` +
    `<style>${STANDALONE_STYLE}</style>` +
    `<text x="12" y="22" font-size="15" font-weight="600">${escapeXml(about.title)}</text>${parts.join("")}</svg>`;
  return { ...about, svg, data: data ?? about.table };
}

interface DrawnPanel {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** A panel as the inside of an SVG group. */
function drawPanel({ title, plot: settings }: Panel): DrawnPanel {
  const plot: Plot.PlotOptions = settings;
  const document = drawingDocument();
  const width = plot.width ?? PANEL.width;
  const root = Plot.plot({ height: PANEL.height, ...plot, width, document }) as unknown as Element;
  const height = Number(root.getAttribute("height"));
  // Plot's own style sheet would change the size of the whole picture.
  for (const style of [...root.querySelectorAll("style")]) style.remove();
  const shift = title === undefined ? 0 : PANEL_TITLE_HEIGHT;
  const head =
    title === undefined
      ? ""
      : `<text x="${plot.marginLeft ?? 40}" y="14" font-size="11.5" font-weight="600">${escapeXml(title)}</text>`;
  const inside = rounded(root.innerHTML);
  return {
    svg: `${head}<g transform="translate(0,${shift})" text-anchor="middle">${inside}</g>`,
    width,
    height: height + shift,
  };
}

/** Coordinates with two digits after the point: a hundredth of a pixel. Texts and titles keep all of theirs. */
function rounded(svg: string): string {
  const places = / (d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|transform|points)="([^"]*)"/g;
  return svg.replace(
    places,
    (_, name: string, value: string) =>
      ` ${name}="${value.replace(/-?\d+\.\d{3,}(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2))))}"`,
  );
}
