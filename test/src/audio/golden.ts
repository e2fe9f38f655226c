// Reads the reference values of test/fixtures/audio (and finds the larger sets kept beside the repository).
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** One reference case of golden.json. */
export interface GoldenCase {
  readonly id: string;
  readonly function: string;
  readonly input: { readonly name: string; readonly samples: number } | null;
  readonly params: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, { readonly key: string; readonly shape: readonly number[] }>>;
  readonly tolerance: Readonly<Record<string, number>>;
}

const here: string = dirname(fileURLToPath(import.meta.url));

/** test/fixtures/audio of this repository. */
export const fixtures: string = join(here, "..", "..", "fixtures", "audio");

/** A path below the folder of shared reference material, or undefined when this checkout has none. */
export function sharedPath(...parts: string[]): string | undefined {
  const candidates: string[] = process.env.ECHO_SHARED ? [process.env.ECHO_SHARED] : [];
  for (let dir = here; dirname(dir) !== dir; dir = dirname(dir)) candidates.push(join(dir, "shared"));
  const root = candidates.find((folder) => existsSync(join(folder, "golden")));
  const path = root && join(root, ...parts);
  return path && existsSync(path) ? path : undefined;
}

/** All cases of golden.json. */
export const cases: readonly GoldenCase[] = (
  JSON.parse(readFileSync(join(fixtures, "golden.json"), "utf8")) as { entries: GoldenCase[] }
).entries;

/** The float32 values stored under `key` in a safetensors file's bytes. */
function tensor(bytes: Buffer, key: string): Float32Array {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { data_offsets: number[] }
  >;
  const offsets = header[key]?.data_offsets.map((offset) => bytes.byteOffset + start + offset);
  if (!offsets) throw new Error(`no tensor "${key}"`);
  return new Float32Array(bytes.buffer.slice(offsets[0], offsets[1]));
}

/** Reads one float32 tensor of a safetensors file. */
export function readSafetensors(path: string, key: string): Float32Array {
  return tensor(readFileSync(path), key);
}

const fixtureBytes: Buffer = gunzipSync(readFileSync(join(fixtures, "golden.safetensors.gz")));

/** The float32 values stored under `key` in the fixture. */
export function golden(key: string): Float32Array {
  return tensor(fixtureBytes, key);
}

/** The values of one output of a case. */
export function output(test: GoldenCase, name: string): Float32Array {
  const found = test.outputs[name];
  if (!found) throw new Error(`${test.id} has no output "${name}"`);
  return golden(found.key);
}

/** The first `samples` samples of a named input (all of it by default). */
export function input(name: string, samples?: number): Float32Array {
  return golden(`input/${name}`).subarray(0, samples);
}

/** Largest absolute difference of two equally long arrays; Infinity when the lengths differ or one is NaN. */
export function maxDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return worst;
}

/** Largest absolute value. */
export function maxAbs(values: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i]!));
  return worst;
}
