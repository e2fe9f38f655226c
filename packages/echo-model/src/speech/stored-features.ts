// Features that are read when they are needed: those of a large evaluation set do not fit in memory.
// Read first: features.ts, feature-store.ts.
import type { UtteranceFeatures } from "./features.ts";

/** Features that lie elsewhere, such as in a {@link FeatureStore} with a cache. */
export interface StoredFeatures {
  /** T, the number of hops. */
  readonly frames: number;
  /** Gets them; the same values every time. */
  read(): Promise<UtteranceFeatures>;
}

/**
 * The features themselves, wherever they lie: the examples of `prepareTraining` and `prepareEvaluation` hold either.
 *
 * @returns mel [M, T], f0 [T], silent [T]
 * @throws DataError if they have to be computed again and the recording is gone or has changed
 * @example const { f0 } = await readFeatures(data.evaluation.get("dev")![0]!.features);
 */
export async function readFeatures(features: UtteranceFeatures | StoredFeatures): Promise<UtteranceFeatures> {
  return "read" in features ? features.read() : features;
}

/** Features that are made from those of `features` each time they are read. */
export function derivedFeatures(
  features: UtteranceFeatures | StoredFeatures,
  change: (features: UtteranceFeatures) => UtteranceFeatures,
): StoredFeatures {
  return { frames: features.frames, read: async () => change(await readFeatures(features)) };
}
