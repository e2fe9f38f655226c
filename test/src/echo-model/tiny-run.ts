// A tiny training in a folder, run in this process; for the tests of what a run keeps and notices.
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  runTraining,
  type TrainingEvent,
  type TrainingOptions,
  type TrainingSummary,
} from "@echo-ts/echo-model/node";
import { data, folder } from "./command-line.js";
import { tinyConfig } from "./synthetic-speech.js";

export const sha = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** What a training came to, and what it told. */
export interface Told {
  readonly summary: TrainingSummary;
  readonly events: readonly TrainingEvent[];
}

/** Trains the tiny model into `folder/name`. */
export async function train(
  name: string,
  { overrides = [], ...options }: Partial<TrainingOptions> & { overrides?: readonly string[] } = {},
): Promise<Told> {
  const events: TrainingEvent[] = [];
  const summary = await runTraining({
    config: tinyConfig(...overrides),
    dataFolder: data,
    outFolder: join(folder, name),
    ...options,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  return { summary, events };
}

/** Every file of a folder: contents and time of the last change. */
export function filesOf(path: string): object {
  return Object.fromEntries(
    readdirSync(path).map((name) => [name, [sha(join(path, name)), statSync(join(path, name)).mtimeMs]]),
  );
}

/** Trains to the end, and again until it is interrupted after step 7. Returns the hash of the last checkpoint at the end. */
export async function trainBoth(): Promise<string> {
  await train("whole");
  const stop = new AbortController();
  await train("interrupted-at-7", {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.kind === "step" && event.report.step === 7) stop.abort();
    },
  });
  return sha(join(folder, "whole", "last.safetensors"));
}

/** A copy of the run that was interrupted after step 7. */
export function copyOfInterrupted(name: string): string {
  const path = join(folder, name);
  cpSync(join(folder, "interrupted-at-7"), path, { recursive: true });
  return path;
}
