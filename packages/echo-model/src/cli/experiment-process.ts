// A process of the pool of echo-asr experiment: one job comes in as a message, progress and the outcome go out.

import type { JobAnswer, JobRequest } from "../experiment/process-pool.ts";
import { runJob } from "../experiment/run-job.ts";
import { type EngineOptions, startEngine } from "./engine.ts";

/** Milliseconds between two messages of progress. */
const PAUSE = 200;

const stop = new AbortController();
const answer = (message: JobAnswer): Promise<void> =>
  new Promise((resolve) => (process.connected ? process.send!(message, () => resolve()) : resolve()));

// Ctrl-C goes to every process of a terminal; whether the work goes on is for the one that asked to say.
process.on("SIGINT", () => {});
process.on("disconnect", () => stop.abort(new Error("interrupted")));
process.on("message", async (message: JobRequest | "stop") => {
  if (message === "stop") {
    stop.abort(new Error("interrupted"));
    return;
  }
  const { job, surroundings, engine } = message;
  let told = 0;
  try {
    await startEngine(engine as EngineOptions);
    const outcome = await runJob(job, {
      ...surroundings,
      signal: stop.signal,
      onResume: (step) => void answer({ resumedAt: step }),
      onProgress: (progress) => {
        if (performance.now() - told < PAUSE) return;
        told = performance.now();
        void answer(progress);
      },
    });
    await answer(outcome);
  } catch (error) {
    // An abort while data is prepared is thrown; there is nothing to lose yet.
    if (stop.signal.aborted) await answer({ outcome: "interrupted" });
    else await answer({ error: error instanceof Error ? error.message : String(error) });
  }
  process.exit();
});
