// The same items in jax-js, for a comparison on the same GPU: each compiled by jit. Arguments are given away
// unless `.ref` counts them up. What jax-js does not offer in one function is left out.
import * as e from "@echo-ts/tensor";

/** jax-js' module -> name -> () => () => Array. */
export function jaxItems(jax) {
  const { numpy: np, nn, lax, jit } = jax;
  const normal = (shape, name) => {
    const values = e.withBackend("reference", () => e.randomNormal(shape, e.stream(1, name)).dataSync());
    return np.array(new Float32Array(values)).reshape(shape);
  };
  const item =
    (compute, ...inputs) =>
    () => {
      const compiled = jit(compute);
      const given = inputs.map(([shape, name]) => normal(shape, name));
      return () => compiled(...given.map((x) => x.ref));
    };
  const square = (n, name) => [[n, n], name];
  const heads = (name) => [[1, 8, 256, 64], name];
  return {
    "matmul 64": item(np.matmul, square(64, "a"), square(64, "b")),
    "matmul 256": item(np.matmul, square(256, "a"), square(256, "b")),
    "matmul 1024": item(np.matmul, square(1024, "a"), square(1024, "b")),
    "gelu(a + b), 1M": item(
      (a, b) => nn.gelu(a.add(b), { approximate: false }),
      square(1024, "a"),
      square(1024, "b"),
    ),
    "softmax 64 x 64": item((x) => nn.softmax(x, -1), square(64, "x")),
    "softmax 1024 x 1024": item((x) => nn.softmax(x, -1), square(1024, "x")),
    "layerNorm 1024 x 1024": item((x) => nn.standardize(x, -1), square(1024, "x")),
    "conv1d 128 -> 256, 1500 frames": item(
      (x, w) => lax.convGeneralDilated(x, w, [1], [[1, 1]]),
      [[1, 128, 1500], "x"],
      [[256, 128, 3], "w"],
    ),
    "attention 8 heads, 256 x 64": item(
      (q, k, v) => {
        const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(1 / 8);
        return np.matmul(nn.softmax(scores, -1), v);
      },
      heads("q"),
      heads("k"),
      heads("v"),
    ),
    "chain of 50 ops, 64 x 64": item(
      (x) => {
        let y = x;
        for (let i = 0; i < 50; i++) y = np.tanh(y);
        return y;
      },
      square(64, "x"),
    ),
  };
}
