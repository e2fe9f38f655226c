// Utterances put together for the model: padded tensors of features, ids and labels.
// Shapes: B utterances, M mel bands, T hops of the longest, L tokens of the longest + 1.
import { type Tensor, tensor } from "@echo-ts/tensor";
import { DataError } from "../errors.ts";
import type { EchoFeatures } from "../model/batch.ts";
import type { InputSettings } from "../settings/resolve.ts";
import { collateText } from "../text/collate-text.ts";
import type { SpecialIds } from "../text/tokenizer.ts";
import type { UtteranceFeatures } from "./features.ts";

/** One utterance, ready to be trained on or scored. */
export interface Example {
  readonly id: string;
  /** Normalised transcript. */
  readonly text: string;
  /** Ids of the transcript, without specials. */
  readonly tokens: readonly number[];
  /** Ids of its phones, where the tokenizer has a lexicon. */
  readonly phones?: readonly number[];
  readonly features: UtteranceFeatures;
}

/**
 * Pads features on the right to the longest utterance, with zeros that the model masks by `lengths`.
 *
 * @returns spectrogram [B, M, T], f0 [B, T], silent [B, T], lengths; waveform [B, 1, T * hop] and pitch [B, 1, T]
 * when the model reads them.
 * @throws DataError for no utterance, or samples that were not kept.
 */
export function collateFeatures(
  utterances: readonly UtteranceFeatures[],
  { melBins, hopLength, features: streams }: Pick<InputSettings, "melBins" | "hopLength" | "features">,
): EchoFeatures {
  if (utterances.length === 0) throw new DataError("collateFeatures: no utterance, expected at least one");
  const batch = utterances.length;
  const frames = utterances.reduce((most, features) => Math.max(most, features.frames), 0);
  const mel = new Float32Array(batch * melBins * frames);
  const f0 = new Float32Array(batch * frames);
  const silent = new Uint8Array(batch * frames);
  utterances.forEach((features, b) => {
    const own = features.frames;
    for (let m = 0; m < melBins; m++)
      mel.set(features.mel.subarray(m * own, (m + 1) * own), (b * melBins + m) * frames);
    f0.set(features.f0, b * frames);
    silent.set(features.silent, b * frames);
  });
  return {
    ...(streams.includes("spectrogram") && { spectrogram: tensor(mel, { shape: [batch, melBins, frames] }) }),
    ...(streams.includes("waveform") && { waveform: waveforms(utterances, frames * hopLength) }),
    ...(streams.includes("pitch") && { pitch: tensor(f0, { shape: [batch, 1, frames] }) }),
    f0: tensor(f0, { shape: [batch, frames] }),
    silent: tensor(silent, { shape: [batch, frames], dtype: "bool" }),
    lengths: utterances.map((features) => features.frames),
  };
}

function waveforms(utterances: readonly UtteranceFeatures[], samples: number): Tensor {
  const out = new Float32Array(utterances.length * samples);
  utterances.forEach((features, b) => {
    if (features.samples === undefined)
      throw new DataError("collateFeatures: the model reads the waveform, but the samples were not kept");
    out.set(features.samples.subarray(0, samples), b * samples);
  });
  return tensor(out, { shape: [utterances.length, 1, samples] });
}

/** Decoder inputs and targets of a batch. */
export interface Targets {
  /** bos and the tokens: int32 [B, L]. */
  readonly inputIds: Tensor;
  /** The tokens and the end: int32 [B, L]; pad is ignored by the loss. */
  readonly labels: Tensor;
  /** The tokens alone, for CTC: int32 [B, L - 1], at least one column. */
  readonly ctcTargets: Tensor;
  /** Tokens of each utterance. */
  readonly targetLengths: readonly number[];
  /** Ids of the phones of each utterance, int32 [B, P], and how many there are; null without a lexicon. */
  readonly phones: { readonly targets: Tensor; readonly lengths: readonly number[] } | null;
  /** Labels that are not pad, over which cross entropy is averaged. */
  readonly labelCount: number;
}

/**
 * Pads token sequences to tensors; see `collateText`.
 * @param phones - of each sequence, null without a lexicon.
 */
export function collateTargets(
  sequences: readonly (readonly number[])[],
  special: SpecialIds,
  phones: readonly (readonly number[])[] | null = null,
): Targets {
  const { inputIds, labels, batch, length, lengths } = collateText(sequences, special);
  const width = Math.max(1, length - 1);
  return {
    inputIds: tensor(inputIds, { shape: [batch, length] }),
    labels: tensor(labels, { shape: [batch, length] }),
    ctcTargets: padded(sequences, width, special.pad),
    targetLengths: Array.from(lengths),
    phones: phones && paddedPhones(phones),
    labelCount: labels.reduce((count, id) => (id === special.pad ? count : count + 1), 0),
  };
}

/** Decoder inputs and targets of utterances, their phones included. */
export function targetsOf(
  examples: readonly Pick<Example, "tokens" | "phones">[],
  special: SpecialIds,
): Targets {
  const phones = examples.flatMap((example) => (example.phones === undefined ? [] : [example.phones]));
  return collateTargets(
    examples.map(({ tokens }) => tokens),
    special,
    phones.length === examples.length ? phones : null,
  );
}

/** Rows of ids as int32 [B, width]. */
function padded(rows: readonly (readonly number[])[], width: number, pad: number): Tensor {
  const values = new Int32Array(rows.length * width).fill(pad);
  rows.forEach((row, b) => {
    values.set(row, b * width);
  });
  return tensor(values, { shape: [rows.length, width] });
}

function paddedPhones(rows: readonly (readonly number[])[]): NonNullable<Targets["phones"]> {
  const lengths = rows.map((row) => row.length);
  return { targets: padded(rows, Math.max(1, ...lengths), 0), lengths };
}
