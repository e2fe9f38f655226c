// Intervals over seeds and over utterances: against SciPy, against every possible draw, and where the answer is known.
import {
  bootstrapDifference,
  bootstrapPairs,
  meanInterval,
  type UtteranceErrors,
} from "@echo-ts/echo-model/study";
import { stream } from "@echo-ts/tensor";
import t from "tap";

t.test("intervals of a mean are SciPy's", async (t) => {
  // scipy.stats.t.interval(0.95, n - 1, loc=mean, scale=sem(values)), SciPy 1.17.1
  const cases: [values: number[], low: number, high: number][] = [
    [[0.206, 0.193], 0.116909669, 0.282090331],
    [[0.232, 0.205, 0.173], 0.129963607, 0.27670306],
    [[0.218, 0.265, 0.247, 0.165, 0.137], 0.139111434, 0.273688566],
    [
      [
        0.169, 0.202, 0.084, 0.189, 0.138, 0.163, 0.173, 0.184, 0.221, 0.252, 0.194, 0.268, 0.167, 0.218,
        0.245, 0.205, 0.163, 0.154, 0.177, 0.211, 0.15, 0.19, 0.192, 0.227, 0.211, 0.218, 0.167, 0.194, 0.239,
        0.275, 0.137,
      ],
      0.177739697,
      0.207873206,
    ],
    [
      [
        0.276, 0.267, 0.239, 0.213, 0.184, 0.273, 0.298, 0.29, 0.266, 0.218, 0.14, 0.2, 0.233, 0.136, 0.22,
        0.221, 0.235, 0.141, 0.167, 0.178, 0.142, 0.287, 0.175, 0.216, 0.187, 0.279, 0.266, 0.232, 0.09,
        0.203, 0.234, 0.25,
      ],
      0.19843635,
      0.23631365,
    ],
    [
      [
        0.169, 0.291, 0.134, 0.167, 0.247, 0.202, 0.3, 0.209, 0.168, 0.181, 0.145, 0.136, 0.232, 0.229, 0.265,
        0.162, 0.284, 0.186, 0.279, 0.178, 0.163, 0.212, 0.252, 0.208, 0.171, 0.133, 0.13, 0.225, 0.249,
        0.192, 0.146, 0.244, 0.136, 0.164, 0.231, 0.087, 0.219, 0.171, 0.205, 0.196, 0.21, 0.235, 0.162,
        0.271, 0.236, 0.242, 0.258, 0.239, 0.242, 0.204, 0.129, 0.193, 0.162, 0.129, 0.213, 0.172, 0.149,
        0.148, 0.213, 0.218,
      ],
      0.186333282,
      0.211100051,
    ],
  ];
  for (const [values, low, high] of cases) {
    const interval = meanInterval(values);
    const near = (a: number, b: number): boolean => Math.abs(a - b) < 2e-4 * (high - low);
    t.ok(
      near(interval.low, low) && near(interval.high, high),
      `${values.length} values: ${interval.low} ${interval.high}`,
    );
  }
  t.throws(() => meanInterval([1]), {
    message: "meanInterval: one value has no spread, expected at least 2, got 1",
  });
});

const scored = (...errors: number[]): UtteranceErrors[] =>
  errors.map((wrong) => ({ errors: wrong, total: 4 }));

t.test("the ends are those of all draws that are possible", async (t) => {
  const first = [scored(0, 2, 4), scored(1, 2, 2)];
  const second = [scored(1, 0, 1), scored(1, 1, 0)];
  const totals = [4, 4, 4];
  const values: number[] = [];
  for (let i = 0; i < 27; i++) {
    const picks = [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9)];
    const rate = (errors: readonly UtteranceErrors[]): number =>
      picks.reduce((sum, pick) => sum + errors[pick]!.errors, 0) /
      picks.reduce((sum, pick) => sum + totals[pick]!, 0);
    values.push((rate(first[0]!) - rate(second[0]!) + rate(first[1]!) - rate(second[1]!)) / 2);
  }
  values.sort((a, b) => a - b);
  // 27 draws are equally likely; with level 0.8 the ends fall well inside a step of their distribution.
  const at = (share: number): number => values[Math.floor(share * 27)]!;
  const { value, low, high } = bootstrapPairs(first, second, {
    random: stream(1, "pairs"),
    resamples: 20000,
    level: 0.8,
  });
  t.ok(Math.abs(value - (6 / 12 - 2 / 12 + 5 / 12 - 2 / 12) / 2) < 1e-12);
  t.ok(Math.abs(low - at(0.1)) < 1e-12, `${low}, ${at(0.1)}`);
  t.ok(Math.abs(high - at(0.9)) < 1e-12, `${high}, ${at(0.9)}`);
});

t.test("of many utterances the interval is the normal one", async (t) => {
  const random = stream(5, "errors");
  const draw = (chance: number): UtteranceErrors[] =>
    Array.from({ length: 800 }, () => ({ errors: random.next() < chance ? 1 : 0, total: 1 }));
  const [first, second] = [
    [draw(0.3), draw(0.32)],
    [draw(0.2), draw(0.22)],
  ];
  const differences = first[0]!.map(
    (_, i) =>
      (first[0]![i]!.errors + first[1]![i]!.errors - second[0]![i]!.errors - second[1]![i]!.errors) / 2,
  );
  const mean = differences.reduce((sum, x) => sum + x, 0) / 800;
  const deviation = Math.sqrt(differences.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 800);
  const half = (1.96 * deviation) / Math.sqrt(800);
  const { value, low, high } = bootstrapPairs(first, second, {
    random: stream(2, "pairs"),
    resamples: 4000,
  });
  t.ok(Math.abs(value - mean) < 1e-12);
  t.ok(Math.abs(low - (mean - half)) < 0.05 * half, `${low}, ${mean - half}`);
  t.ok(Math.abs(high - (mean + half)) < 0.05 * half, `${high}, ${mean + half}`);
});

t.test("pairing takes away what is common", async (t) => {
  const hard = scored(0, 4, 0, 4, 0, 4, 0, 4);
  const harder = hard.map(({ errors, total }) => ({ errors: errors + 1, total }));
  const { value, low, high } = bootstrapPairs([harder, harder], [hard, hard], { random: stream(3, "pairs") });
  t.same([value, low, high], [0.25, 0.25, 0.25], "one error more in each of 4 words, in every draw");
  t.same(
    bootstrapPairs([hard], [scored(1, 1, 1, 1, 1, 1, 1, 1)], { random: stream(4, "pairs") }),
    bootstrapDifference(hard, scored(1, 1, 1, 1, 1, 1, 1, 1), { random: stream(4, "pairs") }),
    "with one seed it is the bootstrap of two systems",
  );
});

t.test("unequal lists are refused", async (t) => {
  const random = stream(0, "pairs");
  t.throws(() => bootstrapPairs([scored(1)], [], { random }), {
    message: "bootstrapPairs: seeds are paired, expected equal numbers of at least 1, got 1 and 0",
  });
  t.throws(() => bootstrapPairs([scored(1, 2)], [scored(1)], { random }), {
    message: "bootstrapPairs: all trainings are scored on the same utterances, expected 2, got 1",
  });
  t.throws(() => bootstrapPairs([[]], [[]], { random }), /no utterance/);
});
