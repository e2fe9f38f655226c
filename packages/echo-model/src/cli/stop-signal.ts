// Ctrl-C and termination, for commands that end their work in order: the first signal asks for that, a second one ends the
// process at once, since by then nobody listens. Nothing to read next.

/** A wish to stop. */
export interface StopSignal {
  readonly signal: AbortSignal;
  /** Stops listening, when the work has ended. */
  release(): void;
}

/**
 * Listens for SIGINT and SIGTERM, once.
 *
 * @param onStop - what is to be said when one comes. @param reason - of the abort, default an AbortError.
 * @example
 * const { signal, release } = stopSignal(() => console.log("stopping; once more to stop at once"));
 */
export function stopSignal(onStop: () => void = () => {}, reason?: Error): StopSignal {
  const stop = new AbortController();
  const onSignal = (): void => {
    onStop();
    stop.abort(reason);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  return {
    signal: stop.signal,
    release: () => void process.removeListener("SIGINT", onSignal).removeListener("SIGTERM", onSignal),
  };
}
