// Pictures made of text: a spectrogram in shades, a curve in dots. For terminals, logs and examples.

const SHADES = " .:-=+*#%@";

/**
 * A picture of rows by columns as text, the first row at the bottom; each character is the mean of its cells.
 *
 * @param values - row-major [rows, columns]. @param width - characters a line, default 72. @param height - lines,
 * default 16.
 * @returns lines joined by newlines; the darkest shade is the largest value.
 * @example
 * console.log(shadePlot(features.mel, 64, features.frames));
 */
export function shadePlot(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  width = 72,
  height = 16,
): string {
  const across = Math.min(width, columns);
  const down = Math.min(height, rows);
  const means = Array.from({ length: down }, (_, y) =>
    Array.from({ length: across }, (_, x) => {
      const [top, bottom] = [Math.ceil(((y + 1) * rows) / down), Math.floor((y * rows) / down)];
      const [right, left] = [Math.ceil(((x + 1) * columns) / across), Math.floor((x * columns) / across)];
      let sum = 0;
      for (let r = bottom; r < top; r++) for (let c = left; c < right; c++) sum += values[r * columns + c]!;
      return sum / ((top - bottom) * (right - left));
    }),
  );
  const all = means.flat().filter(Number.isFinite);
  const low = all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const shade = (value: number): string => {
    const share = high > low ? (value - low) / (high - low) : 0;
    return SHADES[Math.min(SHADES.length - 1, Math.floor(share * SHADES.length))] ?? "?";
  };
  return means
    .reverse()
    .map((line) => line.map(shade).join(""))
    .join("\n");
}

/**
 * A pitch track as text: Hz on a logarithmic axis, time across, unvoiced frames empty.
 *
 * @param f0 - Hz per frame, 0 = unvoiced. @param width - characters across, default 64. @param height - default 12.
 * @returns lines with the frequency in front; one sentence when nothing is voiced.
 */
export function pitchPlot(f0: ArrayLike<number>, width = 64, height = 12): string {
  const voiced = Array.from(f0).filter((hz) => hz > 0);
  if (voiced.length === 0) return "no voiced frame";
  const low = voiced.reduce((a, b) => Math.min(a, b)) / 1.05;
  const high = voiced.reduce((a, b) => Math.max(a, b)) * 1.05;
  const across = Math.min(width, f0.length);
  const canvas = Array.from({ length: height }, () => new Array<string>(across).fill(" "));
  for (let x = 0; x < across; x++) {
    const from = Math.floor((x * f0.length) / across);
    const to = Math.max(from + 1, Math.floor(((x + 1) * f0.length) / across));
    for (let t = from; t < to; t++) {
      if (!(f0[t]! > 0)) continue;
      const share = Math.log(f0[t]! / low) / Math.log(high / low);
      canvas[Math.min(height - 1, Math.floor(share * height))]![x] = "*";
    }
  }
  return canvas
    .map((line, y) => {
      const hz = low * (high / low) ** ((y + 0.5) / height);
      return `${hz.toFixed(0).padStart(5)} Hz |${line.join("")}`;
    })
    .reverse()
    .join("\n");
}
