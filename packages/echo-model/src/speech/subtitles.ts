// Subtitles from timed words: grouping into cues, and the SRT, WebVTT and JSON forms.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { TimedWord } from "./decode/word-times.ts";

/** Words shown together. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly words: readonly TimedWord[];
}

/** When a new cue begins. */
export interface CueOptions {
  /** Characters of a cue, default 42 (one line of subtitles). A longer single word stays whole. */
  readonly maxCharacters?: number;
  /** Seconds from the first word's start to the last word's end, default 6. */
  readonly maxSeconds?: number;
  /** A silence of more seconds than this between words ends the cue, default 0.8. */
  readonly maxGapSeconds?: number;
}

const CUE_OPTIONS: OptionKinds<CueOptions> = {
  maxCharacters: "number",
  maxSeconds: "number",
  maxGapSeconds: "number",
};

/**
 * Groups words into cues, greedily from the start.
 * @param words - in the order of their start times.
 * @throws RangeError for times that are not finite, negative, reversed or out of order.
 * @example
 * groupCues([{ word: "go", start: 0, end: 0.4 }, { word: "on", start: 2, end: 2.3 }]).length; // 2: a long silence
 */
export function groupCues(words: readonly TimedWord[], options: CueOptions = {}): Cue[] {
  checkOptions("groupCues", options, CUE_OPTIONS);
  const { maxCharacters = 42, maxSeconds = 6, maxGapSeconds = 0.8 } = options;
  checkTimes(words);
  const groups: TimedWord[][] = [];
  let characters = 0;
  for (const word of words) {
    const group = groups.at(-1);
    const length = Array.from(word.word).length;
    const fits =
      group !== undefined &&
      characters + 1 + length <= maxCharacters &&
      word.end - group[0]!.start <= maxSeconds &&
      word.start - group.at(-1)!.end <= maxGapSeconds;
    if (fits) {
      group.push(word);
      characters += 1 + length;
    } else {
      groups.push([word]);
      characters = length;
    }
  }
  return groups.map((group) => ({
    start: group[0]!.start,
    end: group.reduce((latest, word) => Math.max(latest, word.end), 0),
    text: group.map(({ word }) => word).join(" "),
    words: group,
  }));
}

/**
 * Keeps short cues on screen long enough to be read: a cue ends `seconds` after its start at the earliest, or where
 * the next one starts. The times of the words stay.
 * @param seconds - default 1.
 * @example
 * holdCues(groupCues([{ word: "go", start: 0.5, end: 0.6 }]))[0].end; // 1.5
 */
export function holdCues(cues: readonly Cue[], seconds = 1): Cue[] {
  return cues.map((cue, i) => {
    const next = cues[i + 1]?.start ?? Number.POSITIVE_INFINITY;
    return { ...cue, end: Math.max(cue.end, Math.min(cue.start + seconds, next)) };
  });
}

/**
 * SubRip text: numbered cues, `00:00:01,500 --> 00:00:02,000`.
 * @returns an empty text for no cue.
 */
export function toSrt(cues: readonly Cue[]): string {
  return cues
    .map((cue, i) => `${i + 1}\n${span(cue, ",")}\n${oneLine(cue.text).replaceAll("-->", "->")}\n`)
    .join("\n");
}

/**
 * WebVTT text (W3C); `&`, `<` and `>` are escaped.
 * @param options.wordTimes - mark each word after the first with its own start time, default false.
 */
export function toVtt(cues: readonly Cue[], options: { readonly wordTimes?: boolean } = {}): string {
  checkOptions("toVtt", options, { wordTimes: "boolean" });
  const body = (cue: Cue): string =>
    options.wordTimes
      ? cue.words
          .map(
            ({ word, start }, i) => (i === 0 ? "" : `<${timeText(start, ".")}>`) + escapeVtt(oneLine(word)),
          )
          .join(" ")
      : escapeVtt(oneLine(cue.text));
  return ["WEBVTT\n", ...cues.map((cue) => `${span(cue, ".")}\n${body(cue)}\n`)].join("\n");
}

/**
 * JSON text with the whole transcript, the cues and the words; times in seconds, rounded to milliseconds.
 */
export function toTranscriptJson(cues: readonly Cue[]): string {
  const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
  const segments = cues.map(({ start, end, text, words }) => ({
    start: round(start),
    end: round(end),
    text,
    words: words.map((word) => ({
      ...word,
      start: round(word.start),
      end: round(word.end),
      ...(word.confidence !== undefined && { confidence: round(word.confidence) }),
    })),
  }));
  return `${JSON.stringify({ text: cues.map(({ text }) => text).join(" "), segments }, null, 2)}\n`;
}

function checkTimes(words: readonly TimedWord[]): void {
  words.forEach(({ word, start, end }, i) => {
    const where = `groupCues: word ${i} (${JSON.stringify(word)})`;
    if (!Number.isFinite(start) || !Number.isFinite(end) || start < 0 || end < start)
      throw new RangeError(`${where}: expected 0 <= start <= end, got ${start} to ${end}`);
    const before = words[i - 1];
    if (before !== undefined && start < before.start)
      throw new RangeError(
        `${where}: expected a start >= ${before.start} like the word before, got ${start}`,
      );
  });
}

// A cue of no duration is not shown by players: it gets one millisecond.
function span({ start, end }: Cue, separator: string): string {
  const from = Math.round(start * 1000);
  const to = Math.max(Math.round(end * 1000), from + 1);
  return `${timeText(from / 1000, separator)} --> ${timeText(to / 1000, separator)}`;
}

function timeText(seconds: number, separator: string): string {
  const milliseconds = Math.round(seconds * 1000);
  const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");
  const whole = Math.floor(milliseconds / 1000);
  const clock = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) =>
    pad(part, 2),
  );
  return `${clock.join(":")}${separator}${pad(milliseconds % 1000, 3)}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/gu, " ").trim();
}

function escapeVtt(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
