// What the comparison measures: each item makes its tensors once and returns the op to time. Sizes are those
// of a small speech model. Read next: page.js.
import * as e from "@echo-ts/tensor";

const normal = (shape, name) => e.randomNormal(shape, e.stream(1, name));

/** name -> () => () => Tensor; `small` items also suit software rendering. */
export const ITEMS = {
  "matmul 64": {
    small: true,
    make: () => {
      const [a, b] = [normal([64, 64], "a"), normal([64, 64], "b")];
      return () => e.matmul(a, b);
    },
  },
  "matmul 256": {
    make: () => {
      const [a, b] = [normal([256, 256], "a"), normal([256, 256], "b")];
      return () => e.matmul(a, b);
    },
  },
  "matmul 1024": {
    make: () => {
      const [a, b] = [normal([1024, 1024], "a"), normal([1024, 1024], "b")];
      return () => e.matmul(a, b);
    },
  },
  "gelu(a + b), 1M": {
    make: () => {
      const [a, b] = [normal([1024, 1024], "a"), normal([1024, 1024], "b")];
      return () => e.gelu(e.add(a, b));
    },
  },
  "softmax 64 x 64": {
    small: true,
    make: () => {
      const x = normal([64, 64], "x");
      return () => e.softmax(x);
    },
  },
  "softmax 1024 x 1024": {
    make: () => {
      const x = normal([1024, 1024], "x");
      return () => e.softmax(x);
    },
  },
  "layerNorm 1024 x 1024": {
    make: () => {
      const [x, w, b] = [normal([1024, 1024], "x"), e.ones([1024]), e.zeros([1024])];
      return () => e.layerNorm(x, w, b);
    },
  },
  "conv1d 128 -> 256, 1500 frames": {
    make: () => {
      const [x, w] = [normal([1, 128, 1500], "x"), normal([256, 128, 3], "w")];
      return () => e.conv1d(x, w, null, { padding: 1 });
    },
  },
  "attention 8 heads, 256 x 64": {
    make: () => {
      const [q, k, v] = ["q", "k", "v"].map((name) => normal([1, 8, 256, 64], name));
      return () => e.attention(q, k, v);
    },
  },
  "chain of 50 ops, 64 x 64": {
    small: true,
    make: () => {
      const x = normal([64, 64], "x");
      return () => {
        let y = x;
        for (let i = 0; i < 50; i++) y = e.tanh(y);
        return y;
      };
    },
  },
};
