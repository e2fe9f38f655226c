// How far a run of an experiment has come, by what its folder holds:
//   job.json     name, settings and data of the run, written before its first step
//   scores.json  word errors by utterance, written when it has ended
// beside what a training writes (../train/run-training.ts). Read next: run-job.ts.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@echo-ts/tensor/files";
import { ALL_SETTINGS, resolveConfig } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { ExperimentJob } from "./plan.ts";
import type { RunScores } from "./score-run.ts";

/** What a folder says of a run. */
export type RunState =
  | { readonly kind: "new" }
  /** Trained in part, or trained and not scored. */
  | { readonly kind: "begun" }
  | { readonly kind: "finished"; readonly scores: RunScores }
  /** The folder holds a run of other settings or data; `reason` says which. */
  | { readonly kind: "changed"; readonly reason: string };

/**
 * Looks at the folder of a run. A folder that `echo-asr train` wrote with the same settings counts as begun.
 * @param out - folder of the experiment.
 */
export async function runState(out: string, job: ExperimentJob): Promise<RunState> {
  const folder = join(out, job.folder);
  const config = (await readJson(join(folder, "config.json"))) as EchoConfig | null;
  const known = (await readJson(join(folder, "job.json"))) as Pick<
    ExperimentJob,
    "config" | "dataDigest" | "hash"
  > | null;
  const before = known?.config ?? config;
  if (before === null) return { kind: "new" };
  const differing = differences(completed(before), job.config);
  if (differing.length > 0) return { kind: "changed", reason: `other settings: ${differing.join(", ")}` };
  if (known !== null && known.dataDigest !== job.dataDigest)
    return { kind: "changed", reason: "other data: files of the data folder have changed" };
  const scores = (await readJson(join(folder, "scores.json"))) as RunScores | null;
  if (scores === null || scores.hash !== known?.hash) return { kind: "begun" };
  const complete = job.readings.every(({ variant, pitchHz }) => {
    const found = scores.readings.find((one) => one.variant === variant && one.pitchHz === pitchHz);
    const sets = Object.values(found?.sets ?? {});
    return (
      sets.length > 0 && sets.every(({ errors }) => job.outputs.every((kind) => errors[kind] !== undefined))
    );
  });
  return complete ? { kind: "finished", scores } : { kind: "begun" };
}

/** Settings that a later version brought have had their defaults before. */
function completed(before: EchoConfig): EchoConfig {
  try {
    return resolveConfig(before);
  } catch {
    return before; // of a version that knew other settings: they are listed as they stand
  }
}

/** "model.rotary.pitch (utterance, now static)" for each setting that differs. */
function differences(before: EchoConfig, now: EchoConfig): string[] {
  const valueAt = (config: EchoConfig, path: string): string => {
    const value = path
      .split(".")
      .reduce<unknown>((group, key) => (group as Record<string, unknown> | undefined)?.[key], config);
    return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  };
  return [...ALL_SETTINGS.keys()]
    .filter((path) => valueAt(before, path) !== valueAt(now, path))
    .map((path) => `${path} (${valueAt(before, path)}, now ${valueAt(now, path)})`);
}

/** Writes job.json. */
export async function markBegun(out: string, job: ExperimentJob): Promise<void> {
  await writeJson(join(out, job.folder, "job.json"), job);
}

/** Writes scores.json. */
export async function keepScores(out: string, job: ExperimentJob, scores: RunScores): Promise<void> {
  await writeJson(join(out, job.folder, "scores.json"), scores);
}

/** Writes a value as JSON in one step: the file is the old one or the new one. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}

/** A parsed file; null when it is missing or no JSON, as one that was being written by hand. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return null;
  }
}
