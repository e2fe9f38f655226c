// Typed errors. Every message reads `op: what was wrong, expected, got`, with the remedy when there is one.

/** Shapes, axes or indices that do not fit together. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** A dtype that the operation does not take. */
export class DtypeError extends Error {
  override readonly name = "DtypeError";
}

/** A backend that is missing, out of memory, or unable to do what was asked. */
export class BackendError extends Error {
  override readonly name = "BackendError";
}

const ALLOCATE = "allocate: ";

/** The error of an allocation, in the name of the op that asked for the memory; other errors as they are. */
export function allocationError(op: string, error: unknown): unknown {
  if (!(error instanceof BackendError) || !error.message.startsWith(ALLOCATE)) return error;
  return new BackendError(`${op}: ${error.message.slice(ALLOCATE.length)}`, { cause: error });
}

/** An argument that no call takes: an unknown option, a value of the wrong kind. What a compiler would refuse. */
export class ArgumentError extends TypeError {
  override readonly name = "ArgumentError";
}
