// A small network trained for many steps on the gpu backend, nothing freed by hand: what it holds. Nothing here
// needs Node, so that browsers run the same case.
import * as a from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";

/** Ten tenths of a training: its loss, and what was held. */
export interface MemoryRun {
  readonly losses: number[];
  /** Most bytes on the device at once, the collector left to itself. */
  readonly peaks: number[];
  /** Arrays on the device after a collection, and bytes of the JavaScript heap. */
  readonly arrays: number[];
  readonly heap: number[];
}

/** Lets the collector run; what it finds is reported between tasks. */
async function collect(): Promise<void> {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  for (let i = 0; i < 3; i++) {
    (globalThis as unknown as { gc(): void }).gc();
    await pause();
  }
}

/**
 * Trains, and reads the loss every ten steps, as one does to log it.
 *
 * @param heapBytes what the JavaScript heap holds now
 */
export async function runMemory(
  backend: e.Backend,
  steps: number,
  heapBytes: () => number,
): Promise<MemoryRun> {
  e.setBackend(backend);
  const layers = [new a.Linear(8, 16), new a.Linear(16, 4)] as const;
  const parameters = layers.flatMap((layer, i) => layer.initialize(i).parameters());
  const optimizer = new a.AdamW(parameters, { learningRate: 0.01 });
  const classes = Int32Array.from({ length: 8 }, (_, i) => i % 4);
  const labels = e.tensor(classes);
  const random = e.stream(1, "inputs");
  const run: MemoryRun = { losses: [], peaks: [], arrays: [], heap: [] };
  let peak = 0;
  for (let step = 1; step <= steps; step++) {
    const x = e.add(e.randomNormal([8, 8], random), e.reshape(e.tensor(classes), [8, 1]));
    const loss = a.crossEntropyLoss(layers[1].forward(e.tanh(layers[0].forward(x))), labels);
    loss.backward();
    const norm = a.clipGradNorm(parameters, 1);
    optimizer.step();
    optimizer.zeroGrad();
    if (step % 10 !== 0) continue;
    const [value] = await loss.data();
    await norm;
    peak = Math.max(peak, e.gpuInfo()!.bytes);
    await new Promise((resolve) => setTimeout(resolve));
    if (step % (steps / 10) !== 0) continue;
    await collect();
    run.losses.push(value!);
    run.peaks.push(peak);
    run.arrays.push(e.gpuInfo()!.buffers);
    run.heap.push(heapBytes());
    peak = 0;
  }
  e.setBackend("reference");
  return run;
}
