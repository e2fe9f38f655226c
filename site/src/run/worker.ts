// The worker in which readers' code runs, so that the page stays alive whatever the code does.
import { runCode } from "./run-code.ts";

globalThis.addEventListener("message", async ({ data }: MessageEvent<string>) => {
  try {
    await runCode(data, (output) => globalThis.postMessage(output));
    globalThis.postMessage({ kind: "end" });
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    globalThis.postMessage({ kind: "failed", message });
  }
});
