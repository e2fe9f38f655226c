// A small Echo trained for some steps and then asked for a transcript, on one backend. Nothing here needs
// Node, so that browsers run the same case.
import * as a from "@echo-ts/autograd";
import {
  ctcFrameScores,
  ctcGreedyDecode,
  Echo,
  type EchoFeatures,
  greedyDecode,
  resolveConfig,
  sequenceLoss,
} from "@echo-ts/echo-model";
import { type Backend, logSoftmax, setBackend, stream, type Tensor, tensor } from "@echo-ts/tensor";

const MELS = 6;
const HOP = 160;
const FRAMES = 24;

/** What a run gave. */
export interface EchoRun {
  readonly losses: number[];
  readonly norms: number[];
  /** Tokens of the two utterances by the attention decoder, then by CTC. */
  readonly tokens: (readonly number[])[];
}

function uniform(name: string, shape: readonly number[], low = -1, high = 1): Tensor {
  const values = new Float32Array(shape.reduce((n, m) => n * m, 1));
  stream("gpu-echo", name).fillUniform(values, low, high);
  return tensor(values, { shape });
}

function batch(): { features: EchoFeatures; ids: Tensor; labels: Tensor; targets: Tensor } {
  const silent = Uint8Array.from({ length: 2 * FRAMES }, (_, i) => Number(i % 7 === 0));
  return {
    features: {
      spectrogram: uniform("mel", [2, MELS, FRAMES]),
      f0: uniform("f0", [2, FRAMES], 90, 260),
      silent: tensor(silent, { shape: [2, FRAMES] }),
      lengths: [FRAMES, FRAMES - 6],
    },
    ids: tensor(Int32Array.of(1, 5, 6, 7, 1, 8, 9, 0), { shape: [2, 4] }),
    labels: tensor(Int32Array.of(5, 6, 7, 2, 8, 9, 2, 0), { shape: [2, 4] }),
    targets: tensor(Int32Array.of(5, 6, 7, 8, 9, 0), { shape: [2, 3] }),
  };
}

/** Trains on `backend`, which stays the current one, and transcribes. */
export async function runEcho(backend: Backend, steps: number): Promise<EchoRun> {
  setBackend(backend);
  const config = resolveConfig({
    model: {
      vocabSize: 11,
      textContext: 8,
      dims: 16,
      heads: 2,
      audioLayers: 1,
      textLayers: 1,
      memorySize: 5,
      dropout: 0,
      residualDropout: 0,
      ctcHead: true,
      spectrogramStem: { kernel: 3, stride: 2 },
    },
    decode: { maxTokens: 5 },
  }).model;
  const echo = new Echo(config, { melBins: MELS, hopLength: HOP }, { seed: 1 });
  const { features, ids, labels, targets } = batch();
  const optimizer = new a.AdamW(echo, { learningRate: 0.02 });
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { logits, ctcLogits } = echo.forward(features, ids);
    const ctc = a.ctcLoss(logSoftmax(ctcLogits!), targets, [12, 9], [3, 2], { layout: "NTV" });
    const loss = sequenceLoss(logits, labels).add(ctc.mul(0.3));
    loss.backward();
    const norm = a.clipGradNorm(echo.parameters(), 1);
    optimizer.step();
    optimizer.zeroGrad();
    norms.push(await norm);
    losses.push((await loss.data())[0]!);
  }
  const encoded = a.noGrad(() => echo.eval().encode(features));
  const texts = await greedyDecode(echo, encoded, { maxTokens: 5 });
  const frames = await ctcFrameScores(echo, encoded);
  return { losses, norms, tokens: [...texts, ...frames.map((f) => ctcGreedyDecode(f))].map((h) => h.tokens) };
}
