// A first tensor: numbers, a shape, a type
import { tensor } from "@echo-ts/tensor";

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
console.log(x);
console.log("shape", x.shape, "dtype", x.dtype);
check(x.sum().item() === 21, "the six numbers add up to 21");
