// Recordings as people have them: long ones, silence and noise, streams; when each word is said, and how sure that is.
// The bundled voice speaks; the shipped checkpoint listens. AN4 speaks in recognition-an4.test.ts.
import { readFileSync } from "node:fs";
import {
  calibrated,
  cutIntoStretches,
  decodeRecording,
  extractFeatures,
  fitCalibration,
  holdsSpeech,
  recognizerOf,
  reliability,
  StretchCutter,
  TranscribeStream,
  transcribe,
} from "@echo-ts/echo-model";
import { loadCheckpoint, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import { stream } from "@echo-ts/tensor";
import t from "tap";
import { joinClips } from "../../../packages/echo-model/dist/speech/join-clips.js";

const RATE = 16000;
const checkpoint = await loadCheckpoint(SHIPPED_CHECKPOINT);
const recognizer = recognizerOf(checkpoint);
const { audio } = checkpoint.config;
const voices = new URL("../../../data/asterisk-alnum/", import.meta.url);

interface Row {
  readonly id: string;
  readonly file: string;
  readonly text: string;
  readonly split: string;
}

interface StringRow extends Row {
  readonly clips: readonly string[];
  readonly gaps: readonly number[];
}

function rows<T>(text: string): T[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

async function bundled(file: string): Promise<Float32Array> {
  return decodeRecording(readFileSync(new URL(file, voices)), file, RATE);
}

const prompts = new Map<string, Row>();
for (const row of rows<Row>(readFileSync(new URL("manifest.jsonl", voices), "utf8")))
  prompts.set(row.id, row);
const strings = rows<StringRow>(readFileSync(new URL("strings.jsonl", voices), "utf8"));

async function clipsOf({ clips }: StringRow): Promise<Float32Array[]> {
  return Promise.all(clips.map((id) => bundled(prompts.get(id)!.file)));
}

const gauss = stream(1, "noise");
const made = (seconds: number, sample: (t: number) => number): Float32Array =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => sample(i / RATE));
const sine = (hz: number, t: number): number => Math.sin(2 * Math.PI * hz * t);

const NO_SPEECH: Readonly<Record<string, Float32Array>> = {
  "30 s of zeros": new Float32Array(30 * RATE),
  "white noise": made(12, () => gauss.normal(0, 0.1)),
  "quiet white noise": made(3, () => gauss.normal(0, 0.001)),
  "mains hum": made(12, (t) => 0.1 * sine(50, t) + 0.03 * sine(150, t) + gauss.normal(0, 0.001)),
  "hum under hiss": made(3, (t) => 0.02 * sine(100, t) + 0.005 * sine(300, t) + gauss.normal(0, 0.01)),
  "a held tone": made(3, (t) => 0.2 * sine(440, t)),
  "a tone with vibrato": made(3, (t) => 0.2 * Math.sin(2 * Math.PI * 300 * t + 2 * sine(5.5, t))),
  "a chord": made(3, (t) => 0.1 * (sine(220, t) + sine(277.18, t) + sine(329.63, t))),
  "a melody of fading notes": made(6, (t) => {
    const note = Math.floor(t / 0.3);
    const hz = 220 * 2 ** ([0, 2, 4, 5, 7, 9, 11, 12, 7, 4][note % 10]! / 12);
    return (
      0.2 * Math.exp(-6 * (t - 0.3 * note)) * [1, 2, 3, 4].reduce((sum, h) => sum + sine(h * hz, t) / h, 0)
    );
  }),
};

for (const [name, wave] of Object.entries(NO_SPEECH))
  t.test(`${name}: nothing is written`, async (t) => {
    t.equal((await transcribe(recognizer, wave)).text, "");
    t.notOk(holdsSpeech(wave, extractFeatures(wave, audio), RATE));
    const listening = new TranscribeStream(recognizer);
    t.same([...(await listening.push(wave)), ...(await listening.finish())], [], "in a stream neither");
  });

t.test("without the gate the recogniser writes words for silence", async (t) => {
  const config = { ...checkpoint.config, decode: { ...checkpoint.config.decode, speechGate: false } };
  t.not((await transcribe({ ...recognizer, config }, new Float32Array(3 * RATE))).text, "");
});

t.test("every prompt of the bundled voice counts as speech", async (t) => {
  for (const { file } of prompts.values()) {
    const wave = await bundled(file);
    if (!holdsSpeech(wave, extractFeatures(wave, audio), RATE)) t.fail(file);
  }
  t.equal(prompts.size, 128);
});

t.test("words begin and end where they are said", async (t) => {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const row of strings.slice(0, 20)) {
    const clips = await clipsOf(row);
    const { words } = await transcribe(recognizer, joinClips(clips, row.gaps));
    let at = row.gaps[0]! / RATE;
    const said = row.text.split(" ").map((word, i) => {
      const span = { word, start: at, end: at + clips[i]!.length / RATE };
      at = span.end + row.gaps[i + 1]! / RATE;
      return span;
    });
    for (const { word, start, end } of words) {
      const clip = said.find((one) => one.word === word && start < one.end && end > one.start);
      if (clip === undefined) continue;
      // A clip has quiet edges; the word stays within it, but for a block of 10 ms.
      starts.push(start - clip.start);
      ends.push(clip.end - end);
    }
  }
  t.ok(starts.length > 40, `${starts.length} words found`);
  const within = (slack: readonly number[]): number =>
    slack.filter((s) => s > -0.011 && s < 0.3).length / slack.length;
  t.ok(within(starts) > 0.95, `starts within the clip: ${within(starts)}`);
  t.ok(within(ends) > 0.95, `ends within the clip: ${within(ends)}`);
});

t.test("stretches: cut at pauses, in order, no longer than asked, the same for every chunking", async (t) => {
  const clips = (await Promise.all(strings.slice(0, 8).map(clipsOf))).flat();
  const gaps = [0, ...clips.map((_, i) => (i % 3 === 0 ? 16000 : 3000))];
  const wave = joinClips(clips, gaps);
  const options = { sampleRate: RATE, maxSeconds: 4 };
  const whole = cutIntoStretches(wave, options);
  t.ok(whole.length > wave.length / RATE / 4);
  whole.forEach(({ start, end }, i) => {
    t.ok(end > start && end - start <= 4 * RATE);
    if (i > 0) t.ok(start >= whole[i - 1]!.end, "stretches do not overlap");
  });
  let energy = 0;
  for (const { start, end } of whole) for (let i = start; i < end; i++) energy += wave[i]! * wave[i]!;
  const all = wave.reduce((sum, x) => sum + x * x, 0);
  t.ok(energy > 0.999 * all, "no sound is left out");
  const chunks = stream(3, "chunks");
  const cutter = new StretchCutter(options);
  const found = [];
  for (let at = 0; at < wave.length; ) {
    const next = at + chunks.integer(1, 9000);
    found.push(...cutter.push(wave.subarray(at, next)));
    at = next;
  }
  t.same([...found, ...cutter.finish()], whole);
  t.same(cutIntoStretches(wave.subarray(0, 4 * RATE), options), [{ start: 0, end: 4 * RATE }]);
  t.same(cutIntoStretches(new Float32Array(9 * RATE), options), [], "of silence nothing");
  t.throws(
    () => new StretchCutter({ sampleRate: RATE, maxSeconds: 0 }),
    /StretchCutter: .*positive, got 16000 and 0/,
  );
});

t.test("a stream gives the words of the whole", async (t) => {
  const clips = (await Promise.all(strings.slice(0, 12).map(clipsOf))).flat();
  const wave = joinClips(clips, [0, ...clips.map((_, i) => (i % 4 === 0 ? 14000 : 2000))]);
  const { words } = await transcribe(recognizer, wave);
  t.ok(words.length > 20);
  const listening = new TranscribeStream(recognizer);
  const heard = [];
  for (let at = 0; at < wave.length; at += 3200)
    heard.push(...(await listening.push(wave.subarray(at, at + 3200))));
  t.ok(heard.length > words.length / 2, "most words come before the end");
  heard.push(...(await listening.finish()));
  t.same(heard, words);
  for (const { confidence } of words) t.ok(confidence! >= 0 && confidence! <= 1);
});

t.test("a calibration is found again from words that were drawn from it", async (t) => {
  // The truth is known, since the words are drawn from it.
  const random = stream(5, "words");
  const truth = { slope: 0.6, offset: -0.3 };
  const words = Array.from({ length: 20000 }, () => {
    const certainty = 1 / (1 + Math.exp(-random.normal(2, 2)));
    return { certainty, right: random.uniform(0, 1) < calibrated(certainty, truth) };
  });
  const found = fitCalibration(words);
  t.ok(Math.abs(found.slope - truth.slope) < 0.03, `slope ${found.slope}`);
  t.ok(Math.abs(found.offset - truth.offset) < 0.06, `offset ${found.offset}`);
  // At the maximum the mean confidence is the share of right words.
  const mean = words.reduce((sum, { certainty }) => sum + calibrated(certainty, found), 0) / words.length;
  t.ok(Math.abs(mean - words.filter(({ right }) => right).length / words.length) < 1e-6);
  for (const row of reliability(
    words.map((w) => ({ confidence: calibrated(w.certainty, found), right: w.right })),
  ))
    t.ok(
      Math.abs(row.confidence - row.right) < 0.05,
      `${row.from} to ${row.to}: ${row.confidence}, ${row.right}`,
    );
  t.throws(
    () => fitCalibration([{ certainty: 0.5, right: true }]),
    /right and wrong words, got 1 right of 1/,
  );
  t.equal(calibrated(0.42), 0.42, "without a calibration the certainty itself");
});
