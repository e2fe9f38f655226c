// Does it train? A small Echo against the reference backend, and what 2 000 steps hold.
import { findBackend } from "@echo-ts/tensor";
import { runEcho } from "../echo-case.ts";
import { runMemory } from "../memory-case.ts";
import type { Item } from "./item.ts";

const STEPS = 12;

/** Relative, for losses and norms after up to 12 steps of growing differences. */
const TOLERANCE = 1e-3;

const echo: Item = {
  name: "echo",
  about: `A small Echo trained for ${STEPS} steps and asked for transcripts, against the reference backend; losses and norms of gradients to a relative ${TOLERANCE}, tokens exactly.`,
  limit: 120,
  alone: false,
  async *run({ backend, at }) {
    at("reference");
    const expected = await runEcho(findBackend("reference"), STEPS);
    at("gpu");
    const actual = await runEcho(backend, STEPS);
    for (let step = 0; step < STEPS; step++) {
      const [loss, wanted] = [actual.losses[step]!, expected.losses[step]!];
      const [norm, wantedNorm] = [actual.norms[step]!, expected.norms[step]!];
      const close = (x: number, y: number): boolean => Math.abs(x / y - 1) <= TOLERANCE;
      const ok = close(loss, wanted) && close(norm, wantedNorm);
      yield { name: `step ${step + 1}`, ok, loss, reference: wanted, norm, "reference norm": wantedNorm };
    }
    const tokens = JSON.stringify(actual.tokens);
    const wanted = JSON.stringify(expected.tokens);
    yield { name: "transcripts", ok: tokens === wanted, tokens, reference: wanted };
  },
};

const MIB = 2 ** 20;

const memory: Item = {
  name: "memory",
  about:
    "2 000 steps of a small network in ten parts: most bytes on the device (below 1 MiB), arrays left after a collection (no more than after the first part), bytes of the JavaScript heap and of the process, in MiB.",
  limit: 120,
  alone: true,
  async *run({ backend, at, small }) {
    const steps = small ? 500 : 2000;
    at("100 steps before");
    await runMemory(backend, 100, () => 0);
    at(`${steps} steps`);
    const resident: number[] = [];
    const { losses, peaks, arrays, heap } = await runMemory(backend, steps, () => {
      const { heapUsed, rss } = process.memoryUsage();
      resident.push(rss);
      return heapUsed;
    });
    for (const [part, peak] of peaks.entries()) {
      yield {
        name: `step ${((part + 1) * steps) / 10}`,
        ok: peak < MIB && arrays[part]! <= arrays[0]!,
        loss: losses[part]!,
        "most bytes": peak,
        arrays: arrays[part]!,
        heap: heap[part]! / MIB,
        process: resident[part]! / MIB,
      };
    }
  },
};

/** Items about training. */
export const TRAINING_ITEMS: readonly Item[] = [echo, memory];
