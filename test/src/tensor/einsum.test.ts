// Every kind of einsum equation against explicit loops, and what is refused.
import * as e from "@echo-ts/tensor";
import { tensor } from "@echo-ts/tensor";
import t from "tap";
import { build, indices, sumOver } from "./naive.ts";

t.test("einsum agrees with explicit loops", async (t) => {
  const cases: [string, number[][]][] = [
    [
      "ij,jk->ik",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "ij,jk",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "bij,bjk->bik",
      [
        [2, 2, 3],
        [2, 3, 4],
      ],
    ],
    ["ij->ji", [[2, 3]]],
    ["ij->", [[2, 3]]],
    ["ii->i", [[3, 3]]],
    ["ii", [[3, 3]]],
    ["i,j->ij", [[2], [3]]],
    ["i,i->i", [[3], [3]]],
    [
      "bhqd,bhkd->bhqk",
      [
        [2, 2, 3, 4],
        [2, 2, 5, 4],
      ],
    ],
    [
      "ij,jk,kl->il",
      [
        [2, 3],
        [3, 4],
        [4, 2],
      ],
    ],
    [
      "ijk,il,jm->klm",
      [
        [2, 3, 2],
        [2, 2],
        [3, 2],
      ],
    ],
    ["iij->j", [[2, 2, 3]]],
    [
      "ab,ab->ba",
      [
        [2, 3],
        [2, 3],
      ],
    ],
    [",i->i", [[], [3]]],
    [
      "ij,jk->k",
      [
        [2, 0],
        [0, 3],
      ],
    ],
  ];
  for (const [subscripts, shapes] of cases) {
    const grids = shapes.map((shape, k) =>
      build(shape, (...index) => Math.sin(7 * k + sumOver(index.length, (a) => index[a]! * (a + 1.3)))),
    );
    const [left, right] = subscripts.split("->") as [string, string | undefined];
    const terms = left.split(",");
    const all = [...new Set(left.replaceAll(",", ""))];
    const once = all.filter((c) => left.split(c).length === 2).sort();
    const output = right === undefined ? once : [...right];
    const summed = all.filter((c) => !output.includes(c));
    const size = (c: string) =>
      shapes[terms.findIndex((term) => term.includes(c))]![
        terms.find((term) => term.includes(c))!.indexOf(c)
      ]!;
    const expected = build(output.map(size), (...outer) =>
      indices(summed.map(size)).reduce((sum, inner) => {
        const value = (c: string) =>
          output.includes(c) ? outer[output.indexOf(c)]! : inner[summed.indexOf(c)]!;
        return (
          sum +
          terms.reduce((product, term, k) => {
            const position = [...term].reduce((p, c, a) => p * shapes[k]![a]! + value(c), 0);
            return product * grids[k]!.data[position]!;
          }, 1)
        );
      }, 0),
    );
    const inputs = grids.map((g) => tensor(Float64Array.from(g.data), { shape: g.shape }));
    const actual = e.einsum(subscripts, ...inputs);
    t.same(actual.shape, expected.shape, subscripts);
    const values = actual.dataSync();
    t.ok(
      expected.data.every((v, i) => Math.abs(v - values[i]!) < 1e-12),
      `${subscripts}: values`,
    );
  }
});
