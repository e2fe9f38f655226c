// A training holds as much after many steps as after some: heap, typed arrays and tensors, counted after the collector has
// run, grow by less than 1 KiB a step. A leak of 4 KiB a step, put in on purpose, is seen.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { configureWasm } from "@echo-ts/tensor";
import t from "tap";
import { getEngine } from "../../../packages/tensor/dist/backends/wasm/engine.js";
import { train } from "./tiny-run.js";

t.setTimeout(600_000); // some thousand steps, on a busy machine too
configureWasm({ threads: 1 });
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Code is still being compiled, and pools and caches fill, before. */
const SETTLED = 1500;
const LEAKS_FROM = 2400;
const STEPS = 2700;

/** Slope of the least-squares line, in bytes a step. */
function slope(points: readonly (readonly [step: number, bytes: number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [steps, bytes] = [mean(0), mean(1)];
  const products = points.reduce((sum, [x, y]) => sum + (x - steps) * (y - bytes), 0);
  return products / points.reduce((sum, [x]) => sum + (x - steps) ** 2, 0);
}

t.test(
  "what a training holds grows by less than 1 KiB a step, and a leak of 4 KiB a step is seen",
  async (t) => {
    const points: [number, number][] = [];
    const leaked: Uint8Array[] = [];
    await train("kept", {
      overrides: [`training.maxSteps=${STEPS}`, "training.evaluateEvery=300", "training.checkpointEvery=150"],
      onEvent: (event) => {
        if (event.kind !== "step") return;
        const { step } = event.report;
        if (step > LEAKS_FROM) leaked.push(new Uint8Array(4096));
        if (step < SETTLED || step % 20 !== 10) return;
        // The first collection finds what the memory of typed arrays is still waiting for, the next ones give it back.
        for (let i = 0; i < 3; i++) collect();
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        points.push([step, heapUsed + arrayBuffers + getEngine().arena.stats().live]);
      },
    });
    points.shift(); // tensors of before were waiting for the first collection
    const clean = slope(points.filter(([step]) => step <= LEAKS_FROM));
    const leaking = slope(points.filter(([step]) => step > LEAKS_FROM));
    t.ok(clean < 1024, `${clean.toFixed(0)} bytes a step`);
    t.ok(leaking > 3072, `${leaking.toFixed(0)} bytes a step`);
    t.equal(leaked.length, STEPS - LEAKS_FROM);
  },
);
