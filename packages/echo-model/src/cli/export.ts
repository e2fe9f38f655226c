// echo-asr export
import { stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import { printable } from "../text/printable.ts";
import { restoreModel } from "../train/checkpoint.ts";
import { loadCheckpoint, saveCheckpoint } from "../train/checkpoint-files.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { checkOutputFile } from "./output-files.ts";

interface ExportOptions {
  readonly onnx?: string;
  readonly full?: boolean;
  readonly force?: boolean;
}

/** Adds the command. */
export function addExport(cli: CAC): void {
  cli
    .command(
      "export <checkpoint> [file]",
      "Write a checkpoint for use only, at a third or a sixth of the size",
    )
    .usage(
      "export CHECKPOINT FILE [--full] [--force]\n  $ echo-asr export CHECKPOINT --onnx FILE.onnx [--force]\n\n" +
        "Leaves out what only a training needs (the optimiser's state) and stores the weights as float16.\n" +
        "The names of the weights are PyTorch's, so safetensors.torch.load_file reads the result.\n" +
        "With --onnx: the encoder with its CTC scores as FILE.onnx, and beside it FILE.decoder.onnx and FILE.step.onnx;\n" +
        "docs/onnx.md says what they take.",
    )
    .option("--full", "keep the weights as float32")
    .option("--force", "overwrite FILE when it exists (never the checkpoint itself)")
    .option("--onnx <file>", "write ONNX files for other runtimes instead")
    .example("  echo-asr export runs/an4/last.safetensors an4.safetensors")
    .example("  echo-asr export runs/an4/last.safetensors --onnx an4.onnx")
    .action(async (name: string, file: string | undefined, options: ExportOptions) => {
      const from = checkpointPath(name);
      if (options.onnx !== undefined) {
        if (file !== undefined || options.full === true)
          throw new ConfigError(["export: expected either FILE or --onnx FILE; --full goes with the former"]);
        return exportOnnxFiles(from, String(options.onnx), options.force === true);
      }
      if (file === undefined) throw new ConfigError(["export: expected FILE or --onnx FILE, got neither"]);
      const to = file;
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

/** FILE.onnx, FILE.decoder.onnx and FILE.step.onnx; none is written while one of them would be overwritten. */
async function exportOnnxFiles(from: string, to: string, force: boolean): Promise<void> {
  if (!to.endsWith(".onnx"))
    throw new ConfigError([`export: --onnx: expected a name that ends in .onnx, got ${to}`]);
  const stem = to.slice(0, -".onnx".length);
  const names = { encoder: to, decoder: `${stem}.decoder.onnx`, step: `${stem}.step.onnx` };
  for (const name of Object.values(names)) {
    const source = await stat(from).catch(() => null);
    const existing = await stat(name).catch(() => null);
    if (source !== null && existing !== null && source.ino === existing.ino && source.dev === existing.dev)
      throw new ConfigError([`export: expected another FILE than the checkpoint itself, got ${name}`]);
    await checkOutputFile("export", name, force);
  }
  const checkpoint = await loadCheckpoint(from);
  const { exportEcho } = await import("../model/onnx-graphs.ts");
  const files = await exportEcho(restoreModel(checkpoint), {
    "echo.audio": JSON.stringify(checkpoint.config.audio),
    "echo.tokenizer": JSON.stringify(checkpoint.tokenizer.toJSON()),
  });
  for (const [part, bytes] of Object.entries(files) as [keyof typeof names, Uint8Array | null][]) {
    if (bytes === null) {
      console.log(
        `${printable(names[part])}: not written, model.gate feature reads the whole text at each step`,
      );
      continue;
    }
    await writeFile(names[part], bytes);
    console.log(`${printable(names[part])}: ${(bytes.length / 1e6).toFixed(1)} MB`);
  }
}
