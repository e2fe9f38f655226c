// TensorFlow.js on its wasm backend. It has no AdamW: Adam, then the decay of the weights.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  ENCODER_128,
  encoderWeights,
  labels,
  MATMULS,
  MEBI,
  MLP_BATCH,
  mlpWeights,
  numbers,
  resolvePeer,
  runItems,
  total,
} from "./harness.mjs";

const require = createRequire(import.meta.url);
const tf = require(resolvePeer("@tensorflow/tfjs"));
const { setWasmPaths } = require(resolvePeer("@tensorflow/tfjs-backend-wasm"));
setWasmPaths(join(dirname(resolvePeer("@tensorflow/tfjs-backend-wasm")), "/"));
tf.env().set("PROD", true);
await tf.setBackend("wasm");
await tf.ready();

const draw = (name, shape) => tf.tensor(numbers(name, shape), shape);
const op = (compute, flops) => ({
  flops,
  run: () => compute().dispose(),
  check: () => {
    const y = compute();
    const sum = total(y.dataSync());
    y.dispose();
    return sum;
  },
});

const gelu = (x) => {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
};

/** Rows through weight [out, in] and bias. */
const linear = (x, w, b) => tf.add(tf.matMul(x, w, false, true), b);
const rmsNorm = (x, w) => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-6))), w);

const variables = (weights) =>
  Object.fromEntries(
    [...weights].map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))]),
  );

/** Loss and gradients, a step of the optimiser, the loss read back. */
function step(lossOf, update) {
  let last = Number.NaN;
  return {
    run: () => {
      const { value, grads } = tf.variableGrads(lossOf);
      update(grads);
      last = value.dataSync()[0];
      value.dispose();
      tf.dispose(grads);
    },
    check: () => last,
  };
}

function microMlp() {
  const p = variables(mlpWeights());
  const x = draw("x", [MLP_BATCH, 2]);
  const y = draw("y", [MLP_BATCH, 1]);
  const optimizer = tf.train.sgd(0.01);
  const layer = (h, name) => linear(h, p[`${name}.weight`], p[`${name}.bias`]);
  const lossOf = () => {
    const h = tf.tanh(layer(tf.tanh(layer(x, "first")), "second"));
    return tf.mean(tf.square(tf.sub(layer(h, "output"), y)));
  };
  return step(lossOf, (grads) => optimizer.applyGradients(grads));
}

function encoder() {
  const { width, heads, layers, frames, batch, classes } = ENCODER_128;
  const p = variables(encoderWeights());
  const x = tf.reshape(draw("x", [batch, frames, width]), [batch * frames, width]);
  const target = tf.oneHot(tf.tensor1d(labels(), "int32"), classes).toFloat();
  const layer = (h, name) => linear(h, p[`${name}.weight`], p[`${name}.bias`]);
  const depth = width / heads;
  const lossOf = () => {
    let h = x;
    for (let i = 0; i < layers; i++) {
      const name = (part) => `layers.${i}.${part}`;
      const qkv = layer(rmsNorm(h, p[name("attention_norm.weight")]), name("qkv"));
      const [q, k, v] = tf
        .split(qkv, 3, -1)
        .map((part) => tf.transpose(tf.reshape(part, [batch, frames, heads, depth]), [0, 2, 1, 3]));
      const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth)));
      const mixed = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [batch * frames, width]);
      h = tf.add(h, layer(mixed, name("output")));
      const hidden = gelu(layer(rmsNorm(h, p[name("mlp_norm.weight")]), name("expand")));
      h = tf.add(h, layer(hidden, name("contract")));
    }
    const logits = layer(rmsNorm(h, p["norm.weight"]), "classifier");
    return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
  };
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  return step(lossOf, (grads) => {
    tf.tidy(() => {
      for (const variable of Object.values(p)) variable.assign(tf.mul(variable, 1 - 1e-3 * 0.01));
    });
    optimizer.applyGradients(grads);
  });
}

const items = {};
for (const [name, m, k, n] of MATMULS) {
  items[`matmul_${name}`] = () => {
    const [a, b] = [draw("a", [m, k]), draw("b", [k, n])];
    return op(() => tf.matMul(a, b), 2 * m * n * k);
  };
}
const unary = (compute, shape) => () => {
  const x = draw("a", shape);
  return op(() => tf.tidy(() => compute(x)));
};
items.gelu_1M = unary(gelu, [MEBI]);
items.exp_1M = unary(tf.exp, [MEBI]);
items.add_1M = () => {
  const [a, b] = [draw("a", [MEBI]), draw("b", [MEBI])];
  return op(() => tf.add(a, b));
};
items.softmax_1500 = unary(tf.softmax, [1500, 1500]);
items.micro_mlp_step = microMlp;
items.train_d128 = encoder;
await runItems("tfjs-wasm", items);
