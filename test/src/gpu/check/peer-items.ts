// The same ops in jax-js on the same device, where the package @jax-js/jax is within reach (ECHO_JAX names its entry).
import type { Item } from "./item.ts";
import { clock, OP_ITEMS, type OpItem } from "./speed-items.ts";

const JAX_ITEMS = "../../../../packages/tensor/bench/browser/jax-items.js";
const JAX: string = process.env.ECHO_JAX ?? "@jax-js/jax";

interface JaxArray {
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}
interface Jax {
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): void;
  blockUntilReady(x: JaxArray): Promise<JaxArray>;
}

const peer: Item = {
  name: "jax-js",
  about:
    "The ops of the item speed in jax-js 0.1.25, each under jit: the first call, later calls with their results read back, and calls that are waited for. No rows: the package is not there.",
  limit: 90,
  alone: true,
  async *run({ mode, small, at }) {
    const jax = (await import(JAX).catch(() => null)) as Jax | null;
    if (jax === null || mode !== "webgpu") return;
    // jax-js looks there for a browser that it must treat differently.
    Object.defineProperty(globalThis.navigator, "userAgent", { value: "Node", configurable: true });
    if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("jax-js finds no WebGPU");
    jax.defaultDevice("webgpu");
    const { jaxItems } = (await import(JAX_ITEMS)) as {
      jaxItems(module: Jax): Readonly<Record<string, () => () => JaxArray>>;
    };
    const { ITEMS } = (await import(OP_ITEMS)) as { ITEMS: Readonly<Record<string, OpItem>> };
    for (const [name, make] of Object.entries(jaxItems(jax))) {
      if (small && ITEMS[name]?.small !== true) continue;
      at(name);
      try {
        const run = make();
        const read = await clock(() => run().data());
        const waited = await clock(async () => {
          (await jax.blockUntilReady(run())).dispose();
        });
        yield {
          name,
          ok: true,
          first: read.first,
          "read back": read.shortest,
          "waited for": waited.shortest,
        };
      } catch (error) {
        yield { name, ok: true, first: String(error) };
      }
    }
  },
};

/** The item about another library. */
export const PEER_ITEMS: readonly Item[] = [peer];
