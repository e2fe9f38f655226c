// A second derivative
import { grad } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";

const cube = (x) => x.mul(x).mul(x).sum();
const first = grad(cube, { createGraph: true });
const second = grad((x) => first(x).sum());
const x = tensor([1, 2, 3]);
console.log("3 x squared", first(x));
console.log("6 x", second(x));
check(second(x).toArray().join() === "6,12,18", "the second derivative of x cubed is 6 x");
