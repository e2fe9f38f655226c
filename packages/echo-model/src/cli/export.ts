// echo-asr export
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import { printable } from "../text/printable.ts";
import { loadCheckpoint, saveCheckpoint } from "../train/checkpoint-files.ts";
import { checkOutputFile } from "./output-files.ts";

interface ExportOptions {
  readonly full?: boolean;
  readonly force?: boolean;
}

/** Adds the command. */
export function addExport(cli: CAC): void {
  cli
    .command(
      "export <checkpoint> <file>",
      "Write a checkpoint for use only, at a third or a sixth of the size",
    )
    .usage(
      "export CHECKPOINT FILE [--full] [--force]\n\n" +
        "Leaves out what only a training needs (the optimiser's state) and stores the weights as float16.\n" +
        "The names of the weights are PyTorch's, so safetensors.torch.load_file reads the result.",
    )
    .option("--full", "keep the weights as float32")
    .option("--force", "overwrite FILE when it exists (never the checkpoint itself)")
    .example("  echo-asr export runs/an4/last.safetensors an4.safetensors")
    .action(async (from: string, to: string, options: ExportOptions) => {
      if (resolve(from) === resolve(to))
        throw new ConfigError([`export: expected another FILE than the checkpoint itself, got ${to} twice`]);
      const existing = await stat(to).catch(() => null);
      const source = existing === null ? null : await stat(from).catch(() => null);
      // The same file by another name too: through a link the state of the training would be gone.
      if (source !== null && source.ino === existing!.ino && source.dev === existing!.dev)
        throw new ConfigError([
          `export: expected another FILE than the checkpoint itself, got ${from} and ${to}, which are one file`,
        ]);
      await checkOutputFile("export", to, options.force === true);
      const checkpoint = await loadCheckpoint(from);
      await saveCheckpoint(to, { ...checkpoint, training: null }, { half: options.full !== true });
      const [before, after] = [await stat(from), await stat(to)];
      const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
      console.log(`${printable(to)}: ${megabytes(after.size)} (was ${megabytes(before.size)})`);
    });
}
