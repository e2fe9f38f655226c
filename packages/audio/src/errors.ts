// The one error type of the package. Every refusal says `operation: what was wrong, expected, got`.

/**
 * Why an `AudioError` was thrown.
 *
 * - `parameter`: an argument is out of range or two arguments contradict each other
 * - `format`: the bytes are not what they claim to be (no RIFF tag, no fmt chunk, zero channels ...)
 * - `unsupported`: a valid file in a coding this package does not read
 * - `truncated`: the file ends before its header does
 * - `nonfinite`: NaN or infinite samples where numbers are needed
 * - `io`: a file could not be read or written
 */
export type AudioErrorReason = "parameter" | "format" | "unsupported" | "truncated" | "nonfinite" | "io";

/** Options of `AudioError`: the reason, the file the bytes came from if one is known, the error behind it. */
export interface AudioErrorOptions {
  readonly reason: AudioErrorReason;
  readonly file?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Thrown by every function of this package for bad arguments and bad files.
 *
 * `reason` is for programs, `message` for people, `file` names the file when one is known.
 *
 * @example
 * try { decodeWav(bytes, { file: "a.wav" }) } catch (error) {
 *   if (error instanceof AudioError && error.reason === "unsupported") console.error(error.message);
 * }
 */
export class AudioError extends Error {
  override readonly name = "AudioError";
  readonly reason: AudioErrorReason;
  readonly file: string | undefined;

  constructor(message: string, options: AudioErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = options.reason;
    this.file = options.file;
  }
}

/** Makes the error of a bad argument: `parameterError("mel", "fmax 9000 Hz is above ...")`. */
export function parameterError(operation: string, message: string): AudioError {
  return new AudioError(`${operation}: ${message}`, { reason: "parameter" });
}

/** Returns `value` if it is a whole number >= `minimum`, else throws naming operation and argument. */
export function requireInteger(operation: string, name: string, value: number, minimum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw parameterError(operation, `${name} must be a whole number >= ${minimum}, got ${value}`);
}

/** Returns `value` if it is finite and > 0, else throws naming operation and argument. */
export function requirePositive(operation: string, name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw parameterError(operation, `${name} must be a finite number > 0, got ${value}`);
}
