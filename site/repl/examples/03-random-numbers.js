// Random numbers that are the same each time
import { randomNormal, stream } from "@echo-ts/tensor";

const a = randomNormal([2, 3], stream(7, "weights"));
const b = randomNormal([2, 3], stream(7, "weights"));
const c = randomNormal([2, 3], stream(7, "noise"));
console.log(a);
check(a.equal(b).all().item() === 1, "the same seed and name give the same numbers");
check(a.equal(c).any().item() === 0, "another name gives other numbers");
