// Audio in blocks: the same samples as the whole file, whatever the pieces of bytes, and flat memory.
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AudioBlock,
  AudioError,
  type BlockOptions,
  decodeAudio,
  decodeBlocks,
  encodeWav,
  resample,
  stackChannels,
  whiteNoise,
} from "@echo-ts/audio";
import { readAudio, readAudioBlocks } from "@echo-ts/audio/node";
import t from "tap";
import { fixtures } from "./golden.ts";

const folder = join(fixtures, "../files");

/** A file in pieces of the given size. */
function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(blocks: AsyncIterable<AudioBlock>): Promise<AudioBlock[]> {
  const all: AudioBlock[] = [];
  for await (const block of blocks) all.push(block);
  return all;
}

const whole = (blocks: readonly AudioBlock[], c: number) =>
  blocks.flatMap((block) => [...block.channels[c]!]);

t.test("blocks hold the samples of the whole file, for every size of piece", async (t) => {
  const noise = stackChannels([
    whiteNoise(1, { seconds: 0.3, sampleRate: 8000 }),
    whiteNoise(2, { seconds: 0.3, sampleRate: 8000 }),
  ]);
  const files: [string, Uint8Array][] = [
    ["a.wav", encodeWav(noise, { sampleRate: 8000 })],
    ["b.wav", encodeWav(noise, { sampleRate: 8000, encoding: "int24" })],
    ...["two.flac", "flac.ogg", "opus.ogg", "pcm_s16be.aiff", "opus.webm"].map(
      (name): [string, Uint8Array] => [name, new Uint8Array(readFileSync(join(folder, name)))],
    ),
  ];
  const variants: BlockOptions[] = [
    { blockSeconds: 0.01 },
    { blockSeconds: 0.02, mono: true },
    { blockSeconds: 0.015, sampleRate: 11025 },
  ];
  for (const [name, bytes] of files) {
    for (const options of variants) {
      const { blockSeconds = 0, ...rest } = options;
      const wanted = await decodeAudio(bytes, rest);
      for (const size of [97, 1000, bytes.length]) {
        const blocks = await collect(decodeBlocks(pieces(bytes, size), options));
        const what = `${name} ${JSON.stringify(options)} in pieces of ${size}`;
        for (const [c, channel] of wanted.channels.entries())
          t.ok(whole(blocks, c).join() === [...channel].join(), what);
        const frames = Math.round(blockSeconds * wanted.sampleRate);
        t.ok(
          blocks
            .slice(0, -1)
            .every(
              (block, i) =>
                block.frames === frames && Math.abs(block.start - (i * frames) / wanted.sampleRate) < 1e-9,
            ),
          what,
        );
        t.same(blocks.at(-1)!.warnings, wanted.warnings);
      }
    }
  }
});

t.test("offset and duration give that part, from files too", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "echo-blocks-"));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const noise = whiteNoise(3, { seconds: 2, sampleRate: 8000 });
  const path = join(dir, "noise.wav");
  writeFileSync(path, encodeWav(noise, { sampleRate: 8000, encoding: "float32" }));
  const part = await readAudio(path, { offset: 0.5, duration: 0.25 });
  t.same([part.sampleRate, part.frames, part.warnings], [8000, 2000, []]);
  t.same(part.channels[0], noise.slice(4000, 6000));
  t.same((await readAudio(path, { offset: 1.9 })).channels[0], noise.slice(15200));
  const half = await readAudio(path, { offset: 0.5, duration: 0.25, sampleRate: 4000 });
  t.same(half.channels[0], resample(noise.slice(4000, 6000), 8000, 4000));
  const [first] = await collect(readAudioBlocks(path, { offset: 1, blockSeconds: 0.5 }));
  t.same([first!.start, first!.frames], [1, 4000]);
  await t.rejects(readAudio(join(dir, "none.wav"), { offset: 1 }), {
    name: "AudioError",
    reason: "io",
    file: join(dir, "none.wav"),
  });
  await t.rejects(readAudio(path, { offset: -1 }), {
    message: "decodeBlocks: offset must be >= 0 s, got -1",
  });
  await t.rejects(readAudio(path, { ofset: 1 } as object), {
    message: 'readAudio: unknown option "ofset", did you mean "offset"?',
  });
});

t.test("damage is told by the last block, and what cannot be read is refused", async (t) => {
  const flac = new Uint8Array(readFileSync(join(folder, "two.flac")));
  const cut = await collect(decodeBlocks(pieces(flac.subarray(0, 900), 100)));
  t.match(cut.at(-1)!.warnings, [/^the file ends after \d+ of the 1000 frames that its header announces$/]);
  const wav = encodeWav(new Float32Array(1000), { sampleRate: 8000 });
  t.same((await collect(decodeBlocks([wav.subarray(0, 1044)]))).at(-1)!.warnings, [
    "the file ends 1000 bytes before the end of the samples that its header claims",
  ]);
  await t.rejects(collect(decodeBlocks([wav.subarray(0, 30)], { file: "a.wav" })), AudioError);
  await t.rejects(collect(decodeBlocks([new Uint8Array(100)], { file: "b.bin" })), {
    name: "AudioError",
    message: /b\.bin: unknown format/,
  });
  const broken = encodeWav(new Float32Array(1000), { sampleRate: 8000, encoding: "float32" });
  new DataView(broken.buffer).setFloat32(broken.length - 4, Number.NaN, true);
  await t.rejects(collect(decodeBlocks([broken], { nonFinite: "refuse" })), {
    name: "AudioError",
    message: /not finite/,
  });
});

t.test(
  "a file of 2.5 GiB goes by in flat memory",
  { timeout: 600_000, skip: process.env.ECHO_BIG ? false : "set ECHO_BIG=1" },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "echo-big-"));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const path = join(dir, "big.wav");
    const head = encodeWav(new Float32Array(0), { sampleRate: 48000 });
    const size = 2.5 * 2 ** 30;
    new DataView(head.buffer).setUint32(40, size, true);
    const file = openSync(path, "w");
    writeSync(file, head);
    writeSync(file, Uint8Array.of(0), 0, 1, 44 + size - 1); // sparse
    const before = process.memoryUsage.rss();
    let frames = 0;
    for await (const block of readAudioBlocks(path, { mono: true, blockSeconds: 60 })) frames += block.frames;
    t.equal(frames, size / 2);
    t.ok(
      process.memoryUsage.rss() - before < 300e6,
      `${((process.memoryUsage.rss() - before) / 1e6).toFixed(0)} MB more`,
    );
  },
);
