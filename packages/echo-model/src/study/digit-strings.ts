// Strings of spoken digits from single recordings: the documented lists of the digit pack, drawn again from their
// recipe, and the endless random strings the digit experiments train on. Descriptions only: ../speech/join-clips.ts makes
// the audio.

/** Uniform draws in [0, 1); a stream of `@echo-ts/tensor` is one. */
export interface UniformSource {
  next(): number;
}

/** The 32-bit FNV-1a hash of a text's UTF-8 bytes (Fowler, Noll, Vo; draft-eastlake-fnv), as an unsigned integer. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The mulberry32 generator (Tommy Ettinger, 2017): a function that returns the next unsigned 32-bit integer.
 * For the documented digit lists only; everything else draws from the named streams of `@echo-ts/tensor`.
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** One recording of one digit. */
export interface DigitClip {
  readonly id: string;
  readonly speaker: string;
  /** 0 to 9. */
  readonly digit: number;
  /** Which of the speaker's recordings of this digit, from 0. */
  readonly index: number;
}

/** A string as recording ids and silences. */
export interface DigitString {
  readonly speaker: string;
  readonly clips: readonly string[];
  /** Samples of silence before, between and after the clips. */
  readonly gaps: readonly number[];
}

/** Recordings of over two seconds that the documented lists leave out. */
export const OVERLONG_CLIPS: readonly string[] = ["7_theo_36", "9_theo_16"];

/**
 * Draws the documented lists again, or others by another `label`: bags of each speaker's clips, shuffled by
 * Fisher-Yates, speakers in alphabetical turn, 3 to 7 clips a string.
 *
 * @param label - seed text, `echo-digit-strings-1/<speaker|official>/<split>` for the documented lists.
 * @param clips - the split's recordings, in any order.
 * @param count - number of strings.
 * @throws RangeError when there is no clip.
 * @example
 * drawListedStrings("echo-digit-strings-1/speaker/train", clips, 2000)[0].clips[0]; // "7_george_34"
 */
export function drawListedStrings(label: string, clips: readonly DigitClip[], count: number): DigitString[] {
  if (clips.length === 0) throw new RangeError("drawListedStrings: no clip, expected at least one");
  const next = mulberry32(fnv1a(label));
  const below = (n: number): number => next() % n;
  const speakers = [...new Set(clips.map((clip) => clip.speaker))].sort();
  const idsOf = new Map(
    speakers.map((speaker) => {
      const own = clips.filter((clip) => clip.speaker === speaker && !OVERLONG_CLIPS.includes(clip.id));
      return [speaker, own.map((clip) => clip.id).sort()];
    }),
  );
  const bags = new Map<string, string[]>(speakers.map((speaker) => [speaker, []]));

  return Array.from({ length: count }, (_, k) => {
    const speaker = speakers[k % speakers.length]!;
    const bag = bags.get(speaker)!;
    const length = 3 + below(5);
    const chosen: string[] = [];
    while (chosen.length < length) {
      if (bag.length === 0) {
        bag.push(...idsOf.get(speaker)!);
        for (let i = bag.length - 1; i > 0; i--) {
          const j = below(i + 1);
          [bag[i], bag[j]] = [bag[j]!, bag[i]!];
        }
      }
      chosen.push(bag.pop()!);
    }
    const gaps = [400 + below(2001)];
    for (let i = 1; i < length; i++) gaps.push(160 + below(3041));
    gaps.push(400 + below(2001));
    return { speaker, clips: chosen, gaps };
  });
}

/** From training step `fromStep` on, strings have `fewest` to `most` digits. */
export interface DigitStage {
  readonly fromStep: number;
  readonly fewest: number;
  readonly most: number;
}

/**
 * Reads a curriculum such as "0:1-2 150:1-4 300:3-7".
 * @throws RangeError for stages out of order or a range that is empty.
 */
export function parseDigitStages(text: string): DigitStage[] {
  const stages = text.split(" ").map((part) => {
    const match = /^(\d+):(\d+)-(\d+)$/.exec(part);
    if (match === null)
      throw new RangeError(`parseDigitStages: expected "step:fewest-most", got ${JSON.stringify(part)}`);
    return { fromStep: Number(match[1]), fewest: Number(match[2]), most: Number(match[3]) };
  });
  stages.forEach(({ fromStep, fewest, most }, i) => {
    if (fewest < 1 || most < fewest)
      throw new RangeError(`parseDigitStages: expected 1 <= fewest <= most, got ${fewest}-${most}`);
    const earliest = i === 0 ? 0 : stages[i - 1]!.fromStep + 1;
    if (i === 0 ? fromStep !== 0 : fromStep < earliest)
      throw new RangeError(
        `parseDigitStages: stages must begin at 0 and rise, expected ${i === 0 ? "0" : `>= ${earliest}`}, got ${fromStep}`,
      );
  });
  return stages;
}

/** The stage of a training step. */
export function digitStage(stages: readonly DigitStage[], step: number): DigitStage {
  return stages.findLast((stage) => stage.fromStep <= step) ?? stages[0]!;
}

/** The three sets of the digit experiments. */
export interface DigitSplits {
  readonly train: readonly DigitClip[];
  /** Recordings of the training speakers that are never trained on. */
  readonly seen: readonly DigitClip[];
  /** Speakers that are never trained on. */
  readonly unseen: readonly DigitClip[];
}

/**
 * Splits recordings by speaker and by index.
 * @param heldOut - recordings 0..heldOut-1 of each digit and training speaker go to `seen`.
 * @throws RangeError for a speaker without recordings, or one who is in both lists.
 */
export function splitDigits(
  clips: readonly DigitClip[],
  trainSpeakers: readonly string[],
  unseenSpeakers: readonly string[],
  heldOut: number,
): DigitSplits {
  const present = new Set(clips.map((clip) => clip.speaker));
  for (const speaker of [...trainSpeakers, ...unseenSpeakers])
    if (!present.has(speaker))
      throw new RangeError(
        `splitDigits: no recording of speaker ${JSON.stringify(speaker)}, expected some of ${[...present].sort().join(", ")}`,
      );
  const both = trainSpeakers.filter((speaker) => unseenSpeakers.includes(speaker));
  if (both.length > 0)
    throw new RangeError(`splitDigits: expected a speaker in one list only, got ${both.join(", ")} in both`);
  const known = clips.filter((clip) => trainSpeakers.includes(clip.speaker));
  return {
    train: known.filter((clip) => clip.index >= heldOut),
    seen: known.filter((clip) => clip.index < heldOut),
    unseen: clips.filter((clip) => unseenSpeakers.includes(clip.speaker)),
  };
}

/**
 * Draws one random string: a speaker, `fewest` to `most` of that speaker's recordings with replacement, and
 * silences of the documented lists' lengths (50 to 300 ms at the ends, 20 to 400 ms between).
 *
 * @param clips - recordings to draw from. @param random - a named stream.
 * @param sampleRate - rate of the recordings in Hz, default 8000.
 * @throws RangeError when there is no clip.
 */
export function drawRandomString(
  clips: readonly DigitClip[],
  { fewest, most }: Pick<DigitStage, "fewest" | "most">,
  random: UniformSource,
  sampleRate = 8000,
): DigitString {
  if (clips.length === 0) throw new RangeError("drawRandomString: no clip, expected at least one");
  const below = (n: number): number => Math.floor(random.next() * n);
  const speakers = [...new Set(clips.map((clip) => clip.speaker))].sort();
  const speaker = speakers[below(speakers.length)]!;
  const own = clips.filter((clip) => clip.speaker === speaker);
  const length = fewest + below(most - fewest + 1);
  const chosen = Array.from({ length }, () => own[below(own.length)]!.id);
  const samples = (fromMs: number, toMs: number): number =>
    Math.round((sampleRate / 1000) * (fromMs + random.next() * (toMs - fromMs)));
  const gaps = Array.from({ length: length + 1 }, (_, i) =>
    i === 0 || i === length ? samples(50, 300) : samples(20, 400),
  );
  return { speaker, clips: chosen, gaps };
}

const DIGIT_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** Transcript of digits: `[7, 0]` gives "seven zero". */
export function digitText(digits: readonly number[]): string {
  return digits.map((digit) => DIGIT_WORDS[digit] ?? "").join(" ");
}
