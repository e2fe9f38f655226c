// The one-pass search against enumeration: CTC's prefix probabilities over all labellings of the frames, the search over
// all texts, each scored by `ctcScore` and `decoderScore`.
import { noGrad } from "@echo-ts/autograd";
import {
  ctcScore,
  decoderScore,
  Echo,
  type FrameScores,
  jointDecode,
  onePassDecode,
  resolveConfig,
  type TextScorer,
} from "@echo-ts/echo-model";
import { stream, tensor } from "@echo-ts/tensor";
import t from "tap";
import { CtcPrefixes } from "../../../packages/echo-model/dist/speech/decode/ctc-prefix.js";
import { NOTHING_HEARD, scripted } from "./scripted-decoder.ts";

const NO = Number.NEGATIVE_INFINITY;

/** Random log probabilities of a few frames. */
function scores(frames: number, vocabulary: number, seed: string): FrameScores {
  const values = new Float32Array(frames * vocabulary);
  stream("one-pass-test", seed).fillNormal(values, 0, 1.5);
  for (let f = 0; f < frames; f++) {
    const row = values.subarray(f * vocabulary, (f + 1) * vocabulary);
    const total = Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
    row.forEach((v, i) => {
      row[i] = v - total;
    });
  }
  return { values, frames, vocabulary };
}

/** Probability of each text, summed over every labelling of the frames. */
function texts({ values, frames, vocabulary }: FrameScores): Map<string, number> {
  const sums = new Map<string, number>();
  for (let code = 0; code < vocabulary ** frames; code++) {
    const path = Array.from({ length: frames }, (_, f) => Math.floor(code / vocabulary ** f) % vocabulary);
    const text = path.filter((label, i) => label !== 0 && label !== path[i - 1]).join("");
    const probability = Math.exp(path.reduce((sum, label, f) => sum + values[f * vocabulary + label]!, 0));
    sums.set(text, (sums.get(text) ?? 0) + probability);
  }
  return sums;
}

t.test(
  "how probable CTC finds a text as the beginning equals the sum over all texts that begin so",
  async (t) => {
    for (const [frames, vocabulary, seed] of [
      [5, 3, "a"],
      [6, 3, "b"],
      [4, 5, "c"],
    ] as const) {
      const frameScores = scores(frames, vocabulary, seed);
      const all = [...texts(frameScores)];
      const prefixes = new CtcPrefixes(frameScores);
      const begins = (text: string): number =>
        all.reduce((sum, [other, probability]) => sum + (other.startsWith(text) ? probability : 0), 0);
      for (const text of ["", "1", "2", "11", "12", "21", "121", "112", "222"]) {
        let prefix = prefixes.empty;
        for (const token of text) prefix = prefixes.after(prefix, Number(token));
        const whole = all.find(([other]) => other === text)?.[1] ?? 0;
        t.ok(Math.abs(Math.exp(prefixes.whole(prefix)) - whole) < 1e-6, `${seed}: "${text}" as the whole`);
        const tokens = [...text].map(Number);
        if (whole > 0)
          t.ok(Math.abs(prefixes.whole(prefix) - ctcScore(frameScores, tokens)) < 1e-9, "as ctcScore says");
        const longer = prefixes.longer(prefix);
        for (let token = 1; token < vocabulary; token++)
          t.ok(
            Math.abs(Math.exp(longer[token]!) - begins(`${text}${token}`)) < 1e-6,
            `${seed}: "${text}${token}" as the beginning`,
          );
      }
    }
    const longest = new CtcPrefixes(scores(3, 2, "d"));
    const twice = longest.after(longest.after(longest.empty, 1), 1);
    t.equal(longest.longer(twice)[1], NO, "three equal tokens need five frames");
  },
);

t.test("long recordings leave the range of probabilities, not of their logarithms", async (t) => {
  const frameScores = scores(3000, 40, "long");
  const prefixes = new CtcPrefixes(frameScores);
  let prefix = prefixes.empty;
  for (const token of [5, 5, 7]) prefix = prefixes.after(prefix, token);
  t.ok(prefixes.whole(prefix) < -1000, "e to this is 0 in float64");
  t.ok(Math.abs(prefixes.whole(prefix) / ctcScore(frameScores, [5, 5, 7]) - 1) < 1e-9);
});

/** A tiny model with an utterance of six frames, and random CTC scores. */
function tiny(): { echo: Echo; encoded: Parameters<typeof onePassDecode>[1]; frames: FrameScores } {
  const { model } = resolveConfig({
    model: {
      vocabSize: 5,
      textContext: 6,
      dims: 8,
      heads: 2,
      audioLayers: 1,
      textLayers: 1,
      dropout: 0,
      residualDropout: 0,
      spectrogramStem: { kernel: 1, stride: 1 },
      embeddingStd: 1,
    },
    decode: { maxTokens: 5 },
  });
  const echo = new Echo(model, { melBins: 3, hopLength: 160 }, { seed: 3 }).eval();
  const mel = new Float32Array(2 * 3 * 6);
  stream("one-pass-test", "mel").fillNormal(mel);
  const encoded = noGrad(() =>
    echo.encode({ spectrogram: tensor(mel, { shape: [2, 3, 6] }), lengths: [6, 6] }),
  );
  return { echo, encoded, frames: scores(6, 5, "tiny") };
}

/** All texts of the two ordinary tokens 3 and 4 of at most `length` tokens. */
function everyText(length: number): number[][] {
  const all: number[][] = [[]];
  for (let from = 0; length > 0; length--) {
    const end = all.length;
    for (; from < end; from++) for (const token of [3, 4]) all.push([...all[from]!, token]);
  }
  return all;
}

/** A scorer that likes the token 4 and dislikes long texts, with something to say of the end. */
const liking: TextScorer = {
  start: { score: 0, end: 0.25 },
  next: ({ score }, token) => ({ score: score + (token === 4 ? 1 : -0.5), end: token === 4 ? -0.75 : 0.5 }),
};

t.test("with a beam that holds every text the search ranks as enumeration does", async (t) => {
  const { echo, encoded, frames } = tiny();
  const second = noGrad(() => echo.encode({ spectrogram: tensor(mel2(), { shape: [1, 3, 6] }) }));
  for (const ctcWeight of [0, 0.3, 0.5, 1])
    for (const scorer of [undefined, liking]) {
      const expected: { tokens: number[]; score: number }[] = [];
      for (const tokens of everyText(4)) {
        const ctc = ctcScore(frames, tokens);
        const text = tokens.reduce((state, token) => liking.next(state, token), liking.start);
        const score =
          (ctcWeight === 0 ? 0 : ctcWeight * ctc) +
          (ctcWeight === 1 ? 0 : (1 - ctcWeight) * (await decoderScore(echo, second, tokens))) +
          (scorer === undefined ? 0 : text.score + text.end);
        if (score > NO) expected.push({ tokens, score });
      }
      expected.sort((a, b) => b.score - a.score);
      const name = `weight ${ctcWeight}${scorer === undefined ? "" : ", with a scorer"}`;
      for (const beamSize of [16, 31]) {
        const found = await onePassDecode(echo, encoded, 1, frames, {
          ctcWeight,
          beamSize,
          maxTokens: 5,
          ...(scorer !== undefined && { scorer }),
        });
        t.same(
          found.map(({ tokens }) => tokens),
          expected.slice(0, beamSize).map(({ tokens }) => tokens),
          `${name}, the best ${beamSize}`,
        );
        t.ok(
          found.every(({ score }, i) => Math.abs(score - expected[i]!.score) < 1e-4),
          `${name}: scores`,
        );
      }
    }
});

/** The mel of the second utterance of `tiny` alone. */
function mel2(): Float32Array {
  const mel = new Float32Array(2 * 3 * 6);
  stream("one-pass-test", "mel").fillNormal(mel);
  return mel.slice(18);
}

t.test("a text that CTC alone would drop is found, where rescoring never sees it", async (t) => {
  // CTC: a at 0.6, b at 0.4. The decoder: a at 0.1, b at 0.9.
  const frames = {
    values: Float32Array.of(NO, NO, NO, Math.log(0.6), Math.log(0.4)),
    frames: 1,
    vocabulary: 5,
  };
  const echo = scripted(
    4,
    (text): Readonly<Record<string, number>> => (text === "" ? { a: 0.1, b: 0.9 } : { eos: 1 }),
  );
  const options = { beamSize: 1, ctcWeight: 0.5 };
  t.same(
    (await jointDecode(echo, NOTHING_HEARD, 0, frames, options)).map(({ tokens }) => tokens),
    [[3]],
  );
  const [found] = await onePassDecode(echo, NOTHING_HEARD, 0, frames, options);
  t.same(found!.tokens, [4]);
  t.ok(Math.abs(found!.score - 0.5 * Math.log(0.4 * 0.9)) < 1e-6);
});

t.test("ends of the weight, of the context, and texts of probability 0", async (t) => {
  // CTC: a or ab, each at 1 of 2. The decoder: a at 0.9, ab at 0.1. As in the test of jointDecode.
  const half = -Math.LN2;
  const frames = {
    values: Float32Array.of(NO, NO, NO, 0, NO, half, NO, NO, NO, half),
    frames: 2,
    vocabulary: 5,
  };
  const table = (text: string): Readonly<Record<string, number>> => {
    if (text === "") return { a: 1 };
    return text === "a" ? { eos: 0.9, b: 0.1 } : { eos: 1 };
  };
  for (const ctcWeight of [0, 0.3, 1]) {
    const options = { ctcWeight, beamSize: 9 };
    const one = await onePassDecode(scripted(3, table), NOTHING_HEARD, 0, frames, options);
    const joint = await jointDecode(scripted(3, table), NOTHING_HEARD, 0, frames, options);
    t.same(
      one.map(({ tokens }) => tokens),
      [[3], [3, 4]],
      `weight ${ctcWeight}`,
    );
    one.forEach(({ score }, i) => {
      t.ok(Math.abs(score - joint[i]!.score) < 1e-6, "the score of jointDecode");
    });
    const short = await onePassDecode(scripted(2, table), NOTHING_HEARD, 0, frames, options);
    t.same(
      short.map(({ tokens }) => tokens),
      [[3]],
      "a context of two holds one token and the end",
    );
    const withoutEnd = await onePassDecode(scripted(3, table), NOTHING_HEARD, 0, frames, {
      ...options,
      ids: { pad: 0, bos: 1, eos: null },
    });
    t.ok(
      withoutEnd.some(({ tokens }) => tokens.length === 1),
      "a variant without an end token gives texts too",
    );
  }
  const blank = { values: Float32Array.of(0, NO, NO, NO, NO), frames: 1, vocabulary: 5 };
  t.same(await onePassDecode(scripted(3, table), NOTHING_HEARD, 0, blank, { ctcWeight: 0.5 }), []);
  t.same(await onePassDecode(scripted(3, table), NOTHING_HEARD, 0, blank, { ctcWeight: 1 }), [
    { tokens: [], score: 0 },
  ]);
});

t.test("options outside their range are refused", async (t) => {
  const { echo, encoded, frames } = tiny();
  const refused = (options: object, message: string): Promise<unknown> =>
    t.rejects(onePassDecode(echo, encoded, 0, frames, options), new RangeError(message));
  await refused({ beamSize: 0 }, "onePassDecode: beamSize must be a positive integer, got 0");
  await refused({ ctcWeight: 1.5 }, "onePassDecode: ctcWeight must be between 0 and 1, got 1.5");
  await refused(
    { maxTokens: 7 },
    "onePassDecode: maxTokens must be between 1 and 6 (model.textContext), got 7",
  );
});
