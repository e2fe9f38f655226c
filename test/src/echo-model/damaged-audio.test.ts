// Recordings that are cut off, have a flipped bit, or hold samples that are no audio: no training and no score takes
// them, and what shows something of them says so. The files are those of test/fixtures/codecs.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeWav, tone } from "@echo-ts/audio";
import {
  applyOverrides,
  DataError,
  decodeRecording,
  describeProblem,
  extractFeatures,
  memoryFiles,
  newModel,
  prepareTraining,
  resolveConfig,
  trackRecording,
  transcribe,
  WordTokenizer,
} from "@echo-ts/echo-model";
import t from "tap";
import { folder, run } from "./command-line.js";

const codecs = fileURLToPath(new URL("../../fixtures/codecs/", import.meta.url));
const names: string[] = readdirSync(codecs).filter((name) => /\.(flac|mp3|m4a|ogg|opus)$/.test(name));
const whole = new Map<string, Uint8Array>(
  names.map((name) => [name, Uint8Array.from(readFileSync(join(codecs, name)))]),
);
const wav = encodeWav(tone(220, { seconds: 1, sampleRate: 16000 }), { sampleRate: 16000 });
whole.set("tone.wav", wav);

const settings = { audio: { sampleRate: 16000 }, augment: { speeds: [1] }, data: { evaluateSplit: "train" } };

/** Prepares a training of these files; every row is in the split that is trained on. */
function prepare(files: ReadonlyMap<string, Uint8Array>, seconds?: number, ...overrides: string[]) {
  const rows = [...files.keys()].map((file) => ({ id: file, file, text: "go", split: "train", seconds }));
  const manifest = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const data = memoryFiles({ "manifest.jsonl": manifest, ...Object.fromEntries(files) });
  return prepareTraining(data, resolveConfig(applyOverrides(settings, overrides)));
}

t.test("whole files of every format are trained on", async (t) => {
  const { problems, size } = await prepare(whole);
  t.same(problems, []);
  t.equal(size, whole.size);
});

t.test("half of a file of any format is a row problem", async (t) => {
  const files = new Map([["tone.wav", wav]]);
  for (const [name, bytes] of whole) files.set(`half-${name}`, bytes.slice(0, bytes.length >> 1));
  const { problems, size } = await prepare(files);
  t.equal(size, 1, "only the whole one is left");
  const found = problems.map((problem) => /half-[\w.-]+/.exec(describeProblem(problem))?.[0]);
  t.same(
    found.sort(),
    names
      .concat("tone.wav")
      .map((name) => `half-${name}`)
      .sort(),
  );
  for (const { kind } of problems) t.match(kind, /^(damaged|unreadable)-audio$|^wrong-length$/);
  const cut = problems.find(({ message }) => message.includes("half-tone.wav"))!;
  t.equal(
    cut.message,
    '"half-tone.wav": cut off: 32000 bytes of samples in its header, 15978 in the file',
    "a cut WAV shows in its header",
  );
});

t.test("one flipped bit in the samples of FLAC, Ogg and Opus is a row problem", async (t) => {
  const files = new Map([["tone.wav", wav]]);
  for (const name of ["digits-7.flac", "letters-w.flac", "digits-7.ogg", "digits-7.opus"])
    for (const share of [0.5, 0.65, 0.8, 0.95]) {
      const bytes = whole.get(name)!.slice();
      bytes[Math.floor(bytes.length * share)]! ^= 1 << (Math.round(share * 100) % 8);
      files.set(`${share}-${name}`, bytes);
    }
  const { problems, size } = await prepare(files);
  t.equal(size, 1);
  t.equal(problems.length, files.size - 1);
  for (const { kind } of problems) t.match(kind, /^(damaged|unreadable)-audio$/);
});

t.test("a list that states another length than the audio has is a row problem", async (t) => {
  const files = new Map([...whole].filter(([name]) => name.startsWith("digits-7.") || name === "tone.wav"));
  const { problems } = await prepare(files, 1);
  t.equal(problems.length, files.size - 1, "all but the tone of one second");
  for (const problem of problems) {
    t.equal(problem.kind, "wrong-length");
    t.match(
      describeProblem(problem),
      /^manifest\.jsonl:\d: the audio lasts [\d.]+ s, .*manifest\.jsonl says 1\.00 s$/,
    );
  }
  await t.rejects(prepare(files, 1, "data.badRows=fail"), DataError);
});

t.test("NaN, infinite and huge samples are refused by file and sample", async (t) => {
  for (const [value, text] of [
    [Number.NaN, /bad\.wav: .*sample/],
    [Number.NEGATIVE_INFINITY, /bad\.wav: .*sample/],
    [1e30, /bad\.wav: .*beyond any full scale \(2\^31\).*1200/],
  ] as const) {
    const samples = tone(220, { seconds: 0.2, sampleRate: 16000 });
    const bytes = encodeWav(samples, { sampleRate: 16000, encoding: "float32" });
    new DataView(bytes.buffer, bytes.byteOffset).setFloat32(bytes.length - 4 * (3200 - 1200), value, true);
    await t.rejects(decodeRecording(bytes, "bad.wav", 16000), { name: "DataError", message: text });
    const { problems } = await prepare(
      new Map([
        ["bad.wav", bytes],
        ["tone.wav", wav],
      ]),
    );
    t.match(problems, [{ kind: "unreadable-audio", message: /bad\.wav/ }]);
  }
});

t.test("so are those of a wave that comes without a file", async (t) => {
  const config = resolveConfig();
  const tokenizer = WordTokenizer.fromTexts(["go"], { variant: "corrected" });
  const echo = newModel(config, tokenizer);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e30, -4e9]) {
    const wave = tone(220, { seconds: 0.2, sampleRate: 16000 });
    wave[77] = value;
    const refused = (op: string) => ({
      name: "DataError",
      message: `${op}: sample 77 is ${wave[77]}, expected finite samples up to 2^31 (full scale is 1)`,
    });
    t.throws(() => extractFeatures(wave, config.audio), refused("extractFeatures"));
    t.throws(() => trackRecording(wave, config.audio), refused("trackRecording"));
    await t.rejects(transcribe({ echo, tokenizer, config }, wave), refused("transcribe"));
  }
});

t.test("loud samples within the limit give the features of quiet ones", async (t) => {
  const { audio } = resolveConfig();
  const wave = tone(220, { seconds: 0.3, sampleRate: 16000 });
  const quiet = extractFeatures(wave, audio);
  const loud = extractFeatures(
    wave.map((x) => x * 2 ** 30),
    audio,
  );
  // A power of two changes no digit before the logarithm, which rounds in float32: 1e-6 of values up to about 10.
  for (let i = 0; i < quiet.mel.length; i++)
    if (Math.abs(quiet.mel[i]! - loud.mel[i]!) > 1e-4)
      return t.fail(`mel ${i}: ${quiet.mel[i]} ${loud.mel[i]}`);
  t.same(loud.f0, quiet.f0);
});

t.test("the commands show what is left of a damaged recording, and say that it is damaged", async (t) => {
  const flac = whole.get("digits-7.flac")!.slice();
  flac[flac.length >> 1]! ^= 4;
  const path = join(folder, "flipped.flac");
  writeFileSync(path, flac);
  const cut = join(folder, "cut.wav");
  writeFileSync(cut, wav.subarray(0, 20001));
  const flipped = /^warning: .*flipped\.flac: ./m;
  const short = /^warning: .*cut\.wav: the data chunk claims 32000 bytes, 19957 were read$/m;
  for (const [args, ...warnings] of [
    [["pitch", path], flipped],
    [["features", cut], short],
    [["transcribe", path, cut], flipped, short],
  ] as const) {
    const { status, err } = run(...args);
    t.equal(status, 0, err);
    for (const warning of warnings) t.match(err, warning, args[0]);
  }
  t.equal(run("pitch", join(codecs, "digits-7.flac")).err, "", "a whole file is not warned about");
});
