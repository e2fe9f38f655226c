// What the peers share: the protocol of the benchmark for asynchronous libraries, and its data as plain arrays.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { setBackend } from "@echo-ts/tensor";
import { CHECKED_RUNS } from "../dist/item.js";
import { normal } from "../dist/op-items.js";
import { drawLabels, ENCODER_128, Encoder, MLP_BATCH, Mlp, SEED } from "../dist/step-items.js";

setBackend("reference");

export { ENCODER_128, MLP_BATCH };

const { values } = parseArgs({
  options: { cache: { type: "string" }, items: { type: "string" }, "budget-ms": { type: "string" } },
});
const budgetMs = Number(values["budget-ms"]);
const wanted = values.items.split(",");

/** Where the peers are installed. */
export const resolvePeer = createRequire(pathToFileURL(join(values.cache, "package.json"))).resolve;

/** The numbers that the benchmark proper draws under this name. */
export const numbers = (name, shape) => normal(name, shape).dataSync();
export const labels = () => drawLabels(ENCODER_128).dataSync();

/** Initial weights by dotted name: {data, shape}. */
const mlp = await new Mlp().initialize(SEED).stateDict();
const encoder = await new Encoder(ENCODER_128).initialize(SEED).stateDict();
export const mlpWeights = () => mlp;
export const encoderWeights = () => encoder;

/** Times the items that were asked for. An item is {run, check, flops}: run may be asynchronous. */
export async function runItems(backend, items) {
  for (const [item, prepare] of Object.entries(items)) {
    if (!wanted.some((word) => item.startsWith(word))) continue;
    try {
      const { run, check, flops = null } = await prepare();
      const began = performance.now();
      for (let i = 0; i < CHECKED_RUNS; i++) await run();
      const checked = await check();
      while (performance.now() - began < budgetMs / 4) await run();
      const times = [];
      const start = performance.now();
      let now = start;
      while (times.length < 3 || now - start < budgetMs) {
        await run();
        const end = performance.now();
        times.push(end - now);
        now = end;
      }
      times.sort((a, b) => a - b);
      const [msMin, msMedian] = [times[0], times[times.length >> 1]].map((ms) => Number(ms.toPrecision(4)));
      const gflops = flops === null ? null : Number((flops / times[0] / 1e6).toPrecision(4));
      const line = { item, backend, mode: "default", threads: 1, msMin, msMedian, gflops, check: checked };
      console.log(JSON.stringify(line));
    } catch (error) {
      console.error(`bench: ${backend}: ${item}: ${error?.stack ?? error}`);
    }
  }
}

export const total = (data) => data.reduce((sum, value) => sum + value, 0);
export const MATMULS = [
  ["64", 64, 64, 64],
  ["128", 128, 128, 128],
  ["256", 256, 256, 256],
  ["512", 512, 512, 512],
  ["1024", 1024, 1024, 1024],
  ["375x128x512", 375, 128, 512],
];
export const MEBI = 2 ** 20;
