// Every container and coding: the samples of the same tones, held against the formula they were made by (lossless) or
// the encoder's tolerance, and what readers say of damage. test/fixtures/files says how the files were made.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AudioData, AudioError, audioFormat, decodeAudio, encodeWav } from "@echo-ts/audio";
import fc from "fast-check";
import t, { type Test } from "tap";
import { Md5 } from "../../../packages/audio/dist/flac/md5.js";
import { fixtures, maxDifference, sharedPath } from "./golden.ts";

const folder = join(fixtures, "../files");
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const FRAMES = 1000;
const integer = (i: number, c: number) =>
  Math.round((c === 0 ? 0.5 * Math.sin(i / 7) : 0.3 * Math.sin(i / 11)) * 32767);
const wanted = [0, 1].map((c) => Float32Array.from({ length: FRAMES }, (_, i) => integer(i, c) / 32768));

/** Largest difference allowed: one step of the coding; lossless: 0. */
const TOLERANCE: Readonly<Record<string, number>> = {
  "pcm_s8.aiff": 1 / 128,
  "pcm_alaw.aiff": 0.5 / 32,
  "pcm_mulaw.caf": 0.5 / 32,
};

t.test("lossless and PCM files give exactly the samples", async (t) => {
  const names = readdirSync(folder).filter((name) => /\.(aiff|caf|flac)$|^flac\.|^alac/.test(name));
  t.equal(names.length, 15);
  for (const name of names) {
    const audio = await decodeAudio(read(name), { file: name });
    t.same(
      [audio.sampleRate, audio.channels.length, audio.frames, ...audio.warnings],
      [16000, 2, FRAMES],
      name,
    );
    for (const [c, channel] of audio.channels.entries()) {
      t.ok(maxDifference(channel, wanted[c]!) <= (TOLERANCE[name] ?? 0), `${name}: channel ${c}`);
    }
  }
});

t.test("Opus in Ogg, WebM (closed and live) and MP4: one and the same samples", async (t) => {
  const ogg = await decodeAudio(read("opus.ogg"));
  t.same([ogg.sampleRate, ogg.channels.length, ogg.frames, ...ogg.warnings], [48000, 2, 3 * FRAMES]);
  for (const name of ["opus.webm", "opus-live.webm", "opus.mp4"]) {
    const audio = await decodeAudio(read(name), { file: name });
    t.same([audio.frames, ...audio.warnings], [ogg.frames], name);
    t.ok(
      audio.channels.every((channel, c) => maxDifference(channel, ogg.channels[c]!) === 0),
      name,
    );
  }
  const back = (await decodeAudio(read("opus.ogg"), { sampleRate: 16000 })).channels;
  t.ok(
    maxDifference(back[0]!.subarray(200, 800), wanted[0]!.subarray(200, 800)) < 0.1,
    "and they are the tones",
  );
});

t.test("formats are told by their first bytes", async (t) => {
  for (const name of readdirSync(folder).filter((name) => !/^(make|README)|json$/.test(name))) {
    const ending = name.split(".").at(-1)!;
    t.equal(audioFormat(read(name)), ending === "mp4" ? "m4a" : ending, name);
  }
});

const reported = sharedPath("cases", "audio");
const skip = reported ? false : "no shared/cases/audio here";
t.test("the reported files", { skip }, async (t) => {
  const path = reported!;
  const decode = (name: string) => decodeAudio(readFileSync(join(path, name)), { file: name });
  const twelve = await decode("flac-12bit.flac");
  t.same(
    [...twelve.channels[0]!],
    Array.from({ length: 1500 }, (_, i) => Math.round(Math.sin(i / 7) * 0.9 * 2048) / 2048),
  );
  t.same([(await decode("flac-id3v1.flac")).frames, (await decode("flac-id3v1.flac")).warnings], [8000, []]);
  t.same(
    [...(await decode("rifx-extensible.wav")).channels[0]!],
    [100, -200, 32768, -32768].map((x) => x / 32768),
  );
  t.equal((await decode("dual-mono.mp3")).channels.length, 2);
  const webm = await decode("mediarecorder-like.webm");
  t.same([webm.sampleRate, webm.channels.length], [48000, 1]);
  const zeros = Buffer.concat([Buffer.alloc(5000), readFileSync(join(path, "dual-mono.mp3"))]);
  t.equal((await decodeAudio(zeros)).frames, (await decode("dual-mono.mp3")).frames, "an MP3 behind zeros");
});

/** The outcome of reading damaged bytes: the audio, or the AudioError that it must be. */
async function outcome(t: Test, bytes: Uint8Array, name: string): Promise<AudioData | undefined> {
  try {
    return await decodeAudio(bytes, { file: name });
  } catch (error) {
    t.ok(error instanceof AudioError, `${name}: ${String(error)}`);
    t.match((error as Error).message, name);
    return undefined;
  }
}

t.test("a cut file never comes short in silence", async (t) => {
  for (const name of readdirSync(folder).filter((name) => /\.(aiff|caf|flac|ogg|webm|mp4|m4a)$/.test(name))) {
    const whole = read(name);
    const full = (await decodeAudio(whole)).frames;
    for (const share of [0.3, 0.5, 0.8, 0.95]) {
      const audio = await outcome(t, whole.subarray(0, Math.floor(whole.length * share)), name);
      // The end of a file may be padding or an index that holds no sound.
      t.ok(
        !audio || audio.frames === full || audio.warnings.length > 0,
        `${name} ${share}: ${audio?.frames} of ${full}`,
      );
    }
  }
});

t.test("a flipped bit in FLAC and Ogg is found, and only its frame is lost", async (t) => {
  const flac = read("two.flac");
  let start = 4; // frames begin behind the metadata, whose texts have no check
  for (let last = false; !last; ) {
    last = flac[start]! >= 128;
    start += 4 + flac[start + 2]! * 256 + flac[start + 3]!;
  }
  for (let at = start; at < flac.length; at += 23) {
    const bytes = flac.slice();
    bytes[at]! ^= 1 << (at % 8);
    const audio = (await outcome(t, bytes, "two.flac"))!;
    t.equal(audio.frames, FRAMES, `byte ${at}: length`);
    t.ok(audio.warnings.length > 0, `byte ${at}: ${audio.warnings}`);
    const wrong = audio.channels[0]!.filter((value, i) => value !== wanted[0]![i]).length;
    t.ok(wrong <= 2 * 192, `byte ${at}: ${wrong} samples changed`);
  }
  const ogg = read("flac.ogg");
  for (let at = 60; at < ogg.length; at += 41) {
    const bytes = ogg.slice();
    bytes[at]! ^= 1 << (at % 8);
    const audio = await outcome(t, bytes, "flac.ogg");
    t.ok(!audio || audio.warnings.length > 0, `byte ${at}`);
  }
});

t.test("the digest of the samples is checked", async (t) => {
  const bytes = read("two.flac");
  bytes[8 + 18 + 3]! ^= 1; // within STREAMINFO's MD5
  t.same((await decodeAudio(bytes)).warnings, [
    "the samples do not have the MD5 digest that the header announces",
  ]);
  const behind = Buffer.concat([read("two.flac"), Buffer.alloc(50, 7)]);
  const audio = await decodeAudio(behind);
  t.same([audio.frames, audio.warnings], [FRAMES, ["50 bytes behind the last frame were ignored"]]);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (parts) => {
      const md5 = new Md5();
      for (const part of parts) md5.update(part);
      return md5.digest() === createHash("md5").update(Buffer.concat(parts)).digest("hex");
    }),
  );
});

t.test("forged tables of MPEG-4 files are refused by name before anything is built", async (t) => {
  const place = (bytes: Uint8Array, type: string) => Buffer.from(bytes.buffer).indexOf(type);
  for (const [type, field, message] of [
    ["stsz", 12, /the stsz box claims/],
    ["stts", 8, /the stts box (claims|times)/],
    ["stsc", 8, /the stsc box claims/],
    ["stco", 8, /the stco box claims/],
  ] as const) {
    for (const name of ["aac.m4a", "flac.mp4"]) {
      const bytes = read(name);
      new DataView(bytes.buffer).setUint32(place(bytes, type) + field, 0x7ffffff0);
      await t.rejects(
        decodeAudio(bytes, { file: name }),
        { name: "AudioError", reason: "format", message },
        `${name}: ${type}`,
      );
    }
  }
});

t.test("what a file unpacks to is bounded, and the bound can be raised", async (t) => {
  const message =
    /^decodeAudio: a\.flac: the file unpacks to more than 1500 samples; if it is right, raise maximumSamples$/;
  await t.rejects(decodeAudio(read("two.flac"), { file: "a.flac", maximumSamples: 1500 }), {
    reason: "format",
    message,
  });
  t.equal((await decodeAudio(read("two.flac"), { maximumSamples: 2000 })).frames, FRAMES);
  const slow = encodeWav(new Float32Array(20000), { sampleRate: 100 });
  await t.rejects(decodeAudio(slow, { file: "b.wav", sampleRate: 16000, maximumSamples: 1e6 }), {
    message: /b\.wav: the file unpacks to more/,
  });
});

t.test("random damage gives audio or an AudioError, in bounded time", async (t) => {
  const rounds = Number(process.env.ECHO_FUZZ ?? 200);
  const names = readdirSync(folder).filter((name) => /\.(aiff|caf|flac|ogg|webm|mp4)$/.test(name));
  let read_ = 0;
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * below);
  };
  for (let i = 0; i < rounds; i++) {
    const name = names[i % names.length]!;
    const bytes = read(name);
    for (let k = 0; k < 1 + random(4); k++) bytes[random(bytes.length)] = random(256);
    const cut = random(3) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    try {
      await decodeAudio(cut, { file: name });
      read_++;
    } catch (error) {
      if (!(error instanceof AudioError)) t.fail(`${name}, round ${i}: ${String(error)}`);
    }
  }
  t.ok(read_ > 0 && read_ < rounds, `${read_} of ${rounds} were read`);
});
