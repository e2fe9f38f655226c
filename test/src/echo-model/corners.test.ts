// The speech cases among small inputs that gave wrong results in this or other programs, with the right values and
// who says so. The list is kept beside the repository; the same kinds are tested without it in the other files.
import { BpeTokenizer, beamDecode, ctcBeamDecode, normalizeText, wordTimes } from "@echo-ts/echo-model";
import t from "tap";
import { sharesOf } from "../../../packages/echo-model/dist/train/loss.js";
import { readShared, skipWithoutShared } from "../shared-material.ts";
import { NOTHING_HEARD, scripted } from "./scripted-decoder.ts";

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

t.test("a beam that finished hypotheses must not cut", { skip: skipWithoutShared }, async (t) => {
  const { beamSizes, lengthPenalty, textContext, probabilities, expected } = corner<{
    beamSizes: number[];
    lengthPenalty: number;
    textContext: number;
    probabilities: Record<string, Record<string, number>>;
    expected: { tokens: number; score: number };
  }>("beam-cut-by-finished-ones");
  const after = (text: string): Record<string, number> => {
    if (/^a{3,29}$/.test(text)) return probabilities["a x 3..29"]!;
    if (text === "a".repeat(30)) return probabilities["a x 30"]!;
    return probabilities[text] ?? probabilities["anything else"]!;
  };
  for (const beamSize of beamSizes) {
    const echo = scripted(textContext, after);
    const [best] = (await beamDecode(echo, NOTHING_HEARD, { beamSize, lengthPenalty }))[0]!;
    t.equal(best!.tokens.length, expected.tokens);
    t.ok(Math.abs(best!.score - expected.score) < 1e-6, `${best!.score}`);
  }
});

t.test("texts that do not fit the frames", { skip: skipWithoutShared }, async (t) => {
  const { logProbs, beamSize } = corner<{ logProbs: number[][]; beamSize: number }>("ctc-nbest-impossible");
  const values = Float32Array.from(logProbs.flat());
  const found = ctcBeamDecode({ values, frames: logProbs.length, vocabulary: 3 }, { beamSize });
  t.ok(found.length > 0 && found.every(({ score }) => score > Number.NEGATIVE_INFINITY));
});
