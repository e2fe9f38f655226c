// Features through the encoder, for decoding: on the backend of the model, without gradients, and with the memory
// of everything on the way given back. Read next: decode/ctc-search.ts.
import { noGrad } from "@echo-ts/autograd";
import { type Backend, keep, releasingResults, withBackend } from "@echo-ts/tensor";
import type { Echo } from "../model/model.ts";
import type { InputSettings } from "../settings/resolve.ts";
import { collateFeatures } from "./collate.ts";
import type { Encoded } from "./decode/stepper.ts";
import type { UtteranceFeatures } from "./features.ts";

/** The backend that holds the weights of a model. */
export function backendOf(echo: Echo): Backend {
  return echo.parameters()[0]!.backend;
}

/** What the encoder makes of a batch of utterances. */
export function encodeUtterances(
  echo: Echo,
  utterances: readonly UtteranceFeatures[],
  input: InputSettings,
): Encoded {
  const encode = (): Encoded => kept(echo.encode(collateFeatures(utterances, input)));
  return withBackend(backendOf(echo), () => releasingResults(() => noGrad(encode)));
}

function kept(encoded: Encoded): Encoded {
  for (const { frames, middle, phoneLogits, padding, silent } of encoded.values()) {
    for (const x of [frames, middle, phoneLogits, padding, silent]) if (x !== null) keep(x);
  }
  return encoded;
}
