// PNG files of figures. What draws them, resvg compiled to WebAssembly, is under the MPL 2.0 and therefore an optional peer:
// whoever wants PNG installs @resvg/resvg-wasm. Fonts are taken from the system, because WebAssembly has none.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** Sans-serif fonts in the order in which they are looked for. */
const FONTS: readonly string[] = [
  "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
  "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
  "/usr/share/fonts/TTF/DejaVuSans.ttf",
  "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
  "/System/Library/Fonts/Supplemental/Arial.ttf",
  "C:\\Windows\\Fonts\\arial.ttf",
];

/** Draws SVG documents as PNG files, in light colours on white. */
export type PngRenderer = (svg: string) => Uint8Array;

let renderer: Promise<PngRenderer | string> | null = null;

/**
 * What makes PNG files on this machine.
 *
 * @param scale pixels per unit of the SVG, default 2
 * @returns the renderer, or a sentence that says what is missing
 */
export function pngRenderer(scale = 2): Promise<PngRenderer | string> {
  renderer ??= load(scale);
  return renderer;
}

async function load(scale: number): Promise<PngRenderer | string> {
  const resvg = await import("@resvg/resvg-wasm").catch(() => null);
  if (resvg === null)
    return "PNG files need the package @resvg/resvg-wasm (MPL 2.0); npm install @resvg/resvg-wasm@2.6.2";
  const font = process.env.ECHO_FONT ?? FONTS.find((path) => existsSync(path));
  if (font === undefined) return "PNG files need a font; name a .ttf file in ECHO_FONT";
  const wasm = createRequire(import.meta.url).resolve("@resvg/resvg-wasm/index_bg.wasm");
  await resvg.initWasm(await readFile(wasm));
  const bold = font.replace(/(-Regular)?\.ttf$/, "-Bold.ttf");
  const fontFiles = existsSync(bold) ? [font, bold] : [font];
  const fontBuffers = await Promise.all(fontFiles.map(async (path) => new Uint8Array(await readFile(path))));
  return (svg) => {
    const image = new resvg.Resvg(paper(svg), {
      fitTo: { mode: "zoom", value: scale },
      background: "#fff",
      font: {
        fontBuffers,
        loadSystemFonts: false,
        defaultFontFamily: "DejaVu Sans",
        sansSerifFamily: "DejaVu Sans",
      },
    });
    const png = image.render().asPng();
    image.free();
    return png;
  };
}

/** The picture in the words that resvg knows: one colour of ink, and cells with sharp edges. */
function paper(svg: string): string {
  return svg
    .replaceAll("currentColor", "#1c1c1e")
    .replaceAll("var(--plot-background)", "#fff")
    .replaceAll('style="image-rendering:pixelated"', 'image-rendering="optimizeSpeed"');
}
