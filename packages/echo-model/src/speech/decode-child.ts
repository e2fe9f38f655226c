// The process that compressed recordings are decoded in; decode-process.ts starts it and says why. One message a
// recording comes in, one answer goes out.
import { Worker } from "node:worker_threads";
import { decodeRecording } from "./recording.ts";

/** A recording to decode. */
export interface DecodeRequest {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly sampleRate: number;
  readonly maximumSamples: number;
}

/** What came of it. */
export type DecodeAnswer =
  | { readonly wave: Float32Array; readonly warnings: readonly string[] }
  | { readonly error: string };

const watch = new Worker(new URL("./decode-watch.js", import.meta.url), {
  workerData: { megabytes: Number(process.argv[2]), parent: process.ppid },
  execArgv: [],
});
watch.unref();
// Ctrl-C goes to every process of a terminal; whether the work goes on is for the one that asked to say.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());
process.on("message", async ({ bytes, file, sampleRate, maximumSamples }: DecodeRequest) => {
  const warnings: string[] = [];
  const answer: DecodeAnswer = await decodeRecording(
    bytes,
    file,
    sampleRate,
    (warning) => warnings.push(warning),
    maximumSamples,
  ).then(
    (wave) => ({ wave, warnings }),
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  process.send?.(answer);
});
