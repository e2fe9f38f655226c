// Which of the visitor's files belong to a Whisper model, and what is missing.

const NEEDED = ["config.json", "model.safetensors", "tokenizer.json"] as const;
const OPTIONAL = "generation_config.json";

/** wasm has 4 GB, and while a file is read its bytes are there twice. */
const MOST_WEIGHTS = 1.9e9;

/** Files of a model by their names, as far as they have been chosen. */
export type ModelFiles = ReadonlyMap<string, File>;

/** The files that are of use, among those that were chosen now and before; a later one replaces one of the same name. */
export function withFiles(before: ModelFiles, chosen: Iterable<File>): ModelFiles {
  const files = new Map(before);
  for (const file of chosen)
    if ([...NEEDED, OPTIONAL].some((name) => name === file.name)) files.set(file.name, file);
  return files;
}

/** Why the files can't be opened yet; null if they can. `chosen` are the names of all that was chosen last. */
export function problemOf(files: ModelFiles, chosen: readonly string[]): string | null {
  const weights = files.get("model.safetensors");
  if (weights !== undefined && weights.size > MOST_WEIGHTS)
    return `model.safetensors has ${(weights.size / 1e9).toFixed(1)} GB; this page takes up to 1.9 GB. Use whisper-tiny, base or small.`;
  const missing = NEEDED.filter((name) => !files.has(name));
  if (missing.length === 0) return null;
  const parts = chosen.filter((name) => /-of-\d+\.safetensors$/.test(name));
  if (weights === undefined && parts.length > 0)
    return `${parts[0]}: weights in several files are not read here; choose a model with one model.safetensors.`;
  const others = chosen.filter((name) => /\.(bin|pt|onnx|gguf|h5|msgpack)$/.test(name));
  if (weights === undefined && others.length > 0)
    return `${others[0]}: expected model.safetensors, got another format; the same page on Hugging Face has it.`;
  return `Still missing: ${missing.join(", ")}.`;
}

/** All files of what was dropped, those in folders too. */
export async function droppedFiles(data: DataTransfer): Promise<File[]> {
  // Read before the first await: the list is empty afterwards.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile)
    return [
      await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
    ];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives some entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesBelow))).flat();
}
