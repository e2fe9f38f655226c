// Whether the weights in a checkpoint can be those of the model that its configuration describes. It is asked before the
// model is built: a configuration of a few bytes can describe a model of many gigabytes.
import type { ArrayRecord } from "@echo-ts/tensor";
import type { EchoConfig } from "../settings/settings.ts";

/**
 * Numbers that a model has at least, by the settings they come from; the whole is at most a few times their sum.
 * @param vocabSize - number of token ids.
 */
export function leastParameters(
  { model, audio }: Pick<EchoConfig, "model" | "audio">,
  vocabSize: number,
): readonly (readonly [settings: string, count: number])[] {
  const { dims, features, audioLayers, textLayers, textContext } = model;
  const attention = 4 * dims * dims;
  return [
    ["model.vocabSize (or the tokenizer) and model.dims", vocabSize * dims],
    ["model.textContext and model.dims", textContext * dims],
    ["model.audioLayers, model.features and model.dims", audioLayers * features.length * attention],
    ["model.textLayers and model.dims", 2 * textLayers * attention],
    ["model.phones and model.dims", model.phones * dims],
    ["model.memorySize and model.dims", model.gate === "memory" ? model.memorySize * dims : 0],
    [
      "model.convolutionKernel, model.audioLayers and model.dims",
      model.convolutionKernel * audioLayers * dims,
    ],
    [
      "model.spectrogramStem.kernel, audio.melBins and model.dims",
      features.includes("spectrogram") ? model.spectrogramStem.kernel * audio.melBins * dims : 0,
    ],
    ["model.pitchStem.kernel and model.dims", features.includes("pitch") ? model.pitchStem.kernel * dims : 0],
  ];
}

/** Throws Error, naming the settings, when the file holds fewer numbers than the model must have. */
export function checkCheckpointSize(
  config: Pick<EchoConfig, "model" | "audio">,
  vocabSize: number,
  weights: ReadonlyMap<string, Pick<ArrayRecord, "shape">>,
): void {
  let held = 0;
  for (const { shape } of weights.values()) held += shape.reduce((product, size) => product * size, 1);
  const parts = leastParameters(config, config.model.vocabSize || vocabSize);
  const needed = parts.reduce((sum, [, count]) => sum + count, 0);
  if (needed <= held) return;
  const [settings, count] = parts.reduce((largest, part) => (part[1] > largest[1] ? part : largest));
  throw new Error(
    `config: a model of this configuration has at least ${needed} numbers, ${count} of them by ${settings}; the file holds ${held}`,
  );
}
