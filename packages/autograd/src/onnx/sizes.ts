// Sizes that differ between traces. A size is known by the list of what it was in each trace. Every list that is the
// size of some value's axis is a symbol, and a graph can read it off that value; other numbers must be a symbol times
// a whole number plus another, or a product of two symbols. What fits neither is refused: it is never guessed.
// Read next: graph.ts.

/** A number in each of the traces. */
export type PerTrace = readonly number[];

/** How a number follows from the sizes of axes. */
export type Expression =
  | { readonly kind: "constant"; readonly value: number }
  /** factor times symbol plus offset. */
  | { readonly kind: "affine"; readonly symbol: Symbol; readonly factor: number; readonly offset: number }
  /** factor times one symbol times another. */
  | {
      readonly kind: "product";
      readonly left: Symbol;
      readonly right: Symbol;
      readonly factor: number;
    };

/** The size of an axis that may differ from call to call. */
export interface Symbol {
  /** As in the file. */
  readonly name: string;
  readonly sizes: PerTrace;
  /** A value that has an axis of this size. */
  readonly value: string;
  readonly axis: number;
}

/** True if the number is the same in every trace. */
export const isFixed = (numbers: PerTrace): boolean => numbers.every((n) => n === numbers[0]);

const equal = (a: PerTrace, b: PerTrace): boolean => a.every((n, k) => n === b[k]);

/** The symbols of a graph. */
export class Symbols {
  readonly #symbols: Symbol[] = [];

  /** Makes the axis of a value a symbol, unless its size is fixed or known. @param name that of an input's axis */
  add(sizes: PerTrace, value: string, axis: number, name?: string): void {
    if (isFixed(sizes) || this.find(sizes) !== null) return;
    const unnamed = `size_${this.#symbols.length}`;
    this.#symbols.push({ name: name ?? unnamed, sizes, value, axis });
  }

  /** The symbol of these sizes, or null. */
  find(sizes: PerTrace): Symbol | null {
    return this.#symbols.find((symbol) => equal(symbol.sizes, sizes)) ?? null;
  }

  /** How a number follows from the symbols, or null if it follows from none in a way that is known here. */
  express(numbers: PerTrace): Expression | null {
    const value = numbers[0]!;
    if (isFixed(numbers)) return { kind: "constant", value };
    for (const symbol of this.#symbols) {
      const fit = affineFit(symbol.sizes, numbers);
      if (fit !== null) return { kind: "affine", symbol, ...fit };
    }
    for (const left of this.#symbols) {
      for (const right of this.#symbols) {
        const factor = value / (left.sizes[0]! * right.sizes[0]!);
        const fits = numbers.every((n, k) => n === factor * left.sizes[k]! * right.sizes[k]!);
        if (Number.isInteger(factor) && fits) return { kind: "product", left, right, factor };
      }
    }
    return null;
  }
}

/** The whole numbers with numbers = factor * sizes + offset in every trace, or null. */
function affineFit(sizes: PerTrace, numbers: PerTrace): { factor: number; offset: number } | null {
  const other = sizes.findIndex((n) => n !== sizes[0]);
  const factor = (numbers[other]! - numbers[0]!) / (sizes[other]! - sizes[0]!);
  const offset = numbers[0]! - factor * sizes[0]!;
  if (!Number.isInteger(factor) || factor === 0) return null;
  return numbers.every((n, k) => n === factor * sizes[k]! + offset) ? { factor, offset } : null;
}
