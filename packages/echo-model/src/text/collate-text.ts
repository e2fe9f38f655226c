// Turns token sequences of different lengths into the decoder's input and labels (teacher forcing).
import { TextError } from "../errors.ts";
import type { SpecialIds } from "./tokenizer.ts";

/** A padded batch of decoder inputs and labels; both arrays are [batch, length], row-major. */
export interface TextBatch {
  /** `bos` then the sequence, padded with `pad`: [batch, length]. */
  readonly inputIds: Int32Array;
  /** The sequence then the end id, padded with `pad` (the ignored index of the loss): [batch, length]. */
  readonly labels: Int32Array;
  readonly batch: number;
  /** Longest sequence + 1. */
  readonly length: number;
  /** Tokens of each sequence, without bos and end: what CTC calls the target length. */
  readonly lengths: Int32Array;
}

/**
 * Builds `input = [bos] + y` and `label = y + [end]`, padded on the right.
 * The corrected variant ends labels with `eos`; the reference variant ends them with `pad`, which its loss ignores,
 * so that it never learns to stop (kept for parity).
 *
 * @param sequences - token ids without specials, at least one sequence; an empty sequence is allowed.
 * @param special - ids of the tokenizer.
 * @returns arrays of [batch, longest + 1].
 * Throws TextError for no sequence, or for a sequence that contains the pad id (it would be ignored silently).
 * @example
 * collateText([[8, 11], [5]], { pad: 0, bos: 1, eos: 2 }).labels; // [8, 11, 2,  5, 2, 0]
 */
export function collateText(sequences: readonly ArrayLike<number>[], special: SpecialIds): TextBatch {
  if (sequences.length === 0) throw new TextError("collateText: no sequence, expected at least one");
  const { pad, bos } = special;
  const end = special.eos ?? pad;
  const length = sequences.reduce((longest, sequence) => Math.max(longest, sequence.length), 0) + 1;
  const inputIds = new Int32Array(sequences.length * length).fill(pad);
  const labels = new Int32Array(sequences.length * length).fill(pad);
  sequences.forEach((sequence, b) => {
    const start = b * length;
    inputIds[start] = bos;
    for (let i = 0; i < sequence.length; i++) {
      const id = sequence[i]!;
      if (id === pad)
        throw new TextError(`collateText: sequence ${b} holds the pad id ${pad} at position ${i}`);
      inputIds[start + 1 + i] = id;
      labels[start + i] = id;
    }
    labels[start + sequence.length] = end;
  });
  const lengths = Int32Array.from(sequences, (sequence) => sequence.length);
  return { inputIds, labels, batch: sequences.length, length, lengths };
}
