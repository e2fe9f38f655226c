// Ways to make tensors
import { arange, eye, full, linspace, zeros } from "@echo-ts/tensor";

console.log(zeros([2, 3]));
console.log(full([2], 7));
console.log(arange(5));
console.log(linspace(0, 1, 5));
console.log(eye(3));
check(eye(3).sum().item() === 3, "an identity matrix of 3 rows holds three ones");
