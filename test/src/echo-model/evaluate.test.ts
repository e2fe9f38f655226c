// Evaluation: alignments, word and character error rates, groups, bootstrap intervals, the reference's own metric.

import {
  type Evaluation,
  editDistance,
  evaluationText,
  scoreCorpus,
  scoreGroups,
  scoreText,
} from "@echo-ts/echo-model";
import { referenceWer } from "@echo-ts/echo-model/reference";
import { bootstrapDifference, bootstrapRate } from "@echo-ts/echo-model/study";
import fc from "fast-check";
import t from "tap";
import { alignEdits, countEdits } from "../../../packages/echo-model/dist/edit-distance.js";
import type { OutputScore } from "../../../packages/echo-model/dist/evaluate/evaluate-model.js";
import { pitchRange } from "../../../packages/echo-model/dist/text/error-rates.js";
import { readShared, skipWithoutShared } from "../shared-material.ts";

const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 9 });

t.test("error counts equal the golden word-error case", { skip: skipWithoutShared }, async (t) => {
  interface WerCase {
    op: string;
    pairs: { ref: string; hyp: string; edits: number; words: number; char_edits: number }[];
    corpus_wer: number;
  }
  const { cases } = JSON.parse(readShared("golden", "echo", "index.json")) as { cases: WerCase[] };
  const golden = cases.find((entry) => entry.op === "wer")!;
  t.equal(golden.pairs.length, 14);
  for (const { ref, hyp, edits, words, char_edits } of golden.pairs) {
    const score = scoreText({ reference: ref, hypothesis: hyp });
    t.same([score.words.errors, score.words.total, score.characters.errors], [edits, words, char_edits], ref);
  }
  const corpus = scoreCorpus(golden.pairs.map(({ ref, hyp }) => ({ reference: ref, hypothesis: hyp })));
  t.ok(Math.abs(corpus.words.rate * 100 - golden.corpus_wer) < 1e-12, "corpus rate");
  t.equal(corpus.correct, golden.pairs.filter((pair) => pair.edits === 0).length);
});

t.test("alignEdits", async (t) => {
  const kinds = (reference: string, hypothesis: string): string =>
    alignEdits([...reference], [...hypothesis])
      .map((step) => step.kind[0])
      .join("");
  t.equal(kinds("ab", "acb"), "hih");
  t.equal(kinds("abc", "ac"), "hdh");
  t.equal(kinds("abc", "axc"), "hsh");
  t.equal(kinds("", "ab"), "ii");
  t.equal(kinds("ab", ""), "dd");
  t.equal(kinds("ab", "ba"), "ss", "of equally short alignments the one that pairs from the end");
  t.same(alignEdits(["a", "b"], ["b"]), [
    { kind: "deletion", reference: 0, hypothesis: -1 },
    { kind: "hit", reference: 1, hypothesis: 0 },
  ]);

  t.test("is a shortest path that uses every item once, in order", async () => {
    const inOrder = (positions: number[], length: number): boolean =>
      positions.length === length && positions.every((position, i) => position === i);
    fc.assert(
      fc.property(letters, letters, (reference, hypothesis) => {
        const steps = alignEdits(reference, hypothesis);
        const { errors } = countEdits(reference, hypothesis);
        const paired = steps.filter((step) => step.reference >= 0 && step.hypothesis >= 0);
        return (
          inOrder(
            steps.map((step) => step.reference).filter((position) => position >= 0),
            reference.length,
          ) &&
          inOrder(
            steps.map((step) => step.hypothesis).filter((position) => position >= 0),
            hypothesis.length,
          ) &&
          paired.every(
            (step) => (reference[step.reference] === hypothesis[step.hypothesis]) === (step.kind === "hit"),
          ) &&
          errors === definedDistance(reference, hypothesis) &&
          errors === editDistance(reference, hypothesis)
        );
      }),
      { seed: 2, numRuns: 400 },
    );
  });

  t.test("editDistance is a metric", async () => {
    fc.assert(
      fc.property(letters, letters, letters, (a, b, c) => {
        const direct = editDistance(a, b);
        return (
          direct === editDistance(b, a) &&
          (direct === 0) === (a.join() === b.join()) &&
          direct <= editDistance(a, c) + editDistance(c, b)
        );
      }),
      { seed: 3, numRuns: 300 },
    );
  });
  t.equal(editDistance("kitten", "sitting"), 3);
});

// The recursive definition of the distance, with a memory of suffixes so that it ends.
function definedDistance(
  a: readonly string[],
  b: readonly string[],
  known: Map<string, number> = new Map(),
): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  const key = `${a.length},${b.length}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const result = Math.min(
    definedDistance(a.slice(1), b.slice(1), known) + (a[0] === b[0] ? 0 : 1),
    definedDistance(a.slice(1), b, known) + 1,
    definedDistance(a, b.slice(1), known) + 1,
  );
  known.set(key, result);
  return result;
}

t.test("rates", async (t) => {
  const missing = scoreText({ reference: "nine two", hypothesis: "nine" });
  t.equal(missing.words.rate, 0.5);
  t.same([missing.words.deletions, missing.characters.deletions], [1, 4], "the space counts as a character");
  t.equal(
    scoreText({ reference: "a  b", hypothesis: " a b " }).characters.errors,
    0,
    "white space is evened out",
  );
  t.equal(scoreText({ reference: "one", hypothesis: "one two three" }).words.rate, 2, "above 1 is possible");
  t.equal(scoreText({ reference: "", hypothesis: "" }).words.rate, 0);
  t.equal(scoreText({ reference: "", hypothesis: "a" }).words.rate, Number.POSITIVE_INFINITY);
  t.equal(
    scoreText({ reference: "𝒳", hypothesis: "a" }).characters.total,
    1,
    "code points, not UTF-16 units",
  );
  const corpus = scoreCorpus([
    { reference: "one two three four", hypothesis: "one two three four" },
    { reference: "five", hypothesis: "six" },
  ]);
  t.equal(corpus.words.rate, 1 / 5, "errors over words, not the mean of rates");
  t.same([corpus.utterances, corpus.correct], [2, 1]);
  t.same(scoreCorpus([]).words.rate, 0);
});

t.test("groups", async (t) => {
  const rows = [
    { reference: "one", hypothesis: "one", speaker: "theo", f0: 131 },
    { reference: "two", hypothesis: "one", speaker: "anna", f0: 210 },
    { reference: "six two", hypothesis: "six", speaker: "theo", f0: 90 },
    { reference: "two", hypothesis: "two", f0: 0 },
  ];
  const bySpeaker = scoreGroups(rows, (row) => row.speaker);
  t.same([...bySpeaker.keys()], ["anna", "theo", "unknown"], "unknown comes last");
  t.equal(bySpeaker.get("theo")?.words.rate, 1 / 3);
  const byPitch = scoreGroups(rows, (row) => pitchRange(row.f0));
  t.same([...byPitch.keys()], ["0-120 Hz", "120-160 Hz", "200+ Hz", "unknown"]);
  let errors = 0;
  for (const score of byPitch.values()) errors += score.words.errors;
  t.equal(errors, scoreCorpus(rows).words.errors, "groups add up to the corpus");
  t.equal(pitchRange(120), "120-160 Hz", "an edge belongs to the range above it");
  t.equal(pitchRange(Number.NaN), undefined);
  t.equal(pitchRange(300, [250]), "250+ Hz");
});

t.test("the text of an evaluation names every figure", async (t) => {
  const rows = [
    { reference: "one two", hypothesis: "one ten", speaker: "anna" },
    { reference: "six", hypothesis: "six six", speaker: "theo" },
    { reference: "one two six", hypothesis: "one six", speaker: "theo" },
  ];
  const score: OutputScore = {
    ...scoreCorpus(rows),
    interval: { value: 0.5, low: 0.25, high: 0.75 },
    groups: {
      speaker: new Map(
        [...scoreGroups(rows, (row) => row.speaker)].map(([name, { words }]) => [name, words]),
      ),
      sex: new Map([["female", scoreCorpus(rows).words]]),
      pitch: new Map(),
    },
  };
  const evaluation: Evaluation = {
    utterances: 3,
    scores: new Map([["free", score]]),
    zeroed: new Map([["free", scoreCorpus([{ reference: "one two", hypothesis: "" }]).words]]),
    texts: [],
  };
  t.equal(
    evaluationText("dev", evaluation),
    [
      "dev: 3 utterances",
      "  attention, free-running",
      "    WER 50.0 % (95 % interval 25.0 % to 75.0 %; S 1 D 1 I 1 of 6 words)",
      "    CER 47.6 % (S 2 D 4 I 4 of 21 characters); 0 of 3 utterances without an error",
      "    WER with the audio zeroed 100.0 %",
      "    by speaker (words): anna 50.0 % (2), theo 50.0 % (4)",
    ].join("\n"),
    "a single group says nothing new",
  );
});

t.test("bootstrap intervals", async (t) => {
  const utterances = Array.from({ length: 200 }, (_, i) => ({ errors: i % 4 === 0 ? 1 : 0, total: 1 }));
  const interval = bootstrapRate(utterances, { random: draws(7), resamples: 4000 });
  t.equal(interval.value, 0.25);
  // The rate of 200 independent draws at 0.25 has standard error 0.0306: the normal interval is 0.19 to 0.31.
  t.ok(Math.abs(interval.low - 0.19) < 0.006, `low ${interval.low}`);
  t.ok(Math.abs(interval.high - 0.31) < 0.006, `high ${interval.high}`);
  const again = bootstrapRate(utterances, { random: draws(7), resamples: 4000 });
  t.same(again, interval, "the same stream, the same interval");
  const wide = bootstrapRate(utterances, { random: draws(7), resamples: 4000, level: 0.99 });
  t.ok(wide.low < interval.low && wide.high > interval.high, "a higher level is wider");
  t.same(bootstrapRate([{ errors: 1, total: 2 }], { random: draws(1) }), { value: 0.5, low: 0.5, high: 0.5 });

  const picks = [0, 0, 0.9, 0.9]; // the first resample takes utterance 0 twice, the second utterance 1 twice
  const two = [
    { errors: 0, total: 1 },
    { errors: 1, total: 1 },
  ];
  const halves = bootstrapRate(two, { random: { next: () => picks.shift()! }, resamples: 2, level: 0.5 });
  t.same(halves, { value: 0.5, low: 0.25, high: 0.75 }, "quartiles of 0 and 1 by linear interpolation");

  const same = bootstrapDifference(utterances, utterances, { random: draws(3) });
  t.same(same, { value: 0, low: 0, high: 0 }, "utterances are drawn together");
  const worse = utterances.map(({ total }) => ({ errors: 1, total }));
  const difference = bootstrapDifference(worse, utterances, { random: draws(3) });
  t.equal(difference.value, 0.75);
  t.ok(difference.low > 0.65 && difference.high < 0.85);

  t.throws(
    () => bootstrapRate([], { random: draws(1) }),
    new RangeError("bootstrapRate: no utterance, expected at least one"),
  );
  t.throws(
    () => bootstrapRate(utterances, { random: draws(1), resamples: 0 }),
    new RangeError("bootstrapRate: resamples must be an integer >= 1, got 0"),
  );
  t.throws(
    () => bootstrapRate(utterances, { random: draws(1), level: 1 }),
    new RangeError("bootstrapRate: level must be in (0, 1), got 1"),
  );
  t.throws(
    () => bootstrapDifference(utterances, [], { random: draws(1) }),
    new RangeError(
      "bootstrapDifference: the systems differ in utterances, expected equal numbers, got 200 and 0",
    ),
  );
});

t.test("referenceWer charges a perfect copier one word per utterance", async (t) => {
  const words = ["", "", "one", "two", "three", "four"];
  const decode = (ids: number[]): string => ids.map((id) => words[id]).join(" ");
  const labels = [
    [2, 3, 4, 5, 0],
    [5, 2, 0, 0, 0],
  ];
  t.equal(referenceWer(labels, labels, decode), 2 / 6, "two errors in six words though all is right");
  const extra = [
    [2, 3, 4, 5, 3],
    [5, 2, 0, 0, 0],
  ];
  t.equal(referenceWer(extra, labels, decode), 3 / 6, "the ignored last position is scored as well");
});

// A 32-bit linear congruential generator: enough for a test, and independent of the package's streams.
function draws(seed: number): { next(): number } {
  let state = seed >>> 0;
  return {
    next: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    },
  };
}
