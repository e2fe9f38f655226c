// Comparing and choosing
import { tensor, where } from "@echo-ts/tensor";

const x = tensor([-2, -1, 0, 1, 2]);
const positive = x.greater(0);
console.log(positive);
console.log(where(positive, x, 0));
check(where(positive, x, 0).sum().item() === 3, "1 + 2 are left");
