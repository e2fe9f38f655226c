// Attention in four heads
import { MultiheadAttention } from "@echo-ts/autograd";
import { randomNormal, stream } from "@echo-ts/tensor";

const layer = new MultiheadAttention(16, 4).initialize(5);
const x = randomNormal([1, 6, 16], stream(5, "input"));
const y = layer.forward(x);
console.log("in", x.shape, "out", y.shape);
console.log([...layer.namedParameters()].map(([name, p]) => `${name} [${p.shape}]`).join("\n"));
check(y.shape.join() === "1,6,16", "the shape stays");
