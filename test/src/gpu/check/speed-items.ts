// Is it fast, and what does the way there and back cost? The ops of the browser page, whole training steps, and
// transfers, each beside the wasm backend on the same machine. Times are the shortest of several, in milliseconds.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import { maxNorm } from "../op-cases.ts";
import type { Item, Row } from "./item.ts";

/** The page's items; JavaScript, and not part of this TypeScript project. */
export interface OpItem {
  readonly small?: boolean;
  make(): () => e.Tensor;
}
export const OP_ITEMS = "../../../../packages/tensor/bench/browser/items.js";
const STEP_ITEMS = "../../../../packages/autograd/bench/dist/step-items.js";

/** How long a figure is repeated for, in milliseconds. */
const BUDGET = 250;
const MOST_RUNS = 200;

/** Calls in one go, when only the last is waited for. */
const QUEUED = 10;

export interface Clock {
  readonly first: number;
  readonly shortest: number;
}

/** Times of an asynchronous body: its first run, and the shortest of the runs after that. */
export async function clock(
  body: () => Promise<unknown>,
  most: number = MOST_RUNS,
  least = 2,
): Promise<Clock> {
  const once = async (): Promise<number> => {
    const start = performance.now();
    await body();
    return performance.now() - start;
  };
  const first = await once();
  let shortest = Number.POSITIVE_INFINITY;
  const end = performance.now() + BUDGET;
  for (let run = 0; run < most && (run < least || performance.now() < end); run++) {
    shortest = Math.min(shortest, await once());
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { first, shortest };
}

/** One element: who reads it waits for everything before. */
const corner = (x: e.Tensor): e.Tensor => e.add(e.narrow(e.reshape(x, [x.size]), 0, 0, 1), 0);

interface OpTimes extends Clock {
  /** When one element of the result is read. */
  readonly waited: number;
  /** Per call, when ten are queued and only one element of the last is read. */
  readonly queued: number;
  readonly values: ArrayLike<number>;
}

async function timeOp(backend: e.Backend, item: OpItem): Promise<OpTimes> {
  const run = e.withBackend(backend, () => item.make());
  let values: ArrayLike<number> = [];
  const times = await clock(async () => {
    values = await e.withBackend(backend, run).data();
  });
  const many = (count: number) => async (): Promise<void> => {
    const last = e.withBackend(backend, () => {
      const corners = Array.from({ length: count }, () => corner(run()));
      return corners.at(-1)!;
    });
    await last.data();
  };
  const one = await clock(many(1), 20);
  const all = await clock(many(QUEUED + 1), 10);
  const queued = Math.max(0, all.shortest - one.shortest) / QUEUED;
  return { ...times, waited: one.shortest, queued, values };
}

const speed: Item = {
  name: "speed",
  about: `Single ops: the first call (with the making of kernels), later calls with their results read back; calls that are waited for, of whose result one element is read; and calls in a row (each of ${QUEUED}, of which only the last is waited for). The difference between the backends is in the maximum norm.`,
  limit: 120,
  alone: true,
  async *run({ backend, small, at }) {
    const { ITEMS } = (await import(OP_ITEMS)) as { ITEMS: Readonly<Record<string, OpItem>> };
    await e.initWasm();
    for (const [name, item] of Object.entries(ITEMS)) {
      if (small && item.small !== true) continue;
      at(name);
      const gpu = await timeOp(backend, item);
      const wasm = await timeOp(e.findBackend("wasm"), item);
      const difference = maxNorm(gpu.values, wasm.values);
      yield {
        name,
        ok: difference <= 1e-4,
        "gpu first": gpu.first,
        "gpu read back": gpu.shortest,
        "gpu waited for": gpu.waited,
        "gpu in a row": gpu.queued,
        wasm: wasm.shortest,
        difference,
      };
    }
  },
};

interface Model extends a.Module {
  forward(x: e.Tensor): e.Tensor;
}

/** What the training benchmark of autograd exports. */
interface Steps {
  readonly ENCODER_128: Sizes;
  readonly Encoder: new (sizes: Sizes) => Model;
  drawLabels(sizes: Sizes): e.Tensor;
}
interface Sizes {
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly frames: number;
  readonly batch: number;
  readonly classes: number;
}

const LARGE: Sizes = { width: 512, heads: 8, layers: 2, frames: 750, batch: 2, classes: 128 };
const TINY: Sizes = { width: 16, heads: 2, layers: 1, frames: 12, batch: 2, classes: 8 };

const steps: Item = {
  name: "steps",
  about:
    "Whole training steps of an encoder (attention, RMS norm, GELU, AdamW), the loss read after each; the loss of the third step on both backends.",
  limit: 150,
  alone: true,
  async *run({ backend, small, at }) {
    const { ENCODER_128, Encoder, drawLabels } = (await import(STEP_ITEMS)) as Steps;
    await e.initWasm();
    for (const sizes of small ? [TINY] : [ENCODER_128, LARGE]) {
      const { width, batch, frames, classes } = sizes;
      const name = `${sizes.layers} layers of ${width}, ${batch} x ${frames} frames`;
      at(name);
      const time = async (on: e.Backend): Promise<Clock & { readonly losses: number[] }> => {
        const prepare = (): (() => e.Tensor) => {
          const model = new Encoder(sizes).initialize(1);
          const optimizer = new a.AdamW(model, { learningRate: 1e-3, weightDecay: 0.01 });
          const x = e.randomNormal([batch, frames, width], e.stream(1, "x"));
          const labels = e.reshape(drawLabels(sizes), [batch * frames]);
          return () => {
            const loss = a.crossEntropyLoss(e.reshape(model.forward(x), [batch * frames, classes]), labels);
            loss.backward();
            optimizer.step();
            optimizer.zeroGrad();
            return loss;
          };
        };
        const step = e.withBackend(on, prepare);
        const losses: number[] = [];
        const times = await clock(
          async () => {
            losses.push((await e.withBackend(on, step).data())[0]!);
          },
          30,
          6,
        );
        return { ...times, losses };
      };
      const gpu = await time(backend);
      const wasm = await time(e.findBackend("wasm"));
      const [loss, wanted] = [gpu.losses[2]!, wasm.losses[2]!];
      const ok = Math.abs(loss / wanted - 1) < 1e-3;
      yield {
        name,
        ok,
        "gpu first": gpu.first,
        gpu: gpu.shortest,
        wasm: wasm.shortest,
        loss,
        "wasm loss": wanted,
      };
    }
  },
};

const transfers: Item = {
  name: "transfers",
  about:
    "Arrays of float32 to the device and back. Up: a new array, and one element of a kernel that reads it comes back. Down: an array that the device has computed. A launch: one of 500 small kernels in a row, each of which needs the one before.",
  limit: 60,
  alone: true,
  async *run({ backend, small, at }) {
    const on = <T>(body: () => T): T => e.withBackend(backend, body);
    const time = async (name: string, bytes: number, body: () => Promise<unknown>): Promise<Row> => {
      at(name);
      const { shortest } = await clock(body);
      const row = { name, ok: true, ms: shortest };
      return bytes < 2 ** 18 ? row : { ...row, "GB/s": bytes / shortest / 1e6 };
    };
    for (const count of small ? [1, 2 ** 16] : [1, 2 ** 10, 2 ** 16, 2 ** 20, 2 ** 24]) {
      const values = new Float32Array(count).fill(1);
      const text = count < 1024 ? `${4 * count} B` : `${(4 * count) / 1024} KiB`;
      yield await time(`up, ${text}`, 4 * count, () => on(() => corner(e.tensor(values.slice()))).data());
      const x = on(() => e.softmax(e.tensor(values).reshape([count, 1])));
      await x.data();
      yield await time(`down, ${text}`, 4 * count, () => x.data());
    }
    const launches = small ? 50 : 500;
    const start = on(() => e.ones([4, 4]));
    const row = await time("launch", 0, () =>
      on(() => {
        let y = start;
        for (let i = 0; i < launches; i++) y = e.matmul(y, start);
        return y;
      }).data(),
    );
    yield { ...row, ms: (row.ms as number) / launches };
  },
};

/** Items about speed. */
export const SPEED_ITEMS: readonly Item[] = [transfers, speed, steps];
