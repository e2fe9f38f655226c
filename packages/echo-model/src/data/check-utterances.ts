// Goes through a data set before training: every row is either usable or a problem with its file and line.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { type NormalizeOptions, normalizeText } from "../text/normalize.ts";
import { HEADER_BYTES, readAudioHeader } from "./audio-header.ts";
import { type FileAccess, staysInside } from "./file-access.ts";
import {
  type DataSet,
  failOnProblems,
  type ProblemKind,
  type RowProblem,
  type Utterance,
} from "./utterance.ts";

/** Settings of {@link checkUtterances}; the `data` group of the configuration is one. */
export interface CheckOptions {
  /** Seconds, default 0. */
  readonly minSeconds?: number;
  /** Seconds, default no limit. */
  readonly maxSeconds?: number;
  /** Characters of the normalised text, default no limit. */
  readonly maxCharacters?: number;
  /** "skip" (default) leaves bad rows out; "fail" throws when there is one. */
  readonly badRows?: "skip" | "fail";
  /** How texts are normalised before they are measured. */
  readonly normalization?: Partial<NormalizeOptions>;
  /** Called after each row with the number done, for a progress bar. */
  readonly onProgress?: (done: number, total: number) => void;
}

const CHECK_OPTIONS: OptionKinds<CheckOptions> = {
  minSeconds: "number",
  maxSeconds: "number",
  maxCharacters: "number",
  badRows: ["skip", "fail"],
  normalization: "object",
  onProgress: "function",
};

/**
 * Checks each row: text not empty nor too long, audio path inside the data folder, file there, header readable,
 * length allowed, and the same (to 0.1 s and 2 %) in the audio's header and in the list where both state one.
 *
 * @returns usable utterances (with `seconds` filled in where the header tells) and all problems, those of reading
 * the lists first.
 * @throws DataError for `badRows: "fail"` when there is any problem.
 */
export async function checkUtterances(
  { utterances, problems: earlier }: DataSet,
  files: FileAccess,
  options: CheckOptions = {},
): Promise<DataSet> {
  checkOptions("checkUtterances", options, CHECK_OPTIONS);
  const usable: Utterance[] = [];
  const problems: RowProblem[] = [...earlier];
  for (const [index, utterance] of utterances.entries()) {
    const result = await checkUtterance(utterance, files, options);
    if ("message" in result) problems.push({ ...utterance.source, ...result });
    else usable.push(result);
    options.onProgress?.(index + 1, utterances.length);
  }
  if (options.badRows === "fail") failOnProblems(problems);
  return { utterances: usable, problems };
}

/** Why a row is refused; with its source it becomes a RowProblem. */
export interface Refusal {
  readonly kind: ProblemKind;
  readonly message: string;
}

async function checkUtterance(
  utterance: Utterance,
  files: FileAccess,
  options: CheckOptions,
): Promise<Utterance | Refusal> {
  const { maxCharacters = Infinity, normalization } = options;
  const text = normalizeText(utterance.text, normalization);
  if (text === "") {
    const written = utterance.text === "" ? "" : ` after normalisation (${JSON.stringify(utterance.text)})`;
    return { kind: "empty-text", message: `the text is empty${written}` };
  }
  const length = Array.from(text).length;
  if (length > maxCharacters)
    return {
      kind: "long-text",
      message: `the text has ${length} characters, expected at most ${maxCharacters}`,
    };

  const measured = await measure(utterance, files);
  if (typeof measured === "object" && measured !== null) return measured;
  const seconds = measured ?? utterance.seconds;
  if (seconds === undefined) return { ...utterance, seconds };
  const { file } = utterance.source;
  const refusal = sameLength(seconds, utterance.seconds, file) ?? checkLength(seconds, options);
  return refusal ?? { ...utterance, seconds };
}

/**
 * Why audio of this length is not the audio that a list or a header speaks of, or null. Lists round, and decoders differ
 * in what they leave out at the ends of MP3: 0.1 s and 2 % are allowed.
 * @param stated - seconds, undefined where nobody says. @param by - who says so.
 */
export function sameLength(seconds: number, stated: number | undefined, by: string): Refusal | null {
  if (stated === undefined || Math.abs(seconds - stated) <= 0.1 + 0.02 * Math.max(seconds, stated))
    return null;
  const message = `the audio lasts ${seconds.toFixed(2)} s, ${by} says ${stated.toFixed(2)} s`;
  return { kind: "wrong-length", message };
}

/** Why audio of this length is refused, or null. */
export function checkLength(
  seconds: number,
  { minSeconds = 0, maxSeconds = Infinity }: Pick<CheckOptions, "minSeconds" | "maxSeconds">,
): Refusal | null {
  const found = `the audio lasts ${seconds.toFixed(2)} s, expected at`;
  if (seconds < minSeconds) return { kind: "too-short", message: `${found} least ${minSeconds} s` };
  return seconds > maxSeconds ? { kind: "too-long", message: `${found} most ${maxSeconds} s` } : null;
}

// Seconds by the headers of all files, null when one does not tell.
async function measure({ audio }: Utterance, files: FileAccess): Promise<number | null | Refusal> {
  const paths = audio.kind === "file" ? [audio.file] : audio.files;
  let total: number | null = 0;
  for (const path of paths) {
    const name = JSON.stringify(path);
    const head = staysInside(path) ? await files.readHead(path, HEADER_BYTES) : { kind: "outside" as const };
    if (head.kind === "outside")
      return { kind: "outside-folder", message: `${name} lies outside the data folder` };
    if (head.kind === "missing") return { kind: "missing-file", message: `${name} does not exist` };
    if (head.kind === "unreadable")
      return { kind: "unreadable-audio", message: `${name} cannot be read: ${head.reason}` };
    const header = readAudioHeader(head.bytes, head.size);
    if (typeof header === "string") return { kind: "unreadable-audio", message: `${name}: ${header}` };
    if (audio.kind === "clips" && header.sampleRate !== null && header.sampleRate !== audio.sampleRate)
      return {
        kind: "unreadable-audio",
        message: `${name}: sample rate ${header.sampleRate} Hz, expected ${audio.sampleRate} Hz like its string`,
      };
    total = total === null || header.seconds === null ? null : total + header.seconds;
  }
  if (audio.kind === "file" || total === null) return total;
  return total + audio.gaps.reduce((sum, gap) => sum + gap, 0) / audio.sampleRate;
}
