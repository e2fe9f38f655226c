// A convolution finds edges
import { conv1d, tensor } from "@echo-ts/tensor";

const signal = [0, 0, 0, 1, 1, 1, 1, 0, 0, 0];
const x = tensor(signal).reshape([1, 1, 10]); // batch, channels, time
const kernel = tensor([-1, 1]).reshape([1, 1, 2]);
const y = conv1d(x, kernel).flatten();
plot({ signal, edges: y }, "A step up and a step down");
console.log(y);
check(y.argmax().item() === 2 && y.argmin().item() === 6, "up after 2, down after 6");
