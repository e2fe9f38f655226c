// Softmax and cross entropy
import { crossEntropyLoss } from "@echo-ts/autograd";
import { softmax, tensor } from "@echo-ts/tensor";

const logits = tensor([
  [2, 1, 0],
  [0, 0, 5],
]);
console.log(softmax(logits));
const loss = crossEntropyLoss(logits, tensor([0, 2], { dtype: "int32" }));
console.log("loss", loss.item());
check(Math.abs(softmax(logits).sum(1).toArray()[0] - 1) < 1e-6, "each row adds up to 1");
