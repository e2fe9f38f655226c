// The page's side of the worker: starts it when the first code runs, stops it when the reader says so.
import type { Output } from "./run-code.ts";

type Message = Output | { readonly kind: "end" } | { readonly kind: "failed"; readonly message: string };

/** How a run ended; "stopped" by the reader. */
export type Ending = { readonly ok: true } | { readonly ok: false; readonly message: string };

let worker: Worker | null = null;
let stop: (() => void) | null = null;

/** Ends the run in progress, if any. */
export function stopRun(): void {
  stop?.();
}

/**
 * Runs code in the worker, after ending a run in progress.
 *
 * @param show called with each output, as it comes
 */
export function run(code: string, show: (output: Output) => void): Promise<Ending> {
  stopRun();
  worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const current = worker;
  return new Promise((resolve) => {
    const end = (ending: Ending) => {
      stop = null;
      current.onmessage = null;
      current.onerror = null;
      resolve(ending);
    };
    const dismiss = (message: string) => {
      current.terminate();
      worker = null;
      end({ ok: false, message });
    };
    stop = () => dismiss("Stopped.");
    current.onerror = (event) => dismiss(event.message || "The worker could not be started.");
    current.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.kind === "end") end({ ok: true });
      else if (data.kind === "failed") end({ ok: false, message: data.message });
      else show(data);
    };
    current.postMessage(code);
  });
}
