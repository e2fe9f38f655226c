import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav, harmonics, tone, whiteNoise } from "@echo-ts/audio";
import {
  changeSpeed,
  collateFeatures,
  DataError,
  decodeRecording,
  type EchoConfig,
  evaluateModel,
  extractFeatures,
  FeatureStore,
  inputOf,
  memoryFiles,
  newModel,
  prepareEvaluation,
  readFeatures,
  resolveConfig,
  type UtteranceFeatures,
  WordTokenizer,
} from "@echo-ts/echo-model";
import { diskCache } from "@echo-ts/echo-model/node";
import { readSafetensors, stream } from "@echo-ts/tensor";
import t from "tap";
import { joinPieces } from "../../../packages/echo-model/dist/speech/join-clips.js";
import { changeSpeedOfF0 } from "../../../packages/echo-model/dist/speech/recording.js";
import { augmentMel, augmentWave, withLevel } from "../../../packages/echo-model/dist/train/augment.js";
import { readShared, sharedPath, skipWithoutShared } from "../shared-material.js";
import { syntheticFiles, tinyConfig } from "./synthetic-speech.js";

const config = resolveConfig();
const voice = (hz: number, seconds = 0.5): Float32Array =>
  harmonics(hz, [1, 0.6, 0.4, 0.2], { seconds, sampleRate: 16000, amplitude: 0.2 });

t.test("log-mel, scaled, is that of the reference pipeline", { skip: skipWithoutShared }, async (t) => {
  const { cases } = JSON.parse(readShared("golden", "echo", "index.json"));
  const { tensors } = readSafetensors(readFileSync(sharedPath("golden", "echo", "features.safetensors")));
  for (const name of ["logmel_reference", "logmel_wide"]) {
    const { params, in: input, out } = cases.find((one: { name: string }) => one.name === name);
    const audio: EchoConfig["audio"] = {
      ...config.audio,
      sampleRate: params.sr,
      fftSize: params.n_fft,
      windowLength: params.n_fft,
      hopLength: params.hop,
      melBins: params.mels,
      minFrequencyHz: params.fmin,
      maxFrequencyHz: params.fmax,
      normalize: "scaled",
    };
    const wave = Float32Array.from(tensors.get(input.wave)!.data as Float32Array);
    const expected = tensors.get(out.logmel)!.data as Float32Array;
    const { mel } = extractFeatures(wave, audio);
    t.equal(mel.length, expected.length);
    const worst = mel.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
    // The stored values come from float64; float32 powers cost up to this much (the fixture's own tolerance).
    t.ok(worst < 1e-4, `${name}: ${worst}`);
  }
});

t.test("bands are centred and share one standard deviation", async (t) => {
  const random = stream(1, "noise");
  const wave = Float32Array.from({ length: 16000 }, () => random.normal(0, 0.1));
  const { mel, frames } = extractFeatures(wave, config.audio);
  let squares = 0;
  for (let m = 0; m < config.audio.melBins; m++) {
    const band = mel.subarray(m * frames, (m + 1) * frames);
    t.ok(Math.abs(band.reduce((a, b) => a + b, 0) / frames) < 1e-4);
    squares += band.reduce((a, b) => a + b * b, 0);
  }
  t.ok(Math.abs(squares / mel.length - 1) < 1e-4);
  const louder = extractFeatures(
    wave.map((x) => x * 4),
    config.audio,
  );
  t.ok(
    louder.mel.every((value, i) => Math.abs(value - mel[i]!) < 1e-3),
    "level does not matter",
  );
});

t.test("f0 of a tone is its pitch, of silence 0, by every method", async (t) => {
  const silence = new Float32Array(8000);
  const wave = joinPieces(
    [{ wave: voice(220), f0: new Float32Array(0) }],
    [8000, 8000],
    config.audio.hopLength,
  ).wave;
  for (const method of ["nac", "yin", "pyin", "mpm"]) {
    const audio = resolveConfig({ audio: { pitch: { method } } }).audio;
    const { f0, silent, frames } = extractFeatures(wave, audio);
    t.equal(frames, 1 + Math.floor(wave.length / 160));
    const middle = Math.floor(frames / 2);
    t.ok(Math.abs(f0[middle]! - 220) < 4, `${method}: ${f0[middle]}`);
    t.equal(f0[10], 0, method);
    t.equal(silent[10], 1);
    t.equal(silent[middle], 0);
    t.ok(extractFeatures(silence, audio).f0.every((hz) => hz === 0));
  }
});

t.test("a silent recording gives zeros, all silent", async (t) => {
  const { mel, silent } = extractFeatures(new Float32Array(1600), config.audio);
  t.ok(mel.every((value) => value === 0));
  t.ok(silent.every((flag) => flag === 1));
});

t.test("a faster voice is shorter and higher by the same factor", async (t) => {
  const wave = voice(200, 1);
  const faster = changeSpeed(wave, 1.1);
  t.equal(faster.length, Math.ceil(wave.length / 1.1));
  const slow = extractFeatures(wave, config.audio);
  const fast = extractFeatures(faster, config.audio);
  t.ok(Math.abs(fast.f0[40]! - 220) < 3, `${fast.f0[40]}`);
  const mapped = changeSpeedOfF0(slow.f0, 1.1, fast.frames);
  t.ok(Math.abs(mapped[40]! - fast.f0[40]!) < 3);
  t.equal(changeSpeed(wave, 1), wave);
});

t.test("joined recordings carry their pitch along", async (t) => {
  const piece = { wave: new Float32Array(320).fill(1), f0: Float32Array.of(100, 110, 120) };
  const { wave, f0 } = joinPieces([piece, piece], [160, 320, 160], 160);
  t.equal(wave.length, 160 + 320 + 320 + 320 + 160);
  t.same([...f0], [0, 100, 110, 120, 0, 100, 110, 120, 0]);
});

t.test("a recording that cannot be decoded is refused by name", async (t) => {
  await t.rejects(decodeRecording(new Uint8Array(40), "wav/x.wav", 16000), {
    name: "DataError",
    message: /wav\/x\.wav/,
  });
  const bytes = encodeWav(new Float32Array(8), { sampleRate: 16000, encoding: "float32" });
  new DataView(bytes.buffer, bytes.byteOffset).setFloat32(bytes.length - 8, Number.NaN, true);
  await t.rejects(decodeRecording(bytes, "nan.wav", 16000), DataError);
});

t.test("augmentation", async (t) => {
  const features = extractFeatures(voice(200), config.audio);
  const augment = (seed: number, changed: Partial<EchoConfig["augment"]> = {}): UtteranceFeatures =>
    augmentMel(features, 64, { ...config.augment, ...changed }, stream(seed, "augment"), 0);
  t.same(augment(1).mel, augment(1).mel, "the same stream gives the same features");
  t.notSame(augment(1).mel, augment(2).mel);
  t.notSame(augment(1).mel, features.mel);
  const none = { melStretch: 0, melShift: 0, frequencyMasks: 0, timeMasks: 0 };
  t.same(augment(1, none).mel, features.mel, "all off changes nothing");

  const ones = { ...features, mel: new Float32Array(features.mel.length).fill(1) };
  const masked = augmentMel(
    ones,
    64,
    { ...config.augment, melStretch: 0.05, melShift: 1 },
    stream(4, "masks"),
    -7,
  );
  t.same(
    [...new Set(masked.mel)].sort(),
    [-7, 1],
    "stretching a constant leaves it constant; masks are filled",
  );
  const bands = Array.from(
    { length: 64 },
    (_, m) => new Set(masked.mel.subarray(m * masked.frames, (m + 1) * masked.frames)).size === 1,
  );
  t.ok(bands.includes(true) || bands.includes(false));

  const wave = voice(200);
  t.equal(augmentWave(wave, { gainDb: 0, noiseDb: 0 }, stream(1, "w")), wave);
  const noisy = augmentWave(wave, { gainDb: 0, noiseDb: 20 }, stream(1, "w"));
  t.same(augmentWave(wave, { gainDb: 0, noiseDb: 20 }, stream(1, "w")), noisy);
  const power = (x: Float32Array): number => x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const noise = noisy.map((value, i) => value - wave[i]!);
  const snr = 10 * Math.log10(power(wave) / power(noise));
  t.ok(snr > 19.5 && snr < 40.5, `${snr} dB`);
  const gained = augmentWave(wave, { gainDb: 6, noiseDb: 0 }, stream(3, "w"));
  const gain = 10 * Math.log10(power(gained) / power(wave));
  t.ok(Math.abs(gain) <= 6 && Math.abs(gain) > 0.01);
  t.ok(Math.abs(Math.sqrt(power(withLevel(wave, 0.05))) - 0.05) < 1e-6);
});

t.test("padding does not change what the model makes of an utterance", async (t) => {
  const tiny = tinyConfig();
  const tokenizer = WordTokenizer.fromTexts(["low mid high"]);
  const echo = newModel(tiny, tokenizer).eval();
  const rate = tiny.audio.sampleRate;
  const short = extractFeatures(tone(300, { seconds: 0.3, sampleRate: rate }), tiny.audio);
  const long = extractFeatures(whiteNoise(1, { seconds: 0.9, sampleRate: rate }), tiny.audio);
  const layout = inputOf(tiny);
  const alone = echo.ctcLogits(echo.encode(collateFeatures([short], layout)))!;
  const padded = echo.ctcLogits(echo.encode(collateFeatures([short, long], layout)))!;
  const [, frames, vocabulary] = alone.shape as [number, number, number];
  const one = alone.dataSync();
  const two = padded.dataSync();
  for (let i = 0; i < frames * vocabulary; i++) if (Math.abs(one[i]! - two[i]!) > 1e-5) t.fail(`value ${i}`);
  t.ok(padded.shape[1]! > frames);
  t.throws(() => collateFeatures([], layout), DataError);
  t.throws(() => collateFeatures([short], { ...layout, features: ["waveform"] }), /samples were not kept/);
});

t.test("the cache gives back what was computed, and notices changed settings and contents", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-cache-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = syntheticFiles();
  const input = inputOf(tinyConfig());
  const utterance = {
    id: "a0",
    text: "low",
    audio: { kind: "file" as const, file: "wav/a0.wav" },
    source: { file: "manifest.jsonl", line: 1 },
    row: {},
  };
  const entries = (): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".safetensors"),
    );
  const run = (changed = input, from = files): Promise<UtteranceFeatures> =>
    new FeatureStore(memoryFiles(from), changed, diskCache(folder)).features(utterance, 1.05);
  const first = await run();
  t.equal(entries().length, 1);
  t.same(await run(), first, "served from disk");
  t.equal(entries().length, 1);
  await run({ ...input, melBins: 10 });
  t.equal(entries().length, 2, "another setting is another entry");
  await run(input, { ...files, "wav/a0.wav": files["wav/a1.wav"]! });
  t.equal(entries().length, 3, "another content is another entry");
  for (const name of entries()) writeFileSync(join(folder, name), "damaged");
  t.same(await run(), first, "a damaged entry is computed again");
  const paths = entries().map((name) => join(folder, name));
  const own = paths.find((path) => readFileSync(path).length > 100)!;
  const sound = readFileSync(own);
  t.ok(sound.includes("echo.key") && sound.includes("echo.sha256"), "an entry says what it is");
  const flipped = new Uint8Array(sound);
  flipped[flipped.length - 30]! ^= 1;
  writeFileSync(own, flipped);
  t.same(await run(), first, "one flipped bit is noticed");
  t.same(readFileSync(own), sound, "and the entry written again");
  await run(input, { ...files, "wav/a0.wav": files["wav/a1.wav"]! });
  const other = paths.find((path) => path !== own && readFileSync(path).length > 100)!;
  writeFileSync(own, readFileSync(other));
  t.same(await run(), first, "so is the entry of another key in its place");
  const missing = { ...utterance, audio: { kind: "file" as const, file: "wav/none.wav" } };
  await t.rejects(
    new FeatureStore(memoryFiles(files), input).features(missing),
    /wav\/none\.wav does not exist/,
  );
});

t.test("beyond a budget features stay in the cache, with the same values", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-memory-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = syntheticFiles();
  const input = inputOf(tinyConfig());
  const utterances = Array.from({ length: 8 }, (_, i) => ({
    id: `a${i}`,
    text: "low",
    audio: { kind: "file" as const, file: `wav/a${i}.wav` },
    source: { file: "manifest.jsonl", line: 1 },
    row: {},
  }));
  const access = memoryFiles(files);
  const all = new FeatureStore(access, input);
  const wanted = await Promise.all(utterances.map((one) => all.features(one)));
  const budget = 2 * wanted[7]!.mel.byteLength;
  t.ok(all.heldBytes > 3 * budget, "without a cache everything is kept");

  let gets = 0;
  const disk = diskCache(folder);
  const get = (key: string): ReturnType<typeof disk.get> => {
    gets++;
    return disk.get(key);
  };
  const cache = { ...disk, get };
  const store = new FeatureStore(access, input, cache, undefined, budget);
  for (let round = 0; round < 3; round++)
    for (const [i, utterance] of utterances.entries()) {
      t.same(await store.features(utterance), wanted[i], `round ${round}, utterance ${i}`);
      t.ok(store.heldBytes <= budget, `${store.heldBytes} of ${budget} bytes`);
    }
  t.equal(gets, 24, "each was read again");
  store.forgetPieces();
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  t.same(await store.features(utterances[0]!), wanted[0], "what the cache has lost is computed again");
  store.forgetPieces();
  const other = files["wav/a1.wav"]!;
  files["wav/a3.wav"] = other;
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  await t.rejects(store.features(utterances[3]!), {
    message: "features: wav/a3.wav has changed since it was first read, expected the same contents",
  });
});

t.test("evaluation sets beyond the budget stay in the cache too, and score the same", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-memory-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = memoryFiles(syntheticFiles());
  const config = tinyConfig("data.evaluateSplit=train");
  const tokenizer = WordTokenizer.fromTexts(["low mid high"]);
  const echo = newModel(config, tokenizer);
  const scored = async (options: Parameters<typeof prepareEvaluation>[3]) => {
    const { evaluation } = await prepareEvaluation(files, config, tokenizer, options);
    const examples = evaluation.get("train")!;
    const choice = { zeroed: true, groups: true };
    return { examples, evaluation: await evaluateModel(echo, tokenizer, examples, config, choice) };
  };
  const { examples: wanted, evaluation } = await scored({});
  let gets = 0;
  const disk = diskCache(folder);
  const get = (key: string): ReturnType<typeof disk.get> => {
    gets++;
    return disk.get(key);
  };
  const beyond = await scored({ cache: { ...disk, get }, featureMemoryBytes: 0 });
  t.same(beyond.evaluation, evaluation);
  t.equal(gets, 3 * wanted.length, "each was looked for, then read to be decoded and for its group of pitch");
  for (const [i, { features }] of beyond.examples.entries()) {
    t.notOk("mel" in features, "nothing is held");
    t.same(await readFeatures(features), await readFeatures(wanted[i]!.features));
  }
});
