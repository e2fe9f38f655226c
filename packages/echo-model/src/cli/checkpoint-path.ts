// Which file a checkpoint's name on the command line means.
import { SHIPPED_CHECKPOINT } from "../train/checkpoint-files.ts";

/**
 * The file of a checkpoint named on the command line: "shipped", or nothing, is the one that comes with the package; a file
 * that is called so is ./shipped.
 *
 * @example checkpointPath("runs/mine/best.safetensors") // the same
 */
export function checkpointPath(name: string | undefined): string {
  return name === undefined || name === "shipped" ? SHIPPED_CHECKPOINT : name;
}
