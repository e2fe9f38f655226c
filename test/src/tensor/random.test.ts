// Named random streams: exact reference draws, distributions, independence, saved state.
import fc from "fast-check";
import t from "tap";
import { type RandomStream, stream } from "../../../packages/tensor/dist/random.js";

// The reference draws come from a Python transcription of the published Alea algorithm (Baagoe 2010),
// double-precision variant, with the polar method and the unbiased integer draw written out again there.
t.test("draws equal an independent implementation of Alea", async (t) => {
  const uniform = stream(7, "dropout");
  t.same(
    [uniform.next(), uniform.next(), uniform.next()],
    [0.924716945968423, 0.09120812081451535, 0.7198181300105251],
  );
  const normal = stream(7, "dropout");
  t.same([normal.normal(), normal.normal()], [0.8525952450655213, 0.96025321286144]);
  t.same([...stream(7, "shuffle").permutation(8)], [6, 7, 3, 1, 2, 5, 4, 0]);
});

t.test("the same seed and name give the same draws, as text or number", async (t) => {
  const draw = (s: RandomStream) => s.fillNormal(new Float64Array(50));
  t.same(draw(stream(7, "a")), draw(stream("7", "a")));
  t.notSame(draw(stream(7, "a")), draw(stream(8, "a")));
  t.notSame(draw(stream(7, "a")), draw(stream(7, "b")));
});

t.test("draws of one stream do not move another", async (t) => {
  const alone = stream(1, "dropout").fillUniform(new Float64Array(20));
  const dropout = stream(1, "dropout");
  const mixed = new Float64Array(20);
  for (let i = 0; i < 20; i++) {
    stream(1, "a new layer").normal();
    mixed[i] = dropout.next();
  }
  t.same(mixed, alone);
});

t.test("a child depends on its path, not on the draws of its parent", async (t) => {
  const parent = stream(3, "init");
  const before = parent.child("query").next();
  parent.normal();
  t.equal(parent.child("query").next(), before);
  t.equal(stream(3, "init/query").next(), before);
  t.not(parent.child("key").next(), before);
});

t.test("a slash in the seed is not the one that ends it", async (t) => {
  const first = (seed: string | number, name: string) => stream(seed, name).next();
  for (const [a, b] of [
    [first("7", "1/x"), first("7/1", "x")],
    [first(7, "1/x"), first("7/1", "x")],
    [first("a", "b/c"), first("a/b", "c")],
    [first("7", "/x"), first("7/", "x")],
    [first("/", "x"), first("", "/x")],
    [first('"7/1"', "x"), first("7/1", "x")],
    [first('"7', '1"/x'), first("7/1", "x")],
    [stream("7/1", "a").child("x").next(), stream(7, "1/a").child("x").next()],
  ]) {
    t.not(a, b);
  }
  fc.assert(
    fc.property(
      fc.tuple(fc.stringMatching(/^[a/"\\]{0,4}$/), fc.stringMatching(/^[a/"\\]{1,4}$/)),
      fc.tuple(fc.stringMatching(/^[a/"\\]{0,4}$/), fc.stringMatching(/^[a/"\\]{1,4}$/)),
      (a, b) => (stream(...a).path === stream(...b).path) === (a[0] === b[0] && a[1] === b[1]),
    ),
    { numRuns: 20000, seed: 3 },
  );
  // Where no slash is in the seed, the path is the one that it always was, and so are the draws.
  t.equal(stream("run 12", "init/a").path, "run 12/init/a");
  t.equal(stream(-1.5, "a").path, "-1.5/a");
});

t.test("neighbouring names are uncorrelated", async (t) => {
  const n = 20000;
  for (const [a, b] of [
    ["layer.0", "layer.1"],
    ["layer.1", "layer.10"],
    ["a", "b"],
  ] as const) {
    const x = stream(0, a).fillUniform(new Float64Array(n), -0.5, 0.5);
    const y = stream(0, b).fillUniform(new Float64Array(n), -0.5, 0.5);
    let product = 0;
    for (let i = 0; i < n; i++) product += x[i]! * y[i]!;
    // Correlation of independent draws has standard deviation 1/sqrt(n) = 0.007.
    t.ok(Math.abs((12 * product) / n) < 0.03, `${a} and ${b}`);
  }
});

/** Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const k = 1 / (1 + 0.3275911 * x);
  const poly =
    k * (0.254829592 + k * (-0.284496736 + k * (1.421413741 + k * (-1.453152027 + k * 1.061405429))));
  const erf = 1 - poly * Math.exp(-x * x);
  return z < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

/** Largest distance between the empirical distribution and `cdf` (Kolmogorov-Smirnov), times sqrt(n). */
function ksStatistic(draws: Float64Array, cdf: (x: number) => number): number {
  const sorted = draws.slice().sort();
  const n = sorted.length;
  let worst = 0;
  sorted.forEach((x, i) => {
    worst = Math.max(worst, Math.abs(cdf(x) - i / n), Math.abs(cdf(x) - (i + 1) / n));
  });
  return worst * Math.sqrt(n);
}

// P(statistic > 2.2) is about 1e-4 for the right distribution; a wrong one grows with sqrt(n).
t.test("distributions pass the Kolmogorov-Smirnov test", async (t) => {
  const n = 20000;
  const out = () => new Float64Array(n);
  const s = stream(11, "distribution");
  t.ok(ksStatistic(s.fillUniform(out(), -3, 5), (x) => (x + 3) / 8) < 2.2, "uniform");
  t.ok(ksStatistic(s.fillNormal(out(), 2, 0.5), (x) => normalCdf((x - 2) / 0.5)) < 2.2, "normal");
  for (const [low, high] of [
    [-2, 2],
    [-0.5, 0.7],
    [-1, 9],
    [0, 3],
    [1, 1.2],
    [2, 8],
    [-8, -2],
    [-1.5, -1],
  ] as const) {
    const mass = normalCdf(high) - normalCdf(low);
    const draws = s.fillTruncatedNormal(out(), 0, 1, low, high);
    const cdf = (x: number) => (normalCdf(x) - normalCdf(low)) / mass;
    t.ok(ksStatistic(draws, cdf) < 2.2, `truncated normal on [${low}, ${high}]`);
    t.ok(draws.every((x) => x >= low && x <= high));
  }
});

t.test("the two deviates of a polar pair are uncorrelated", async (t) => {
  const s = stream(2, "pairs");
  let product = 0;
  for (let i = 0; i < 20000; i++) product += s.normal() * s.normal();
  t.ok(Math.abs(product / 20000) < 0.03);
});

t.test("a truncated normal far in the tail stays in its interval and ends", async (t) => {
  const s = stream(5, "tail");
  t.ok(s.truncatedNormal(0, 1, 30, 31) < 30.5);
  t.equal(s.truncatedNormal(0, 1e-300, 5, 6), 5);
  t.equal(s.truncatedNormal(0, 1e-300, -6, -5), -5);
  t.equal(s.truncatedNormal(0, 1, 1.5, 1.5), 1.5);
});

t.test("bernoulli and integer have the right frequencies", async (t) => {
  const s = stream(4, "counts");
  const ones = s.fillBernoulli(new Uint8Array(20000), 0.3).reduce((sum, x) => sum + x, 0);
  t.ok(Math.abs(ones - 6000) < 5 * Math.sqrt(20000 * 0.3 * 0.7));
  t.notOk(s.bernoulli(0));
  t.ok(s.bernoulli(1));
  const counts = new Array<number>(6).fill(0);
  for (let i = 0; i < 60000; i++) counts[s.integer(-2, 4) + 2]!++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10000) ** 2 / 10000, 0);
  t.ok(chiSquare < 25.7, `chi-square of 5 degrees of freedom is ${chiSquare}, 25.7 has probability 1e-4`);
});

t.test("every order of three is equally likely", async (t) => {
  const s = stream(9, "orders");
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const key = s.permutation(3).join("");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  t.equal(counts.size, 6);
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  t.ok(chiSquare < 25.7);
});

t.test("a permutation holds each index once, also for lengths 0 and 1", async (t) => {
  fc.assert(
    fc.property(fc.nat(200), fc.string(), (n, seed) => {
      const sorted = stream(seed, "p").permutation(n).sort();
      return sorted.length === n && sorted.every((value, i) => value === i);
    }),
  );
  t.same([...stream(0, "p").permutation(1)], [0]);
});

t.test("fills equal single draws", async (t) => {
  const cases: [string, (s: RandomStream, out: Float64Array) => Float64Array, (s: RandomStream) => number][] =
    [
      ["uniform", (s, out) => s.fillUniform(out, -1, 2), (s) => s.uniform(-1, 2)],
      ["normal", (s, out) => s.fillNormal(out, 1, 3), (s) => s.normal(1, 3)],
      ["truncated", (s, out) => s.fillTruncatedNormal(out, 0, 1, 1, 2), (s) => s.truncatedNormal(0, 1, 1, 2)],
      ["bernoulli", (s, out) => s.fillBernoulli(out, 0.4), (s) => Number(s.bernoulli(0.4))],
      ["integer", (s, out) => s.fillInteger(out, 3, 9), (s) => s.integer(3, 9)],
    ];
  for (const [name, fill, draw] of cases) {
    const filled = fill(stream(6, name), new Float64Array(31));
    const single = stream(6, name);
    t.same(
      filled,
      Float64Array.from({ length: 31 }, () => draw(single)),
      name,
    );
  }
});

t.test("uniform draws never reach the upper bound after rounding to float32", async (t) => {
  const out = stream(1, "edge").fillUniform(new Float32Array(100000), 1, 1 + 2 ** -22);
  t.ok(out.every((x) => x >= 1 && x < 1 + 2 ** -22));
});

t.test("a state restores exactly through JSON, in the middle of a normal pair too", async (t) => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(20), (normals, uniforms) => {
      const original = stream(12, "state");
      for (let i = 0; i < normals; i++) original.normal();
      for (let i = 0; i < uniforms; i++) original.next();
      const saved = JSON.parse(JSON.stringify(original.state()));
      const expected = original.fillNormal(new Float64Array(7));
      const resumed = stream(12, "state");
      resumed.normal();
      resumed.restore(saved);
      const again = resumed.fillNormal(new Float64Array(7));
      original.restore(saved);
      return again.every((x, i) => x === expected[i]) && original.normal() === expected[0];
    }),
  );
  t.pass();
});

t.test("bad arguments are named", async (t) => {
  const s = stream(1, "x");
  const message = (call: () => unknown, text: string) => t.throws(call, new RangeError(text));
  message(() => stream(Number.NaN, "x"), "stream: expected a finite number or a text as seed, got NaN");
  message(() => stream(1, ""), 'stream: expected a name such as "dropout", got an empty one');
  message(() => s.child(""), 'child: expected a name such as "dropout", got an empty one');
  message(() => s.uniform(1, 1), "uniform: expected finite bounds low < high, got low 1, high 1");
  message(
    () => s.fillUniform(new Float32Array(1), 0, Number.POSITIVE_INFINITY),
    "fillUniform: expected finite bounds low < high, got low 0, high Infinity",
  );
  message(() => s.normal(0, -1), "normal: expected a finite mean and std >= 0, got mean 0, std -1");
  message(() => s.truncatedNormal(0, 0), "truncatedNormal: expected std > 0, got 0");
  message(
    () => s.truncatedNormal(0, 1, 2, 1),
    "truncatedNormal: expected finite bounds low <= high, got low 2, high 1",
  );
  message(() => s.bernoulli(1.5), "bernoulli: expected a probability in [0, 1], got 1.5");
  message(
    () => s.fillBernoulli(new Uint8Array(1), Number.NaN),
    "fillBernoulli: expected a probability in [0, 1], got NaN",
  );
  message(() => s.integer(3, 3), "integer: expected integers low < high <= low + 2^32, got low 3, high 3");
  message(
    () => s.integer(0, 2 ** 33),
    "integer: expected integers low < high <= low + 2^32, got low 0, high 8589934592",
  );
  message(() => s.permutation(-1), "permutation: expected an integer n in [0, 2^31), got -1");
});

t.test("a damaged or foreign state is refused", async (t) => {
  const s = stream(1, "x");
  const good = s.state();
  t.throws(
    () => stream(1, "y").restore(good),
    new RangeError('restore: the state belongs to the stream "1/x", this one is "1/y"'),
  );
  for (const damage of [
    { alea: { ...good.alea, s0: 1 } },
    { alea: { ...good.alea, c: 0.5 } },
    { alea: { c: 1, s0: 0, s1: 0 } },
    { spare: Number.NaN },
  ]) {
    const damaged = JSON.parse(JSON.stringify({ ...good, ...damage }));
    if ("spare" in damage) damaged.spare = "0.5";
    t.throws(() => s.restore(damaged), /^restore: damaged state of the stream "1\/x"/);
  }
  t.same(s.state(), good);
});
