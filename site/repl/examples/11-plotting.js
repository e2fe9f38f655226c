// Plotting functions
import { linspace } from "@echo-ts/tensor";

const x = linspace(-4, 4, 161);
plot({ relu: x.relu(), gelu: x.gelu(), tanh: x.tanh() }, "Three activations between -4 and 4");
console.log("gelu(-4) is", x.gelu().toArray()[0]);
check(Math.abs(x.gelu().toArray()[0]) < 0.001, "far to the left gelu is nearly 0");
