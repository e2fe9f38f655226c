// Text for a strided view by NumPy's rules: aligned columns, `...` for large arrays, scientific notation when
// the magnitudes are far apart. Read next: print-tensor.ts, which puts a heading before it.
import type { DType } from "./dtype.ts";
import type { Layout } from "./view.ts";

/** What {@link formatView} prints: a layout over a typed array, and the meaning of its elements. */
export interface PrintableView extends Layout {
  readonly data: ArrayLike<number>;
  readonly dtype: DType;
}

/** Options of {@link formatView}; the defaults are NumPy's. */
export interface PrintOptions {
  /** Most digits behind the decimal point, default 8. */
  readonly precision?: number;
  /** Views with more elements than this are summarised, default 1000. */
  readonly threshold?: number;
  /** Elements shown at each end of a summarised axis, >= 1, default 3. */
  readonly edgeItems?: number;
  /** Lines are broken before this many characters, default 75. */
  readonly lineWidth?: number;
  /** Text between elements, default one space. */
  readonly separator?: string;
  /** Text that will stand before the first line, such as `tensor(`; further lines are indented to match. */
  readonly prefix?: string;
}

type FormatElement = (value: number) => string;

/** An axis position to print, or a gap. */
type Item = number | "...";

/**
 * The elements of a view as text, as `numpy.array2string` gives it: all numbers of the view share one notation
 * and one width. Floats show the fewest digits that tell them from their neighbours, at most `precision`; ties
 * round to even. Notation is scientific when the largest magnitude is at least 1e8 (1e6 for float32), the
 * smallest is below 1e-4, or their ratio is above 1000; only elements that are shown count.
 *
 * @param view any strides, offset and rank; a view without elements gives `[]`.
 * @throws RangeError when an option is not an integer in its range.
 * @example
 * formatView({ data: [1, 0.5, -2, 3], shape: [2, 2], strides: [2, 1], offset: 0, dtype: "float32" })
 * // [[ 1.   0.5]
 * //  [-2.   3. ]]
 */
export function formatView(view: PrintableView, options: PrintOptions = {}): string {
  const { data, shape, strides, offset, dtype } = view;
  const precision = checked("precision", options.precision ?? 8, 0, 100);
  const threshold = checked("threshold", options.threshold ?? 1000, 0, Number.MAX_SAFE_INTEGER);
  const edgeItems = checked("edgeItems", options.edgeItems ?? 3, 1, Number.MAX_SAFE_INTEGER);
  const lineWidth = checked("lineWidth", options.lineWidth ?? 75, 1, Number.MAX_SAFE_INTEGER);
  const separator = options.separator ?? " ";
  const size = shape.reduce((product, length) => product * length, 1);
  if (size === 0) return "[]";
  const items = shape.map((length) => axisItems(length, size > threshold ? edgeItems : length));
  const format = elementFormat(shownElements(view, items), dtype, shape.length === 0, precision);

  /** The part of the view below `axis`; every line but the first starts with `indent`. */
  const block = (axis: number, position: number, indent: string, width: number): string => {
    if (axis === shape.length) return format(data[position]!);
    const part = (item: Item): string =>
      item === "..." ? item : block(axis + 1, position + item * strides[axis]!, `${indent} `, width - 1);
    const axesBelow = shape.length - 1 - axis;
    const text =
      axesBelow === 0
        ? fillLines(items[axis]!.map(part), separator, indent, width)
        : items[axis]!.map((item) => indent + part(item)).join(separator.trimEnd() + "\n".repeat(axesBelow));
    return `[${text.slice(indent.length)}]`;
  };
  return block(0, offset, ` ${" ".repeat(options.prefix?.length ?? 0)}`, lineWidth);
}

function checked(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`formatView: ${name} is ${value}, expected an integer in [${least}, ${most}]`);
  return value;
}

function axisItems(length: number, edgeItems: number): Item[] {
  const range = (from: number, to: number): Item[] => Array.from({ length: to - from }, (_, i) => from + i);
  if (length <= 2 * edgeItems) return range(0, length);
  return [...range(0, edgeItems), "...", ...range(length - edgeItems, length)];
}

function shownElements({ data, strides, offset }: PrintableView, items: readonly Item[][]): number[] {
  let positions = [offset];
  items.forEach((axis, k) => {
    const steps = axis.filter((item) => item !== "...").map((item) => item * strides[k]!);
    positions = positions.flatMap((start) => steps.map((step) => start + step));
  });
  return positions.map((position) => data[position]!);
}

/** Words joined to lines that leave room for a closing bracket; a word longer than a line stays whole. */
function fillLines(words: readonly string[], separator: string, indent: string, width: number): string {
  const room = width - Math.max(separator.trimEnd().length, 1);
  let text = "";
  let line = indent;
  words.forEach((word, i) => {
    if (line.length + word.length > room && line.length > indent.length) {
      text += `${line.trimEnd()}\n`;
      line = indent;
    }
    line += i < words.length - 1 ? word + separator : word;
  });
  return text + line;
}

function elementFormat(
  shown: readonly number[],
  dtype: DType,
  scalar: boolean,
  precision: number,
): FormatElement {
  if (dtype === "bool") return (value) => (value ? (scalar ? "True" : " True") : "False");
  if (dtype === "int32") {
    const width = Math.max(...shown.map((value) => String(value).length));
    return (value) => String(value).padStart(width);
  }
  return floatFormat(shown, dtype === "float32", precision);
}

function floatFormat(shown: readonly number[], single: boolean, precision: number): FormatElement {
  const finite = shown.filter(Number.isFinite);
  const scientific = needsExponent(finite, single);
  const split = (value: number): NumberParts => {
    const places = fewestPlaces(value, single, precision, scientific);
    return scientific ? splitScientific(value, places) : splitPositional(value, places);
  };
  const parts = finite.map(split);
  const widest = (pick: (parts: NumberParts) => string) => Math.max(0, ...parts.map((x) => pick(x).length));
  const fractionWidth = widest((x) => x.fraction);
  const exponentWidth = widest((x) => x.exponent);
  // The exponent takes an "e" and a sign beside its digits.
  const right = fractionWidth + (scientific ? exponentWidth + 2 : 0);
  let left = widest((x) => x.whole);
  if (finite.length < shown.length) {
    const longest = shown.includes(Number.NEGATIVE_INFINITY) ? 4 : 3;
    left = Math.max(left, longest - right - 1);
  }
  return (value) => {
    if (!Number.isFinite(value)) {
      const name = Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
      return name.padStart(left + 1 + right);
    }
    if (!scientific) {
      const { whole, fraction } = split(value);
      return `${whole.padStart(left)}.${fraction.padEnd(fractionWidth)}`;
    }
    // Shorter numbers are filled up with further digits of their exact value, not with zeros.
    const { whole, fraction, negativeExponent, exponent } = splitScientific(value, fractionWidth);
    const power = `${negativeExponent ? "-" : "+"}${exponent.padStart(exponentWidth, "0")}`;
    return `${whole.padStart(left)}.${fraction.padEnd(fractionWidth, "0")}e${power}`;
  };
}

function needsExponent(finite: readonly number[], single: boolean): boolean {
  let largest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const value of finite) {
    const magnitude = Math.abs(value);
    largest = Math.max(largest, magnitude);
    if (magnitude > 0) smallest = Math.min(smallest, magnitude);
  }
  if (largest === 0) return false;
  const inDtype = single ? Math.fround : Number;
  return largest >= (single ? 1e6 : 1e8) || smallest < inDtype(1e-4) || inDtype(largest / smallest) > 1000;
}

/** A number cut into its parts; the fraction has no trailing zeros, the exponent at least two digits. */
interface NumberParts {
  /** Sign and digits before the point. */
  readonly whole: string;
  readonly fraction: string;
  readonly negativeExponent: boolean;
  readonly exponent: string;
}

/** Digits behind the point that tell the value from its neighbours, at most `precision`. */
function fewestPlaces(value: number, single: boolean, precision: number, scientific: boolean): number {
  const { digits, exponent } = shortestDigits(Math.abs(value), single);
  return Math.min(precision, Math.max(0, digits.length - 1 - (scientific ? 0 : exponent)));
}

function splitPositional(value: number, places: number): NumberParts {
  const magnitude = Math.abs(value);
  const text = roundHalfEven(magnitude.toFixed(places), magnitude.toFixed(100), places);
  const [whole = "", fraction = ""] = text.split(".");
  return { whole: sign(value) + whole, fraction: trimZeros(fraction), negativeExponent: false, exponent: "" };
}

function splitScientific(value: number, places: number): NumberParts {
  const magnitude = Math.abs(value);
  const [rounded = "", power = ""] = magnitude.toExponential(places).split("e");
  const [exact = "", exactPower] = magnitude.toExponential(100).split("e");
  // A tie that is rounded down cannot carry into the next power of ten.
  const text = power === exactPower ? roundHalfEven(rounded, exact, places) : rounded;
  const [whole = "", fraction = ""] = text.split(".");
  return {
    whole: sign(value) + whole,
    fraction: trimZeros(fraction),
    negativeExponent: power.startsWith("-"),
    exponent: power.slice(1).padStart(2, "0"),
  };
}

/** The fewest significant digits that read back as the same float64 (or float32), value d.ddd * 10^exponent. */
function shortestDigits(magnitude: number, single: boolean): { digits: string; exponent: number } {
  let text = magnitude.toExponential();
  for (let places = 0; single && places < 9; places++) {
    text = magnitude.toExponential(places);
    if (Math.fround(Number(text)) === magnitude) break;
  }
  const [mantissa = "", exponent] = text.split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

/**
 * `rounded` has `places` digits behind the point and was rounded half up; when `exact` shows a tie, the even
 * neighbour is taken instead.
 */
function roundHalfEven(rounded: string, exact: string, places: number): string {
  const cut = exact.indexOf(".") + 1 + places;
  const isTie = /^50*$/.test(exact.slice(cut));
  const below = places === 0 ? exact.slice(0, cut - 1) : exact.slice(0, cut);
  return isTie && Number(below.at(-1)) % 2 === 0 ? below : rounded;
}

function trimZeros(fraction: string): string {
  return fraction.replace(/0+$/, "");
}

function sign(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}
