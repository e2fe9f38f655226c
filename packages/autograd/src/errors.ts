// The error of differentiation itself; shapes and dtypes keep the errors of @echo-ts/tensor.

/** A gradient that cannot be taken: nothing to differentiate, a graph used up, a value changed or not finite. */
export class GradientError extends Error {
  override readonly name = "GradientError";
}
