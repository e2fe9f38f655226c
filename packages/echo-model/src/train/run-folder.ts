// What a run keeps in its folder beside the log: last.safetensors, the older ones before it (step-N.safetensors) and
// best.safetensors. Nothing of another run is overwritten here, and nothing damaged is passed over. The folder must be
// locked (run-lock.ts). Read next: run.ts.
import { copyFile, link, readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Checkpoint, TrainingProgress } from "./checkpoint.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint-files.ts";

/** A checkpoint that a training can go on from. */
export type SavedRun = Checkpoint & { readonly training: TrainingProgress };

const OLDER = /^step-(\d+)\.safetensors$/;
/** What `writeFileAtomic` leaves behind when the process is killed meanwhile, for files of a run. */
const LEFTOVER =
  /^\.((last|best|step-\d+)\.safetensors|log\.jsonl|log\.csv|config\.json|summary\.json)\.\d+\.\d+\.tmp$/;
/** A lock that was being made; another process may be making one now. */
const LOCK_LEFTOVER = /^\.run\.lock\..*\.tmp$/;
const LOCK_SECONDS = 60;

/** Removes what killed processes left of files that they were writing. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const old = async (): Promise<boolean> => (await stat(path)).mtimeMs < Date.now() - 1000 * LOCK_SECONDS;
    if (LEFTOVER.test(name) || (LOCK_LEFTOVER.test(name) && (await old()))) await unlink(path);
  }
}

/**
 * The checkpoint to go on from, or null for a run that begins.
 * @throws CheckpointError when the folder holds a run and `resume` is not set; when its last checkpoint is damaged (an
 *   older one that is sound is named), for use only, or of other settings; when there is a best one and no last.
 */
export async function savedRun(
  folder: string,
  config: EchoConfig,
  resume: boolean,
): Promise<SavedRun | null> {
  const path = join(folder, "last.safetensors");
  if (!(await exists(path))) {
    const rest = (await exists(join(folder, "best.safetensors")))
      ? "best.safetensors"
      : (await olderSteps(folder)).map(nameOf)[0];
    if (rest === undefined) return null;
    throw new CheckpointError(
      `checkpoint: ${folder} holds ${rest} of a run whose last.safetensors is gone, and would lose it; choose another --out${await offer(folder)}`,
    );
  }
  if (!resume)
    throw new CheckpointError(`checkpoint: ${path} exists; go on with --resume or choose another --out`);
  let checkpoint: Checkpoint;
  try {
    checkpoint = await loadCheckpoint(path);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${error.message}${await offer(folder)}`, { cause: error });
  }
  const { training } = checkpoint;
  if (training === null)
    throw new CheckpointError(`checkpoint: ${path} holds no training state, it cannot be resumed`);
  if (JSON.stringify(checkpoint.config) !== JSON.stringify(config))
    throw new CheckpointError(
      `checkpoint: ${path} was made with other settings; resume with the same ones (see config.json beside it)`,
    );
  return { ...checkpoint, training };
}

/** Names the newest older checkpoint that is sound, if there is one. */
async function offer(folder: string): Promise<string> {
  for (const step of await olderSteps(folder)) {
    const path = join(folder, nameOf(step));
    const sound = await loadCheckpoint(path).then(
      ({ training }) => training !== null,
      () => false,
    );
    if (sound)
      return `; ${nameOf(step)} beside it is sound: copy it to last.safetensors, and --resume goes on from step ${step}`;
  }
  return "";
}

/**
 * Looks at best.safetensors before a run goes on.
 * @returns a sentence when it is missing, else null.
 * @throws CheckpointError when it is damaged: the run would end as if it had kept its best model.
 */
export async function checkBest(folder: string, { best }: TrainingProgress): Promise<string | null> {
  if (best.rate === null) return null;
  const path = join(folder, "best.safetensors");
  if (!(await exists(path)))
    return `${path} is missing (the best so far, of step ${best.step}); it is written again when a later step is better`;
  try {
    await loadCheckpoint(path);
    return null;
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(
      `${error.message}; it held the best model so far, of step ${best.step}: move it away to go on without it`,
      { cause: error },
    );
  }
}

/**
 * Replaces last.safetensors; the one of before stays as step-N.safetensors while it is among the newest.
 * @param before - its step, null when there is none to keep. @param keep - checkpoints to keep, the new one included.
 */
export async function replaceLast(
  folder: string,
  checkpoint: SavedRun,
  before: number | null,
  keep: number,
): Promise<string> {
  const path = join(folder, "last.safetensors");
  const { step } = checkpoint.training.trainer;
  if (keep > 1 && before !== null && before > 0 && before < step) {
    const older = join(folder, nameOf(before));
    await unlink(older).catch(() => {});
    // A second name for the same file: last.safetensors itself is replaced in one step, as ever.
    await link(path, older).catch(() => copyFile(path, older));
  }
  await saveCheckpoint(path, checkpoint);
  const earlier = (await olderSteps(folder)).filter((other) => other < step);
  for (const other of earlier.slice(Math.max(keep - 1, 0))) await unlink(join(folder, nameOf(other)));
  return path;
}

/** Steps of the older checkpoints, newest first. */
async function olderSteps(folder: string): Promise<number[]> {
  const steps = (await readdir(folder)).flatMap((name) => {
    const match = OLDER.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  return steps.sort((a, b) => b - a);
}

function nameOf(step: number): string {
  return `step-${step}.safetensors`;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
