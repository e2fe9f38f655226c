// The backends that the op tests run on: all that are registered. A backend that must be loaded first is
// loaded here, and from then on every op test runs on it as well.
import { type Backend, findBackend, listBackends } from "@echo-ts/tensor";

/** Every backend that works here, the reference one first. */
export async function everyBackend(): Promise<readonly Backend[]> {
  return listBackends().map(findBackend);
}
