// Damaged and forged files by the hundred, seeded, format by format: each is read or refused with an error of ours, none
// ends the program, and none takes more memory than its limit. ECHO_FUZZ=10000 runs so many of each and prints a table.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AudioError, decodeAudio, encodeWav } from "@echo-ts/audio";
import { BpeTokenizer, DataError, TextError } from "@echo-ts/echo-model";
import { limitedDecoder } from "@echo-ts/echo-model/node";
import {
  type ArrayRecord,
  FormatError,
  readNpy,
  readNpz,
  readSafetensors,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from "@echo-ts/tensor";
import t from "tap";
import { flacFile } from "../audio/flac-file.ts";
import { byteFallbackFile, byteLevelFile } from "./bpe-files.ts";
import { type Draw, damageBytes, damageJson, draws } from "./damage.ts";

const COUNT = Number(process.env.ECHO_FUZZ ?? 150);
/** CPU seconds after which one file counts as hanging. */
const HANGING = 2;
/** Samples that a file may unpack to here: 64 MiB. */
const MOST_SAMPLES = 2 ** 24;

const CODECS = fileURLToPath(new URL("../../fixtures/codecs/", import.meta.url));
const wave = Float32Array.from({ length: 800 }, (_, i) => Math.sin(i / 9));

interface Tally {
  accepted: number;
  refused: number;
  /** Ended by the limits of the decoding process, or crashed in it. */
  ended: number;
  crashed: string[];
  slowest: number;
  largest: number;
}

/** Reads damaged files made by `make`; errors of other classes than `ours` count as crashes. */
async function fuzz(
  seed: number,
  make: (draw: Draw) => Uint8Array,
  read: (bytes: Uint8Array) => unknown,
  ours: new (...args: never[]) => Error,
): Promise<Tally> {
  const draw = draws(seed);
  const tally: Tally = { accepted: 0, refused: 0, ended: 0, crashed: [], slowest: 0, largest: 0 };
  for (let i = 0; i < COUNT; i++) {
    const bytes = make(draw);
    const memory = held();
    const begun = process.cpuUsage();
    try {
      await read(bytes);
      tally.accepted++;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!(error instanceof ours))
        tally.crashed.push(`${i}: ${error instanceof Error ? error.stack : message}`);
      else if (/decoder crashed|decoding took/.test(message)) tally.ended++;
      else tally.refused++;
    }
    const { user, system } = process.cpuUsage(begun);
    tally.slowest = Math.max(tally.slowest, (user + system) / 1e6);
    tally.largest = Math.max(tally.largest, held() - memory);
  }
  return tally;
}

function held(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

function judge(
  name: string,
  { accepted, refused, ended, crashed, slowest, largest }: Tally,
  most: number,
): void {
  t.same(crashed.slice(0, 3), [], `${name}: no error of another kind`);
  t.ok(slowest < HANGING, `${name}: no file takes ${HANGING} CPU seconds`);
  t.ok(largest < most, `${name}: no file takes ${most} MiB`);
  t.ok(accepted + refused + ended + crashed.length === COUNT && refused > 0, `${name}: some are refused`);
  t.comment(
    `${name}: ${COUNT} files, ${accepted} read, ${refused} refused, ${ended} ended by limits, ${crashed.length} crashed, ` +
      `slowest ${slowest.toFixed(3)} CPU s, largest ${largest.toFixed(1)} MiB`,
  );
}

const audio = (bytes: Uint8Array) =>
  decodeAudio(bytes, { mono: true, sampleRate: 16000, maximumSamples: MOST_SAMPLES });

t.test("WAV", async () => {
  const encodings = ["int16", "int24", "float32", "uint8"] as const;
  const files = encodings.map((encoding) => encodeWav(wave, { sampleRate: 8000, encoding }));
  const make = (draw: Draw) => damageBytes(files[draw(files.length)]!, draw, 60);
  judge("WAV", await fuzz(1, make, audio, AudioError), 320);
});

t.test("FLAC", async () => {
  const short = readFileSync(join(CODECS, "letters-w.flac"));
  const files = [flacFile(Int16Array.from(wave, (x) => 9000 * x)), new Uint8Array(short)];
  const make = (draw: Draw) => damageBytes(files[draw(files.length)]!, draw, 200);
  judge("FLAC", await fuzz(2, make, audio, AudioError), 320);
});

t.test("safetensors", async () => {
  const file = writeSafetensors(
    {
      a: { dtype: "float32", shape: [2, 3], data: new Float32Array(6) },
      b: { dtype: "int32", shape: [], data: Int32Array.of(1) },
    },
    { metadata: { format: "pt" } },
  );
  const make = (draw: Draw) => damageBytes(file, draw, 200);
  judge("safetensors", await fuzz(3, make, (bytes) => readSafetensors(bytes), FormatError), 64);
});

const ARRAYS: Readonly<Record<string, ArrayRecord>> = {
  a: { dtype: "float32", shape: [4, 50], data: new Float32Array(200).fill(0.5) },
  b: { dtype: "int32", shape: [3], data: Int32Array.of(1, 2, 3) },
  c: { dtype: "float64", shape: [], data: Float64Array.of(7) },
};

t.test(".npy", async () => {
  const files = Object.values(ARRAYS).map((array) => writeNpy(array));
  const make = (draw: Draw) => damageBytes(files[draw(files.length)]!, draw, 128);
  judge(".npy", await fuzz(6, make, (bytes) => readNpy(bytes), FormatError), 64);
});

t.test(".npz", async () => {
  const files = [writeNpz(ARRAYS), writeNpz(ARRAYS, { compressed: true })];
  const make = (draw: Draw) => {
    const file = files[draw(files.length)]!;
    // The central directory lies at the end.
    return damageBytes(file, draw, draw(2) === 0 ? file.length : 200);
  };
  judge(".npz", await fuzz(7, make, (bytes) => readNpz(bytes), FormatError), 64);
});

t.test("tokenizer.json", async () => {
  const files = [byteLevelFile(["lo", "low"]), byteFallbackFile()];
  const text = new TextEncoder();
  const make = (draw: Draw) => {
    const file = files[draw(files.length)]!;
    if (draw(4) > 0) return text.encode(JSON.stringify(damageJson(file, draw)));
    return damageBytes(text.encode(JSON.stringify(file)), draw, 4000);
  };
  const read = (bytes: Uint8Array) => {
    const tokenizer = BpeTokenizer.fromJson(bytes);
    tokenizer.decode(tokenizer.encode("low hello 12, é\n"));
  };
  judge("tokenizer.json", await fuzz(4, make, read, TextError), 64);
});

t.test("M4A, in the decoding process", async () => {
  const file = new Uint8Array(readFileSync(join(CODECS, "digits-7.m4a")));
  const decode = limitedDecoder({ seconds: 20, megabytes: 1024 });
  const make = (draw: Draw) => damageBytes(file, draw, draw(2) === 0 ? file.length : 2000);
  judge("M4A", await fuzz(5, make, (bytes) => decode(bytes, "x.m4a", 16000), DataError), 64);
});
