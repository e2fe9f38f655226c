// Checking a gradient with differences
import { gradcheck } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";

const x = tensor([0.5, -1, 2], { dtype: "float64" });
const report = gradcheck((v) => v.sigmoid().mul(v).sum(), [x]);
console.log(report.compared, "derivatives compared");
check(report.error < 1e-6, "they agree");
