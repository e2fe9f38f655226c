import { createHash } from "node:crypto";
import {
  type Checkpoint,
  decodeCheckpoint,
  decodeRecording,
  encodeCheckpoint,
  evaluateModel,
  memoryFiles,
  newModel,
  prepareTraining,
  restoreModel,
  Trainer,
  type TrainingData,
  TrainingError,
  transcribe,
} from "@echo-ts/echo-model";
import { readSafetensorsHeader } from "@echo-ts/tensor";
import t from "tap";
import { changesSamples } from "../../../packages/echo-model/dist/train/augment.js";
import { curriculumLimit, planPass } from "../../../packages/echo-model/dist/train/batch-plan.js";
import type { BatchSource } from "../../../packages/echo-model/dist/train/batches.js";
import { learningRateAt, progressOf } from "../../../packages/echo-model/dist/train/learning-rate.js";
import type { StepReport } from "../../../packages/echo-model/dist/train/trainer.js";
import { syntheticFiles, tinyConfig } from "./synthetic-speech.js";

const files = syntheticFiles();
const access = memoryFiles(files);
const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function makeTrainer(...overrides: string[]): Promise<{ trainer: Trainer; data: TrainingData }> {
  const config = tinyConfig(...overrides);
  const data = await prepareTraining(access, config);
  const trainer = new Trainer(newModel(config, data.tokenizer), data.source, config, data.tokenizer.special);
  return { trainer, data };
}

async function checkpointOf(
  trainer: Trainer,
  data: TrainingData,
  ...overrides: string[]
): Promise<Checkpoint> {
  return {
    config: tinyConfig(...overrides),
    tokenizer: data.tokenizer,
    weights: await trainer.echo.stateDict(),
    training: {
      trainer: await trainer.state(),
      best: { rate: 0.5, step: 3, since: 1 },
      dataDigest: data.identity.texts,
    },
    metrics: { step: trainer.steps },
  };
}

t.test("a plan of batches", async (t) => {
  const config = tinyConfig("batch.maxFrames=300", "batch.maxUtterances=5", "augment.speeds=0.9,1,1.1");
  const lengths = Array.from({ length: 60 }, (_, i) => 20 + ((i * 37) % 90));
  const input = {
    seed: 1,
    pass: 3,
    used: 1000,
    size: 60,
    framesOf: (index: number, speed: number) => Math.round(lengths[index]! / speed),
    partnersOf: () => [],
    longest: 200,
    config,
  };
  const plan = planPass(input);
  t.same(planPass(input), plan, "depends on its input only");
  t.notSame(planPass({ ...input, pass: 4 }), plan);
  t.notSame(planPass({ ...input, seed: 2 }), plan);
  const all = plan.flat();
  t.same(
    all.map(({ index }) => index).sort((a, b) => a - b),
    lengths.map((_, i) => i),
    "every utterance comes once",
  );
  for (const batch of plan) {
    t.ok(batch.length <= 5);
    const padded = Math.max(...batch.map(({ frames }) => frames)) * batch.length;
    t.ok(padded <= 300 || batch.length === 1, `${padded} padded frames`);
    for (const { index, speed, frames } of batch) t.equal(frames, Math.round(lengths[index]! / speed));
  }
  t.equal(new Set(all.map(({ speed }) => speed)).size, 3);

  const early = planPass({ ...input, used: 0, config: tinyConfig("augment.speeds=1") }).flat();
  t.ok(early.length > 0 && early.length < 60);
  t.ok(
    early.every(({ frames }) => frames <= 30),
    "the curriculum begins with short ones",
  );
  const nobody = tinyConfig("curriculum.startFrames=1");
  t.equal(planPass({ ...input, used: 0, config: nobody }).flat().length, 1, "never empty");
  t.equal(curriculumLimit(30, 60, config.curriculum), 55);
  t.equal(curriculumLimit(60, 60, config.curriculum), Number.POSITIVE_INFINITY);

  const joining = tinyConfig("augment.concatenate=1", "augment.speeds=1", "curriculum.epochs=0");
  t.ok(changesSamples(joining.augment));
  const joined = planPass({ ...input, config: joining, partnersOf: (index) => [(index + 1) % 60] }).flat();
  t.ok(joined.some(({ partner }) => partner !== null));
  for (const { index, partner, frames } of joined) {
    if (partner === null) continue;
    t.equal(partner, (index + 1) % 60);
    t.equal(frames, lengths[index]! + lengths[partner]!);
    t.ok(frames <= 200);
  }
});

t.test("the learning rate", async (t) => {
  const { optimizer, training } = tinyConfig("optimizer.warmupSteps=10", "training.maxSteps=110");
  const at = (steps: number, progress = 0): number => learningRateAt(optimizer, training, steps, progress);
  t.equal(at(0), 0.001, "the first step of the warm-up moves already");
  t.equal(at(9), 0.01);
  t.equal(at(10), 0.01);
  t.ok(Math.abs(at(60) - 0.005) < 1e-12, "half way down the cosine");
  t.ok(at(109) < 1e-5);
  const byEpochs = { epochs: 80, maxSteps: 0 };
  t.ok(Math.abs(learningRateAt(optimizer, byEpochs, 400, 0.5) - 0.005) < 1e-12);
  t.equal(learningRateAt({ ...optimizer, schedule: "constant" }, training, 60, 0.5), 0.01);
  t.equal(learningRateAt({ ...optimizer, schedule: "linear" }, byEpochs, 60, 0.25), 0.0075);
  t.equal(progressOf({ epochs: 4, maxSteps: 0 }, 100, 1), 0.25);
  t.equal(progressOf({ epochs: 4, maxSteps: 50 }, 100, 1), 1, "the earlier end counts");
});

t.test("training goes on from a checkpoint to the same bits, from every step", async (t) => {
  const steps = 7;
  const whole = await makeTrainer();
  const snapshots: Uint8Array[] = [];
  for (let i = 0; i < steps; i++) {
    snapshots.push(await encodeCheckpoint(await checkpointOf(whole.trainer, whole.data)));
    await whole.trainer.step();
  }
  const expected = sha(await encodeCheckpoint(await checkpointOf(whole.trainer, whole.data)));
  for (const [from, bytes] of snapshots.entries()) {
    const checkpoint = await decodeCheckpoint(bytes, "snapshot");
    const { trainer, data } = await makeTrainer();
    trainer.echo.loadStateDict(checkpoint.weights);
    trainer.restore(checkpoint.training!.trainer);
    t.equal(trainer.steps, from);
    while (trainer.steps < steps) await trainer.step();
    t.equal(sha(await encodeCheckpoint(await checkpointOf(trainer, data))), expected, `from step ${from}`);
  }
});

t.test("the seed decides everything", async (t) => {
  const run = async (...overrides: string[]): Promise<string> => {
    const { trainer, data } = await makeTrainer(...overrides);
    for (let i = 0; i < 3; i++) await trainer.step();
    return sha(await encodeCheckpoint({ ...(await checkpointOf(trainer, data)), training: null }));
  };
  const first = await run();
  t.equal(await run(), first);
  t.not(await run("training.seed=1"), first);
});

t.test("batches whose gradients are added equal the one large batch, however it is cut", async (t) => {
  const base = ["model.dropout=0", "model.residualDropout=0", "curriculum.epochs=0", "batch.maxFrames=2000"];
  base.push("batch.maxUtterances=4", "optimizer.warmupSteps=1");
  for (const loss of ["loss.ctcWeight=0.3", "loss.ctcWeight=0", "loss.ctcWeight=1"]) {
    const { data } = await makeTrainer(...base, loss);
    const all = await data.source.next();
    t.ok(new Set(all.map(({ tokens }) => tokens.length)).size > 1, "texts of several lengths");
    const step = async (...sizes: number[]): Promise<{ report: StepReport; weights: Float32Array[] }> => {
      const left = [...all];
      const parts = sizes.map((size) => left.splice(0, size));
      const source = { ...data.source, next: async () => parts.shift()! } as BatchSource;
      const config = tinyConfig(...base, loss, `training.accumulate=${sizes.length}`);
      const echo = newModel(config, data.tokenizer);
      const trainer = new Trainer(echo, source, config, data.tokenizer.special);
      const report = await trainer.step();
      return { report, weights: echo.parameters().map((weight) => Float32Array.from(weight.dataSync())) };
    };
    const whole = await step(4);
    for (const cut of [
      [1, 3],
      [2, 1, 1],
      [1, 1, 1, 1],
    ]) {
      const { report, weights } = await step(...cut);
      for (const key of ["loss", "ctc", "crossEntropy", "gradientNorm"] as const) {
        const [got, wanted] = [report[key], whole.report[key]];
        if (wanted === null) t.equal(got, null);
        else t.ok(Math.abs(got! / wanted - 1) < 1e-5, `${loss}, ${cut}: ${key} is ${got}, wanted ${wanted}`);
      }
      const far = weights.map((own, i) =>
        own.reduce((most, v, k) => Math.max(most, Math.abs(v - whole.weights[i]![k]!)), 0),
      );
      t.ok(Math.max(...far) < 1e-4, `${loss}, ${cut}: weights differ by ${Math.max(...far)}`);
      t.equal(report.utterances, 4);
    }
  }
});

t.test(
  "a loss that is not finite stops with step, utterances and operation; nothing is written",
  async (t) => {
    const { trainer } = await makeTrainer();
    await trainer.step();
    const weight = trainer.echo.namedParameters().find(([name]) => name.endsWith("ctc_head.weight"))![1];
    weight.storage.data[0] = Number.NaN;
    const before = weight.dataSync().slice();
    await t.rejects(trainer.step(), {
      name: "TrainingError",
      message: /^training: the loss is NaN in step 2 \(utterances a\d.*\); detectAnomaly: \w+ produced NaN/,
    });
    t.same(weight.dataSync(), before);
    t.ok(new TrainingError("x") instanceof Error);
  },
);

t.test("checkpoints", async (t) => {
  const { trainer, data } = await makeTrainer();
  await trainer.step();
  const bytes = await encodeCheckpoint(await checkpointOf(trainer, data));
  t.equal(
    sha(await encodeCheckpoint(await checkpointOf(trainer, data))),
    sha(bytes),
    "equal contents, equal bytes",
  );
  const read = await decodeCheckpoint(bytes, "a.safetensors");
  t.same(read.config, tinyConfig());
  t.equal(read.tokenizer.decode(read.tokenizer.encode("low high")), "low high");
  t.same(read.training!.best, { rate: 0.5, step: 3, since: 1 });
  const names = [...read.weights.keys()];
  t.ok(names.includes("encoder.processors.spectrogram.1.attna.q.linear.weight"), "PyTorch's names");
  t.ok(readSafetensorsHeader(bytes).metadata.get("format") === "pt");

  const damaged = async (change: (copy: Uint8Array) => Uint8Array): Promise<void> => {
    await t.rejects(decodeCheckpoint(change(new Uint8Array(bytes)), "runs/last.safetensors"), {
      name: "CheckpointError",
      message: /^checkpoint: runs\/last\.safetensors: /,
    });
  };
  for (const at of [0, 9, 200, bytes.length >> 1, bytes.length - 1])
    await damaged((copy) => {
      copy[at]! ^= 4;
      return copy;
    });
  for (const length of [0, 4, 100, bytes.length >> 1, bytes.length - 1])
    await damaged((copy) => copy.subarray(0, length));
  await damaged((copy) => Uint8Array.from([...copy.subarray(0, 4000), 0]));

  const half = await encodeCheckpoint(
    { ...(await checkpointOf(trainer, data)), training: null },
    { half: true },
  );
  const small = await decodeCheckpoint(half, "half");
  t.equal(small.training, null);
  const name = "ctc_head.weight";
  const exact = read.weights.get(name)!.data as Float32Array;
  const rounded = small.weights.get(name)!.data as Float32Array;
  t.ok(exact.every((value, i) => Math.abs(value - rounded[i]!) <= Math.abs(value) * 2 ** -11 + 2 ** -24));
  t.same(Object.keys(small.metrics), ["step"]);
  restoreModel(small);
});

t.test("a tiny model learns its data by heart, from audio", async (t) => {
  const { trainer, data } = await makeTrainer(
    "training.maxSteps=150",
    "batch.maxFrames=800",
    "batch.maxUtterances=8",
    "augment.speeds=1",
    "augment.melStretch=0",
    "augment.melShift=0",
    "curriculum.epochs=0",
    "data.evaluateSplit=train",
    "model.dropout=0",
    "model.residualDropout=0",
    "augment.frequencyMasks=0",
    "augment.timeMasks=0",
    "optimizer.warmupSteps=10",
  );
  while (trainer.progress < 1) await trainer.step();
  const config = tinyConfig();
  const { echo } = trainer;
  const examples = data.evaluation.get("train")!;
  const { scores, zeroed } = await evaluateModel(echo, data.tokenizer, examples, config, {
    zeroed: true,
    groups: true,
  });
  t.equal(scores.get("ctc")!.words.errors, 0);
  t.equal(scores.get("free")!.words.errors, 0);
  t.equal(scores.get("forced")!.words.errors, 0);
  t.ok(zeroed.get("ctc")!.rate > 0.5, "without audio it knows nothing");
  t.ok(zeroed.get("free")!.rate > 0.4);
  t.same([...scores.get("ctc")!.groups.speaker.keys()], ["a"]);
  t.same([...scores.get("ctc")!.groups.sex.keys()], ["male"]);

  const wave = await decodeRecording(files["wav/a6.wav"] as Uint8Array, "a6.wav", config.audio.sampleRate);
  for (const method of ["ctcGreedy", "ctcBeam", "greedy", "beam", "joint", "onePass"]) {
    // Tones, and a gate that lets only speech through, do not go together.
    const chosen = { ...config, decode: { ...config.decode, method, speechGate: false } } as typeof config;
    const { text, words, seconds } = await transcribe(
      { echo, tokenizer: data.tokenizer, config: chosen },
      wave,
    );
    t.equal(text, "high low mid", method);
    t.equal(seconds, wave.length / 4000);
    words.forEach(({ start, end }, i) => {
      t.ok(start >= (words[i - 1]?.start ?? 0) && end <= seconds + 0.02 && start < end);
    });
    // Tones begin at 0.06, 0.27 and 0.48 s.
    if (method === "ctcGreedy") t.ok(words[1]!.start > 0.1 && words[1]!.start < 0.5, `${words[1]!.start}`);
  }
});
