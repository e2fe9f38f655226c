// PyTorch's values for layers and optimisers: test/fixtures/layers, made by the script beside them.
import { readFileSync } from "node:fs";

/** Nested arrays of numbers. */
export type Values = number | readonly Values[];

/** One case: inputs, parameters, outputs, cotangents, and gradients of sum(outputs x cotangents). */
export interface LayerCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Values>>;
  readonly parameters: Readonly<Record<string, Values>>;
  readonly outputs: Readonly<Record<string, Values>>;
  readonly cotangents: Readonly<Record<string, Values>>;
  readonly gradients: Readonly<Record<string, Values>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly groups?: number;
  readonly affine?: boolean;
  readonly size?: number | readonly number[];
  readonly kernel?: number;
  /** Of batch norm: a second batch, what it gives, the state afterwards, the first batch in evaluation. */
  readonly second?: Values;
  readonly second_output?: Values;
  readonly state?: Readonly<Record<string, Values>>;
  readonly evaluated?: Values;
}

interface LayerFixtures {
  readonly norms: readonly LayerCase[];
  readonly recurrent: readonly LayerCase[];
  readonly planes: readonly LayerCase[];
  readonly padded: readonly LayerCase[];
  readonly optimisers: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly one_cycle: readonly {
    readonly options: Readonly<Record<string, number | string>>;
    readonly values: readonly (readonly [number, number])[];
  }[];
  readonly averages: {
    readonly weights: readonly (readonly Values[])[];
    readonly swa: readonly (readonly Values[])[];
    readonly ema: readonly (readonly Values[])[];
  };
  readonly bce: Readonly<Record<"x" | "t" | "y" | "gradient", readonly number[]>>;
}

/** Everything in the file. */
export const layerFixtures: LayerFixtures = JSON.parse(
  readFileSync(new URL("../../fixtures/layers/layers.json", import.meta.url), "utf8"),
) as LayerFixtures;

/** The numbers of nested arrays, in order. */
export function flat(values: unknown): number[] {
  return Array.isArray(values) ? values.flatMap(flat) : [Number(values)];
}

/** Largest difference of two lists, relative to the larger of 1 and the expected magnitude; Infinity for other lengths. */
export function difference(actual: unknown, expected: unknown): number {
  const [a, b] = [flat(actual), flat(expected)];
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, value, i) => {
    const error = Math.abs(value - b[i]!) / Math.max(1, Math.abs(b[i]!));
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }, 0);
}
