// A small network learns exclusive or
import { AdamW, Linear, mseLoss, Sequential } from "@echo-ts/autograd";
import { tanh, tensor } from "@echo-ts/tensor";

const hidden = new Linear(2, 8);
const output = new Linear(8, 1);
const model = new Sequential(hidden, output).initialize(1);
const forward = (x) => output.forward(tanh(hidden.forward(x)));
const x = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const y = tensor([[0], [1], [1], [0]]);
const optimizer = new AdamW(model.parameters(), { learningRate: 0.05 });
const losses = [];
for (let step = 0; step < 200; step++) {
  optimizer.zeroGrad();
  const loss = mseLoss(forward(x), y);
  losses.push(loss.item());
  loss.backward();
  optimizer.step();
}
plot(losses, "Loss by step");
console.log(forward(x));
check(losses.at(-1) < 0.01, "it is learned");
