// Slices are views: nothing is copied
import { arange } from "@echo-ts/tensor";

const x = arange(12).reshape([3, 4]);
const part = x.slice([{ start: 1 }, { step: -2 }]);
console.log(x);
console.log(part, "strides", part.strides);
check(part.storage === x.storage, "the part reads the buffer of the whole");
