// A report in a folder: report.html, and in figures/ each figure as SVG, its numbers as JSON and, where it is possible, PNG.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import type { Figure } from "./figure.ts";
import { type Report, reportHtml } from "./page.ts";
import { pngRenderer } from "./png.ts";

/** What was written. */
export interface WrittenReport {
  /** Path of the HTML file. */
  readonly page: string;
  /** Number of figures. */
  readonly figures: number;
  /** Why there are no PNG files, or null where there are. */
  readonly withoutPng: string | null;
}

/**
 * Writes a report.
 *
 * @param folder created when missing; files of an earlier report are replaced
 * @throws FileError
 */
export async function writeReport(folder: string, report: Report): Promise<WrittenReport> {
  const figures = report.sections.flatMap((section) => section.figures ?? []);
  const page = join(folder, "report.html");
  const html = reportHtml(report);
  const withoutPng = await writeFigures(join(folder, "figures"), figures);
  await writeText(page, html);
  return { page, figures: figures.length, withoutPng };
}

/** Writes the files of figures; gives the reason where PNG files are not possible, else null. */
export async function writeFigures(folder: string, figures: readonly Figure[]): Promise<string | null> {
  await mkdir(folder, { recursive: true });
  const png = await pngRenderer();
  for (const { name, svg, data, title } of figures) {
    await writeText(join(folder, `${name}.svg`), `${svg}\n`);
    await writeText(join(folder, `${name}.json`), `${JSON.stringify({ title, data }, null, 1)}\n`);
    if (typeof png !== "string") await writeFileAtomic(join(folder, `${name}.png`), png(svg));
  }
  return typeof png === "string" ? png : null;
}

async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, new TextEncoder().encode(text));
}
