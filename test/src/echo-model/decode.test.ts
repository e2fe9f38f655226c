// Decoding against brute force: CTC over all alignments, beam search over all texts.

import { noGrad } from "@echo-ts/autograd";
import {
  BpeTokenizer,
  beamDecode,
  CharacterTokenizer,
  ctcAlign,
  ctcBeamDecode,
  ctcFrameScores,
  ctcGreedyDecode,
  ctcScore,
  decoderScore,
  Echo,
  type FrameScores,
  greedyDecode,
  type Hypothesis,
  jointDecode,
  resolveConfig,
  WordTokenizer,
  wordTimes,
} from "@echo-ts/echo-model";
import { stream, tensor } from "@echo-ts/tensor";
import t from "tap";
import { byteFallbackFile, byteLevelFile } from "./bpe-files.ts";
import { everyTokenBeam } from "./every-token-beam.ts";
import { NOTHING_HEARD, scripted } from "./scripted-decoder.ts";

/** Random log probabilities of a few frames. */
function scores(frames: number, vocabulary: number, seed: string, spread = 1.5): FrameScores {
  const values = new Float32Array(frames * vocabulary);
  stream("decode-test", seed).fillNormal(values, 0, spread);
  for (let f = 0; f < frames; f++) {
    const row = values.subarray(f * vocabulary, (f + 1) * vocabulary);
    const total = Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
    row.forEach((v, i) => {
      row[i] = v - total;
    });
  }
  return { values, frames, vocabulary };
}

/** Every labelling of the frames with its log probability. */
function* paths({ values, frames, vocabulary }: FrameScores): Generator<[number[], number]> {
  for (let code = 0; code < vocabulary ** frames; code++) {
    const path = Array.from({ length: frames }, (_, f) => Math.floor(code / vocabulary ** f) % vocabulary);
    yield [path, path.reduce((sum, label, f) => sum + values[f * vocabulary + label]!, 0)];
  }
}

const collapse = (path: readonly number[]): number[] =>
  path.filter((label, i) => label !== 0 && label !== path[i - 1]);

/** Text -> probability summed over all alignments. */
function texts(s: FrameScores): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [path, logProb] of paths(s)) {
    const key = collapse(path).join(" ");
    sums.set(key, (sums.get(key) ?? 0) + Math.exp(logProb));
  }
  return sums;
}

t.test("CTC scores, beams and alignments equal enumeration over all paths", async (t) => {
  for (const seed of ["a", "b", "c"]) {
    const s = scores(5, 3, seed);
    const all = texts(s);
    for (const [text, probability] of all) {
      const tokens = text === "" ? [] : text.split(" ").map(Number);
      t.ok(Math.abs(ctcScore(s, tokens) - Math.log(probability)) < 1e-5, `${seed}: score of "${text}"`);
    }
    t.equal(ctcScore(s, [1, 1, 1, 1]), Number.NEGATIVE_INFINITY, "four equal tokens need seven frames");
    const [bestText, bestProbability] = [...all].sort((a, b) => b[1] - a[1])[0]!;
    const [first] = ctcBeamDecode(s, { beamSize: 200 });
    t.equal(first!.tokens.join(" "), bestText);
    t.ok(Math.abs(first!.score - Math.log(bestProbability)) < 1e-5);
    const [bestPath] = [...paths(s)].sort((a, b) => b[1] - a[1])[0]!;
    t.same(ctcGreedyDecode(s).tokens, collapse(bestPath));
    const tokens = [1, 2];
    const aligned = [...paths(s)].filter(([path]) => collapse(path).join() === tokens.join());
    const [path] = aligned.sort((a, b) => b[1] - a[1])[0]!;
    const spans = ctcAlign(s, tokens);
    spans.forEach(({ token, start, end }) => {
      t.equal(path.indexOf(token), start);
      t.equal(path.lastIndexOf(token) + 1, end);
    });
  }
  t.throws(() => ctcAlign(scores(2, 3, "d"), [1, 1, 2]), /3 tokens do not fit 2 frames/);
  t.throws(
    () => ctcBeamDecode(scores(2, 3, "d"), { beamSize: 0 }),
    /beamSize must be a positive integer, got 0/,
  );
});

/** Tokens and scores alone. */
const plain = (found: readonly Hypothesis[]): Hypothesis[] =>
  found.map(({ tokens, score }) => ({ tokens, score }));

t.test(
  "the CTC beam that looks at few tokens is the one that tries all, to the bit and in order",
  async (t) => {
    for (const [frames, vocabulary, beamSize, spread] of [
      [12, 5, 1, 2],
      [12, 5, 3, 0.1],
      [20, 40, 4, 2],
      [20, 40, 8, 0.3],
      [9, 200, 16, 4],
      [6, 4, 100, 1],
    ] as const) {
      for (const seed of ["a", "b", "c"]) {
        const s = scores(frames, vocabulary, seed, spread);
        t.same(
          plain(ctcBeamDecode(s, { beamSize })),
          everyTokenBeam(s, beamSize),
          `${frames} ${vocabulary} ${beamSize} ${seed}`,
        );
        // Equal scores everywhere, and probabilities of 0.
        const coarse = {
          ...s,
          values: s.values.map((v) => (v < -4 ? Number.NEGATIVE_INFINITY : Math.round(v))),
        };
        t.same(
          plain(ctcBeamDecode(coarse, { beamSize })),
          everyTokenBeam(coarse, beamSize),
          `equals, ${vocabulary} ${seed}`,
        );
      }
    }
  },
);

t.test("texts that cannot be are not listed", async (t) => {
  // Two equal labels do not fit two frames; with one label possible per frame there is one text.
  const two = { values: Float32Array.of(-0.7, -0.9, -2.3, -0.7, -0.9, -2.3), frames: 2, vocabulary: 3 };
  const all = ctcBeamDecode(two, { beamSize: 20 });
  t.same(all.map(({ tokens }) => tokens.join(" ")).sort(), ["", "1", "1 2", "2", "2 1"]);
  t.ok(all.every(({ score }) => Number.isFinite(score)));
  const no = Number.NEGATIVE_INFINITY;
  const sure = { values: Float32Array.of(no, 0, no, no, no, 0), frames: 2, vocabulary: 3 };
  t.same(ctcBeamDecode(sure, { beamSize: 20 }), [{ tokens: [1, 2], score: 0, ctc: 0 }]);
  t.same(ctcBeamDecode({ values: Float32Array.of(no, no), frames: 1, vocabulary: 2 }), []);
  t.same(ctcBeamDecode({ values: new Float32Array(), frames: 0, vocabulary: 2 }), [
    { tokens: [], score: 0, ctc: 0 },
  ]);
});

t.test("beam search with a full beam finds the likeliest text of the decoder", async (t) => {
  const { model } = resolveConfig({
    model: {
      vocabSize: 5,
      textContext: 5,
      dims: 8,
      heads: 2,
      audioLayers: 1,
      textLayers: 1,
      dropout: 0,
      residualDropout: 0,
      spectrogramStem: { kernel: 1, stride: 1 },
      embeddingStd: 1,
    },
    decode: { maxTokens: 3 },
  });
  const echo = new Echo(model, { melBins: 3, hopLength: 160 }, { seed: 3 }).eval();
  const mel = new Float32Array(2 * 3 * 6);
  stream("decode-test", "mel").fillNormal(mel);
  const encoded = noGrad(() =>
    echo.encode({ spectrogram: tensor(mel, { shape: [2, 3, 6] }), lengths: [6, 4] }),
  );
  const one = noGrad(() => echo.encode({ spectrogram: tensor(mel.subarray(0, 18), { shape: [1, 3, 6] }) }));
  const candidates: number[][] = [[]];
  for (const a of [0, 1, 3, 4]) {
    candidates.push([a]);
    for (const b of [0, 1, 3, 4]) candidates.push([a, b]);
  }
  const scored = candidates.map(async (tokens) => ({
    tokens,
    score: await decoderScore(echo, one, tokens),
  }));
  const best = (await Promise.all(scored)).sort((p, q) => q.score - p.score)[0]!;
  const beams = await beamDecode(echo, encoded, { beamSize: 30, lengthPenalty: 0, maxTokens: 3 });
  t.equal(beams.length, 2);
  t.same(beams[0]![0]!.tokens, best.tokens);
  t.ok(Math.abs(beams[0]![0]!.score - best.score) < 1e-4);
  const greedy = await greedyDecode(echo, encoded, { maxTokens: 3 });
  const narrow = await beamDecode(echo, encoded, { beamSize: 1, lengthPenalty: 0, maxTokens: 3 });
  greedy.forEach(({ tokens, score }, b) => {
    // A greedy text that ran into the limit has no end to compare.
    if (tokens.length < 3)
      t.ok(beams[b]![0]!.score >= score - 1e-6, `utterance ${b}: the beam is not worse than greedy`);
  });
  t.equal(narrow.length, 2);
  const frames = await ctcFrameScores(echo, encoded);
  t.same(
    (await jointDecode(echo, encoded, 0, frames[0]!, { ctcWeight: 1 }))[0]!.tokens,
    ctcBeamDecode(frames[0]!)[0]!.tokens,
  );
  await t.rejects(greedyDecode(echo, encoded, { maxTokens: 9 }), /maxTokens must be between 1 and 5/);
});

t.test("a beam keeps as many live hypotheses as it is wide, however many have ended", async (t) => {
  // Many short texts end before the long one that is best under the length penalty.
  const table = (text: string): Readonly<Record<string, number>> => {
    const known = { "": { eos: 0.4, a: 0.35, b: 0.25 }, a: { eos: 0.4, a: 0.6 }, b: { eos: 0.55, b: 0.45 } };
    if (text in known) return known[text as keyof typeof known];
    if (text === "aa") return { eos: 0.55, a: 0.45 };
    return /^a{3,29}$/.test(text) ? { a: 1 } : { eos: 1 };
  };
  const wanted = Math.log(0.35 * 0.6 * 0.45) / ((5 + 32) / 6) ** 0.6;
  for (const beamSize of [2, 3, 4, 8]) {
    const [first] = (
      await beamDecode(scripted(41, table), NOTHING_HEARD, { beamSize, lengthPenalty: 0.6 })
    )[0]!;
    t.equal(first!.tokens.length, 30, `beam ${beamSize}`);
    t.ok(Math.abs(first!.score - wanted) < 1e-5, `beam ${beamSize}: ${first!.score}`);
  }
  const all = (await beamDecode(scripted(41, table), NOTHING_HEARD, { beamSize: 5, lengthPenalty: 0 }))[0]!;
  // All five texts that there are, by their probabilities.
  t.same(
    all.map(({ tokens, score }) => [tokens.length, Math.round(1e4 * Math.exp(score)) / 1e4]),
    [
      [0, 0.4],
      [1, 0.14],
      [1, 0.1375],
      [2, 0.1155],
      [2, 0.1125],
    ],
  );
  const few = await beamDecode(
    scripted(41, () => ({ eos: 1 })),
    NOTHING_HEARD,
    { beamSize: 5 },
  );
  t.same(
    few[0]!.map(({ tokens }) => tokens),
    [[]],
    "texts of probability 0 are not listed",
  );
});

t.test("a decoder gives as many tokens as its context has places", async (t) => {
  const echo = scripted(5, (text) => (text.length < 4 ? { a: 1 } : { a: 0.25, eos: 0.75 }));
  const [greedy] = await greedyDecode(echo, NOTHING_HEARD);
  t.same(greedy!.tokens, [3, 3, 3, 3], "four tokens and the end");
  t.ok(Math.abs(greedy!.score - Math.log(0.75)) < 1e-6, "the end counts");
  t.same((await beamDecode(echo, NOTHING_HEARD, { beamSize: 2 }))[0]![0]!.tokens, [3, 3, 3, 3]);
  const endless = scripted(5, () => ({ b: 1 }));
  t.same((await greedyDecode(endless, NOTHING_HEARD))[0]!.tokens, [4, 4, 4, 4, 4]);
  t.same((await greedyDecode(endless, NOTHING_HEARD, { maxTokens: 5 }))[0]!.tokens, [4, 4, 4, 4, 4]);
  await t.rejects(
    greedyDecode(endless, NOTHING_HEARD, { maxTokens: 6 }),
    new RangeError("decode: maxTokens must be between 1 and 5 (model.textContext), got 6"),
  );
});

t.test("joint decoding at both ends of the weight, and at the end of the context", async (t) => {
  const no = Number.NEGATIVE_INFINITY;
  // CTC: a or ab, each at 1 of 2. The decoder: a at 0.9, ab at 0.1.
  const half = -Math.LN2;
  const values = Float32Array.of(no, no, no, 0, no, half, no, no, no, half);
  const frames = { values, frames: 2, vocabulary: 5 };
  const table = (text: string): Readonly<Record<string, number>> => {
    if (text === "") return { a: 1 };
    return text === "a" ? { eos: 0.9, b: 0.1 } : { eos: 1 };
  };
  const expected = (p: number, q: number, weight: number): number =>
    weight * Math.log(p) + (1 - weight) * Math.log(q);
  for (const ctcWeight of [0, 0.3, 1]) {
    const found = await jointDecode(scripted(3, table), NOTHING_HEARD, 0, frames, { ctcWeight, beamSize: 9 });
    t.same(
      found.map(({ tokens }) => tokens),
      [[3], [3, 4]],
      "two tokens and the start fit a context of three",
    );
    for (const [i, q] of [0.9, 0.1].entries())
      t.ok(Math.abs(found[i]!.score - expected(0.5, q, ctcWeight)) < 1e-6, `weight ${ctcWeight}, text ${i}`);
    const short = await jointDecode(scripted(2, table), NOTHING_HEARD, 0, frames, { ctcWeight, beamSize: 9 });
    t.same(
      short.map(({ tokens }) => tokens),
      [[3]],
      "and a context of two holds one",
    );
  }
  const blank = { values: Float32Array.of(0, no, no, no, no), frames: 1, vocabulary: 5 };
  for (const ctcWeight of [0, 0.5, 1]) {
    const found = await jointDecode(scripted(3, table), NOTHING_HEARD, 0, blank, { ctcWeight, beamSize: 9 });
    // CTC hears nothing, the decoder never ends at once.
    t.same(
      found,
      ctcWeight === 1 ? [{ tokens: [], score: 0 }] : [],
      `no text of probability 0 at ${ctcWeight}`,
    );
  }
});

t.test("words take the time of their tokens", async (t) => {
  const tokenizer = WordTokenizer.fromTexts(["yes no"]);
  const [yes, no] = tokenizer.encode("yes no") as [number, number];
  const words = wordTimes(
    [
      { token: yes, start: 2, end: 4 },
      { token: no, start: 5, end: 6 },
    ],
    tokenizer,
    0.04,
  );
  t.same(
    words.map(({ word }) => word),
    ["yes", "no"],
  );
  t.ok(Math.abs(words[1]!.start - 0.2) < 1e-12 && Math.abs(words[1]!.end - 0.24) < 1e-12);
});

t.test("words whose letters are several tokens, or one token in several words", async (t) => {
  // The judge is the text itself: its words, each from its first byte's token to its last one's.
  const texts = ["café hello", "日本 語", "naïve café", "ééé", "a 😀b c", "ŉ", "plain words"];
  for (const [kind, file] of [
    ["byte-level", byteLevelFile()],
    ["byte fallback", byteFallbackFile()],
  ] as const) {
    const tokenizer = new BpeTokenizer(file);
    for (const text of texts) {
      const ids = tokenizer.encode(text);
      const words = wordTimes(
        ids.map((token, i) => ({ token, start: i, end: i + 1 })),
        tokenizer,
        1,
      );
      t.same(
        words.map(({ word }) => word),
        text.split(" "),
        `${kind}: ${text}`,
      );
      if (kind === "byte fallback") continue;
      // A token for each byte here.
      const bytes = text.split(" ").map((word) => new TextEncoder().encode(word).length);
      const ends = bytes.map((_, i) => bytes.slice(0, i + 1).reduce((sum, length) => sum + length, i));
      t.same(
        words.map(({ start, end }) => [start, end]),
        ends.map((end, i) => [end - bytes[i]!, end]),
        `${kind}: times of ${text}`,
      );
    }
  }

  const characters = CharacterTokenizer.fromTexts(["go on"]);
  const spoken = characters.encode("go on").map((token, i) => ({ token, start: 2 * i, end: 2 * i + 1 }));
  t.same(wordTimes(spoken, characters, 1), [
    { word: "go", start: 0, end: 3 },
    { word: "on", start: 6, end: 9 },
  ]);

  // "é w" with the tokens C3 | A9 20 77: the second ends one word and is the next.
  const across = new BpeTokenizer(byteLevelFile(["©Ġ", "©Ġw"]));
  const ids = across.encode("é w");
  t.equal(ids.length, 2);
  t.same(
    wordTimes(
      [
        { token: ids[0]!, start: 0, end: 1 },
        { token: ids[1]!, start: 4, end: 6 },
      ],
      across,
      1,
    ),
    [
      { word: "é", start: 0, end: 6 },
      { word: "w", start: 4, end: 6 },
    ],
  );
  t.same(wordTimes([], across, 1), []);
});
