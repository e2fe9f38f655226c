// A matrix as a small image in the text of an SVG: a bitmap (BMP) of 256 colours of the map cividis. Where a matrix has
// thousands of numbers, this takes one byte for each; matrix-image.ts draws a square for each.
import { cividis, element } from "./svg.ts";

const HEADER = 54;
const COLOURS = 256;

/** Bytes of a BMP file; `values[row][column]`, the first row at the bottom, 0 dark and 1 bright. */
function bitmapBytes(values: readonly (readonly number[])[]): Uint8Array {
  const height = values.length;
  const width = values[0]?.length ?? 0;
  const stride = Math.ceil(width / 4) * 4;
  const start = HEADER + 4 * COLOURS;
  const bytes = new Uint8Array(start + stride * height);
  const view = new DataView(bytes.buffer);
  const words = [
    [2, bytes.length],
    [10, start],
    [14, 40], // size of the second header
    [18, width],
    [22, height],
    [46, COLOURS],
  ] as const;
  bytes.set([0x42, 0x4d]); // "BM"
  for (const [at, value] of words) view.setUint32(at, value, true);
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 8, true); // bits for each number
  for (let i = 0; i < COLOURS; i++) {
    const [red = 0, green = 0, blue = 0] = cividis(i / (COLOURS - 1))
      .slice(4, -1)
      .split(",")
      .map(Number);
    bytes.set([blue, green, red, 0], HEADER + 4 * i);
  }
  values.forEach((row, r) => {
    row.forEach((value, c) => {
      bytes[start + r * stride + c] = Math.round(Math.min(Math.max(value, 0), 1) * (COLOURS - 1));
    });
  });
  return bytes;
}

/** Where an image stands. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The image as an SVG element.
 *
 * @param values `values[row][column]`, the first row at the bottom; 0 is dark, 1 is bright, values outside are clipped
 */
export function bitmap(values: readonly (readonly number[])[], place: Place): string {
  let text = "";
  for (const byte of bitmapBytes(values)) text += String.fromCharCode(byte);
  return element("image", {
    ...place,
    href: `data:image/bmp;base64,${btoa(text)}`,
    preserveAspectRatio: "none",
    style: "image-rendering: pixelated",
  });
}
