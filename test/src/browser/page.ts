// What runs inside the browser: browser.test.ts bundles this file with all four packages, loads it in a page
// and calls these functions. Results are plain JSON.
import * as audio from "@echo-ts/audio";
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import type * as internal from "@echo-ts/tensor/internal";
import { flacFile } from "../audio/flac-file.ts";
import { type GoldenOps, parseGolden } from "../golden-cases.ts";
import { compareChain } from "../gpu/chain-cases.ts";
import { type EchoRun, runEcho } from "../gpu/echo-case.ts";
import { type GoldenRun, goldenNames, runGolden } from "../gpu/golden-run.ts";
import { type MemoryRun, runMemory } from "../gpu/memory-case.ts";
import { type Agreement, compareOp, LAYOUTS } from "../gpu/op-cases.ts";
import { runTrap, TRAPS } from "../gpu/traps.ts";
import { type Accidents, interceptDevice } from "./lost-device.ts";

/** The message of what `body` throws, or "". */
async function refusal(body: () => Promise<unknown>): Promise<string> {
  try {
    await body();
    return "";
  } catch (error) {
    return String(error);
  }
}

const start = (mode: e.GpuMode): Promise<e.Backend> => e.initGpu({ mode, allowSoftware: true });
let gpu: e.Backend;
let golden: GoldenOps;

/** The functions that the test calls as `echoTs.name(...)`. */
const page = {
  isolated: (): boolean => globalThis.crossOriginIsolated,

  /** A product on the wasm backend, and on what it ran. */
  async wasm(): Promise<{ same: boolean; info: unknown }> {
    e.setBackend("wasm");
    await e.initWasm();
    const make = (): e.Tensor => {
      const x = e.randomNormal([150, 200], e.stream(1, "x"));
      return e.matmul(x, e.transpose(x));
    };
    const expected = e.withBackend("reference", make).dataSync();
    const actual = make().dataSync();
    let worst = 0;
    for (let i = 0; i < actual.length; i++) worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
    return { same: worst < 1e-3, info: e.wasmInfo() };
  },

  /** One thing of every package. */
  async packages(): Promise<{ gradient: number[]; peak: number }> {
    e.setBackend("reference");
    const x = a.variable(e.tensor([3]));
    a.backward(e.square(x));
    const samples = Float32Array.from({ length: 1024 }, (_, i) => Math.sin((2 * Math.PI * 64 * i) / 1024));
    const [re, im] = [new Float64Array(513), new Float64Array(513)];
    new audio.RealFft(1024).forward(samples, re, im);
    const power = Array.from(re, (x, bin) => Math.hypot(x, im[bin]!));
    const peak = power.indexOf(Math.max(...power));
    return { gradient: Array.from(x.grad!.dataSync()), peak };
  },

  /** A FLAC file through the decoder that is loaded on demand, against the samples that were written. */
  async flac(): Promise<{ sampleRate: number; worst: number }> {
    const samples = Int16Array.from({ length: 1300 }, (_, i) => Math.round(30000 * Math.sin(i / 9)));
    const { sampleRate, channels } = await audio.decodeAudio(flacFile(samples));
    const worst = samples.reduce((most, x, i) => Math.max(most, Math.abs(x / 32768 - channels[0]![i]!)), 0);
    return { sampleRate, worst };
  },

  refused: (mode: e.GpuMode): Promise<string> => refusal(() => e.initGpu({ mode })),

  /** Starts the gpu backend. */
  async start(mode: e.GpuMode): Promise<e.GpuInfo | null> {
    gpu = await start(mode);
    return e.gpuInfo();
  },

  /** PyTorch's values and gradients. */
  async golden(name: "wasm" | "gpu"): Promise<GoldenRun[]> {
    const load = async (file: string): Promise<Response> => fetch(`/fixtures/${file}`);
    const [index, arrays] = await Promise.all([load("golden.json"), load("golden.safetensors")]);
    golden ??= parseGolden(await index.text(), new Uint8Array(await arrays.arrayBuffer()));
    const backend = name === "gpu" ? gpu : e.findBackend(name);
    const runs: GoldenRun[] = [];
    for (const one of goldenNames(golden)) {
      runs.push(await runGolden(golden, one, backend));
    }
    return runs;
  },

  /** @param sets see `compareOp`; "first" also leaves one layout out */
  async ops(names: readonly internal.Op[], sets: "first" | "all"): Promise<Agreement[]> {
    const layouts = sets === "all" ? LAYOUTS : (["contiguous", "turned"] as const);
    const table: Agreement[] = [];
    for (const op of names) table.push(await compareOp(op, gpu, layouts, sets));
    return table;
  },

  /** The worst of some random chains of elementwise ops. */
  async chains(count: number): Promise<number> {
    let worst = 0;
    for (let seed = 0; seed < count; seed++) worst = Math.max(worst, await compareChain(seed, gpu));
    return worst;
  },

  /** What each trap of gpu.js gives. */
  async traps(): Promise<string[][][]> {
    const results: string[][][] = [];
    for (const trap of TRAPS) results.push(await runTrap(trap, gpu));
    return results;
  },

  async echo(steps: number): Promise<{ actual: EchoRun; expected: EchoRun }> {
    const expected = await runEcho(e.findBackend("reference"), steps);
    const actual = await runEcho(gpu, steps);
    e.setBackend("reference");
    return { actual, expected };
  },

  /** What reading gives after an accident, and after a new start. */
  async accident(
    mode: "webgl2" | "webgpu",
    kind: keyof Accidents,
  ): Promise<{ errors: string[]; lost: boolean[]; again: number[] }> {
    const accidents = interceptDevice(mode);
    const doomed = await start(mode);
    const x = e.withBackend(doomed, () => e.softmax(e.zeros([4])));
    await x.data();
    const unread = e.softmax(x);
    await e.add(x, 2).data();
    await accidents[kind]();
    const lost = [e.gpuInfo()!.lost];
    const errors = [
      await refusal(() => x.data()),
      await refusal(() => unread.data()),
      await refusal(() => e.exp(x).data()),
      await refusal(() => e.withBackend(doomed, () => e.square(e.ones([2]))).data()),
    ];
    const again = Array.from(await e.withBackend(await start(mode), () => e.add(e.ones([3]), 1)).data());
    lost.push(e.gpuInfo()!.lost);
    return { errors, lost, again };
  },

  /** See runMemory. */
  memory: (steps: number): Promise<MemoryRun> =>
    runMemory(gpu, steps, () => {
      const { memory } = performance as unknown as { memory: { usedJSHeapSize: number } };
      return memory.usedJSHeapSize;
    }),
};

/** How the test reaches the page. */
export type Page = typeof page;

Object.assign(globalThis, { echoTs: page });
