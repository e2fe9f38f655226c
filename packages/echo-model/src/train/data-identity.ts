// Data by content: hashes that change when a recording, a text or a speaker of a set does. Read next: run-identity.ts.
import type { Utterance } from "../data/utterance.ts";
import { textHash } from "../speech/feature-cache.ts";
import type { FeatureStore } from "../speech/feature-store.ts";
import type { Pronunciations } from "../text/pronunciations.ts";

/** SHA-256 hashes of the data of a training. */
export interface DataIdentity {
  /** Ids and texts trained on, in order, and the phones of the lexicon where there is one. */
  readonly texts: string;
  /** Contents of the recordings trained on. */
  readonly recordings: string;
  /** Speakers and sexes of the utterances trained on. */
  readonly speakers: string;
  /** Ids, texts, recordings, speakers and sexes of all sets that are scored. */
  readonly evaluation: string;
}

/**
 * Hashes of data whose recordings have been read before.
 * @param sets - by name, the utterances that are scored.
 * @param pronunciations - of the tokenizer.
 */
export async function identifyData(
  store: FeatureStore,
  trained: readonly Utterance[],
  sets: ReadonlyMap<string, readonly Utterance[]>,
  pronunciations: Pronunciations | null = null,
): Promise<DataIdentity> {
  const contents = (utterances: readonly Utterance[]): Promise<readonly (readonly unknown[])[]> =>
    Promise.all(utterances.map((utterance) => store.contentOf(utterance)));
  const people = (utterances: readonly Utterance[]): unknown[] =>
    utterances.map(({ speaker, sex }) => [speaker ?? null, sex ?? null]);
  const evaluation: unknown[] = [];
  for (const [name, utterances] of sets)
    evaluation.push([name, texts(utterances), people(utterances), await contents(utterances)]);
  return {
    texts: await textHash(JSON.stringify([...texts(trained), ...(pronunciations?.ofWords ?? [])])),
    recordings: await textHash(JSON.stringify(await contents(trained))),
    speakers: await textHash(JSON.stringify(people(trained))),
    evaluation: await textHash(JSON.stringify(evaluation)),
  };
}

function texts(utterances: readonly Utterance[]): string[][] {
  return utterances.map(({ id, text }) => [id, text]);
}
