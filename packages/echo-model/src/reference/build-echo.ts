// The one place that chooses between the two variants of the model.
import { checkOptions } from "@echo-ts/tensor/internal";
import type { InputShape } from "../model/batch.ts";
import { ECHO_OPTIONS, Echo, type EchoOptions } from "../model/model.ts";
import type { ModelConfig } from "../settings/settings.ts";
import { ReferenceEcho } from "./reference-echo.ts";

const MODELS: Readonly<Record<ModelConfig["variant"], typeof Echo>> = {
  corrected: Echo,
  reference: ReferenceEcho,
};

/**
 * The model of a configuration, of the variant that `model.variant` names, with fresh weights.
 *
 * @param input bands of the spectrogram and samples per hop; the `audio` group is one
 * @throws ShapeError if the configuration names no vocabulary
 * @example
 * const { model, audio } = resolveConfig({ model: { vocabSize: 30 } });
 * const echo = buildEcho(model, audio, { seed: 1 });
 */
export function buildEcho(config: ModelConfig, input: InputShape, options: EchoOptions = {}): Echo {
  checkOptions("buildEcho", options, ECHO_OPTIONS);
  return new MODELS[config.variant](config, input, options);
}
