// Reads fixtures/ops in Node.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type GoldenOps, parseGolden } from "./golden-cases.ts";

const file = (name: string): URL => new URL(`../fixtures/ops/${name}`, import.meta.url);

/** The two files as they are: the index, and the packed arrays. */
export const goldenFiles = (): { readonly index: string; readonly packed: Uint8Array } => ({
  index: readFileSync(file("golden.json"), "utf8"),
  packed: readFileSync(file("golden.safetensors.gz")),
});

/** All golden cases and a function that gives a tensor by name. */
export function readGoldenCases(): GoldenOps {
  const { index, packed } = goldenFiles();
  return parseGolden(index, gunzipSync(packed));
}
