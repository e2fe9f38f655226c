// What the tape remembers
import { graphText, toDot, variable } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";

const w = variable(tensor([0.5, -1]));
const x = tensor([3, 2]);
const loss = w.mul(x).tanh().sum();
console.log(graphText(loss));
drawTape(toDot(loss), "From the weights to the loss");
check(graphText(loss).includes("tanh"), "tanh is on the tape");
