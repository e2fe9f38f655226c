// The product of matrices
import { matmul, tensor } from "@echo-ts/tensor";

const a = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
]); // [3, 2]
const b = tensor([
  [1, 0, 1],
  [0, 1, 1],
]); // [2, 3]
const c = matmul(a, b);
console.log(c);
check(c.toArray()[2][2] === 11, "5 times 1 and 6 times 1");
