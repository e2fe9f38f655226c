// Training steps: batches in, weights changed, everything that the next step depends on savable as plain data.
// They run on every backend: on a GPU only the loss and the norm of the gradients are read, by waiting.
// Evaluation, checkpoints and logs around it are in run-training.ts.
import {
  AdamW,
  clipGradNorm,
  detectAnomaly,
  GradientError,
  type OptimizerState,
  type Parameter,
} from "@echo-ts/autograd";
import type { RandomState, Tensor } from "@echo-ts/tensor";
import { TrainingError } from "../errors.ts";
import type { Echo } from "../model/model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { collateFeatures, type Example, type Targets, targetsOf } from "../speech/collate.ts";
import type { SpecialIds } from "../text/tokenizer.ts";
import type { BatchPosition, BatchSource } from "./batches.ts";
import { learningRateAt, progressOf } from "./learning-rate.ts";
import { type BatchLoss, type BatchShares, batchLoss, sharesOf } from "./loss.ts";

/** What one step did. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number;
  /** Loss of the accumulated batches as one: CTC is a mean over their utterances, cross entropy over their labels. */
  readonly loss: number;
  /** CTC part, null when it is off. */
  readonly ctc: number | null;
  /** Cross-entropy part, null when it is off. */
  readonly crossEntropy: number | null;
  readonly learningRate: number;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly epochs: number;
  readonly utterances: number;
  /** Hops, padding included. */
  readonly frames: number;
}

/** Everything a resumed training needs beside the weights; `optimizer.arrays` apart, plain JSON. */
export interface TrainerState {
  readonly step: number;
  readonly position: BatchPosition;
  readonly optimizer: OptimizerState;
  readonly random: Readonly<Record<string, RandomState>>;
}

/** One of the batches of a step. */
interface Part {
  readonly examples: readonly Example[];
  readonly targets: Targets;
}

/** A loss that is NaN or infinite, on its way to becoming a TrainingError. */
class NotFinite extends Error {}

/** Changes a model's weights, a step at a time. */
export class Trainer {
  readonly echo: Echo;
  readonly source: BatchSource;
  readonly #config: EchoConfig;
  readonly #special: SpecialIds;
  readonly #optimizer: AdamW;
  readonly #parameters: readonly Parameter[];
  #step = 0;
  /** Called in each step when the gradients are there, before they are clipped; it must not change them. */
  onGradients: (() => void) | null = null;

  constructor(echo: Echo, source: BatchSource, config: EchoConfig, special: SpecialIds) {
    this.echo = echo;
    this.source = source;
    this.#config = config;
    this.#special = special;
    this.#parameters = echo.parameters().filter((parameter) => parameter.requiresGrad);
    this.#optimizer = makeOptimizer(this.#parameters, config.optimizer);
  }

  /** True if values can be read without waiting. */
  get #onHost(): boolean {
    return this.#parameters[0]?.backend.host ?? true;
  }

  /** Steps done. */
  get steps(): number {
    return this.#step;
  }

  /** Share of the run that is done, 0 to 1. */
  get progress(): number {
    return progressOf(this.#config.training, this.#step, this.source.epochs);
  }

  /**
   * One step: `training.accumulate` batches, clipping, AdamW. The gradient is that of one batch of all utterances,
   * however they are cut; only what dropout draws differs.
   * @throws TrainingError naming step, utterances and operation when the loss or a gradient is not finite; the
   * weights are then those of the step before.
   */
  async step(): Promise<StepReport> {
    const { training, optimizer } = this.#config;
    const learningRate = learningRateAt(optimizer, training, this.#step, this.progress);
    this.#optimizer.learningRate = learningRate;
    const sums = { loss: 0, ctc: 0, crossEntropy: 0, utterances: 0, frames: 0 };
    const batches: Part[] = [];
    this.echo.train();
    const random = this.echo.randomState();
    let gradientNorm: number;
    try {
      while (batches.length < training.accumulate) batches.push(this.#partOf(await this.source.next()));
      const shares = sharesOf(batches.map(({ targets }) => targets));
      for (const [i, batch] of batches.entries()) {
        const { examples } = batch;
        const part = await this.#accumulate(batch, shares[i]!);
        sums.loss += part.loss;
        sums.ctc += (part.ctc ?? 0) * shares[i]!.ctc;
        sums.crossEntropy += (part.crossEntropy ?? 0) * shares[i]!.crossEntropy;
        sums.utterances += examples.length;
        sums.frames += examples.length * Math.max(...examples.map(({ features }) => features.frames));
      }
      this.onGradients?.();
      const limit = optimizer.clipNorm === 0 ? Number.POSITIVE_INFINITY : optimizer.clipNorm;
      gradientNorm = await clipGradNorm(this.#parameters, limit);
      this.#optimizer.step();
    } catch (error) {
      if (error instanceof NotFinite) throw this.#failure(error.message, batches, random);
      if (error instanceof GradientError) throw this.#failure("a gradient is not finite", batches, random);
      throw error;
    } finally {
      this.#optimizer.zeroGrad();
    }
    this.#step++;
    const { ctcWeight } = this.#config.loss;
    return {
      step: this.#step,
      loss: sums.loss,
      ctc: ctcWeight > 0 ? sums.ctc : null,
      crossEntropy: ctcWeight < 1 ? sums.crossEntropy : null,
      learningRate,
      gradientNorm,
      epochs: this.source.epochs,
      utterances: sums.utterances,
      frames: sums.frames,
    };
  }

  /** Gradients of one batch, added to those that are there. */
  async #accumulate(
    part: Part,
    shares: BatchShares,
  ): Promise<{
    loss: number;
    ctc: number | null;
    crossEntropy: number | null;
  }> {
    const { total, ctc, crossEntropy } = this.#forward(part, shares);
    const read = async (x: Tensor): Promise<number> => (this.#onHost ? x.item() : (await x.data())[0]!);
    const values = {
      loss: await read(total),
      ctc: ctc && (await read(ctc)),
      crossEntropy: crossEntropy && (await read(crossEntropy)),
    };
    if (!Number.isFinite(values.loss)) throw new NotFinite(`the loss is ${values.loss}`);
    total.backward();
    return values;
  }

  #partOf(examples: readonly Example[]): Part {
    return { examples, targets: targetsOf(examples, this.#special) };
  }

  #forward({ examples, targets }: Part, shares?: BatchShares): BatchLoss {
    const features = collateFeatures(
      examples.map((example) => example.features),
      inputOf(this.#config),
    );
    return batchLoss(this.echo, features, targets, this.#config.loss, shares);
  }

  /** The error of a step that went wrong: computes it again, looking at every value, to name the op. */
  #failure(
    what: string,
    batches: readonly Part[],
    random: Readonly<Record<string, RandomState>>,
  ): TrainingError {
    const ids = batches.flatMap(({ examples }) => examples.map(({ id }) => id));
    const shown = ids.slice(0, 8).join(", ") + (ids.length > 8 ? `, ... (${ids.length})` : "");
    let cause: unknown = null;
    this.echo.restoreRandomState(random);
    try {
      if (!this.#onHost)
        throw new Error("train on a backend in host memory, such as wasm, to have the op named");
      detectAnomaly(() => {
        for (const batch of batches) this.#forward(batch).total.backward();
      });
    } catch (error) {
      cause = error;
    }
    this.#optimizer.zeroGrad();
    const op = cause instanceof Error ? `; ${cause.message}` : "";
    return new TrainingError(`training: ${what} in step ${this.#step + 1} (utterances ${shown})${op}`, {
      cause,
    });
  }

  /**
   * A copy of everything the next step depends on, the weights excepted, as of the time of the call; on every backend.
   * With `echo.stateDict()` it lets a training be saved.
   */
  async state(): Promise<TrainerState> {
    const optimizer = this.#optimizer.state();
    const { position } = this.source;
    const random = this.echo.randomState();
    return { step: this.#step, position, optimizer: await optimizer, random };
  }

  /** Goes on from a state; the weights must be those of its time. Throws Error naming what does not fit. */
  restore({ step, position, optimizer, random }: TrainerState): void {
    this.#optimizer.restore(optimizer);
    this.echo.restoreRandomState(random);
    this.source.restore(position);
    this.#step = step;
  }
}

/** AdamW whose weight decay spares vectors and single numbers, as `optimizer.decay` says. */
function makeOptimizer(parameters: readonly Parameter[], settings: EchoConfig["optimizer"]): AdamW {
  const { learningRate, beta1, beta2, epsilon, weightDecay, decay } = settings;
  const decays = ({ rank }: Parameter): boolean => decay === "all" || rank >= 2;
  const groups = [
    { parameters: parameters.filter(decays), weightDecay },
    { parameters: parameters.filter((parameter) => !decays(parameter)), weightDecay: 0 },
  ];
  // clipGradNorm has looked at every gradient already.
  return new AdamW(
    groups.filter((group) => group.parameters.length > 0),
    { learningRate, betas: [beta1, beta2], epsilon, weightDecay, checkGradients: false },
  );
}
