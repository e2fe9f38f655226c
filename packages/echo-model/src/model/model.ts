// Echo: encoder, decoder, optional CTC head, built from a configuration and a seed.
// Read first: rotary.ts, attention.ts, block.ts, encoder.ts, decoder.ts. Training is in ../train; the bug-compatible
// variant is ../reference.

import { Linear, Module, noGrad } from "@echo-ts/autograd";
import { formatShape, ShapeError, type Tensor } from "@echo-ts/tensor";
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { FeatureName, ModelConfig } from "../settings/settings.ts";
import { CheckedBatch, type EchoFeatures, type InputShape } from "./batch.ts";
import { Decoder, type DecoderCache } from "./decoder.ts";
import { type EncodedStream, Encoder } from "./encoder.ts";
import type { ModelDtype } from "./projection.ts";

/** Options of the constructor. */
export interface EchoOptions {
  /** Seed of the initial weights and of dropout; default 0. */
  readonly seed?: string | number;
  /** float32 (default) or float64 (on the reference backend). */
  readonly dtype?: ModelDtype;
}

/** What `Echo.forward` gives. */
export interface EchoOutput {
  /** Scores of the next token at each position: [B, L, V]. */
  readonly logits: Tensor;
  /** What the encoder made of each feature. */
  readonly encoded: ReadonlyMap<FeatureName, EncodedStream>;
  /** Scores of tokens per frame of the first feature: [B, T', V]; null without a CTC head. */
  readonly ctcLogits: Tensor | null;
}

/** What the constructors of models take; see `checkOptions`. */
export const ECHO_OPTIONS: OptionKinds<EchoOptions> = { seed: "any", dtype: ["float32", "float64"] };

/**
 * The Echo speech recogniser.
 *
 * @example
 * const { model } = resolveConfig({ model: { vocabSize: 30 } });
 * const echo = new Echo(model, { melBins: 64, hopLength: 160 }, { seed: 1 });
 * const { logits } = echo.forward({ spectrogram }, ids); // [B, L, 30]
 */
export class Echo extends Module {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly ctcHead: Linear | null; // [V, D]
  readonly config: ModelConfig;
  readonly input: InputShape;

  /** @throws ShapeError if the configuration names no vocabulary */
  constructor(config: ModelConfig, input: InputShape, options: EchoOptions = {}) {
    super();
    checkOptions("Echo", options, ECHO_OPTIONS);
    const { seed = 0, dtype = "float32" } = options;
    if (config.variant === "reference" && new.target === Echo) {
      throw new ShapeError('echo: model.variant is "reference"; make that model with buildEcho');
    }
    if (config.vocabSize < 1) {
      throw new ShapeError("echo: model.vocabSize is 0; set it to the tokenizer's vocabulary size");
    }
    if (!(input.melBins >= 1 && input.hopLength >= 1)) {
      throw new ShapeError(
        `echo: expected { melBins, hopLength } of the audio group, got ${JSON.stringify(input)?.slice(0, 60)}`,
      );
    }
    this.config = config;
    this.input = input;
    this.encoder = this.makeEncoder(dtype);
    this.decoder = this.makeDecoder(dtype);
    this.ctcHead = config.ctcHead ? new Linear(config.dims, config.vocabSize, { dtype }) : null;
    this.initialize(seed);
  }

  protected makeEncoder(dtype: ModelDtype): Encoder {
    return new Encoder(this.config, this.input, dtype);
  }

  protected makeDecoder(dtype: ModelDtype): Decoder {
    return new Decoder(this.config, dtype);
  }

  /** The batch with everything that can be wrong with it ruled out. */
  protected checkedBatch(features: EchoFeatures): CheckedBatch {
    const { config, input } = this;
    const batch = new CheckedBatch(features, config.features, input, true);
    if (batch.hops > config.audioContext) {
      throw new ShapeError(
        `echo: ${batch.hops} hops of audio exceed model.audioContext (${config.audioContext}); cut the audio`,
      );
    }
    return batch;
  }

  /** Whether the decoder can go on from what it remembers; else it reads the whole text again at each step. */
  get decodesInSteps(): boolean {
    // The feature gate averages over the text so far, which a cache of keys and values does not hold.
    return this.config.gate !== "feature";
  }

  /** The first feature: the one whose frames CTC labels. */
  get mainFeature(): FeatureName {
    return this.config.features[0]!;
  }

  /**
   * Encodes a batch.
   *
   * @throws ShapeError if a feature is missing or does not fit
   */
  encode(features: EchoFeatures): ReadonlyMap<FeatureName, EncodedStream> {
    return this.encoder.forward(this.checkedBatch(features));
  }

  /**
   * Scores of the next token at each position of `ids`, given the audio.
   *
   * @param ids int32 [B, L], starting with BOS
   * @throws ShapeError if ids are outside the vocabulary or longer than model.textContext
   */
  forward(features: EchoFeatures, ids: Tensor): EchoOutput {
    this.checkIds(ids, 0);
    const encoded = this.encode(features);
    return { logits: this.decoder.forward(ids, encoded), encoded, ctcLogits: this.ctcLogits(encoded) };
  }

  /** CTC scores per frame of the first feature: [B, T', V]; null without a CTC head. */
  ctcLogits(encoded: ReadonlyMap<FeatureName, EncodedStream>): Tensor | null {
    if (this.ctcHead === null) return null;
    return this.ctcHead.forward(encoded.get(this.mainFeature)!.frames);
  }

  /** One step of decoding without gradients: the tokens after those in the cache -> their logits [B, L, V]. */
  decodeStep(ids: Tensor, encoded: ReadonlyMap<FeatureName, EncodedStream>, cache: DecoderCache): Tensor {
    this.checkIds(ids, cache.length);
    return noGrad(() => this.decoder.forward(ids, encoded, cache));
  }

  private checkIds(ids: Tensor, before: number): void {
    const { textContext, vocabSize } = this.config;
    if (ids.rank !== 2 || ids.dtype !== "int32" || ids.size === 0) {
      throw new ShapeError(
        `echo: ids must be int32 [B, L] and not empty, got ${ids.dtype} ${formatShape(ids.shape)}`,
      );
    }
    if (before + ids.shape[1]! > textContext) {
      throw new ShapeError(
        `echo: ${before + ids.shape[1]!} tokens exceed model.textContext (${textContext}); cut the text`,
      );
    }
    if (!ids.backend.host) return;
    const values = ids.dataSync();
    const bad = values.findIndex((id) => id < 0 || id >= vocabSize);
    if (bad >= 0) {
      throw new ShapeError(`echo: token id ${values[bad]} is outside the vocabulary of ${vocabSize}`);
    }
  }
}
