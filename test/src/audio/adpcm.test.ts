// ADPCM in WAV: the samples are libsndfile's to the bit, whole, in blocks and cut; headers that make no sense are named.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AudioBlock, AudioError, decodeAudio, decodeBlocks, decodeWav } from "@echo-ts/audio";
import t from "tap";
import { fixtures } from "./golden.ts";

const folder = join(fixtures, "../files");
const read = (name: string) => new Uint8Array(readFileSync(join(folder, `${name}.wav`)));
const expected = JSON.parse(readFileSync(join(folder, "adpcm.json"), "utf8")) as Record<string, number[][]>;
const NAMES = ["ima-adpcm", "ima-mono", "ms-adpcm", "ms-mono"] as const;
const numbers = (channels: readonly Float32Array[]) =>
  channels.map((channel) => Array.from(channel, (sample) => sample * 32768));
const framesOf = (name: string) => decodeWav(read(name)).frames;

async function inPieces(bytes: Uint8Array, size: number): Promise<AudioBlock[]> {
  function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const blocks: AudioBlock[] = [];
  for await (const block of decodeBlocks(pieces())) blocks.push(block);
  return blocks;
}

t.test("every sample is libsndfile's", async (t) => {
  for (const name of NAMES) {
    const { channels, frames, encoding, sampleRate, warnings } = decodeWav(read(name));
    const wanted = expected[name]!;
    t.equal(encoding, name.startsWith("ima") ? "ima-adpcm" : "ms-adpcm");
    t.equal(sampleRate, 16000);
    t.same(warnings, [], name);
    t.same(
      numbers(channels),
      wanted.map((channel) => channel.slice(0, frames)),
      name,
    );
    t.ok(frames >= 1000 && frames <= wanted[0]!.length, "nothing is lost but what fills the last block");
  }
  t.equal(framesOf("ima-adpcm"), 1000, "sox's fact chunk tells how many samples there are");
  t.equal(framesOf("ms-adpcm"), 1000);
});

t.test("blocks of a file that arrives hold the same samples", async (t) => {
  for (const name of NAMES) {
    const whole = numbers((await decodeAudio(read(name))).channels);
    for (const size of [1, 7, 300, 100_000]) {
      const blocks = await inPieces(read(name), size);
      const parts = whole.map((_, c) => blocks.flatMap((block) => numbers([block.channels[c]!])[0]!));
      t.same(parts, whole, `${name} in pieces of ${size}`);
    }
  }
});

t.test("a cut file gives what is there", async (t) => {
  for (const name of NAMES) {
    const whole = decodeWav(read(name));
    const bytes = read(name);
    const cut = decodeWav(bytes.subarray(0, bytes.length - 50));
    t.ok(cut.frames < whole.frames || cut.frames >= 900, name);
    t.same(
      numbers(cut.channels),
      numbers(whole.channels.map((channel) => channel.subarray(0, cut.frames))),
      `${name}: and nothing else`,
    );
    t.match(cut.warnings.join("; "), /claims \d+ bytes, \d+ were read; the last block is cut/);
  }
});

t.test("headers that make no sense", async (t) => {
  const fmt = 20; // where the content of the fmt chunk begins
  const changed = (name: string, at: number, value: number) => {
    const bytes = read(name);
    new DataView(bytes.buffer).setUint16(at, value, true);
    return bytes;
  };
  const refuses = (bytes: Uint8Array, reason: string, message: string | RegExp) =>
    t.throws(() => decodeWav(bytes, { file: "a.wav" }), { name: "AudioError", reason, message });
  refuses(
    changed("ima-mono", fmt + 14, 3),
    "unsupported",
    "decodeWav: a.wav: ADPCM of 3 bits per sample is not supported: 4 bits are",
  );
  refuses(
    changed("ima-mono", fmt + 12, 4),
    "format",
    "decodeWav: a.wav: ADPCM blocks of 4 bytes hold no samples of 1 channels",
  );
  refuses(
    changed("ms-mono", fmt + 20, 0),
    "format",
    /^decodeWav: a\.wav: the fmt chunk has no table of ADPCM coefficients, got 0 in \d+ bytes$/,
  );
  const data = Buffer.from(read("ima-mono")).indexOf("data") + 8;
  const high = read("ima-mono");
  high[data + 2] = 200;
  t.match(decodeWav(high).warnings, ["1 of 5 ADPCM blocks have a header that makes no sense"]);
  const pair = read("ms-mono");
  pair[Buffer.from(pair).indexOf("data") + 8] = 99;
  const odd = decodeWav(pair);
  t.equal(odd.frames, framesOf("ms-mono"));
  t.match(odd.warnings.join(), /^1 of \d+ ADPCM blocks/);
  await t.rejects(inPieces(changed("ima-mono", fmt + 14, 3), 100), AudioError);
});
