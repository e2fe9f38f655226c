// Public corpora in their own layouts, as downloaded: AN4, LibriSpeech, FLEURS, Common Voice.
// Pure functions from the text of their lists to utterances; ../train/load-data-set.ts finds and reads the files.
import { RowError, readLines } from "../data/manifest.ts";
import { type DataSet, readSex, type Utterance } from "../data/utterance.ts";

/**
 * AN4 (Carnegie Mellon): `etc/an4_train.transcription`, lines such as `<s> GO </s> (an253-fash-b)`.
 * The speaker is the middle of the id, the sex its first letter.
 *
 * @param fileIds - text of `etc/an4_train.fileids`, lines such as `an4_clstk/fash/an253-fash-b`, below `wav/`.
 * @param extension - of the audio files, ".sph" (default) or ".raw" or what they were converted to.
 */
export function parseAn4(
  text: string,
  file: string,
  fileIds: string,
  split: string,
  extension = ".sph",
): DataSet {
  const paths = new Map(
    fileIds
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .map((path) => [path.slice(path.lastIndexOf("/") + 1), `wav/${path}${extension}`]),
  );
  return readLines(text, file, (line, source) => {
    const match = /^(.*?)\s*\(([^()\s]+)\)\s*$/.exec(line);
    if (match === null) throw new RowError(`expected "<s> words </s> (id)", got ${JSON.stringify(line)}`);
    const id = match[2]!;
    const path = paths.get(id);
    if (path === undefined) throw new RowError(`id ${JSON.stringify(id)} is not in the list of file ids`);
    const speaker = id.split("-")[1];
    return {
      id,
      text: match[1]!.replace(/<\/?s>/g, " ").trim(),
      audio: { kind: "file", file: path },
      speaker,
      sex: readSex(speaker?.slice(0, 1)),
      language: "en",
      split,
      source,
      row: {},
    };
  });
}

/** Sex of each LibriSpeech reader by id, from `SPEAKERS.TXT` (columns `ID | SEX | SUBSET | MINUTES | NAME`). */
export function parseLibriSpeechSpeakers(text: string): Map<string, "female" | "male"> {
  const sexes = new Map<string, "female" | "male">();
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith(";")) continue;
    const [id, sex] = line.split("|").map((cell) => cell.trim());
    const known = readSex(sex);
    if (id && known) sexes.set(id, known);
  }
  return sexes;
}

/**
 * LibriSpeech: one `READER-CHAPTER.trans.txt` beside its FLAC files, lines such as `84-121123-0000 GO ON`.
 * @param file - its path, such as `dev-clean/84/121123/84-121123.trans.txt`; the first part is the split.
 * @param speakers - result of {@link parseLibriSpeechSpeakers}, if the file was there.
 */
export function parseLibriSpeech(
  text: string,
  file: string,
  speakers: ReadonlyMap<string, "female" | "male"> = new Map(),
): DataSet {
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return readLines(text, file, (line, source) => {
    const match = /^(\d+-\d+-\d+)\s+(.*)$/.exec(line);
    if (match === null)
      throw new RowError(`expected "reader-chapter-number words", got ${JSON.stringify(line)}`);
    const id = match[1]!;
    const speaker = id.slice(0, id.indexOf("-"));
    return {
      id,
      text: match[2]!,
      audio: { kind: "file", file: `${folder}${id}.flac` },
      speaker,
      sex: speakers.get(speaker),
      language: "en",
      split: folder.split("/")[0],
      source,
      row: {},
    };
  });
}

const FLEURS_RATE = 16000; // Hz: num_samples counts samples at this rate
const FLEURS_COLUMNS = 7; // id, file, raw transcription, transcription, characters, samples, gender

/**
 * FLEURS: a list such as `en_us/test.tsv`, tab-separated without a header or quotes. Sentence ids repeat (several
 * readers), so the file's name is the utterance's id; readers are not told apart.
 *
 * @param audioFolder - folder of the extracted recordings, relative to the data folder, such as `audio/test`.
 * @param raw - take the transcription with capitals and marks instead of the plain one, default false.
 */
export function parseFleurs(
  text: string,
  file: string,
  split: string,
  audioFolder: string,
  raw = false,
): DataSet {
  return readLines(text, file, (line, source) => {
    const cells = line.split("\t");
    if (cells.length !== FLEURS_COLUMNS)
      throw new RowError(`expected ${FLEURS_COLUMNS} columns between tabs, got ${cells.length}`);
    const [sentence, name, rawText, plainText, , samples, gender] = cells as [string, string, ...string[]];
    const count = Number(samples);
    if (name === "") throw new RowError("file name: expected a text, got nothing");
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RowError(`number of samples: expected an integer >= 0, got ${JSON.stringify(samples)}`);
    return {
      id: name.replace(/\.wav$/, ""),
      text: (raw ? rawText : plainText) ?? "",
      audio: { kind: "file", file: `${audioFolder}/${name}` },
      sex: readSex(gender),
      split,
      seconds: count / FLEURS_RATE,
      source,
      row: { sentence },
    };
  });
}

/** Clip lengths in seconds by file name, from Common Voice's `clip_durations.tsv` (milliseconds). */
export function parseClipDurations(text: string): Map<string, number> {
  const durations = new Map<string, number>();
  for (const line of text.split(/\r?\n/).slice(1)) {
    const [clip, milliseconds] = line.split("\t");
    const value = Number(milliseconds);
    if (clip && milliseconds && Number.isFinite(value)) durations.set(clip, value / 1000);
  }
  return durations;
}

/**
 * Common Voice: a list such as `train.tsv` with a header that names its columns (they differ between releases);
 * `client_id`, `path` and `sentence` must be there, `gender` and `locale` are read when they are.
 *
 * @param durations - result of {@link parseClipDurations}, if the file was there.
 */
export function parseCommonVoice(
  text: string,
  file: string,
  split: string,
  durations: ReadonlyMap<string, number> = new Map(),
): DataSet {
  let columns: readonly string[] | null = null;
  return readLines(text, file, (line, source): Utterance | null => {
    const cells = line.split("\t");
    if (columns === null) {
      columns = cells;
      const missing = ["client_id", "path", "sentence"].filter((name) => !cells.includes(name));
      if (missing.length > 0) throw new RowError(`header: expected the columns ${missing.join(", ")}`);
      return null;
    }
    if (cells.length !== columns.length)
      throw new RowError(`expected ${columns.length} columns between tabs, got ${cells.length}`);
    const row = Object.fromEntries(columns.map((name, i) => [name, cells[i]!]));
    const path = row.path ?? "";
    if (path === "") throw new RowError("path: expected a file name, got nothing");
    const name = path.endsWith(".mp3") ? path : `${path}.mp3`; // the first releases left the ending out
    return {
      id: name.slice(0, -".mp3".length),
      text: row.sentence ?? "",
      audio: { kind: "file", file: `clips/${name}` },
      speaker: row.client_id || undefined,
      sex: readSex(row.gender),
      language: row.locale || undefined,
      split,
      seconds: durations.get(name),
      source,
      row,
    };
  });
}
