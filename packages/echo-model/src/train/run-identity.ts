// What a run depends on beside its settings: the data by content, what computes, and the version of this package. A
// checkpoint records it, and a resumed run compares. Read next: run-training.ts.
import { getBackend, gpuInfo, wasmInfo } from "@echo-ts/tensor";
import { CheckpointError } from "../errors.ts";
import { VERSION } from "../version.ts";
import type { DataIdentity } from "./data-identity.ts";

/** Everything beside the settings that decides the bits of a run. */
export interface RunIdentity {
  /** Of this package. */
  readonly version: string;
  /** Name of the backend. */
  readonly backend: string;
  /** Of the wasm backend "simd" or "fma" (threads and revectorize change no bit); of the gpu backend its adapter. */
  readonly arithmetic: string;
  readonly data: DataIdentity;
}

/** The identity of a run that begins now, on the current backend. */
export function currentIdentity(data: DataIdentity): RunIdentity {
  const { name } = getBackend();
  let arithmetic = "float64 sums";
  if (name === "wasm") arithmetic = wasmInfo().mode.includes("fma") ? "fma" : "simd";
  else if (name === "gpu") arithmetic = gpuInfo()?.adapter ?? "unknown";
  return { version: VERSION, backend: name, arithmetic, data };
}

/** What has changed since a checkpoint, a sentence each; empty when nothing has. */
export function changesSince(
  { identity, dataDigest }: { readonly identity?: RunIdentity; readonly dataDigest: string },
  now: RunIdentity,
): string[] {
  // Checkpoints of before knew ids and texts only.
  if (identity === undefined) return dataDigest === now.data.texts ? [] : [MEANINGS.texts];
  const changes: string[] = [];
  for (const key of Object.keys(MEANINGS) as (keyof DataIdentity)[])
    if (identity.data[key] !== now.data[key]) changes.push(MEANINGS[key]);
  const named = { version: "version", backend: "backend", arithmetic: "arithmetic" } as const;
  for (const key of Object.keys(named) as (keyof typeof named)[])
    if (identity[key] !== now[key]) changes.push(`the ${named[key]} was ${identity[key]} and is ${now[key]}`);
  return changes;
}

const MEANINGS: Readonly<Record<keyof DataIdentity, string>> = {
  texts: "trained on other data: ids or texts of the training set differ",
  recordings: "trained on other data: recordings of the training set have other contents",
  speakers: "trained on other data: speakers or sexes of the training set differ",
  evaluation: "scored on other data: the evaluation set differs",
};

/** @throws CheckpointError that lists the changes, unless there are none. */
export function refuseChanges(path: string, changes: readonly string[]): void {
  if (changes.length === 0) return;
  throw new CheckpointError(
    `checkpoint: ${path}: ${changes.join("; ")}; use another --out, or --accept-changes to go on all the same`,
  );
}
