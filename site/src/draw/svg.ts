// SVG as text: elements, escaped text, scales. Colours are the variables of site.css, so that one picture serves light and
// dark. Read next: pictures.ts.

/** Text inside SVG or HTML. */
export const escapeText = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/** An element with attributes; `inside` is markup. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  inside = "",
): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? Number(value.toFixed(2)) : escapeText(value)}"`,
  );
  return `<${name}${list.join("")}>${inside}</${name}>`;
}

/** Text at a place; `anchor` "start", "middle" or "end". */
export function label(
  x: number,
  y: number,
  text: string,
  more: Readonly<Record<string, string | number>> = {},
): string {
  return element(
    "text",
    { x, y, fill: "var(--ink)", "font-size": 13, "font-family": "system-ui, sans-serif", ...more },
    escapeText(text),
  );
}

/** A whole picture with a name for those who don't see it. */
export function picture(width: number, height: number, name: string, inside: string): string {
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": name,
    },
    inside,
  );
}

/** Maps [low, high] to [from, to]; a range without extent to the middle. */
export function scale(low: number, high: number, from: number, to: number): (x: number) => number {
  return (x) => (high === low ? (from + to) / 2 : from + ((x - low) / (high - low)) * (to - from));
}

/** Round numbers within [low, high], about `count` of them. */
export function ticks(low: number, high: number, count = 5): number[] {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const CIVIDIS = [
  [0, 34, 78],
  [46, 68, 110],
  [99, 101, 113],
  [150, 136, 116],
  [204, 174, 98],
  [254, 232, 56],
] as const;

/** Colour of a value in [0, 1] on the map cividis, which prints in grey; values outside are clipped. */
export function cividis(value: number): string {
  const at = Math.min(Math.max(value, 0), 1) * (CIVIDIS.length - 1);
  const i = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const mixed = [0, 1, 2].map((c) =>
    Math.round(CIVIDIS[i]![c]! + (at - i) * (CIVIDIS[i + 1]![c]! - CIVIDIS[i]![c]!)),
  );
  return `rgb(${mixed.join(",")})`;
}
