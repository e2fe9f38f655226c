// Arithmetic, element by element
import { tensor } from "@echo-ts/tensor";

const a = tensor([1, 2, 3]);
const b = tensor([10, 20, 30]);
console.log(a.add(b), b.div(a), a.mul(2).sub(1));
console.log(a.square().sum());
check(a.mul(b).sum().item() === 140, "10 + 40 + 90");
