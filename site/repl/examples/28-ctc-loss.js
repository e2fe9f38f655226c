// CTC: a label sequence without an alignment
import { ctcLoss } from "@echo-ts/autograd";
import { full, tensor } from "@echo-ts/tensor";

// Three frames, classes blank, a, b, each with probability 1/3.
const logProbs = full([3, 1, 3], Math.log(1 / 3));
const target = tensor([[1, 2]], { dtype: "int32" }); // "ab"
const loss = ctcLoss(logProbs, target, [3], [2], { reduction: "sum" });
const paths = Math.exp(-loss.item()) * 27;
console.log("of 27 equally likely paths", paths, "spell ab"); // aab abb _ab a_b ab_
check(Math.abs(paths - 5) < 1e-4, "five of them");
