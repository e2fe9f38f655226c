// From items of different lengths to one tensor: padding, and masks that tell what is padding.

import {
  arange,
  type DType,
  formatShape,
  less,
  pad,
  ShapeError,
  stack,
  Tensor,
  tensor,
  unsqueeze,
} from "@echo-ts/tensor";
import { checkOptions, checkTensors, wrongArgument } from "@echo-ts/tensor/internal";

/** Options of {@link padStack}. */
export interface PadStackOptions {
  /** The axis whose length differs, counted in the items; default 0. */
  readonly axis?: number;
  /** What is filled in; default 0. */
  readonly value?: number;
  /** The padded length is rounded up to a multiple of this; default 1. */
  readonly multipleOf?: number;
}

/** Items in one tensor, and how much of each is real. */
export interface PaddedBatch {
  /** The items along a new first axis. */
  readonly batch: Tensor;
  /** int32 [B]: length of each item before padding. */
  readonly lengths: Tensor;
}

/**
 * Stacks tensors that differ in the length of one axis, each padded at its end.
 *
 * B items [.., t, ..] -> batch [B, .., T, ..], lengths [B], T the largest t
 *
 * @throws ShapeError for no items, or if they differ in another axis
 * @example padStack([ones([2, 3]), ones([2, 5])], { axis: 1 }).batch.shape // [2, 2, 5]
 */
export function padStack(items: readonly Tensor[], options: PadStackOptions = {}): PaddedBatch {
  checkOptions("padStack", options, { axis: "number", value: "number", multipleOf: "number" });
  const { axis = 0, value = 0, multipleOf = 1 } = options;
  checkItems("padStack", "items", items);
  for (const item of items) checkTensors("padStack", { "each item": item });
  if (items.length === 0) throw new ShapeError("padStack: expected at least one item, got none");
  const { rank } = items[0]!;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= rank) {
    throw new ShapeError(`padStack: axis ${axis} is out of range for items of rank ${rank}`);
  }
  checkMultiple("padStack", multipleOf);
  const others = (x: Tensor): string => x.shape.map((size, i) => (i === at ? "t" : size)).join(", ");
  items.forEach((item, i) => {
    if (others(item) !== others(items[0]!)) {
      throw new ShapeError(`padStack: item ${i} is [${others(item)}], the first one [${others(items[0]!)}]`);
    }
  });
  const lengths = items.map(({ shape }) => shape[at]!);
  const length = Math.ceil(Math.max(...lengths) / multipleOf) * multipleOf;
  const padded = items.map((item, i) =>
    pad(
      item,
      item.shape.map((_, j) => [0, j === at ? length - lengths[i]! : 0] as const),
      "constant",
      value,
    ),
  );
  return { batch: stack(padded, 0), lengths: tensor(Int32Array.from(lengths)) };
}

function checkMultiple(op: string, multipleOf: number): void {
  if (!Number.isInteger(multipleOf) || multipleOf < 1) {
    throw new ShapeError(`${op}: multipleOf must be a positive integer, got ${multipleOf}`);
  }
}

/** Options of {@link padSequences}. */
export interface PadSequencesOptions extends Omit<PadStackOptions, "axis"> {
  /** Default int32, for token ids and class labels. */
  readonly dtype?: DType;
}

/**
 * Stacks lists of numbers, each padded at its end.
 *
 * B lists of t numbers -> batch [B, T], lengths [B]
 *
 * @throws ShapeError for no lists
 * @example padSequences([[5, 6], [7]]).batch.toArray() // [[5, 6], [7, 0]]
 */
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options: PadSequencesOptions = {},
): PaddedBatch {
  checkOptions("padSequences", options, { dtype: "any", value: "number", multipleOf: "number" });
  checkItems("padSequences", "sequences", sequences);
  for (const one of sequences) checkItems("padSequences", "each sequence", one);
  const { dtype = "int32", value = 0, multipleOf = 1 } = options;
  checkMultiple("padSequences", multipleOf);
  if (sequences.length === 0) throw new ShapeError("padSequences: expected at least one list, got none");
  const lengths = Int32Array.from(sequences, ({ length }) => length);
  const length = Math.ceil(Math.max(...lengths) / multipleOf) * multipleOf;
  const values = new Float64Array(sequences.length * length).fill(value);
  sequences.forEach((sequence, i) => {
    values.set(Array.from(sequence), i * length);
  });
  return {
    batch: tensor(values, { dtype, shape: [sequences.length, length] }),
    lengths: tensor(lengths),
  };
}

/**
 * True where a position is real, false where it is padding.
 *
 * lengths int32 [B] -> bool [B, T]
 *
 * @param length T, the padded length
 * @example lengthMask(tensor([2, 1], { dtype: "int32" }), 2).toArray() // [[true, true], [true, false]]
 */
export function lengthMask(lengths: Tensor, length: number): Tensor {
  if (!(lengths instanceof Tensor)) throw wrongArgument("lengthMask", "lengths", "a tensor [B]", lengths);
  if (lengths.rank !== 1) {
    throw new ShapeError(`lengthMask: lengths must be [B], got ${formatShape(lengths.shape)}`);
  }
  return less(arange(0, length, 1, { dtype: "int32", backend: lengths.backend }), unsqueeze(lengths, 1));
}

function checkItems(op: string, name: string, items: unknown): void {
  if (!Array.isArray(items) && !ArrayBuffer.isView(items)) throw wrongArgument(op, name, "a list", items);
}
