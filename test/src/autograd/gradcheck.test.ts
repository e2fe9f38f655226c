// Every op against central differences in float64, first and second order: with fused ops as compositions and by their
// own rules. What is differentiated, and where, stands in gradcheck-rows.ts.
import { GradientError, gradcheck, VJPS } from "@echo-ts/autograd";
import * as e from "@echo-ts/tensor";
import type * as internal from "@echo-ts/tensor/internal";
import t from "tap";
import { fusedReference } from "./fused-reference.ts";
import { ROWS, type Row, real } from "./gradcheck-rows.ts";

for (const backend of [e.findBackend("reference"), fusedReference]) {
  t.test(`gradients on ${backend.name}`, async (t) => {
    let worst = 0;
    for (const [op, row] of Object.entries(ROWS) as [internal.Op, Row | "none"][]) {
      if (row === "none") {
        t.equal(VJPS[op], "none", `${op} is not differentiable`);
        continue;
      }
      t.not(VJPS[op], "none", `${op} has a rule`);
      t.ok(row.cases.length >= 3, `${op}: at least three cases`);
      e.withBackend(backend, () => {
        for (const make of row.cases) {
          const inputs = make();
          const shapes = inputs.map((x) => e.formatShape(x.shape)).join(", ");
          try {
            const { error } = gradcheck(row.call, inputs, { secondOrder: true });
            worst = Math.max(worst, error);
            t.pass(`${op} ${shapes}`);
          } catch (error) {
            t.fail(`${op} ${shapes}: ${error instanceof Error ? error.stack : error}`);
          }
        }
      });
    }
    t.ok(worst <= 1e-6, `largest error ${worst.toExponential(1)}`);
  });
}

t.test("gradcheck", async (t) => {
  const wrong = (x: e.Tensor): e.Tensor => e.add(x, e.mul(e.floor(e.mul(x, 1e6)), 1e-6));
  t.throws(() => gradcheck(wrong, [real([2])]), GradientError, "a wrong gradient is found");
  t.throws(() => gradcheck(wrong, [real([2])]), {
    message:
      /^gradcheck: the gradient of output 0 for input 0, element 0 of \[2\], is 1, central differences give (2|1\.999999)/,
  });
  t.throws(
    () => gradcheck(wrong, [real([40, 40])]),
    { message: /^gradcheck: the gradient for input 0 along a random direction/ },
    "in random directions where the Jacobian is large",
  );
  t.equal(gradcheck(e.tanh, [real([40, 40])]).compared, 3);
  t.equal(gradcheck(e.tanh, [real([2])]).compared, 4, "every entry where it is small");
});
