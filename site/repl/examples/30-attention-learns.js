// Attention learns to copy the first token
import { AdamW, crossEntropyLoss, Embedding, Linear, Module, MultiheadAttention } from "@echo-ts/autograd";
import { arange, narrow, stream, tensor } from "@echo-ts/tensor";

class Copier extends Module {
  token = new Embedding(6, 16);
  place = new Embedding(5, 16);
  attention = new MultiheadAttention(16, 2);
  output = new Linear(16, 6);
  forward(tokens) {
    const x = this.token.forward(tokens).add(this.place.forward(arange(5)));
    return this.output.forward(narrow(x.add(this.attention.forward(x)), 1, 4, 1)).reshape([-1, 6]);
  }
}
const model = new Copier().initialize(2);
const random = stream(2, "tokens");
const optimizer = new AdamW(model.parameters(), { learningRate: 0.01 });
const losses = [];
for (let step = 0; step < 150; step++) {
  const numbers = Int32Array.from({ length: 160 }, () => random.integer(0, 6));
  const tokens = tensor(numbers, { shape: [32, 5] });
  optimizer.zeroGrad();
  const loss = crossEntropyLoss(model.forward(tokens), narrow(tokens, 1, 0, 1).reshape([-1]));
  losses.push(loss.item());
  loss.backward();
  optimizer.step();
}
plot(losses, "Loss by step");
console.log("first", losses[0], "last", losses.at(-1));
check(losses.at(-1) < losses[0] / 2, "the loss is less than half of what it was");
