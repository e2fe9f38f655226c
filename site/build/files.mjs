// What the site carries beside its pages: the model, the bundled recordings, and the service worker with the list of
// files that it keeps.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeWav, encodeWav } from "@echo-ts/audio";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Recordings of the front page: strings of data/asterisk-alnum, or one clip of it. The last two are hard for the model. */
const RECORDINGS = [
  { id: "alnum-digits-11", name: "four digits" },
  { id: "alnum-digits-19", name: "seven digits" },
  { id: "alnum-mixed-13", name: "letters and digits" },
  { id: "alnum-spelled-29", name: "four letters, two of them misheard" },
  { id: "en-hello", name: "a word that the model does not know" },
];

/** Recordings that figures of the course show, small enough to be kept from the start. */
const COURSE_RECORDING = /^files\/asterisk-alnum\/wav\/digits-7\.wav$/;

/** Copies the checkpoint that the package ships and the bundled voice, and joins the recordings of the front page. */
export async function copyFiles(outDir) {
  const files = join(outDir, "files");
  mkdirSync(join(files, "recordings"), { recursive: true });
  cpSync(join(ROOT, "packages/echo-model/checkpoints/an4-f0.safetensors"), join(files, "an4-f0.safetensors"));
  const voice = join(ROOT, "data/asterisk-alnum");
  cpSync(voice, join(files, "asterisk-alnum"), { recursive: true });
  cpSync(join(ROOT, "data/flite-words"), join(files, "flite-words"), { recursive: true });
  const rows = (name) =>
    readFileSync(join(voice, name), "utf8")
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row));
  const clips = new Map(rows("manifest.jsonl").map((row) => [row.id, row]));
  const strings = new Map(rows("strings.jsonl").map((row) => [row.id, row]));
  const waveOf = (id) => decodeWav(readFileSync(join(voice, clips.get(id).file)));
  const list = RECORDINGS.map(({ id, name }) => {
    const string = strings.get(id) ?? { ...clips.get(id), clips: [id], gaps: [3200, 3200] };
    const waves = string.clips.map((clip) => waveOf(clip).channels[0]);
    const rate = waveOf(string.clips[0]).sampleRate;
    const gaps = string.gaps.map((gap) => new Float32Array(gap));
    const parts = [gaps[0], ...waves.flatMap((wave, i) => [wave, gaps[i + 1]])];
    const wave = Float32Array.from(parts.flatMap((part) => [...part]));
    const file = `${id}.wav`;
    writeFileSync(join(files, "recordings", file), encodeWav(wave, { sampleRate: rate }));
    return { file, name: `${name}: ${string.text}`, text: string.text };
  });
  writeFileSync(join(files, "recordings/index.json"), JSON.stringify(list));
}

/**
 * Writes sw.js. It keeps the pages, scripts and styles from the start; the model and recordings when they were asked for.
 * Its version is a hash of all it keeps, so a new build replaces the old one.
 */
export function writeServiceWorker(outDir, source) {
  const all = readdirSync(outDir, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(outDir, name)).isFile())
    .map((name) => relative(outDir, join(outDir, name)).split(sep).join("/"))
    .filter((name) => name !== "sw.js" && !name.startsWith("api/reference/"))
    .filter((name) => !name.startsWith("files/") || COURSE_RECORDING.test(name))
    .sort();
  const hash = createHash("sha256");
  for (const name of all) hash.update(name).update(readFileSync(join(outDir, name)));
  const version = hash.digest("hex").slice(0, 12);
  const text = source
    .replace('"__VERSION__"', JSON.stringify(version))
    .replace('"__FILES__"', JSON.stringify(all));
  writeFileSync(join(outDir, "sw.js"), text);
}
