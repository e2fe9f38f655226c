// Files for Node: whole-file reads, and writes that leave either the old file or the new one, never a part.
// Part of `@echo-ts/tensor/files`, an entry of its own, so that browsers can bundle everything else.
import { constants } from "node:fs";
import { access, type FileHandle, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ArrayRecord, ReadOptions } from "./array-record.ts";
import { type NpyWriteOptions, readNpy, writeNpy } from "./npy.ts";
import { type NpzReadOptions, type NpzWriteOptions, readNpz, writeNpz } from "./npz.ts";
import {
  type NamedArrays,
  readSafetensors,
  type SafetensorsContent,
  type SafetensorsWriteOptions,
  writeSafetensors,
} from "./safetensors.ts";

/** A file that cannot be read or written; the message reads `op: path: reason`. */
export class FileError extends Error {
  override readonly name: string = "FileError";
  /** The path as the caller gave it. */
  readonly path: string;
  /** The system's error code, such as `ENOSPC`, when there is one. */
  readonly code: string | undefined;

  constructor(op: string, path: string, reason: string, cause?: unknown) {
    super(`${op}: ${path}: ${reason}`, { cause });
    this.path = path;
    this.code = codeOf(cause);
  }
}

/** Node's calls transfer less than 2 GiB at a time; larger files go in pieces of this size. */
const PIECE_BYTES = 2 ** 30;

/** How many temporary names are tried when other writers hold the first ones. */
const MAX_ATTEMPTS = 100;

let temporaryFiles = 0;

/**
 * A whole file as bytes.
 *
 * @param path a regular file of any size that fits in memory.
 * @throws FileError when it is missing, not readable, no regular file, or changes its size meanwhile.
 */
export async function readFileBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const information = await handle.stat();
    if (!information.isFile()) throw new FileError("readFileBytes", path, "is not a regular file");
    const bytes = new Uint8Array(information.size);
    let at = 0;
    while (at < bytes.length) {
      const length = Math.min(PIECE_BYTES, bytes.length - at);
      const { bytesRead } = await handle.read(bytes, at, length, at);
      if (bytesRead === 0)
        throw new FileError("readFileBytes", path, `ended after ${at} bytes, expected ${bytes.length}`);
      at += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw error instanceof FileError ? error : new FileError("readFileBytes", path, reasonOf(error), error);
  } finally {
    await handle?.close();
  }
}

/**
 * Replace or create a file as one step: the bytes go to a temporary file in the same folder (`.name.PID.N.tmp`),
 * are flushed to the disk, and the temporary file is renamed. Whatever fails on the way - a full disk, a missing
 * permission, the end of the process - the file at `path` stays as it was. A failed write removes its temporary
 * file; a killed process can leave one behind. An existing file keeps its mode, a symbolic link its place.
 *
 * @param path the file. @param bytes its new contents.
 * @throws FileError when the folder or the existing file cannot be written, or the disk is full.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  let temporary: string | undefined;
  let handle: FileHandle | undefined;
  try {
    const { target, mode } = await inspectTarget(path);
    ({ handle, temporary } = await openTemporary(target));
    if (mode !== undefined) await handle.chmod(mode);
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, Math.min(PIECE_BYTES, bytes.length - at));
      at += bytesWritten;
    }
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, target);
    temporary = undefined;
    await syncFolder(dirname(target));
  } catch (error) {
    await handle?.close().catch(() => {});
    if (temporary !== undefined) await unlink(temporary).catch(() => {});
    if (error instanceof FileError) throw error;
    throw new FileError("writeFileAtomic", path, `${reasonOf(error)}; nothing was changed`, error);
  }
}

/** The file behind any symbolic links, and the mode it has when it exists. */
async function inspectTarget(path: string): Promise<{ target: string; mode: number | undefined }> {
  let target: string;
  try {
    target = await realpath(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { target: path, mode: undefined };
    throw error;
  }
  const information = await stat(target);
  if (!information.isFile()) throw new FileError("writeFileAtomic", path, "is not a regular file");
  // Renaming would get round the protection of a read-only file.
  await access(target, constants.W_OK);
  return { target, mode: information.mode & 0o777 };
}

async function openTemporary(target: string): Promise<{ handle: FileHandle; temporary: string }> {
  for (let attempt = 1; ; attempt++) {
    const name = `.${basename(target).slice(0, 60)}.${process.pid}.${temporaryFiles++}.tmp`;
    const temporary = join(dirname(target), name);
    try {
      return { handle: await open(temporary, "wx"), temporary };
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Makes the rename itself durable; systems that cannot flush a folder (Windows) do without. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The new file is complete and in place: a crash now can only bring the old one back.
  }
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** `ENOSPC: no space left on device, write` without the call at the end. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*)?$/s, "") : String(error);
}

/**
 * Read a safetensors file; see {@link readSafetensors}.
 *
 * @throws FileError when the file cannot be read, FormatError when it is refused.
 * @example
 * const { tensors, metadata } = await loadSafetensors("model.safetensors");
 */
export async function loadSafetensors(path: string, options: ReadOptions = {}): Promise<SafetensorsContent> {
  return readSafetensors(await readFileBytes(path), { source: path, ...options });
}

/**
 * Write a safetensors file by {@link writeFileAtomic}; see {@link writeSafetensors}.
 *
 * @throws FormatError before anything is written, FileError when the file cannot be written.
 */
export async function saveSafetensors(
  path: string,
  tensors: NamedArrays,
  options: SafetensorsWriteOptions = {},
): Promise<void> {
  await writeFileAtomic(path, writeSafetensors(tensors, { source: path, ...options }));
}

/** Read a .npy file; see {@link readNpy}. Throws FileError or FormatError. */
export async function loadNpy(path: string, options: ReadOptions = {}): Promise<ArrayRecord> {
  return readNpy(await readFileBytes(path), { source: path, ...options });
}

/** Write a .npy file by {@link writeFileAtomic}; see {@link writeNpy}. Throws FormatError or FileError. */
export async function saveNpy(
  path: string,
  array: ArrayRecord,
  options: NpyWriteOptions = {},
): Promise<void> {
  await writeFileAtomic(path, writeNpy(array, { source: path, ...options }));
}

/** Read a .npz archive; see {@link readNpz}. Throws FileError or FormatError. */
export async function loadNpz(path: string, options: NpzReadOptions = {}): Promise<Map<string, ArrayRecord>> {
  return readNpz(await readFileBytes(path), { source: path, ...options });
}

/** Write a .npz archive by {@link writeFileAtomic}; see {@link writeNpz}. Throws FormatError or FileError. */
export async function saveNpz(
  path: string,
  arrays: NamedArrays,
  options: NpzWriteOptions = {},
): Promise<void> {
  await writeFileAtomic(path, writeNpz(arrays, { source: path, ...options }));
}
