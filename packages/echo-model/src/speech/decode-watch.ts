// A thread of the decoding process (decode-child.ts) that ends the process when it takes too much memory, or when whoever
// started it is gone. It runs while the other thread is busy inside a decoder and cannot look itself.
import { workerData } from "node:worker_threads";

/** Milliseconds between looks. */
const EVERY = 20;

const { megabytes, parent } = workerData as { readonly megabytes: number; readonly parent: number };

setInterval(() => {
  const tooMuch = process.memoryUsage.rss() > megabytes * 2 ** 20;
  if (tooMuch || process.ppid !== parent) process.kill(process.pid, "SIGKILL");
}, EVERY);
