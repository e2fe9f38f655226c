// Causal attention sees only what came before
import { attention, randomNormal, stream, tensor } from "@echo-ts/tensor";

const random = stream(3, "attention");
const [q, k, v] = [0, 1, 2].map(() => randomNormal([5, 8], random));
const before = attention(q, k, v, { causal: true });
const changed = k.add(tensor([[0], [0], [0], [0], [9]])); // only the last key;
const after = attention(q, changed, v, { causal: true });
console.log("row by row, what changed with the last key:", before.sub(after).abs().sum(1));
check(
  before
    .sub(after)
    .abs()
    .slice([{ stop: 4 }])
    .sum()
    .item() === 0,
  "the first four rows can't see it",
);
