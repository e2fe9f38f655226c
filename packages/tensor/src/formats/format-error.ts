// The one error that every reader and writer of this folder throws.

import { wrongArgument } from "../arguments.ts";

/**
 * A file or a record that a format refuses; the message reads `op: source: key: reason`.
 *
 * @example
 * // readSafetensors: model.safetensors: tensor "a": 8 bytes of data, expected 16 for F32 [4]
 */
export class FormatError extends Error {
  override readonly name: string = "FormatError";
  /** The file (or other source) as the caller named it. */
  readonly source: string;
  /** The entry at fault, such as a tensor's name; absent when the file as a whole is refused. */
  readonly key: string | undefined;

  constructor(op: string, source: string, key: string | undefined, reason: string, kind = "tensor") {
    super(`${op}: ${source}: ${key === undefined ? "" : `${kind} ${quoteKey(key)}: `}${reason}`);
    this.source = source;
    this.key = key;
  }
}

/** A function that throws the {@link FormatError} of one file; `key` names the entry at fault. */
export type Refuse = (reason: string, key?: string) => never;

/**
 * The {@link Refuse} of one operation on one file.
 *
 * @param kind what a key of this format names, default "tensor".
 */
export function refuser(op: string, source: string, kind = "tensor"): Refuse {
  return (reason, key) => {
    throw new FormatError(op, source, key, reason, kind);
  };
}

/** Refuses what is no Uint8Array, such as a path or an ArrayBuffer. @throws ArgumentError */
export function checkBytes(op: string, bytes: unknown): void {
  if (!(bytes instanceof Uint8Array)) {
    throw wrongArgument(op, "bytes", "a Uint8Array with the content of a file", bytes);
  }
}

/** Refuses what is no record and no table of records. @throws ArgumentError */
export function checkObject(op: string, name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) throw wrongArgument(op, name, "an object", value);
}

/** A key as text for a message: quoted, escaped, cut after 80 characters. */
export function quoteKey(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}...` : key);
}
