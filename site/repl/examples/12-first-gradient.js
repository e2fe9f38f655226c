// A first gradient
import { variable } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";

const x = variable(tensor([1, 2, 3]));
const loss = x.square().sum();
loss.backward();
console.log("loss", loss.item(), "gradient", x.grad);
check(x.grad.toArray().join() === "2,4,6", "the slope of x squared is 2 x");
