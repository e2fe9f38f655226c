// What runs in the pages with a content security policy (csp.test.ts): a product and a gradient on the default backend,
// features of a tone, a voiced frame. No string is evaluated here, so what the page sees is what a user sees.
import { echoLogMel, mfcc, trackPitch } from "@echo-ts/audio";
import { variable } from "@echo-ts/autograd";
import { matmul, sum, tensor, type WasmInfo, wasmAvailable, wasmInfo, zeros } from "@echo-ts/tensor";

/** What the page found. */
export interface CspFindings {
  readonly backend: string;
  readonly product: number[];
  readonly gradient: number[];
  /** Shapes of log-mel and MFCC features, and the pitch of a tone of 200 Hz in the middle. */
  readonly mel: readonly number[];
  readonly mfcc: readonly number[];
  readonly pitch: number;
  readonly info: Pick<WasmInfo, "threads" | "sharedMemory" | "notes"> | null;
}

async function run(): Promise<CspFindings> {
  const x = variable(
    tensor([
      [1, 2],
      [3, 4],
    ]),
  );
  const product = matmul(x, tensor([[1], [10]]));
  sum(product).backward();
  // Large enough for threads: workers that a policy bars must not keep anybody waiting.
  matmul(zeros([512, 512]), zeros([512, 512]));
  await new Promise((resolve) => setTimeout(resolve, 300));
  matmul(zeros([512, 512]), zeros([512, 512]));
  const tone = Float32Array.from(
    { length: 16000 },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * 200 * i) / 16000),
  );
  const { f0 } = trackPitch(tone, { sampleRate: 16000 });
  const { threads, sharedMemory, notes } = wasmAvailable()
    ? wasmInfo()
    : { threads: 1, sharedMemory: false, notes: [] };
  return {
    backend: product.backend.name,
    product: Array.from(product.dataSync()),
    gradient: Array.from(x.grad!.dataSync()),
    mel: echoLogMel(tone, { sampleRate: 16000 }).shape,
    mfcc: mfcc(tone, { sampleRate: 16000 }).shape,
    pitch: f0[Math.floor(f0.length / 2)]!,
    info: wasmAvailable() ? { threads, sharedMemory, notes } : null,
  };
}

Object.assign(globalThis, {
  findings: run().then(
    (found) => ({ found }),
    (error: unknown) => ({ error: String(error) }),
  ),
});
