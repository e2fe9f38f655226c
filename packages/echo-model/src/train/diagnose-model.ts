// A look inside a model on some batches: gradients by block and part, gates, attention. The weights stay as they are.
// The seed's document gives such figures of the first ten steps of its run; see REFERENCE.md for what they do not show.
import { noGrad, zeroGrad } from "@echo-ts/autograd";
import type { Echo } from "../model/model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { collateFeatures, collateTargets, type Example, targetsOf } from "../speech/collate.ts";
import { attentionMaps } from "../study/attention-maps.ts";
import { namedBlocks } from "../study/blocks.ts";
import { type GateSummary, gateTracks, summarizeGates } from "../study/gate-openings.ts";
import { type BlockGradients, GradientDiagnostics } from "../study/gradient-diagnostics.ts";
import { type GradientNorm, GradientNorms } from "../study/gradient-norms.ts";
import type { SpecialIds } from "../text/tokenizer.ts";
import { batchLoss } from "./loss.ts";

/** Attention of one layer over some utterances. */
export interface AttentionSummary {
  /** "encoder 0 self". */
  readonly name: string;
  /** Relative entropy of each head, 0 (one key) to 1 (everywhere alike), mean over utterances. */
  readonly entropy: readonly number[];
  /** Factor on silent keys. */
  readonly silenceFactor: number;
}

/** What was seen of a model at one time. */
export interface Diagnosis {
  /** "at initialisation", "after 50 steps", "checkpoint". */
  readonly phase: string;
  readonly step: number;
  /** Mean loss of the batches. */
  readonly loss: number;
  readonly batches: number;
  /** Gradients by block; `name` is that of `namedBlocks`. */
  readonly blocks: readonly BlockGradients[];
  readonly norms: readonly GradientNorm[];
  readonly gates: readonly GateSummary[];
  /** Empty for the reference variant. */
  readonly attention: readonly AttentionSummary[];
}

/** Utterances whose gates and attention are looked at. */
const UTTERANCES = 8;

/**
 * Diagnoses a model: forward and backward passes over the batches as in training (dropout on), then gates and attention of
 * the first eight utterances without dropout. Weights are not changed; gradients are cleared.
 */
export function diagnoseModel(
  echo: Echo,
  batches: readonly (readonly Example[])[],
  config: EchoConfig,
  special: SpecialIds,
  { phase, step }: Pick<Diagnosis, "phase" | "step">,
): Diagnosis {
  const gradients = new GradientDiagnostics(echo);
  const norms = new GradientNorms(echo);
  const input = inputOf(config);
  const wasTraining = echo.training;
  echo.train();
  let loss = 0;
  for (const examples of batches) {
    zeroGrad(echo.parameters());
    const features = collateFeatures(
      examples.map((example) => example.features),
      input,
    );
    const targets = targetsOf(examples, special);
    const { total } = batchLoss(echo, features, targets, config.loss);
    loss += total.item() / batches.length;
    total.backward();
    gradients.observe();
    norms.observe();
  }
  zeroGrad(echo.parameters());
  echo.train(wasTraining);
  const names = new Map(namedBlocks(echo).map(({ path, name }) => [path, name]));
  return {
    phase,
    step,
    loss,
    batches: batches.length,
    blocks: gradients.report().map((block) => ({ ...block, name: names.get(block.name) ?? block.name })),
    norms: norms.report(),
    ...lookAt(echo, batches.flat().slice(0, UTTERANCES), config, special),
  };
}

function lookAt(
  echo: Echo,
  examples: readonly Example[],
  config: EchoConfig,
  special: SpecialIds,
): Pick<Diagnosis, "gates" | "attention"> {
  const input = inputOf(config);
  const seen = examples.map(({ features, tokens }) => {
    const batch = collateFeatures([features], input);
    const { inputIds } = collateTargets([tokens], special);
    return noGrad(() => ({
      gates: gateTracks(echo, batch, inputIds),
      maps: echo.config.variant === "reference" ? [] : attentionMaps(echo, batch, inputIds),
    }));
  });
  const attention = (seen[0]?.maps ?? []).map(({ name, heads, silenceFactor }, i) => ({
    name,
    silenceFactor,
    entropy: Array.from(
      { length: heads },
      (_, h) => seen.reduce((sum, { maps }) => sum + maps[i]!.entropy[h]!, 0) / seen.length,
    ),
  }));
  return { gates: summarizeGates(seen.flatMap(({ gates }) => gates)), attention };
}

/** Value gradients over the mean of query and key gradients; null without. */
export function valueDominance(qkv: BlockGradients["self"]): number | null {
  return qkv === null || qkv.query + qkv.key === 0 ? null : (2 * qkv.value) / (qkv.query + qkv.key);
}
