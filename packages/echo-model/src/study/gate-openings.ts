// How far the gates of a model open, frame by frame, and whether that goes with voice and pitch.
import { noGrad } from "@echo-ts/autograd";
import { Tensor } from "@echo-ts/tensor";
import type { EchoFeatures } from "../model/batch.ts";
import { trackAtFrames } from "../model/frame-lengths.ts";
import { CrossModalGate } from "../model/gates.ts";
import type { Echo } from "../model/model.ts";
import { type NamedBlock, namedBlocks, watchCalls } from "./blocks.ts";

/** The openings of one gate over one utterance. */
export interface GateTrack {
  readonly block: NamedBlock;
  /** In (0, 1), one a position: encoder frames or tokens. */
  readonly openings: Float64Array;
  /** Hz per position, 0 = unvoiced; null in the decoder, whose positions are tokens. */
  readonly f0: Float64Array | null;
}

/** What the openings of one gate come to over several utterances. */
export interface GateSummary {
  readonly name: string;
  readonly mean: number;
  readonly deviation: number;
  /** Correlation with voicing (1 voiced, 0 not), over all frames; null in the decoder or without variation. */
  readonly withVoicing: number | null;
  /** Correlation with log f0 over the voiced frames. */
  readonly withPitch: number | null;
}

/**
 * Watches the gates during one pass over one utterance. A cross-modal gate has no single opening and is left out.
 *
 * @param ids bos and tokens, int32 [1, L]; null watches the encoder alone
 */
export function gateTracks(echo: Echo, features: EchoFeatures, ids: Tensor | null): GateTrack[] {
  const tracks: GateTrack[] = [];
  const hz = features.f0 === undefined ? null : Float64Array.from(features.f0.dataSync());
  const stops = namedBlocks(echo).flatMap((block) => {
    const { gate } = block.block;
    if (gate === null || gate instanceof CrossModalGate) return [];
    const onCall = (_: readonly unknown[], result: unknown): void => {
      if (!(result instanceof Tensor)) return;
      const openings = Float64Array.from(result.dataSync());
      const onClock = block.kind === "encoder" && hz !== null;
      const f0 = onClock ? trackAtFrames(hz, openings.length, hopsPerFrame(echo, block)) : null;
      tracks.push({ block, openings, f0 });
    };
    return [watchCalls(gate, "forward", onCall)];
  });
  const wasTraining = echo.training;
  echo.eval();
  try {
    noGrad(() => {
      if (ids === null) echo.encode(features);
      else echo.forward(features, ids);
    });
  } finally {
    for (const stop of stops) stop();
    echo.train(wasTraining);
  }
  return tracks;
}

/** Hops of the features for each frame of a block's stream. */
export function hopsPerFrame(echo: Echo, { feature }: Pick<NamedBlock, "feature">): number {
  const stem = echo.encoder.streams.get(feature ?? echo.mainFeature)![0];
  return feature === "waveform" ? stem.stride / echo.input.hopLength : stem.stride;
}

/** Openings of all utterances together, one entry a gate. */
export function summarizeGates(tracks: readonly GateTrack[]): GateSummary[] {
  const names = [...new Set(tracks.map(({ block }) => block.name))];
  return names.map((name) => {
    const all = tracks.filter(({ block }) => block.name === name);
    const openings = all.flatMap((track) => [...track.openings]);
    const { mean, deviation } = spread(openings);
    const pitched = all.flatMap(({ openings: values, f0 }) =>
      f0 === null ? [] : Array.from(values, (opening, t) => ({ opening, hz: f0[t]! })),
    );
    const voiced = pitched.filter(({ hz }) => hz > 0);
    return {
      name,
      mean,
      deviation,
      withVoicing: correlation(
        pitched.map(({ opening }) => opening),
        pitched.map(({ hz }) => (hz > 0 ? 1 : 0)),
      ),
      withPitch: correlation(
        voiced.map(({ opening }) => opening),
        voiced.map(({ hz }) => Math.log(hz)),
      ),
    };
  });
}

/** Mean and standard deviation (n in the divisor). */
export function spread(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / Math.max(1, values.length);
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length)) };
}

/**
 * Pearson's correlation, -1 to 1; null for fewer than three pairs or values that do not vary.
 *
 * @example correlation([1, 2, 3], [2, 4, 6]) // 1
 */
export function correlation(a: readonly number[], b: readonly number[]): number | null {
  if (a.length < 3 || a.length !== b.length) return null;
  const [x, y] = [spread(a), spread(b)];
  if (!(x.deviation > 0 && y.deviation > 0)) return null;
  const product = a.reduce((sum, value, i) => sum + (value - x.mean) * (b[i]! - y.mean), 0);
  return product / (a.length * x.deviation * y.deviation);
}
