// The options of everything that makes a tensor, and their check. Read next: create.ts.

import { checkOptions, type OptionKinds } from "./arguments.ts";
import type { Backend } from "./backend.ts";
import { checkDtype, type DType } from "./dtype.ts";

/** Options of everything that makes a tensor. */
export interface CreateOptions {
  /** Element type; default float32. */
  readonly dtype?: DType;
  /** Where the tensor lives; default the current backend. */
  readonly backend?: Backend;
}

const CREATE_OPTIONS: OptionKinds<CreateOptions> = { dtype: "any", backend: "object" };

/**
 * Refuses options that nothing takes which makes a tensor, and unknown dtypes.
 *
 * @param op the function that the user called, for the message
 * @param more kinds of the options that `op` takes beside these
 */
export function checkCreateOptions<Options extends CreateOptions>(
  op: string,
  options: Options,
  more?: OptionKinds<Omit<Options, keyof CreateOptions>>,
): void {
  const kinds = more === undefined ? CREATE_OPTIONS : { ...CREATE_OPTIONS, ...more };
  checkOptions(op, options, kinds as OptionKinds<Options>);
  if (options.dtype !== undefined) checkDtype(op, options.dtype);
}
