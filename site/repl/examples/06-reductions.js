// Sums, means and where the largest is
import { tensor } from "@echo-ts/tensor";

const x = tensor([
  [1, 5, 3],
  [9, 2, 4],
]);
console.log("sum of each column", x.sum(0));
console.log("mean of each row", x.mean(1));
console.log("largest of each row at", x.argmax(1));
check(x.max().item() === 9, "the largest is 9");
