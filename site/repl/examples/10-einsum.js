// einsum: say which axes meet
import { arange, einsum } from "@echo-ts/tensor";

const x = arange(6).reshape([2, 3]).cast("float32");
console.log("rows times rows", einsum("ik,jk->ij", x, x));
console.log("trace of it", einsum("ik,ik->", x, x));
check(einsum("ik,ik->", x, x).item() === 55, "0 + 1 + 4 + 9 + 16 + 25");
