// Sixty AdamW steps from the golden weights, compared with PyTorch: losses, gradient norms, learning rates,
// the final loss, and the text that greedy decoding then produces.

import { AdamW, clipGradNorm, cosineSchedule, noGrad } from "@echo-ts/autograd";
import { buildEcho, greedyDecode, sequenceLoss } from "@echo-ts/echo-model";
import { listBackends, withBackend } from "@echo-ts/tensor";
import t, { type Test } from "tap";
import { skipWithoutShared } from "../shared-material.ts";
import { configOf, type Floating, featuresOf } from "./golden-cases.ts";
import { type GoldenCase, golden, goldenCases, input, loadWeights } from "./golden-echo.ts";

const EXACT_STEPS = 20;

async function trainLikePyTorch(t: Test, start: GoldenCase, run: GoldenCase, dtype: Floating): Promise<void> {
  const p = run.params;
  const echo = buildEcho(
    configOf(start.params),
    { melBins: start.params.mels, hopLength: start.params.f0_hop },
    { dtype },
  );
  loadWeights(echo, start);
  const features = featuresOf(start, dtype);
  const ids = input(start, "ids", dtype);
  const labels = input(start, "labels", dtype);
  const all = echo.parameters();
  const schedule = cosineSchedule({ peak: p.lr, warmupSteps: p.warmup, steps: p.steps });
  const optimizer = new AdamW(
    [
      { parameters: all.filter(({ rank }) => rank >= 2), weightDecay: p.weight_decay },
      { parameters: all.filter(({ rank }) => rank < 2), weightDecay: 0 },
    ],
    { learningRate: p.lr, betas: p.betas, epsilon: p.eps },
  );
  const values = (name: string): number[] => [...golden(run, run.out[name]!).data].map(Number);
  const [losses, norms, rates] = [values("losses"), values("grad_norms"), values("lrs")];
  const lossNow = (): ReturnType<typeof sequenceLoss> =>
    sequenceLoss(echo.forward(features, ids).logits, labels);
  let worst = 0;
  let seen = 0;
  for (let step = 0; step < p.steps; step++) {
    optimizer.learningRate = schedule(step);
    const loss = lossNow();
    loss.backward();
    const norm = await clipGradNorm(all, p.clip);
    const relative = (got: number, want: number): number =>
      Math.abs(got - want) / Math.max(1e-12, Math.abs(want));
    if (step < EXACT_STEPS) {
      worst = Math.max(worst, relative(loss.item(), losses[step]!));
      seen = Math.max(seen, relative(norm, norms[step]!));
      if (schedule(step) !== 0)
        t.ok(relative(schedule(step), rates[step]!) < 1e-6, `learning rate of step ${step}`);
    }
    optimizer.step();
    echo.zeroGrad();
  }
  t.ok(worst <= 1e-3, `losses of ${EXACT_STEPS} steps: largest relative error ${worst.toExponential(1)}`);
  t.ok(seen <= 1e-3, `gradient norms: largest relative error ${seen.toExponential(1)}`);
  const final = noGrad(() => lossNow().item());
  t.ok(
    Math.abs(final - values("final_loss")[0]!) < 1e-6,
    `final loss ${final}, PyTorch's ${values("final_loss")[0]}`,
  );
  const texts = await greedyDecode(
    echo,
    noGrad(() => echo.encode(features)),
    { maxTokens: p.max_new },
  );
  const wanted = golden(run, run.out.greedy!);
  const [rows, width] = wanted.shape as [number, number];
  for (let b = 0; b < rows; b++) {
    const row = [...wanted.data].map(Number).slice(b * width, (b + 1) * width);
    const body = row[0] === p.bos ? row.slice(1) : row;
    const end = body.indexOf(p.eos);
    t.same(texts[b]!.tokens, end < 0 ? body : body.slice(0, end), `greedy text ${b}`);
  }
}

t.test("sixty training steps follow PyTorch's", { skip: skipWithoutShared }, async (t) => {
  const cases = goldenCases();
  const run = cases.find(({ op }) => op === "train")!;
  const start = cases.find(({ name }) => name === run.params.starts_from)!;
  const runs: [string, Floating][] = [["reference", "float64"]];
  if (listBackends().includes("wasm")) runs.push(["wasm", "float32"]);
  for (const [backend, dtype] of runs) {
    t.test(`${backend} ${dtype}`, async (t) =>
      withBackend(backend, () => trainLikePyTorch(t, start, run, dtype)),
    );
  }
});
