// Which utterances come together in one pass over the data, in what order, at what speed: a pure function of
// the seed, the number of the pass and how much was used before, so that a position is three integers.
import { type RandomStream, stream } from "@echo-ts/tensor";
import type { EchoConfig } from "../settings/settings.ts";
import { cutBatches } from "../speech/cut-batches.ts";

/** One utterance of a pass. */
export interface PlannedUtterance {
  /** Place in the data set. */
  readonly index: number;
  /** Speed factor. */
  readonly speed: number;
  /** Place of the utterance joined after it, or null. */
  readonly partner: number | null;
  /** Hops, after the change of speed and with the partner. */
  readonly frames: number;
}

/** What a plan is made from. */
export interface PlanInput {
  readonly seed: string | number;
  /** Number of the pass, from 0. */
  readonly pass: number;
  /** Utterances used in all passes before. */
  readonly used: number;
  /** Number of utterances of the data set. */
  readonly size: number;
  /** Hops of an utterance at a speed. */
  readonly framesOf: (index: number, speed: number) => number;
  /** Utterances that may be joined to this one (those of its speaker). */
  readonly partnersOf: (index: number) => readonly number[];
  /** Hops that two utterances may have together to be joined. */
  readonly longest: number;
  readonly config: Pick<EchoConfig, "batch" | "curriculum" | "augment">;
}

/**
 * Longest utterance allowed when `used` utterances of a data set of `size` were used: grows along a line from
 * startFrames to endFrames over the curriculum's epochs, then everything is allowed.
 */
export function curriculumLimit(used: number, size: number, curriculum: EchoConfig["curriculum"]): number {
  const { epochs, startFrames, endFrames } = curriculum;
  const share = epochs === 0 ? 1 : used / size / epochs;
  return share >= 1 ? Number.POSITIVE_INFINITY : startFrames + (endFrames - startFrames) * share;
}

/**
 * Batches of one pass: speeds drawn, utterances beyond the curriculum's limit left out, the rest sorted by length
 * (times a random factor), cut into batches by padded frames and number, and the batches shuffled.
 *
 * @returns batches in order; never empty: when the limit allows nobody, the shortest utterance is taken.
 */
export function planPass(input: PlanInput): PlannedUtterance[][] {
  const { seed, pass, used, size, config } = input;
  const { lengthJitter } = config.batch;
  const random = stream(seed, `batches/${pass}`);
  const all = Array.from({ length: size }, (_, index) => draw(input, index, random));
  const limit = curriculumLimit(used, size, config.curriculum);
  const allowed = all.filter(({ frames }) => frames <= limit);
  if (allowed.length === 0) allowed.push(all.reduce((a, b) => (b.frames < a.frames ? b : a)));
  const keyed = allowed.map((item) => {
    const factor = lengthJitter === 0 ? 1 : random.uniform(1 - lengthJitter, 1 + lengthJitter);
    return { item, key: item.frames * factor };
  });
  keyed.sort((a, b) => a.key - b.key || a.item.index - b.item.index);
  const batches = cutBatches(
    keyed.map(({ item }) => item),
    config.batch,
  );
  return Array.from(random.permutation(batches.length), (i) => batches[i]!);
}

function draw(
  { framesOf, partnersOf, longest, config }: PlanInput,
  index: number,
  random: RandomStream,
): PlannedUtterance {
  const { speeds, concatenate } = config.augment;
  const speed = speeds.length === 1 ? speeds[0]! : speeds[random.integer(0, speeds.length)]!;
  const alone: PlannedUtterance = { index, speed, partner: null, frames: framesOf(index, speed) };
  if (concatenate === 0 || !random.bernoulli(concatenate)) return alone;
  const partners = partnersOf(index);
  if (partners.length === 0) return alone;
  const partner = partners[random.integer(0, partners.length)]!;
  const frames = alone.frames + framesOf(partner, speed);
  return frames > longest ? alone : { ...alone, partner, frames };
}
