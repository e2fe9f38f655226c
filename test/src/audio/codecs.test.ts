// Compressed files: recordings in each format, held against the WAV they were made from and against what another
// decoder (ffmpeg, with libopus for Opus) makes of the same file. test/fixtures/codecs says how they were made.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeAudio } from "@echo-ts/audio";
import t from "tap";
import { maxDifference } from "./golden.ts";

interface Expectation {
  /** The WAV it was made from, below data/asterisk-alnum/wav. */
  readonly source: string;
  readonly sampleRate: number;
  readonly channels: number;
  /** Signal-to-noise ratio against the WAV after the best shift, by the other decoder; null: equal. */
  readonly snrDb: number | null;
  /** That shift in samples at 16 kHz, > 0: late. */
  readonly shift: number;
}

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "../../fixtures/codecs");
const recordings = join(here, "../../../data/asterisk-alnum/wav");
const RATE = 16000; // Hz, of the WAV files
const { files } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
  files: Record<string, Expectation>;
};

/** The ratio in dB at the best shift of `decoded` against `reference`, and that shift. */
function agreement(reference: Float32Array, decoded: Float32Array): { snrDb: number; shift: number } {
  let best = { snrDb: Number.NEGATIVE_INFINITY, shift: 0 };
  for (let shift = -1500; shift <= 1500; shift++) {
    const start = Math.max(0, shift);
    const end = Math.min(decoded.length, reference.length + shift);
    let signal = 0;
    let noise = 0;
    for (let i = start; i < end; i++) {
      const wanted = reference[i - shift]!;
      signal += wanted ** 2;
      noise += (decoded[i]! - wanted) ** 2;
    }
    const snrDb = 10 * Math.log10(signal / noise);
    if (snrDb > best.snrDb) best = { snrDb, shift };
  }
  return best;
}

/**
 * How far the ratio may lie from the other decoder's, in dB. Decoders of one format compute the same samples up to
 * rounding, but AAC fills bands with noise that each draws for itself, and files at 48 kHz are brought to 16 kHz by
 * another filter.
 */
function toleranceDb(name: string): number {
  return name.endsWith(".m4a") ? 0.5 : name.includes("stereo") ? 0.3 : 0.05;
}

t.test("every format gives the recording back", async (t) => {
  t.same(
    [...new Set(Object.keys(files).map((name) => name.split(".")[1]))].sort(),
    ["flac", "m4a", "mp3", "ogg", "opus"],
    "formats",
  );
  for (const [name, { source, sampleRate, channels, snrDb, shift }] of Object.entries(files)) {
    const bytes = readFileSync(join(folder, name));
    const wave = (await decodeAudio(readFileSync(join(recordings, source)))).channels[0]!;
    const audio = await decodeAudio(bytes, { file: name });
    t.same([audio.sampleRate, audio.channels.length], [sampleRate, channels], `${name}: rate and channels`);
    // What the encoder put before and after the recording is cut off again, as the file says.
    t.equal(audio.frames, (wave.length * sampleRate) / RATE, `${name}: length`);
    t.same(audio.warnings, [], `${name}: warnings`);
    const [decoded] = (await decodeAudio(bytes, { sampleRate: RATE })).channels;
    if (snrDb === null) t.same(decoded, wave, `${name}: every sample`);
    else {
      const found = agreement(wave, decoded!);
      t.equal(found.shift, shift, `${name}: in time`);
      t.ok(
        Math.abs(found.snrDb - snrDb) <= toleranceDb(name),
        `${name}: ${found.snrDb.toFixed(2)} dB, expected ${snrDb} dB`,
      );
    }
  }
});

t.test("channels keep their places", async (t) => {
  // The second channel was encoded half as loud as the first.
  const { channels } = await decodeAudio(readFileSync(join(folder, "digits-7-stereo.mp3")));
  const [left, right] = channels as [Float32Array, Float32Array];
  const { snrDb } = agreement(
    left.map((value) => value / 2),
    right,
  );
  t.ok(snrDb > 15, `${snrDb.toFixed(1)} dB`);
  const [mono] = (await decodeAudio(readFileSync(join(folder, "digits-7-stereo.mp3")), { mono: true }))
    .channels;
  const mean = left.map((value, i) => (value + right[i]!) / 2);
  t.ok(maxDifference(mono!, mean) < 1e-7);
});

t.test("a file cut short gives what is left or is refused by name, and never an endless loop", async (t) => {
  for (const name of Object.keys(files)) {
    const bytes = readFileSync(join(folder, name));
    for (const share of [0.01, 0.3, 0.7, 0.99]) {
      const part = bytes.subarray(0, Math.floor(bytes.length * share));
      try {
        const { frames, channels } = await decodeAudio(part, { file: name });
        t.ok(
          frames > 0 && channels.every((channel) => channel.length === frames),
          `${name} ${share}: ${frames}`,
        );
      } catch (error) {
        t.match(error, {
          name: "AudioError",
          reason: "format",
          message: new RegExp(`^decodeAudio: ${name}: `),
        });
      }
    }
  }
});
