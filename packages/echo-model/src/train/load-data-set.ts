// Finds and reads the lists of a data folder, in the layout the configuration names.

import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import type { FileAccess } from "../data/file-access.ts";
import { holdOut } from "../data/hold-out.ts";
import { parseManifest, parseStrings } from "../data/manifest.ts";
import { type DataSet, joinDataSets } from "../data/utterance.ts";
import { DataError } from "../errors.ts";
import { DEFAULTS } from "../settings/resolve.ts";
import { type EchoConfig, SETTINGS } from "../settings/settings.ts";
import {
  parseAn4,
  parseClipDurations,
  parseCommonVoice,
  parseFleurs,
  parseLibriSpeech,
  parseLibriSpeechSpeakers,
} from "../study/corpora.ts";

/** Layouts that can be read; "digits" reads a manifest whose rows also hold `digit` and `index`. */
export type DataFormat = EchoConfig["data"]["format"];

/** Settings of {@link loadDataSet}. */
export interface LoadOptions {
  readonly format: DataFormat;
  /** Manifest or strings file, default that of `data.file`. */
  readonly file?: string;
  /** Keep only this split (the corpora need it to find their list). */
  readonly split?: string;
  /**
   * Where a manifest names no split at all: the share of speakers (or rows) that becomes the split `evaluate`; the rest
   * becomes `train`. Default none.
   */
  readonly holdOut?: { readonly share: number; readonly train: string; readonly evaluate: string };
}

const LOAD_OPTIONS: OptionKinds<LoadOptions> = {
  format: SETTINGS.data.format.of,
  file: "string",
  split: "string",
  holdOut: "object",
};

/**
 * Reads the lists of a data folder; audio is not touched (see `checkUtterances`).
 *
 * | format | read |
 * |---|---|
 * | manifest, digits | `file` |
 * | strings | `file`, and `manifest.jsonl` for the recordings |
 * | an4 | `etc/an4_SPLIT.transcription`, `etc/an4_SPLIT.fileids`, audio in `wav/` |
 * | librispeech | every `SPLIT/READER/CHAPTER/*.trans.txt`, and `SPEAKERS.TXT` when there |
 * | fleurs | `SPLIT.tsv`, audio in `audio/SPLIT/` or `SPLIT/` |
 * | commonVoice | `SPLIT.tsv`, `clip_durations.tsv` when there, audio in `clips/` |
 *
 * @throws DataError when a list is missing or holds no row of the split.
 * @example
 * const { utterances } = await loadDataSet(nodeFiles("data/an4"), { format: "manifest", split: "train" });
 */
export async function loadDataSet(files: FileAccess, options: LoadOptions): Promise<DataSet> {
  checkOptions("loadDataSet", options, LOAD_OPTIONS);
  const { format, split } = options;
  const all = withSplits(await readLists(files, options), options);
  const utterances =
    split === undefined ? all.utterances : all.utterances.filter((row) => row.split === split);
  if (all.utterances.length === 0 && all.problems.length === 0)
    throw new DataError(`loadDataSet: ${listOf(options)} holds no rows, expected one utterance a line`);
  if (utterances.length === 0 && all.problems.length === 0) {
    throw new DataError(`loadDataSet: no ${format} row of split ${split}, ${whichSplits(all, split ?? "")}`);
  }
  return { ...all, utterances };
}

/** Rows of a manifest of which none names a split, with a part held out where that is wanted. */
function withSplits(read: DataSet, { format, split, holdOut: wanted }: LoadOptions): DataSet {
  const { utterances } = read;
  if (wanted === undefined || split === undefined || format !== "manifest") return read;
  if (![wanted.train, wanted.evaluate].includes(split) || wanted.train === wanted.evaluate) return read;
  if (utterances.length < 2 || utterances.some((row) => row.split !== undefined)) return read;
  return { ...read, ...holdOut(utterances, wanted.share, wanted) };
}

function whichSplits({ utterances }: DataSet, wanted: string): string {
  const splits = [...new Set(utterances.flatMap(({ split }) => split ?? []))].sort();
  const without = utterances.filter(({ split }) => split === undefined).length;
  const remedy = `give rows a "split", such as "split": ${JSON.stringify(wanted)}`;
  if (splits.length === 0) return `its ${without} rows name no split; ${remedy}`;
  const rest = without === 0 ? "" : `; ${without} rows name none: ${remedy}`;
  return `expected one of: ${splits.join(", ")}${rest}`;
}

async function readLists(files: FileAccess, options: LoadOptions): Promise<DataSet> {
  const { format, file = DEFAULTS.data.file } = options;
  if (format === "manifest" || format === "digits") return parseManifest(await required(files, file), file);
  if (format === "strings") {
    const recordings = parseManifest(await required(files, "manifest.jsonl"), "manifest.jsonl");
    const strings = parseStrings(await required(files, file), file, recordings.utterances);
    return { utterances: strings.utterances, problems: [...recordings.problems, ...strings.problems] };
  }
  const { split } = options;
  if (split === undefined)
    throw new DataError(`loadDataSet: ${format} needs a split, expected its name, got none`);
  switch (format) {
    case "an4": {
      const list = `etc/an4_${split}.transcription`;
      const ids = await required(files, `etc/an4_${split}.fileids`);
      return parseAn4(await required(files, list), list, ids, split);
    }
    case "librispeech": {
      const speakers = parseLibriSpeechSpeakers((await files.readText("SPEAKERS.TXT")) ?? "");
      const lists = (await files.list(split)).filter((path) => path.endsWith(".trans.txt"));
      if (lists.length === 0)
        throw new DataError(
          `loadDataSet: no *.trans.txt below ${split}/ in the data folder; the split is the folder's name, such as train-clean-100`,
        );
      const sets: DataSet[] = [];
      for (const list of lists) sets.push(parseLibriSpeech(await required(files, list), list, speakers));
      return joinDataSets(sets);
    }
    case "fleurs": {
      const list = `${split}.tsv`;
      const text = await required(files, list);
      const nested = parseFleurs(text, list, split, `audio/${split}`);
      const first = nested.utterances[0]?.audio;
      // The archives unpack into audio/SPLIT/ or, moved up by some tools, SPLIT/.
      if (first?.kind !== "file" || (await files.readHead(first.file, 1)).kind === "file") return nested;
      const flat = parseFleurs(text, list, split, split);
      const there = flat.utterances[0]?.audio;
      return there?.kind === "file" && (await files.readHead(there.file, 1)).kind === "file" ? flat : nested;
    }
    case "commonVoice": {
      const list = `${split}.tsv`;
      const durations = parseClipDurations((await files.readText("clip_durations.tsv")) ?? "");
      return parseCommonVoice(await required(files, list), list, split, durations);
    }
  }
}

/** The list that the rows come from, for messages. */
function listOf({ format, file = DEFAULTS.data.file, split }: LoadOptions): string {
  if (format === "an4") return `etc/an4_${split}.transcription`;
  if (format === "fleurs" || format === "commonVoice") return `${split}.tsv`;
  return format === "librispeech" ? `the *.trans.txt below ${split}/` : JSON.stringify(file);
}

async function required(files: FileAccess, path: string): Promise<string> {
  const text = await files.readText(path);
  if (text === null) throw new DataError(`loadDataSet: ${path} does not exist in the data folder`);
  return text;
}
