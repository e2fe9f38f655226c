// Values of PyTorch: every forward case of the golden operations, on every backend.
import { Tensor, withBackend } from "@echo-ts/tensor";
import t from "tap";
import { GOLDEN_OPS, shareOfTolerance } from "../golden-cases.ts";
import { readGoldenCases } from "../read-golden.ts";
import { everyBackend } from "./every-backend.ts";

/** Cases that test what is no op but a network. They belong to the tests of autograd. */
const ELSEWHERE = new Set(["two-layer network", "reuse of one tensor"]);

t.test("golden operations", async (t) => {
  const { cases, value } = readGoldenCases();
  for (const backend of await everyBackend()) {
    await t.test(backend.name, async (t) => {
      let ran = 0;
      for (const c of cases) {
        if (ELSEWHERE.has(c.op)) continue;
        const op = GOLDEN_OPS[c.op];
        if (op === undefined) {
          t.fail(`no row for the golden op ${c.op}`);
          continue;
        }
        const inputs = withBackend(backend, () =>
          Object.fromEntries(Object.entries(c.in).map(([name, key]) => [name, value(key)])),
        );
        const expected = Object.fromEntries(Object.entries(c.out).map(([name, key]) => [name, value(key)]));
        const result = withBackend(backend, () => op(inputs, c.params, Object.values(expected)[0]!));
        const actual: Readonly<Record<string, Tensor>> = result instanceof Tensor ? { y: result } : result;
        for (const [name, y] of Object.entries(expected)) {
          const got = actual[name]!;
          t.same(got.shape, y.shape, `${c.name}: shape of ${name}`);
          const worst = shareOfTolerance(await got.data(), await y.data());
          t.ok(worst <= 1, `${c.name}: ${name} within tolerance (${worst.toPrecision(2)} of it)`);
        }
        ran++;
      }
      t.equal(ran, cases.filter((c) => !ELSEWHERE.has(c.op)).length);
      t.ok(ran >= 180, `${ran} golden cases`);
    });
  }
});
