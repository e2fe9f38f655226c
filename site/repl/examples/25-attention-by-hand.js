// Attention by hand
import { matmul, softmax, tensor } from "@echo-ts/tensor";

const q = tensor([
  [4, 0],
  [0, 4],
]); // two queries
const k = tensor([
  [1, 0],
  [0, 1],
  [1, 1],
]); // three keys
const v = tensor([
  [10, 0],
  [0, 10],
  [5, 5],
]);
const weights = softmax(matmul(q, k.transpose()).div(Math.sqrt(2)));
console.log(weights);
console.log(matmul(weights, v));
check(
  weights.toArray()[0][0] > weights.toArray()[0][1],
  "the first query likes the first key better than the second",
);
