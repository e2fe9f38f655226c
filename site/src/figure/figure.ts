// A figure on a page: a title that says the point, the picture by Observable Plot, the numbers behind it as a table, and
// the picture as an SVG file. Read next: heat.ts (matrices as pictures), time-axis.ts (figures on one clock).
import * as Plot from "@observablehq/plot";
import { fetchFile } from "../layout/fetch-file.ts";

export { pageColor } from "./page-color.ts";

/** The numbers behind a figure. */
export interface FigureTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** What a {@link Figure} shows. */
export interface FigureContent {
  /** Says the point. */
  readonly title: string;
  /** What is shown, with units, and how to read it. */
  readonly text: string;
  /** The picture in one sentence, for those who do not see it. */
  readonly alt: string;
  /** The arithmetic behind one element, level 3; fills a place when a visitor opens it. */
  readonly arithmetic?: (place: HTMLElement) => void;
  /** What stands at a place of the axes, for the pointer; null where nothing does. The table has it for the keyboard. */
  readonly read?: (x: number, y: number) => string | null;
  /** Options of the plot for a width in pixels. */
  readonly plot: (width: number) => Plot.PlotOptions;
  readonly table: () => FigureTable;
}

const MOST_ROWS = 200;

const digits = (value: string | number | null): string =>
  value === null ? "–" : typeof value === "number" ? String(Number(value.toPrecision(4))) : value;

/** Part of the page that shows a picture, and another one when it is told to. */
export class Figure {
  readonly element: HTMLElement;
  /** Holds the picture; what lies over it, such as the time cursor, goes in here too. */
  readonly stage: HTMLDivElement;
  readonly #name: string;
  readonly #heading: HTMLElement;
  readonly #text: HTMLElement;
  readonly #table: HTMLDetailsElement;
  readonly #arithmetic = deeper("The arithmetic of one element");
  readonly #code = deeper("Show the code");
  #content: FigureContent | null = null;
  #drawn: Element | null = null;
  #svg: SVGSVGElement | null = null;
  /** Under the pointer. */
  readonly #reading = document.createElement("div");
  #width = 0;

  /** @param name of the SVG file, kebab-case */
  constructor(name: string) {
    this.#name = name;
    this.element = document.createElement("figure");
    this.element.id = `figure-${name}`;
    this.element.hidden = true;
    this.stage = document.createElement("div");
    this.stage.className = "stage";
    this.#reading.className = "reading";
    this.#reading.hidden = true;
    this.#reading.setAttribute("aria-hidden", "true");
    this.stage.append(this.#reading);
    this.stage.addEventListener("pointermove", (event) => this.#read(event));
    this.stage.addEventListener("pointerleave", () => {
      this.#reading.hidden = true;
    });
    const caption = document.createElement("figcaption");
    this.#heading = document.createElement("strong");
    this.#text = document.createElement("span");
    caption.append(this.#heading, " ", this.#text);
    this.#table = document.createElement("details");
    this.#table.addEventListener("toggle", () => this.#fillTable());
    const save = document.createElement("button");
    save.type = "button";
    save.className = "small";
    save.textContent = "Save as SVG";
    save.addEventListener("click", () => this.#save());
    const tools = document.createElement("div");
    tools.className = "figure-tools";
    const link = document.createElement("a");
    link.href = `#${this.element.id}`;
    link.textContent = "Link to this figure";
    this.#arithmetic.addEventListener("toggle", () => this.#fillArithmetic());
    this.#arithmetic.hidden = true;
    this.#code.addEventListener("toggle", () => void this.#fillCode());
    this.#code.hidden = true;
    tools.append(this.#table, this.#arithmetic, this.#code, save, link);
    this.element.append(caption, this.stage, tools);
    new ResizeObserver(() => {
      const width = Math.floor(this.stage.clientWidth);
      if (Math.abs(width - this.#width) > 1) this.#draw();
    }).observe(this.stage);
    document.addEventListener("echo-scheme", () => this.#draw());
  }

  /** Shows `content`; the figure is redrawn when its width changes. Before the first time there is nothing to see of it. */
  show(content: FigureContent): void {
    this.#content = content;
    this.element.hidden = false;
    this.#heading.textContent = `${content.title}.`;
    this.#text.textContent = content.text;
    this.#draw();
    this.#fillTable();
    this.#arithmetic.hidden = content.arithmetic === undefined;
    this.#fillArithmetic();
  }

  /** From now on the figure offers the code that computes it, from a file of `build/figure-sources.mjs`. */
  offerCode(): this {
    this.#code.hidden = false;
    return this;
  }

  #fillArithmetic(): void {
    const { open } = this.#arithmetic;
    const place = this.#arithmetic.querySelector("div")!;
    if (open) this.#content?.arithmetic?.(place);
    else place.replaceChildren();
  }

  async #fillCode(): Promise<void> {
    const place = this.#code.querySelector("div")!;
    if (!this.#code.open || place.childElementCount > 0) return;
    try {
      const sources = JSON.parse(
        new TextDecoder().decode(await fetchFile("files/figure-sources.json")),
      ) as Record<string, { readonly file: string; readonly line: number; readonly code: string }>;
      const { file, line, code } = sources[this.#name]!;
      const where = document.createElement("p");
      where.textContent = `${file}, line ${line}`;
      const text = document.createElement("pre");
      text.tabIndex = 0;
      text.textContent = code;
      place.replaceChildren(where, text);
    } catch (error) {
      place.textContent = (error as Error).message;
    }
  }

  #draw(): void {
    this.#width = Math.floor(this.stage.clientWidth);
    if (this.#content === null || this.#width < 40) return;
    const width = this.#width;
    const style = { background: "none", color: "inherit", fontSize: "11.5px" };
    // With a legend it is a figure that holds the legend and, last, the picture.
    const drawn = Plot.plot({ width, style, ...this.#content.plot(width) });
    const svg = drawn instanceof SVGSVGElement ? drawn : [...drawn.querySelectorAll("svg")].at(-1)!;
    // The picture is one thing with one name; its parts have theirs in the table.
    for (const part of svg.querySelectorAll("[aria-label], [aria-description]")) {
      part.removeAttribute("aria-label");
      part.removeAttribute("aria-description");
    }
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", this.#content.alt);
    if (this.#drawn === null) this.stage.prepend(drawn);
    else this.#drawn.replaceWith(drawn);
    this.#drawn = drawn;
    this.#svg = svg;
  }

  #read({ clientX, clientY }: PointerEvent): void {
    const drawn = this.#drawn as (Element & Plot.Plot) | null;
    const [x, y] = [drawn?.scale("x"), drawn?.scale("y")];
    if (this.#svg === null || x?.invert === undefined || y?.invert === undefined) return;
    const { left, top, width } = this.#svg.getBoundingClientRect();
    const scale = this.#svg.width.baseVal.value / width;
    const text = this.#content?.read?.(x.invert((clientX - left) * scale), y.invert((clientY - top) * scale));
    this.#reading.hidden = text === null || text === undefined;
    this.#reading.textContent = text ?? "";
  }

  #fillTable(): void {
    const summary = document.createElement("summary");
    summary.textContent = "The numbers";
    if (!this.#table.open || this.#content === null) {
      this.#table.replaceChildren(summary);
      return;
    }
    const { columns, rows } = this.#content.table();
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const column of columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = column;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows.slice(0, MOST_ROWS)) {
      const line = body.insertRow();
      for (const value of row) line.insertCell().textContent = digits(value);
    }
    const scroll = document.createElement("section");
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("aria-label", `Numbers of: ${this.#content.title}`);
    scroll.append(table);
    this.#table.replaceChildren(summary, scroll);
    if (rows.length > MOST_ROWS)
      this.#table.append(`The first ${MOST_ROWS} of ${rows.length} rows are shown.`);
  }

  #save(): void {
    if (this.#svg === null) return;
    const style = getComputedStyle(this.stage);
    const text = new XMLSerializer()
      .serializeToString(this.#svg)
      .replace(/var\((--[\w-]+)\)/g, (_, name: string) => style.getPropertyValue(name).trim() || "#888")
      .replaceAll("currentColor", style.color);
    download(new Blob([text], { type: "image/svg+xml" }), `${this.#name}.svg`);
  }
}

/** A part that opens: Esc closes it again, see studio/address.ts. */
function deeper(title: string): HTMLDetailsElement {
  const details = document.createElement("details");
  details.className = "deeper";
  const summary = document.createElement("summary");
  summary.textContent = title;
  details.append(summary, document.createElement("div"));
  return details;
}

/** Hands a file to the visitor. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
