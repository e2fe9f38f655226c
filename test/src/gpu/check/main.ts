// Runs one item of the check and prints it as lines of JSON: {at}, {row}, and at the end {done}. Arguments: the
// item's name, and the mode of the gpu backend. `ITEMS` is what scripts/gpu-check.mjs goes through.
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { type GpuMode, gpuInfo, initGpu } from "@echo-ts/tensor";
import { installWebGpu } from "../node-webgpu.ts";
import { AGREEMENT_ITEMS } from "./agreement-items.ts";
import type { Item } from "./item.ts";
import { PEER_ITEMS } from "./peer-items.ts";
import { PRODUCT_ITEMS } from "./product-items.ts";
import { SPEED_ITEMS } from "./speed-items.ts";
import { TRAINING_ITEMS } from "./training-items.ts";

/** All items, in the order in which they are told. */
export const ITEMS: readonly Item[] = [
  ...AGREEMENT_ITEMS,
  ...TRAINING_ITEMS,
  ...SPEED_ITEMS,
  ...PRODUCT_ITEMS,
  ...PEER_ITEMS,
];

/** JSON has no word for what is not finite. */
const print = (line: object): void =>
  console.log(
    JSON.stringify(line, (_, value) =>
      typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    ),
  );

async function runItem(name: string, mode: GpuMode): Promise<void> {
  const item = ITEMS.find((one) => one.name === name)!;
  print({ at: "start" });
  const missing = mode === "webgpu" ? await installWebGpu() : false;
  if (missing !== false) throw new Error(missing);
  const backend = await initGpu({ mode, allowSoftware: true });
  const small = gpuInfo()!.software;
  for await (const row of item.run({ mode, backend, small, at: (at) => print({ at }) })) {
    print({ row });
    // For the test of what happens to an item that hangs: it stops here, after its first row.
    if (process.env.ECHO_GPU_CHECK_HANG === name) await setTimeout(2 ** 31 - 1);
  }
  print({ done: true });
}

const [, script = "", name = "", mode = "webgpu"] = process.argv;
if (import.meta.url === pathToFileURL(script).href) {
  await runItem(name, mode as GpuMode).catch((error: unknown) => {
    print({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
  // The WebGPU device keeps Node running.
  process.exit(0);
}
