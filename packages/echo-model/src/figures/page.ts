// A report: sections of text, tables and figures as one HTML file. It holds everything it shows, runs no script, asks for
// no address, follows the reader's choice of light or dark, and prints. Read next: write-report.ts.
import { escapeXml } from "./escape-xml.ts";
import type { Cell, Figure, FigureTable } from "./figure.ts";
import { REPORT_MARK } from "./report-mark.ts";

/** A part of a report. */
export interface ReportSection {
  readonly heading: string;
  /** Paragraphs of plain text. */
  readonly text?: readonly string[];
  readonly tables?: readonly (FigureTable & { readonly caption: string })[];
  readonly figures?: readonly Figure[];
}

/** A report. */
export interface Report {
  readonly title: string;
  /** One paragraph under the title: what the report is about, made by which command. */
  readonly text: string;
  readonly sections: readonly ReportSection[];
}

/** Rows that a page shows of a table; the JSON file beside the figure has all of them. */
const MOST_ROWS = 60;

const STYLE = `
:root { color-scheme: light dark; --text: #1c1c1e; --soft: #5b5b62; --line: #d9d9de; --ground: #fff; --box: #f6f6f8;
  --plot-background: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8ea; --soft: #a5a5ad; --line: #3a3b42; --ground: #17181c;
  --box: #1f2026; --plot-background: #17181c; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1, h2, nav { overflow-wrap: anywhere; } h1 { font-size: 1.7rem; line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
p, figcaption, caption { max-width: 46rem; } figcaption, nav, .soft { color: var(--soft); }
nav ul { columns: 2; padding-left: 1.2rem; } a { color: inherit; }
figure { margin: 1.5rem 0; } figure > .picture { overflow-x: auto; }
figure svg { max-width: 100%; height: auto; color: var(--text); } svg text { white-space: pre; }
details { margin-top: .4rem; } summary { cursor: pointer; color: var(--soft); }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; margin: .6rem 0; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .15rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th { background: var(--box); } th:first-child, td:first-child, .prose { text-align: left; }
/* On a phone a figure keeps its size, so that its text can be read, and scrolls within its frame. */
@media screen and (max-width: 45rem) { nav ul { columns: 1; } figure svg { max-width: none; } }
@media print { :root { --text: #000; --soft: #333; --line: #bbb; --ground: #fff; --box: #eee; --plot-background: #fff; }
  body { max-width: none; padding: 0; font-size: 11pt; } figure, table { break-inside: avoid; } details, nav { display: none; } }
`;

/** A number with four digits that matter, a dash for null, a text as it is. */
export function formatCell(cell: Cell): string {
  if (cell === null) return "-";
  if (typeof cell === "string") return cell;
  if (!Number.isFinite(cell)) return String(cell);
  if (Number.isInteger(cell)) return String(cell);
  const size = Math.abs(cell);
  return size >= 1e-3 && size < 1e6 ? String(Number(cell.toPrecision(4))) : cell.toExponential(2);
}

/** Whether a cell is read as words, which stand to the left, and not as a number, an interval or a list of numbers. */
const isProse = (cell: Cell | undefined): boolean => typeof cell === "string" && /^[a-z]{2}/i.test(cell);

function tableHtml({ columns, rows, note, caption }: FigureTable & { readonly caption?: string }): string {
  const prose = columns.map((_, column) => rows.some((row) => isProse(row[column])));
  const cells = (tag: "th" | "td", row: readonly Cell[]): string =>
    row
      .map((cell, column) => {
        const attributes = (tag === "th" ? ' scope="col"' : "") + (prose[column] ? ' class="prose"' : "");
        return `<${tag}${attributes}>${escapeXml(formatCell(cell))}</${tag}>`;
      })
      .join("");
  const body = rows.slice(0, MOST_ROWS).map((row) => `<tr>${cells("td", row)}</tr>`);
  const cut =
    rows.length > MOST_ROWS ? `${rows.length - MOST_ROWS} more rows are in the JSON file of the figure.` : "";
  const notes = [note ?? "", cut].filter((text) => text !== "").join(" ");
  return (
    `<div class="table"><table>${caption === undefined ? "" : `<caption>${escapeXml(caption)}</caption>`}` +
    `<thead><tr>${cells("th", columns)}</tr></thead><tbody>${body.join("\n")}</tbody></table>` +
    `${notes === "" ? "" : `<p class="soft">${escapeXml(notes)}</p>`}</div>`
  );
}

/** The picture as it stands inside a page: the page's colours and no name spaces. */
function inlineSvg(svg: string): string {
  return svg.replace(/<style>.*?<\/style>/s, "").replace(/ xmlns(:xlink)?="[^"]*"/g, "");
}

function figureHtml(figure: Figure): string {
  return (
    `<figure id="${figure.name}"><div class="picture">${inlineSvg(figure.svg)}</div>` +
    `<figcaption>${escapeXml(figure.text)}</figcaption>` +
    `<details><summary>The numbers</summary>${tableHtml(figure.table)}</details></figure>`
  );
}

/**
 * A report as HTML.
 *
 * @returns a complete document in UTF-8
 * @throws RangeError when two figures have one name
 */
export function reportHtml({ title, text, sections }: Report): string {
  const names = sections.flatMap(({ figures = [] }) => figures.map(({ name }) => name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new RangeError(`reportHtml: expected figures of different names, got ${twice} twice`);
  const contents = sections.map(
    ({ heading }, i) => `<li><a href="#section-${i + 1}">${escapeXml(heading)}</a></li>`,
  );
  const body = sections.map(
    ({ heading, text: paragraphs = [], tables = [], figures = [] }, i) =>
      `<section id="section-${i + 1}"><h2>${escapeXml(heading)}</h2>` +
      paragraphs.map((paragraph) => `<p>${escapeXml(paragraph)}</p>`).join("\n") +
      tables.map(tableHtml).join("\n") +
      figures.map(figureHtml).join("\n") +
      "</section>",
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${REPORT_MARK}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeXml(title)}</h1>
<p>${escapeXml(text)}</p>
<nav aria-label="Contents"><ul>${contents.join("")}</ul></nav>
${body.join("\n")}
</main>
</body>
</html>
`;
}
