// Fitting a line by gradient descent
import { mseLoss, Parameter, SGD } from "@echo-ts/autograd";
import { linspace, tensor } from "@echo-ts/tensor";

const x = linspace(-1, 1, 21);
const y = x.mul(3).add(0.5);
const slope = new Parameter(tensor(0));
const shift = new Parameter(tensor(0));
const optimizer = new SGD([slope, shift], { learningRate: 0.3 });
const losses = [];
for (let step = 0; step < 60; step++) {
  optimizer.zeroGrad();
  const loss = mseLoss(x.mul(slope).add(shift), y);
  losses.push(loss.item());
  loss.backward();
  optimizer.step();
}
plot(losses, "Loss by step");
console.log("slope", slope.item(), "shift", shift.item());
check(Math.abs(slope.item() - 3) < 0.01, "the slope is found");
