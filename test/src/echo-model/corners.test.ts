// The speech cases among small inputs that gave wrong results in this or other programs, with the right values and
// who says so. The list is kept beside the repository; the same kinds are tested without it in the other files.
import { BpeTokenizer, normalizeText, wordTimes } from "@echo-ts/echo-model";
import t from "tap";
import { sharesOf } from "../../../packages/echo-model/dist/train/loss.js";
import { readShared, skipWithoutShared } from "../shared-material.ts";

interface Corner {
  readonly id: string;
  readonly judge: string;
  readonly [field: string]: unknown;
}

const corners: readonly Corner[] =
  skipWithoutShared === false ? JSON.parse(readShared("cases", "corners.json")).cases : [];

function corner<T>(id: string): T & Corner {
  const found = corners.find((one) => one.id === id);
  if (found === undefined) throw new Error(`corners.json has no case ${id}`);
  return found as T & Corner;
}

t.test("words of letters outside ASCII in byte-level BPE", { skip: skipWithoutShared }, async (t) => {
  const {
    tokenizer: file,
    texts,
    expected,
  } = corner<{
    tokenizer: string;
    texts: string[];
    expected: string[][];
  }>("wordtimes-multibyte");
  const tokenizer = BpeTokenizer.fromJson(readShared("cases", file));
  texts.forEach((text, i) => {
    const spans = tokenizer.encode(text).map((token, n) => ({ token, start: n, end: n + 1 }));
    t.same(
      wordTimes(spans, tokenizer, 0.04).map(({ word }) => word),
      expected[i],
    );
  });
});

t.test("normalising twice", { skip: skipWithoutShared }, async (t) => {
  const { text, pair } = corner<{ text: string; pair: [string, string] }>("normalize-twice");
  t.equal(normalizeText(normalizeText(text)), normalizeText(text));
  t.equal(normalizeText(pair[0]), normalizeText(pair[1]), "the two spellings become one");
});

t.test("a step of uneven batches", { skip: skipWithoutShared }, async (t) => {
  // The parts and the whole computed with the trainer itself: training.test.ts.
  const { tokens_per_utterance, losses_alone, loss, tol } = corner<{
    tokens_per_utterance: number[];
    losses_alone: number[];
    loss: number;
    tol: number;
  }>("accumulate-uneven");
  const batches = tokens_per_utterance.map((length) => ({ targetLengths: [length], labelCount: length + 1 }));
  const shares = sharesOf(batches);
  const got = losses_alone.reduce((sum, alone, i) => sum + alone * shares[i]!.crossEntropy, 0);
  t.ok(Math.abs(got - loss) < tol, `${got}, expected ${loss}`);
});
