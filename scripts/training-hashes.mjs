// Prints a hash of what a training computes, to show that a change leaves every bit as it was:
//
//   node scripts/training-hashes.mjs                      this tree, as it is built
//   node scripts/training-hashes.mjs --root ../before     another tree, built as well
//   node scripts/training-hashes.mjs --backends wasm --threads 1 --models mlp,encoder
//
// Each line names model, backend, threads and steps, and then the first 16 digits of the SHA-256 of every step's
// loss and gradient norm and of all parameters after the last. Compare two outputs with diff. The models are
// written here with the public API only, so that this file runs on older trees too. Compare runs of one version of
// Node: on the reference backend Math.exp and the like are its own.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(import.meta.url);

const { values: options } = parseArgs({
  options: {
    root: { type: "string", default: join(here, "..", "..") },
    models: { type: "string", default: "mlp,encoder,echo" },
    backends: { type: "string", default: "reference,wasm" },
    threads: { type: "string", default: "1,2" },
    // One run, as the program starts it in a process of its own: "model,backend,threads".
    run: { type: "string" },
  },
});

const root = resolve(options.root);
const load = (name) => import(pathToFileURL(join(root, "packages", name, "dist", "index.js")).href);
const e = await load("tensor");
const a = await load("autograd");

/** Standard normal numbers from a stream of their own. */
function normal(name, shape, scale = 1) {
  const size = shape.reduce((n, m) => n * m, 1);
  const out = new Float32Array(size);
  e.stream(1, `training-hashes/${name}`).fillNormal(out, 0, scale);
  return e.tensor(out, { shape });
}

/** Whole numbers from low to below high. */
function integers(name, shape, low, high) {
  const size = shape.reduce((n, m) => n * m, 1);
  const random = e.stream(1, `training-hashes/${name}`);
  return e.tensor(
    Int32Array.from({ length: size }, () => random.integer(low, high)),
    { shape },
  );
}

/** 2-16-16-1 with tanh, SGD with momentum. */
function mlp() {
  class Mlp extends a.Module {
    first = new a.Linear(2, 16);
    second = new a.Linear(16, 16);
    output = new a.Linear(16, 1);
    forward(x) {
      return this.output.forward(e.tanh(this.second.forward(e.tanh(this.first.forward(x)))));
    }
  }
  const model = new Mlp().initialize(1);
  const optimizer = new a.SGD(model, { learningRate: 0.01, momentum: 0.9 });
  const [x, y] = [normal("x", [64, 2]), normal("y", [64, 1])];
  return { model, optimizer, lossOf: () => a.mseLoss(model.forward(x), y) };
}

/** Two pre-norm layers of width 128 over tokens, with dropout, padding mask, bias and label smoothing; AdamW. */
function encoder() {
  const [width, batch, frames, classes] = [128, 3, 24, 24];
  class Layer extends a.Module {
    attentionNorm = new a.RMSNorm(width);
    attention = new a.MultiheadAttention(width, 4, { dropout: 0.1 });
    mlpNorm = new a.LayerNorm(width);
    expand = new a.Linear(width, 4 * width);
    contract = new a.Linear(4 * width, width);
    dropout = new a.Dropout(0.1);
    forward(x, masks) {
      const normed = this.attentionNorm.forward(x);
      const mixed = e.add(x, this.attention.forward(normed, normed, normed, masks));
      const hidden = e.gelu(this.expand.forward(this.mlpNorm.forward(mixed)));
      return e.add(mixed, this.dropout.forward(this.contract.forward(hidden)));
    }
  }
  class Encoder extends a.Module {
    embedding = new a.Embedding(classes, width, { paddingIndex: 0 });
    layers = [new Layer(), new Layer()];
    norm = new a.RMSNorm(width);
    classifier = new a.Linear(width, classes);
    bias = new a.Parameter(normal("bias", [1, 4, frames, frames], 0.1));
    forward(tokens, mask) {
      let x = this.embedding.forward(tokens);
      x = this.layers[0].forward(x, { mask, bias: this.bias });
      x = this.layers[1].forward(x, { causal: true });
      return this.classifier.forward(this.norm.forward(x));
    }
  }
  const model = new Encoder().initialize(1);
  const optimizer = new a.AdamW(model, { learningRate: 1e-3, weightDecay: 0.01 });
  const tokens = integers("tokens", [batch, frames], 0, classes);
  const labels = integers("labels", [batch, frames], 0, classes);
  const real = Uint8Array.from({ length: batch * frames }, (_, i) => (i % frames < 20 || i < frames ? 1 : 0));
  const mask = e.tensor(real, { shape: [batch, 1, 1, frames], dtype: "bool" });
  const rules = { ignoreIndex: 0, labelSmoothing: 0.1 };
  return {
    model,
    optimizer,
    lossOf: () => a.crossEntropyLoss(model.forward(tokens, mask), labels, rules),
  };
}

/** A small Echo with f0 in rotary angles, pitch bias and silence; CTC beside cross entropy; AdamW. */
async function echo() {
  const { Echo, resolveConfig } = await load("echo-model");
  const { model: config } = resolveConfig({
    model: {
      vocabSize: 13,
      textContext: 12,
      dims: 32,
      heads: 2,
      audioLayers: 2,
      textLayers: 1,
      memorySize: 5,
      dropout: 0.1,
      residualDropout: 0.1,
      spectrogramStem: { kernel: 3, stride: 2 },
    },
    decode: { maxTokens: 8 },
  });
  const [batch, hops, bands, length] = [2, 24, 8, 6];
  const model = new Echo(config, { mels: bands, melBins: bands, hopLength: 160 }, { seed: 1 }).train();
  const optimizer = new a.AdamW(model, { learningRate: 1e-3, betas: [0.9, 0.98] });
  const random = e.stream(1, "training-hashes/f0");
  const hertz = Float32Array.from({ length: batch * hops }, (_, i) =>
    i % 5 === 0 ? 0 : random.uniform(90, 260),
  );
  const features = {
    spectrogram: normal("spectrogram", [batch, bands, hops]),
    f0: e.tensor(hertz, { shape: [batch, hops] }),
    silent: e.tensor(
      Uint8Array.from(hertz, (_, i) => Number(i % 7 === 0)),
      { shape: [batch, hops] },
    ),
    lengths: [hops, hops - 7],
  };
  const ids = integers("ids", [batch, length], 3, 13);
  const labels = integers("labels", [batch, length], 0, 13);
  const targets = integers("targets", [batch, 3], 3, 13);
  const lossOf = () => {
    const encoded = model.encode(features);
    const { frames, lengths } = encoded.get("spectrogram");
    const counts = lengths ?? [frames.shape[1], frames.shape[1]];
    const logProbs = e.logSoftmax(model.ctcLogits(encoded));
    const ctc = a.ctcLoss(logProbs, targets, counts, [3, 2], { layout: "NTV", zeroInfinity: true });
    const logits = model.decoder.forward(ids, encoded);
    const cross = a.crossEntropyLoss(logits, labels, { ignoreIndex: 0, labelSmoothing: 0.1 });
    return e.add(e.mul(ctc, 0.4), e.mul(cross, 0.6));
  };
  return { model, optimizer, lossOf };
}

const MODELS = { mlp, encoder, echo };
/** On the reference backend the larger models are slow; fewer steps go through every gradient and update too. */
const STEPS = {
  wasm: { mlp: 200, encoder: 200, echo: 200 },
  reference: { mlp: 200, encoder: 20, echo: 50 },
};

/** Trains and returns the line that is printed. */
async function train(name, backend, threads) {
  e.setBackend(backend);
  if (backend === "wasm") {
    e.configureWasm({ threads });
    await e.initWasm();
    // Work large enough to share starts the workers; they take part once they are ready.
    e.add(e.zeros([2 ** 20]), 1);
    await new Promise((done) => setTimeout(done, threads > 1 ? 300 : 0));
  }
  const { model, optimizer, lossOf } = await MODELS[name]();
  const parameters = model.parameters();
  const steps = STEPS[backend][name];
  const hash = createHash("sha256");
  let last = Number.NaN;
  for (let step = 0; step < steps; step++) {
    const loss = lossOf();
    loss.backward();
    const norm = await a.clipGradNorm(parameters, 1);
    optimizer.step();
    optimizer.zeroGrad();
    last = loss.item();
    hash.update(new Uint8Array(Float64Array.of(last, norm).buffer));
  }
  for (const parameter of parameters) {
    const { buffer, byteOffset, byteLength } = parameter.dataSync();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  const where = `${name} ${backend} threads=${threads} steps=${steps}`;
  return `${where} loss=${last.toFixed(6)} ${hash.digest("hex").slice(0, 16)}`;
}

if (options.run !== undefined) {
  const [name, backend, threads] = options.run.split(",");
  console.log(await train(name, backend, Number(threads)));
  process.exit(0);
}

let failed = false;
for (const backend of options.backends.split(",")) {
  for (const threads of backend === "wasm" ? options.threads.split(",") : ["1"]) {
    for (const name of options.models.split(",")) {
      const run = `${name},${backend},${threads}`;
      const { status, stdout, stderr } = spawnSync(process.execPath, [here, "--root", root, "--run", run], {
        encoding: "utf8",
      });
      process.stdout.write(status === 0 ? stdout : `${run}: failed\n${stderr}`);
      failed ||= status !== 0;
    }
  }
}
process.exit(failed ? 1 : 0);
