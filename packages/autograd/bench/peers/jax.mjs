// jax-js on its wasm backend, each item under jit. Arguments are given away unless `.ref` counts them up.
import { pathToFileURL } from "node:url";
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

const jax = await import(pathToFileURL(resolvePeer("@jax-js/jax").replace(/\.cjs$/, ".js")).href);
const { numpy: np, nn, jit, valueAndGrad, tree, blockUntilReady } = jax;
await jax.init("wasm");
jax.defaultDevice("wasm");

const arrayOf = (data, shape) => np.array(new Float32Array(data)).reshape(shape);
const draw = (name, shape) => arrayOf(numbers(name, shape), shape);

function op(compute, inputs, flops) {
  const compiled = jit(compute);
  const call = () => compiled(...inputs.map((x) => x.ref));
  return {
    flops,
    run: async () => {
      const y = await blockUntilReady(call());
      y.dispose();
    },
    check: async () => total(await call().data()),
  };
}

const gelu = (x) => {
  const cube = x.ref.mul(x.ref).mul(x.ref);
  const inner = x.ref.add(cube.mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(np.tanh(inner).add(1));
};

/** Rows through weight [out, in] and bias. */
const linear = (x, p, name) => np.matmul(x, p[`${name}.weight`].ref.transpose()).add(p[`${name}.bias`].ref);
const rmsNorm = (x, w) => {
  const square = np.mean(x.ref.mul(x.ref), -1, { keepdims: true });
  return x.mul(np.reciprocal(np.sqrt(square.add(1e-6)))).mul(w.ref);
};

const parameters = (weights) =>
  Object.fromEntries([...weights].map(([name, { data, shape }]) => [name, arrayOf(data, shape)]));

/** State goes through one compiled function: state -> [loss, state]. */
function step(update, initial, constants) {
  let state = initial;
  let last = Number.NaN;
  const compiled = jit(update);
  return {
    run: async () => {
      const [loss, next] = compiled(state, ...constants.map((x) => x.ref));
      state = next;
      last = (await loss.data())[0];
    },
    check: () => last,
  };
}

function microMlp() {
  const lossOf = (p, x, y) => {
    const h = np.tanh(linear(np.tanh(linear(x, p, "first")), p, "second"));
    const difference = linear(h, p, "output").sub(y);
    return np.mean(difference.ref.mul(difference));
  };
  const update = (p, x, y) => {
    const [loss, grads] = valueAndGrad(lossOf)(tree.ref(p), x, y);
    const next = {};
    for (const name of Object.keys(p)) next[name] = p[name].sub(grads[name].mul(0.01));
    return [loss, next];
  };
  return step(update, parameters(mlpWeights()), [draw("x", [MLP_BATCH, 2]), draw("y", [MLP_BATCH, 1])]);
}

function encoder() {
  const { width, heads, layers, frames, batch, classes } = ENCODER_128;
  const depth = width / heads;
  const lossOf = (p, x, target) => {
    let h = x;
    for (let i = 0; i < layers; i++) {
      const name = (part) => `layers.${i}.${part}`;
      const qkv = linear(rmsNorm(h.ref, p[name("attention_norm.weight")]), p, name("qkv"));
      const [q, k, v] = np
        .split(qkv, 3, -1)
        .map((part) => np.transpose(part.reshape([batch, frames, heads, depth]), [0, 2, 1, 3]));
      const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(1 / Math.sqrt(depth));
      const mixed = np.transpose(np.matmul(nn.softmax(scores, -1), v), [0, 2, 1, 3]);
      h = h.add(linear(mixed.reshape([batch * frames, width]), p, name("output")));
      const hidden = gelu(linear(rmsNorm(h.ref, p[name("mlp_norm.weight")]), p, name("expand")));
      h = h.add(linear(hidden, p, name("contract")));
    }
    const logits = linear(rmsNorm(h, p["norm.weight"]), p, "classifier");
    return np.mean(np.sum(target.mul(nn.logSoftmax(logits, -1)), -1)).mul(-1);
  };
  const update = ({ p, m, s, power }, x, target) => {
    const [loss, grads] = valueAndGrad(lossOf)(tree.ref(p), x, target);
    const next = {
      p: {},
      m: {},
      s: {},
      power: { first: power.first.mul(0.9), second: power.second.mul(0.999) },
    };
    for (const name of Object.keys(p)) {
      const g = grads[name];
      const mean = m[name].mul(0.9).add(g.ref.mul(0.1));
      const square = s[name].mul(0.999).add(g.ref.mul(g).mul(0.001));
      const root = np.sqrt(square.ref.div(next.power.second.ref.mul(-1).add(1))).add(1e-8);
      const move = mean.ref.div(next.power.first.ref.mul(-1).add(1)).div(root);
      next.p[name] = p[name].mul(1 - 1e-3 * 0.01).sub(move.mul(1e-3));
      next.m[name] = mean;
      next.s[name] = square;
    }
    return [loss, next];
  };
  const p = parameters(encoderWeights());
  const zeros = () => Object.fromEntries(Object.entries(p).map(([name, w]) => [name, np.zeros(w.shape)]));
  const hot = new Float32Array(batch * frames * classes);
  labels().forEach((label, i) => {
    hot[i * classes + label] = 1;
  });
  const initial = { p, m: zeros(), s: zeros(), power: { first: np.array(1), second: np.array(1) } };
  const x = arrayOf(numbers("x", [batch, frames, width]), [batch * frames, width]);
  return step(update, initial, [x, arrayOf(hot, [batch * frames, classes])]);
}

const items = {};
for (const [name, m, k, n] of MATMULS) {
  items[`matmul_${name}`] = () => op(np.matmul, [draw("a", [m, k]), draw("b", [k, n])], 2 * m * n * k);
}
items.gelu_1M = () => op(gelu, [draw("a", [MEBI])]);
items.exp_1M = () => op((x) => np.exp(x), [draw("a", [MEBI])]);
items.add_1M = () => op((a, b) => a.add(b), [draw("a", [MEBI]), draw("b", [MEBI])]);
items.softmax_1500 = () => op((x) => nn.softmax(x, -1), [draw("a", [1500, 1500])]);
items.micro_mlp_step = microMlp;
items.train_d128 = encoder;
await runItems("jax-js-wasm", items);
