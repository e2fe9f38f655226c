// Reading and writing audio files: the 51 WAV variants, fuzzed files, raw PCM, compressed formats, refusals.

import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile as readFileAsync, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AudioError,
  audioFormat,
  decodeAudio,
  decodePcm,
  decodeWav,
  describeNonFinite,
  encodeWav,
  toMono,
  tone,
  uniformStream,
  type WavWriteOptions,
} from "@echo-ts/audio";
import { readAudio, writeWav } from "@echo-ts/audio/node";
import fc from "fast-check";
import ndarray from "ndarray";
import t from "tap";
import { flacFile } from "./flac-file.ts";
import { fixtures, maxDifference } from "./golden.ts";

interface Expectation {
  readonly expect: "ok" | "ok or typed error" | "typed error, in bounded time and memory";
  readonly sampleRate: number;
  readonly channels: number;
  readonly frames: number | string;
  readonly maxAbsErr: number;
  readonly gain?: number;
}

const folder = join(fixtures, "wav");
const { files } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
  files: Record<string, Expectation>;
};
const read = (name: string): Buffer => readFileSync(join(folder, `${name}.wav`));

// The two sines all variants hold: see expected.json.
const left = (n: number) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 16000);
const right = (n: number) => 0.25 * Math.sin((2 * Math.PI * 660 * n) / 16000);

t.test("every WAV variant is read or refused as listed", async (t) => {
  t.equal(Object.keys(files).length, 51);
  t.same(
    Object.keys(files).sort(),
    readdirSync(folder)
      .filter((f) => f.endsWith(".wav"))
      .map((f) => f.slice(0, -4))
      .sort(),
  );
  for (const [name, want] of Object.entries(files)) {
    let wav: ReturnType<typeof decodeWav>;
    try {
      wav = decodeWav(read(name), { file: `${name}.wav` });
    } catch (error) {
      t.ok(error instanceof AudioError, `${name}: the error is an AudioError`);
      t.not(want.expect, "ok", `${name}: ${(error as Error).message}`);
      t.match((error as Error).message, `decodeWav: ${name}.wav: `, `${name}: the message names the file`);
      t.equal((error as AudioError).file, `${name}.wav`);
      continue;
    }
    t.not(want.expect, "typed error, in bounded time and memory", `${name} was read`);
    t.equal(wav.sampleRate, want.sampleRate, `${name}: rate`);
    t.equal(wav.channels.length, want.channels, `${name}: channels`);
    // ADPCM fills its last block, and needs 200 frames to adapt.
    const adaptive = name.startsWith("adpcm");
    if (adaptive) t.ok(wav.frames >= 1600, `${name}: frames`);
    else t.equal(wav.frames, want.frames, `${name}: frames`);
    const [first, end] = adaptive ? [200, 1600] : [0, wav.frames];
    for (const [c, channel] of wav.channels.entries()) {
      t.equal(channel.length, wav.frames);
      const source = c < wav.channels.length / 2 ? left : right;
      const expected = Float64Array.from(channel, (_, n) => (want.gain ?? 1) * source(n));
      if (name === "f32_nan_inf") for (const n of [5, 6]) channel[n] = expected[n]!;
      const error = maxDifference(channel.subarray(first, end), expected.subarray(first, end));
      t.ok(error <= want.maxAbsErr, `${name}: channel ${c}, error ${error}`);
    }
  }
});

t.test("what was repaired or refused is said", async (t) => {
  const warnings = (name: string) => decodeWav(read(name)).warnings;
  t.same(warnings("pcm16"), []);
  t.same(warnings("rf64"), []);
  t.same(warnings("trailing_garbage"), []);
  t.same(warnings("data_size_0"), ["the data chunk claims 0 bytes, 6400 were read"]);
  t.same(warnings("data_size_big"), ["the data chunk claims 1073741788 bytes, 6400 were read"]);
  t.same(warnings("truncated_midframe"), [
    "the data chunk claims 6400 bytes, 4003 were read",
    "the last 3 bytes are not a whole frame and were dropped",
  ]);
  t.match(warnings("f32_nan_inf"), [/^\d samples are not finite, the first is NaN at frame 5 of channel 0$/]);
  const refuses = (name: string, reason: string, message: string) =>
    t.throws(
      () => decodeWav(read(name), { file: "x.wav" }),
      { name: "AudioError", reason, message, file: "x.wav" },
      name,
    );
  refuses("empty", "truncated", "decodeWav: x.wav: a WAV file has at least 12 bytes, got 0");
  refuses(
    "text",
    "format",
    `decodeWav: x.wav: not a WAV file: starts with ${JSON.stringify(read("text").toString("latin1", 0, 4))}, expected RIFF, RIFX or RF64`,
  );
  refuses(
    "truncated_header",
    "truncated",
    "decodeWav: x.wav: no fmt chunk: chunk fmt  claims 16 bytes, the file has 10 left",
  );
  refuses("no_data", "format", "decodeWav: x.wav: no data chunk");
  refuses(
    "chunk_size_overflow",
    "format",
    "decodeWav: x.wav: no data chunk: chunk JUNK claims 4294967280 bytes, the file has 6412 left",
  );
  refuses("zero_channels", "format", "decodeWav: x.wav: the file claims 0 channels");
  refuses("zero_rate", "format", "decodeWav: x.wav: the file claims a sample rate of 0 Hz");
  refuses("bits0", "format", "decodeWav: x.wav: the file claims 0 bits per sample");
  t.throws(() => decodeWav(read("f32_nan_inf"), { file: "x.wav", nonFinite: "refuse" }), {
    reason: "nonfinite",
    message: /^decodeWav: x\.wav: \d samples are not finite, the first is NaN at frame 5 of channel 0$/,
  });
  const shifted = Buffer.concat([Buffer.from([1, 2, 3]), read("pcm16")]);
  t.same(
    decodeWav(shifted.subarray(3)).channels,
    decodeWav(read("pcm16")).channels,
    "a view at an odd offset",
  );
  const copy = Uint8Array.from(read("pcm16"));
  t.same(decodeWav(copy.buffer).channels, decodeWav(copy).channels, "an ArrayBuffer");
});

t.test("what is written is read back", async () => {
  const encodings = ["uint8", "int16", "int24", "int32", "float32", "float64"] as const;
  const steps = {
    uint8: 2 ** 7,
    int16: 2 ** 15,
    int24: 2 ** 23,
    int32: 2 ** 31,
    float32: 2 ** 60,
    float64: 2 ** 60,
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...encodings),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      fc.integer(),
      (encoding, channels, frames, sampleRate, seed) => {
        const next = uniformStream(seed);
        const data = Float32Array.from({ length: channels * frames }, () => 2 * next() - 1);
        const bytes = encodeWav(ndarray(data, [channels, frames]), { sampleRate, encoding });
        const wav = decodeWav(bytes);
        if (wav.sampleRate !== sampleRate || wav.channels.length !== channels || wav.frames !== frames)
          return false;
        if (wav.warnings.length > 0 || wav.encoding !== encoding || bytes.length % 2 !== 0) return false;
        const again = Float32Array.from(wav.channels.flatMap((channel) => [...channel]));
        // Half a step, or a whole one at the upper end, which integers do not reach.
        return data.every(
          (x, i) =>
            Math.abs(x - again[i]!) <= (x > 1 - 1 / steps[encoding] ? 1 : 0.5) / steps[encoding] + 6e-8,
        );
      },
    ),
    { numRuns: 400, seed: 3 },
  );
});

t.test("writing clips integers, keeps floats, refuses NaN", async (t) => {
  const options: WavWriteOptions = { sampleRate: 8000 };
  const x = Float32Array.of(-2, -1, 0, 0.5, 1, 2);
  t.same(
    decodeWav(encodeWav(x, options)).channels[0],
    Float32Array.of(-1, -1, 0, 0.5, 32767 / 32768, 32767 / 32768),
  );
  t.same(decodeWav(encodeWav(x, { ...options, encoding: "float32" })).channels[0], x);
  t.throws(() => encodeWav(Float32Array.of(0, Number.NaN), options), {
    reason: "nonfinite",
    message: "encodeWav: 1 sample is not finite, the first is NaN at frame 1 of channel 0",
  });
  t.throws(() => encodeWav(x, { sampleRate: 0.5 }), {
    message: "encodeWav: sampleRate must be a whole number >= 1, got 0.5",
  });
  const mulaw = { sampleRate: 1, encoding: "mulaw" } as unknown as WavWriteOptions;
  t.throws(() => encodeWav(x, mulaw), { message: 'encodeWav: cannot write encoding "mulaw"' });
  t.equal(describeNonFinite([x]), undefined);
});

t.test("raw PCM needs to be told everything", async (t) => {
  const bytes = read("pcm16").subarray(44, 44 + 6400);
  const raw = decodePcm(bytes, { sampleRate: 16000, encoding: "int16", channels: 2 });
  t.same([raw.sampleRate, raw.channels], [16000, decodeWav(read("pcm16")).channels]);
  const swapped = Buffer.from(bytes).swap16();
  t.same(
    decodePcm(swapped, { sampleRate: 16000, encoding: "int16", channels: 2, byteOrder: "big" }).channels,
    raw.channels,
  );
  t.same(decodePcm(bytes.subarray(0, 9), { sampleRate: 8000, encoding: "int24", channels: 2 }).warnings, [
    "the last 3 bytes are not a whole frame of 6 bytes",
  ]);
  // G.711, values of ITU-T's tables: the loudest, the quietest, both signs.
  const law = (encoding: "alaw" | "mulaw", ...codes: number[]) =>
    decodePcm(Uint8Array.from(codes), { sampleRate: 8000, encoding, channels: 1 }).channels[0];
  t.same(
    law("alaw", 0xd5, 0x55, 0xaa, 0x2a),
    Float32Array.of(1 / 4096, -1 / 4096, 4032 / 4096, -4032 / 4096),
  );
  t.same(law("mulaw", 0xff, 0xfe, 0x80, 0x00), Float32Array.of(0, 2 / 8192, 8031 / 8192, -8031 / 8192));
  const bad = { sampleRate: 8000, encoding: "int12" as "int16", channels: 1 };
  t.throws(() => decodePcm(bytes, bad), {
    message: /^decodePcm: unknown encoding "int12", expected one of uint8, int16/,
  });
  t.throws(() => decodePcm(bytes, { ...bad, sampleRate: Number.NaN }), {
    message: /sampleRate must be a finite number/,
  });
});

// The full run of 10 000 files: ECHO_FUZZ=10000 node test/dist/audio/wav.test.js
const FUZZED = Number(process.env.ECHO_FUZZ ?? 1000);

t.test(
  `${FUZZED} fuzzed files: samples or a typed error, never more memory than the file explains`,
  async (t) => {
    const next = uniformStream(2026);
    const seeds = Object.keys(files).map(read);
    const pick = (n: number) => Math.floor(next() * n);
    const words = ["fmt ", "data", "LIST", "ds64", "RIFF", "RF64", "RIFX", "WAVE"];
    const numbers = [0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0xfffe, 0xffff];
    let read_ = 0;
    let refused = 0;
    let slowest = 0;
    for (let run = 0; run < FUZZED; run++) {
      let bytes = Buffer.from(seeds[pick(seeds.length)]!);
      for (let edits = 1 + pick(6); edits > 0 && bytes.length > 8; edits--) {
        // Most edits hit the header, where they matter.
        const at = pick(next() < 0.8 ? Math.min(80, bytes.length - 8) : bytes.length - 8);
        const kind = pick(6);
        if (kind === 0) bytes[at] = pick(256);
        else if (kind === 1) bytes.writeUInt32LE(numbers[pick(numbers.length)]!, at);
        else if (kind === 2) bytes.write(words[pick(words.length)]!, at, "latin1");
        else if (kind === 3) bytes = bytes.subarray(0, at + 4);
        else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pick(4))]);
        else
          bytes = Buffer.concat([
            bytes.subarray(0, at),
            bytes.subarray(at - (at % 7), at + 8),
            bytes.subarray(at),
          ]);
      }
      const start = performance.now();
      try {
        const wav = decodeWav(bytes);
        read_++;
        // Every stored sample takes at least a byte of the file, one of ADPCM half a byte.
        if (
          wav.frames * wav.channels.length > bytes.length * (wav.encoding.endsWith("adpcm") ? 2 : 1) ||
          wav.sampleRate < 1
        )
          t.fail(`run ${run}: ${wav.frames} frames`);
      } catch (error) {
        refused++;
        if (!(error instanceof AudioError)) t.fail(`run ${run}: ${String(error)}`);
      }
      slowest = Math.max(slowest, performance.now() - start);
    }
    t.equal(read_ + refused, FUZZED);
    t.ok(read_ > FUZZED / 10 && refused > FUZZED / 10, `${read_} read, ${refused} refused`);
    t.ok(slowest < 2000, `slowest ${slowest.toFixed(1)} ms`);
  },
);

t.test("formats are told apart, FLAC is read to the last bit", async (t) => {
  const samples = Int16Array.from({ length: 5000 }, (_, n) => Math.round(32768 * left(n)));
  const bytes = flacFile(samples);
  t.equal(audioFormat(bytes), "flac");
  const plain = Float32Array.from(samples, (sample) => sample / 32768);
  const audio = await decodeAudio(bytes);
  t.same([audio.sampleRate, audio.channels], [16000, [plain]]);

  const single = await decodeAudio(flacFile(samples.subarray(0, 100)));
  t.same(single.channels, [plain.subarray(0, 100)], "a single frame");
  const inside = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)]);
  const view = await decodeAudio(inside.subarray(7, 7 + bytes.length));
  t.same(view.channels, [plain], "bytes in the middle of others");
  const tag = Buffer.from("ID3\u0004\0\0\0\0\u0001\0", "latin1");
  const tagged = await decodeAudio(Buffer.concat([tag, Buffer.alloc(128), bytes]));
  t.same(tagged.channels, [plain], "behind an ID3v2 tag");
  const text = Buffer.from("ID3\u0004\0\0\0\0\0\u0018 fLaC with another head!", "latin1").subarray(
    0,
    10 + 24,
  );
  const misleading = await decodeAudio(Buffer.concat([text, bytes]));
  t.same(misleading.channels, [plain], "behind a tag that speaks of fLaC");

  t.equal(audioFormat(read("pcm16")), "wav");
  t.equal(audioFormat(Buffer.from("ID3\u0004", "latin1")), "mp3");
  t.equal(audioFormat(Uint8Array.of(0xff, 0xfb, 0x90, 0x64)), "mp3");
  t.equal(audioFormat(Buffer.from("OggS")), "ogg");
  t.equal(audioFormat(Buffer.from("\0\0\0 ftypM4A ")), "m4a");
  t.equal(audioFormat(read("text")), undefined);

  const mixed = await decodeAudio(read("pcm16"), { mono: true, sampleRate: 8000 });
  t.same([mixed.sampleRate, mixed.channels.length, mixed.frames], [8000, 1, 800]);
  const expected = Float64Array.from({ length: 800 }, (_, n) => (left(2 * n) + right(2 * n)) / 2);
  t.ok(maxDifference(mixed.channels[0]!.subarray(150, 650), expected.subarray(150, 650)) < 1e-4);
});

t.test("compressed formats: a damaged file is refused by name", async (t) => {
  await t.rejects(decodeAudio(new Uint8Array(0), { file: "a.mp3" }), {
    name: "AudioError",
    message:
      "decodeAudio: a.mp3: the file is empty; WAV, FLAC, MP3, Ogg (Vorbis, Opus), WebM (Opus), M4A, AIFF and CAF are read; for raw samples use decodePcm",
  });
  await t.rejects(decodeAudio(Buffer.from("hello"), { file: "a.txt" }), {
    reason: "format",
    message: /^decodeAudio: a\.txt: unknown format \(first bytes 68 65 6c 6c\)/,
  });
  const speex = Buffer.concat([Buffer.from("OggS"), Buffer.alloc(24), Buffer.from("Speex   ")]);
  speex[26] = 1;
  await t.rejects(decodeAudio(speex, { file: "c.ogg" }), {
    reason: "format",
    message: "decodeAudio: c.ogg: damaged or unreadable ogg file: neither Vorbis, Opus nor FLAC is in it",
  });
  for (const start of ["fLaC", "OggS", "ID3\u0004", "\0\0\0 ftypM4A "]) {
    const bytes = Buffer.concat([Buffer.from(start, "latin1"), Buffer.alloc(600, 7)]);
    const format = audioFormat(bytes);
    await t.rejects(decodeAudio(bytes, { file: "b.bin" }), {
      name: "AudioError",
      reason: "format",
      message: new RegExp(`^decodeAudio: b\\.bin: damaged or unreadable ${format} file: .`),
    });
  }
});

t.test("a rate that cannot be right is not converted from", async (t) => {
  const wave = encodeWav(new Float32Array(160), { sampleRate: 16000 });
  for (const rate of [4294967291, 62]) {
    new DataView(wave.buffer).setUint32(24, rate, true);
    await t.rejects(decodeAudio(wave, { sampleRate: 16000, file: "a.wav" }), {
      name: "AudioError",
      reason: "format",
      message:
        `decodeAudio: a.wav: the file claims ${rate} Hz, which is not within a factor of 256 of the 16000 Hz asked for; ` +
        "if it is right, decode without sampleRate and use resample",
    });
    t.equal((await decodeAudio(wave)).sampleRate, rate, "without a conversion it is what the file says");
  }
  new DataView(wave.buffer).setUint32(24, 63, true);
  t.equal((await decodeAudio(wave, { sampleRate: 16000 })).frames, Math.ceil((160 * 16000) / 63));
});

t.test("files by path", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "echo-audio-"));
  try {
    const path = join(dir, "tone.wav");
    const signal = tone(440, { seconds: 0.1, sampleRate: 16000 });
    await writeWav(path, signal, { sampleRate: 16000, encoding: "float32" });
    const audio = await readAudio(path);
    t.same([audio.sampleRate, audio.channels[0]], [16000, signal]);
    t.same((await readFileAsync(path)).length, 12 + 26 + 12 + 8 + 6400);
    await writeFile(join(dir, "bad.wav"), "RIFFxxxxAVI ");
    await t.rejects(readAudio(join(dir, "bad.wav")), {
      file: join(dir, "bad.wav"),
      message: `decodeWav: ${join(dir, "bad.wav")}: a RIFF file of type "AVI ", expected WAVE`,
    });
    await t.rejects(readAudio(join(dir, "none.wav")), {
      name: "AudioError",
      reason: "io",
      message: /^readAudio: .*none\.wav: ENOENT/,
    });
    await t.rejects(writeWav(join(dir, "no", "x.wav"), signal, { sampleRate: 1 }), {
      reason: "io",
      message: /^writeWav: .*ENOENT/,
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});

t.test("toMono", async (t) => {
  t.same(toMono([Float32Array.of(1, 0), Float32Array.of(0, 0.5)]), Float32Array.of(0.5, 0.25));
  t.throws(() => toMono([]), { message: "toMono: expected at least one channel, got none" });
  t.throws(() => toMono([new Float32Array(1), new Float32Array(2)]), {
    message: "toMono: channels differ in length: 1, 2",
  });
});
