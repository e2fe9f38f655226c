// The golden folder `echo`: cases with inputs, weights, outputs and gradients, and how they are compared.

import { readFileSync } from "node:fs";
import type { ActivationName, Module } from "@echo-ts/autograd";
import { type ArrayRecord, type DType, readSafetensors, type Tensor, tensor } from "@echo-ts/tensor";
import { readShared, sharedPath } from "../shared-material.ts";

type Names = Readonly<Record<string, string>>;

/**
 * Parameters of a case, by the index's names. Every op has its own: a field without `?` is there in all cases of the
 * ops that read it, one with `?` is left out where it has the value that golden-cases.ts falls back to.
 */
export interface GoldenParams {
  // Rotary, similarity and pitch bias.
  readonly d: number;
  readonly n: number;
  readonly f0: number;
  readonly theta?: number;
  readonly min_theta?: number;
  readonly max_theta?: number;
  readonly pitch_scale: number;
  // Stems.
  readonly kind: "spectrogram" | "waveform" | "pitch";
  readonly kernel: number;
  readonly stride: number;
  // Attention, blocks and whole models.
  readonly variant: "reference" | "corrected";
  readonly act: ActivationName;
  readonly cross: boolean;
  readonly head?: number;
  readonly gate?: string;
  readonly memory_size?: number;
  readonly cross_rotary?: boolean;
  readonly f0_rotary?: boolean;
  readonly pitch_bias?: boolean;
  readonly zero_scale?: boolean;
  readonly stem_norm?: boolean;
  readonly residual_cross?: boolean;
  readonly spec_stride?: number;
  readonly vocab?: number;
  readonly text_ctx?: number;
  readonly dims?: number;
  readonly audio_layers?: number;
  readonly text_layers?: number;
  readonly features?: readonly string[];
  readonly mels: number;
  /** Samples. */
  readonly f0_hop: number;
  // The training of sixty steps.
  readonly starts_from: string;
  readonly steps: number;
  readonly warmup: number;
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly clip: number;
  readonly max_new: number;
  readonly bos: number;
  readonly eos: number;
}

/** One case of the index. */
export interface GoldenCase {
  readonly name: string;
  readonly file: string;
  readonly op: string;
  readonly params: GoldenParams;
  readonly in: Names;
  readonly out: Names;
  readonly cot?: Names;
  readonly grad?: Names;
  readonly weight?: Names;
  readonly wgrad?: Names;
  readonly no_grad?: readonly string[];
}

/** Largest error seen in each group of comparisons, for the report at the end. */
export const worst: Map<string, number> = new Map();

const files = new Map<string, ReadonlyMap<string, ArrayRecord>>();

/** All cases of the index. */
export function goldenCases(): readonly GoldenCase[] {
  return JSON.parse(readShared("golden", "echo", "index.json")).cases;
}

/** The array behind a name of a case. */
export function golden({ file }: GoldenCase, key: string): ArrayRecord {
  if (!files.has(file)) {
    files.set(file, readSafetensors(readFileSync(sharedPath("golden", "echo", file))).tensors);
  }
  const found = files.get(file)!.get(key);
  if (found === undefined) throw new Error(`golden: ${file} holds no ${key}`);
  return found;
}

/** An input of a case as a tensor; floats in `dtype`. */
export function input(c: GoldenCase, name: string, dtype: DType): Tensor {
  const { data, shape } = golden(c, c.in[name]!);
  const kind = data instanceof Int32Array ? "int32" : dtype;
  return tensor(data as Float32Array, { shape, dtype: kind });
}

/** Loads the weights of a case into a module, every name matched. */
export function loadWeights(module: Module, c: GoldenCase): void {
  const arrays = Object.fromEntries(Object.entries(c.weight!).map(([name, key]) => [name, golden(c, key)]));
  module.loadStateDict(arrays);
}

/**
 * Says what is wrong with `got`, or null: |got - want| must stay within absolute + relative * |want|.
 * NaN never passes.
 */
export function difference(
  group: string,
  got: Tensor,
  want: ArrayRecord,
  { absolute, relative }: { absolute: number; relative: number },
): string | null {
  if (got.shape.join() !== want.shape.join()) return `shape [${got.shape}], expected [${want.shape}]`;
  const values = got.dataSync();
  let scaled = 0;
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    const reference = Number(want.data[i]);
    const error = Math.abs(values[i]! - reference) / (absolute + relative * Math.abs(reference));
    if (!(error <= scaled)) {
      scaled = error;
      at = i;
    }
  }
  const largest = Math.abs(values[at]! - Number(want.data[at]));
  if (values.length > 0) worst.set(group, Math.max(worst.get(group) ?? 0, largest));
  if (scaled <= 1) return null;
  return `element ${at} is ${values[at]}, expected ${want.data[at]} (${scaled.toFixed(2)} tolerances)`;
}

/** Tolerances of the index: values, and gradients. */
export const VALUES = { absolute: 2e-5, relative: 2e-4 };
export const GRADIENTS = { absolute: 2e-5, relative: 1e-3 };
