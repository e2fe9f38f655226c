// Phones: the lexicon, the output for them after the middle block with what it feeds back, their loss, and their part in
// recognition. The loss of CTC itself is held against PyTorch in the tests of autograd.
import { noGrad } from "@echo-ts/autograd";
import {
  ctcBeamDecode,
  ctcFrameScores,
  ctcScore,
  decodeCheckpoint,
  encodeCheckpoint,
  evaluateModel,
  memoryFiles,
  newModel,
  Pronunciations,
  parseLexicon,
  phoneFrameScores,
  prepareTraining,
  rescoredByPhones,
  resolveConfig,
  restoreModel,
  restoreTokenizer,
  Trainer,
  WordTokenizer,
} from "@echo-ts/echo-model";
import { Echo } from "@echo-ts/echo-model/model";
import { exportEcho } from "@echo-ts/echo-model/node";
import { tensor } from "@echo-ts/tensor";
import t from "tap";
import { inputOf } from "../../../packages/echo-model/dist/settings/resolve.js";
import { collateFeatures, targetsOf } from "../../../packages/echo-model/dist/speech/collate.js";
import { startFrom } from "../../../packages/echo-model/dist/train/initial-weights.js";
import { batchLoss } from "../../../packages/echo-model/dist/train/loss.js";
import { OnnxSession } from "../autograd/onnx-session.ts";
import { syntheticFiles, tinyConfig } from "./synthetic-speech.js";

const LEXICON = "high HH AY1\nLOW  L OW1\nmid M IH1 D\nMID(2) M EE D\n";
const files = { ...syntheticFiles(), "lexicon.txt": LEXICON };
const WITH_PHONES = ["text.lexicon=lexicon.txt", "loss.middleCtcWeight=0.3", "model.audioLayers=2"];

t.test("a lexicon is read as CMU's is written", (t) => {
  const lexicon = parseLexicon(`;;; CMU\n# ours\n\n${LEXICON}`, "lexicon.txt");
  t.same(
    [...lexicon],
    [
      ["high", ["HH", "AY"]],
      ["low", ["L", "OW"]],
      ["mid", ["M", "IH", "D"]],
    ],
    "without stress, in lower case, the first of two pronunciations",
  );
  t.throws(() => parseLexicon("one W AH N\ntwo\n", "words.txt"), {
    message: 'lexicon: words.txt:2: expected WORD PHONE PHONE ..., got the word "two" alone',
  });
  t.throws(() => parseLexicon("# nothing", "words.txt"), {
    message: "lexicon: words.txt: expected at least one word, got none",
  });
  t.end();
});

t.test("phones have ids from 1 on, in the order of their names; tokens are spelled by them", (t) => {
  const lexicon = parseLexicon(LEXICON, "lexicon.txt");
  const { phones, spell } = (() => {
    const all = new Pronunciations(["high", "low", "mid"], lexicon, 3);
    return { phones: all.phones, spell: (tokens: number[]) => all.spell(tokens) };
  })();
  t.same(phones, ["AY", "D", "HH", "IH", "L", "M", "OW"]);
  t.same(spell([3, 5, 1, 4]), [3, 1, 6, 4, 2, 5, 7], "specials have no sound");
  t.throws(() => new Pronunciations(["high", "far", "wide"], lexicon, 3), {
    message:
      'lexicon: 2 words of the texts have no pronunciation, such as "far", "wide"; add a line WORD PHONE PHONE ... for each',
  });
  const tokenizer = new WordTokenizer(["high", "low", "mid"], { lexicon });
  const restored = restoreTokenizer(JSON.parse(JSON.stringify(tokenizer)));
  t.same(restored.toJSON(), tokenizer.toJSON());
  t.same(restored.pronunciations!.spell([4, 5]), tokenizer.pronunciations!.spell([4, 5]));
  t.equal(new WordTokenizer(["high"]).toJSON().phones, undefined, "nothing changes without one");
  const json = { ...tokenizer.toJSON(), phones: [["L"], []] };
  t.throws(() => restoreTokenizer(json), {
    message: 'restoreTokenizer: phones: expected 3 lists of phones, one for each token, got [["L"],[]]',
  });
  t.end();
});

t.test("what a lexicon needs is said", async (t) => {
  for (const [settings, message] of [
    [
      { text: { lexicon: "a.txt" } },
      /loss\.middleCtcWeight: nothing would train the phones of text\.lexicon/,
    ],
    [
      { text: { lexicon: "a.txt", tokenizer: "character" }, loss: { middleCtcWeight: 0.3 } },
      /text\.tokenizer: a lexicon spells words, expected word with text\.lexicon, got character/,
    ],
    [
      { model: { variant: "reference", phones: 3 } },
      /model\.phones: the reference variant has no such option/,
    ],
  ] as const)
    t.throws(() => resolveConfig(settings), { message });
  const config = tinyConfig(...WITH_PHONES);
  await t.rejects(prepareTraining(memoryFiles(syntheticFiles()), config), {
    message: 'text.lexicon: "lexicon.txt" does not exist in the data folder',
  });
  const short = { ...files, "lexicon.txt": "high HH AY\nlow L OW\n" };
  await t.rejects(prepareTraining(memoryFiles(short), config), { message: /1 words .* such as "mid"/ });
});

t.test("the loss in the middle is CTC over the phones; feedback changes what comes after it", async (t) => {
  const config = tinyConfig(...WITH_PHONES);
  const data = await prepareTraining(memoryFiles(files), config);
  const echo = newModel(config, data.tokenizer).eval();
  t.same(echo.encoder.phoneHead!.weight.shape, [8, 16], "seven phones and the blank");
  t.same(echo.encoder.phoneFeedback!.weight.shape, [16, 8]);

  const examples = await data.source.next();
  for (const { tokens, phones } of examples) t.same(phones, data.tokenizer.pronunciations!.spell(tokens));
  const features = collateFeatures(
    examples.map((example) => example.features),
    inputOf(config),
  );
  const targets = targetsOf(examples, data.tokenizer.special);
  const settings = { ctcWeight: 1, middleCtcWeight: 0.3, labelSmoothing: 0 };
  const { total } = batchLoss(echo, features, targets, settings);
  // Independently, by the forward algorithm of decoding.
  const encoded = noGrad(() => echo.encode(features));
  const words = await ctcFrameScores(echo, encoded);
  const stream = encoded.get("spectrogram")!;
  let expected = 0;
  for (const [b, { tokens }] of examples.entries()) {
    const phones = data.tokenizer.pronunciations!.spell(tokens);
    const middle = (await phoneFrameScores(stream, b))!;
    expected -= (0.7 * ctcScore(words[b]!, tokens)) / tokens.length;
    expected -= (0.3 * ctcScore(middle, phones)) / phones.length;
  }
  expected /= examples.length;
  t.ok(Math.abs(total.item() - expected) < 1e-4 * expected, `${total.item()} by hand ${expected}`);

  const without = newModel(tinyConfig(...WITH_PHONES, "model.phoneFeedback=false"), data.tokenizer).eval();
  t.equal(without.encoder.phoneFeedback, null);
  const plain = noGrad(() => without.encode(features)).get("spectrogram")!;
  t.same(plain.middle!.dataSync(), stream.middle!.dataSync(), "the same weights up to the middle");
  t.notSame(plain.frames.dataSync(), stream.frames.dataSync(), "not after it");
});

t.test("the gradient reaches the feedback: a finite difference", async (t) => {
  const config = tinyConfig(...WITH_PHONES);
  const data = await prepareTraining(memoryFiles(files), config);
  const echo = newModel(config, data.tokenizer).eval();
  const examples = await data.source.next();
  const features = collateFeatures(
    examples.map((example) => example.features),
    inputOf(config),
  );
  const targets = targetsOf(examples, data.tokenizer.special);
  const settings = { ctcWeight: 1, middleCtcWeight: 0.3, labelSmoothing: 0 };
  const weight = echo.encoder.phoneFeedback!.weight;
  batchLoss(echo, features, targets, settings).total.backward();
  const gradient = weight.grad!.dataSync();
  const start = Float32Array.from(weight.dataSync());
  // Along the gradient itself, so that float32 rounding stays far below the difference.
  const length = Math.hypot(...gradient);
  const name = "encoder.phone_feedback.weight";
  const state = await echo.stateDict();
  const lossAt = (step: number): number => {
    const moved = start.map((value, i) => value + (step * gradient[i]!) / length);
    echo.loadStateDict(new Map([...state, [name, { ...state.get(name)!, data: moved }]]));
    return noGrad(() => batchLoss(echo, features, targets, settings).total.item());
  };
  const slope = (lossAt(0.05) - lossAt(-0.05)) / 0.1;
  t.ok(length > 1e-4 && Math.abs(slope / length - 1) < 0.02, `${slope} by ${length}`);
});

t.test("joined utterances are spelled whole", async (t) => {
  const config = tinyConfig(...WITH_PHONES, "augment.concatenate=1", "augment.concatenateFrames=0");
  const { source, tokenizer } = await prepareTraining(memoryFiles(files), config);
  const joined = (await source.next()).filter(({ id }) => id.includes("+"));
  t.ok(joined.length > 0);
  for (const { tokens, phones } of joined) t.same(phones, tokenizer.pronunciations!.spell(tokens));
});

t.test("training learns phones, a checkpoint keeps them, and recognition asks them", async (t) => {
  const config = tinyConfig(...WITH_PHONES);
  const data = await prepareTraining(memoryFiles(files), config);
  const trainer = new Trainer(newModel(config, data.tokenizer), data.source, config, data.tokenizer.special);
  for (let i = 0; i < 60; i++) await trainer.step();
  const weights = await trainer.echo.stateDict();
  const checkpoint = { config, tokenizer: data.tokenizer, weights, training: null, metrics: {} };
  const restored = await decodeCheckpoint(await encodeCheckpoint(checkpoint), "phones.safetensors");
  t.same(restored.tokenizer.toJSON(), data.tokenizer.toJSON());
  const echo = restoreModel(restored);
  t.same(
    [...weights.keys()].filter((name) => name.includes("phone")),
    [
      "encoder.phone_head.weight",
      "encoder.phone_head.bias",
      "encoder.phone_feedback.weight",
      "encoder.phone_feedback.bias",
    ],
  );

  const [example] = data.evaluation.get("dev")!;
  const { features } = example!;
  const loaded = "read" in features ? await features.read() : features;
  const encoded = noGrad(() => echo.encode(collateFeatures([loaded], inputOf(config))));
  const phones = (await phoneFrameScores(encoded.get("spectrogram")!, 0))!;
  const texts = ctcBeamDecode((await ctcFrameScores(echo, encoded))[0]!, { beamSize: 4 });
  const pronunciations = restored.tokenizer.pronunciations!;
  const ranked = rescoredByPhones(texts, phones, pronunciations, 2);
  t.same(
    ranked.map(({ score }) => score),
    [...ranked.map(({ score }) => score)].sort((a, b) => b - a),
    "best first",
  );
  for (const { tokens, score, ctc } of ranked)
    t.ok(Math.abs(score - (ctc + 2 * ctcScore(phones, pronunciations.spell(tokens)))) < 1e-9);
  t.same(
    rescoredByPhones(texts, phones, pronunciations, 0).map(({ tokens }) => tokens),
    texts
      .filter(({ tokens }) => ctcScore(phones, pronunciations.spell(tokens)) > -Infinity)
      .map(({ tokens }) => tokens),
    "a weight of 0 changes no order",
  );
  // The same by decode.method, for every utterance of the set.
  const examples = data.evaluation.get("dev")!;
  const searched = async (phoneWeight: number, lexicon: string): Promise<(string | undefined)[]> => {
    const tokenizer = new WordTokenizer(["high", "low", "mid"], {
      lexicon: parseLexicon(lexicon, "lexicon.txt"),
    });
    const decode = { ...config.decode, method: "ctcBeam", beam: 4, phoneWeight } as const;
    const { texts: found } = await evaluateModel(
      echo,
      tokenizer,
      examples,
      { ...config, decode },
      { kinds: ["search"] },
    );
    return found.map(({ search }) => search);
  };
  const words = restored.tokenizer;
  t.equal((await searched(2, LEXICON))[0], words.decode(ranked[0]!.tokens));
  t.equal((await searched(0, LEXICON))[0], words.decode(texts[0]!.tokens));
  // Told that "high" sounds as "low" does and the other way round, phones of a large weight overrule the words.
  const swapped = "high L OW\nlow HH AY\nmid M IH D\n";
  t.same(await searched(0, swapped), await searched(0, LEXICON), "not asked");
  t.notSame(await searched(100, swapped), await searched(0, swapped), "asked");
});

t.test(
  "a run says that its lexicon has changed; a new vocabulary keeps the phones that were learnt",
  async (t) => {
    const config = tinyConfig(...WITH_PHONES);
    const data = await prepareTraining(memoryFiles(files), config);
    const other = { ...files, "lexicon.txt": LEXICON.replace("HH AY1", "HH IH") };
    const changed = await prepareTraining(memoryFiles(other), config);
    t.not(changed.identity.texts, data.identity.texts);
    t.equal(changed.identity.recordings, data.identity.recordings);

    const echo = newModel(config, data.tokenizer);
    const weights = await echo.stateDict();
    const checkpoint = { config, tokenizer: data.tokenizer, weights, training: null, metrics: {} };
    const ours = new WordTokenizer(["fresh", "mid"]);
    const next = tinyConfig("model.audioLayers=2", "model.phones=7", "loss.middleCtcWeight=0.3");
    const started = newModel(next, ours);
    await startFrom(started, ours, next, checkpoint, "first");
    t.same(
      (await started.stateDict()).get("encoder.phone_head.weight")!.data,
      weights.get("encoder.phone_head.weight")!.data,
    );
  },
);

t.test("onnxruntime computes the same", async (t) => {
  const { model, audio } = resolveConfig({
    model: { vocabSize: 11, dims: 16, heads: 2, textLayers: 1, phones: 5 },
  });
  const echo = new Echo(model, audio, { seed: 3 }).eval() as Echo;
  const session = await OnnxSession.open((await exportEcho(echo)).encoder);
  const { melBins } = audio;
  const [batch, hops] = [2, 45];
  const values = Float32Array.from({ length: batch * melBins * hops }, (_, i) => Math.sin(i * 0.37));
  const spectrogram = tensor(values, { shape: [batch, melBins, hops] });
  const f0 = tensor(new Float32Array(batch * hops).fill(150), { shape: [batch, hops] });
  const silent = tensor(new Uint8Array(batch * hops), { shape: [batch, hops], dtype: "bool" });
  const { ctc } = await session.run({ spectrogram, f0, silent, lengths: tensor(Int32Array.of(hops, 31)) });
  const expected = noGrad(() =>
    echo.ctcLogits(echo.encode({ spectrogram, f0, silent, lengths: [hops, 31] })),
  )!;
  const [a, b] = [ctc!.dataSync(), expected.dataSync()];
  const scale = Math.max(...b.map(Math.abs));
  const worst = Math.max(...b.map((value, i) => Math.abs(value - a[i]!)));
  t.ok(worst / scale < 2e-5, `${worst / scale}`);
  await session.close();
});
