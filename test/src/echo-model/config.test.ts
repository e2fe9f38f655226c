// Configuration: defaults against the specification's constants, refusals with suggestions, overrides, help.

import {
  applyOverrides,
  ConfigError,
  changedSettings,
  configHelp,
  configMarkdown,
  type EchoConfig,
  inputOf,
  PRESETS,
  parseConfig,
  resolveConfig,
} from "@echo-ts/echo-model";
import fc from "fast-check";
import t from "tap";
import { ALL_SETTINGS } from "../../../packages/echo-model/dist/settings/resolve.js";
import { rulesOf } from "../../../packages/echo-model/dist/settings/schema.js";

function problemsOf(input: unknown): readonly string[] {
  try {
    resolveConfig(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

t.test("the reference variant takes the Python original's values", async (t) => {
  const { model, audio, training, optimizer, batch, loss }: EchoConfig = resolveConfig({
    model: { variant: "reference" },
  });
  t.match(model, {
    dims: 512,
    heads: 4,
    audioLayers: 4,
    textLayers: 4,
    textContext: 512,
    audioContext: 1500,
    activation: "swish",
    features: ["spectrogram"],
    gate: "mlp",
    memorySize: 512,
    normEpsilon: 1e-8,
    dropout: 0.01,
    residualDropout: 0,
    embeddingStd: 1,
    ctcHead: false,
    pitchBias: false,
    stemNorm: false,
    residualCross: false,
    spectrogramStem: { kernel: 3, stride: 1 },
    pitchStem: { kernel: 9, stride: 2 },
    zeroKeys: { enabled: true, initial: 1e-4, floor: 1e-6, ceiling: 1e-3 },
  });
  t.match(model.rotary, {
    pitch: "utterance",
    theta: 10000,
    minTheta: 600,
    maxTheta: 2400,
    minPitchHz: 80,
    maxPitchHz: 600,
    referencePitchHz: 300,
    pitchScale: 1,
    cross: true,
    variableRadius: false,
    learned: [],
  });
  t.match(audio, {
    sampleRate: 16000,
    fftSize: 1024,
    windowLength: 1024,
    hopLength: 128,
    melBins: 128,
    minFrequencyHz: 150,
    maxFrequencyHz: 2000,
    melScale: "htk",
    melNorm: "none",
    floorDecades: 8,
    normalize: "scaled",
  });
  t.match(training, { maxSteps: 10000, epochs: 0, evaluateEvery: 1000 });
  t.match(optimizer, {
    learningRate: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    warmupSteps: 1000,
    schedule: "cosine",
    clipNorm: 1,
  });
  t.equal(batch.maxUtterances, 1);
  t.match(loss, { ctcWeight: 0, labelSmoothing: 0 });
});

t.test("the defaults are the AN4 recipe", async (t) => {
  const config = resolveConfig();
  t.match(config, {
    model: {
      variant: "corrected",
      dims: 128,
      heads: 4,
      activation: "swish",
      audioLayers: 4,
      textLayers: 1,
      stemNorm: true,
      residualCross: true,
      gate: "mlp",
      spectrogramStem: { kernel: 7, stride: 4 },
      zeroKeys: { enabled: true },
      dropout: 0.1,
      residualDropout: 0.1,
      embeddingStd: 0.02,
    },
    audio: {
      melBins: 64,
      minFrequencyHz: 50,
      maxFrequencyHz: 8000,
      fftSize: 512,
      hopLength: 160,
      normalize: "bands",
    },
    text: { tokenizer: "word" },
    augment: {
      melStretch: 0.08,
      melShift: 1,
      frequencyMasks: 2,
      frequencyMaskBins: 10,
      timeMasks: 2,
      timeMaskFrames: 20,
      timeMaskShare: 1 / 6,
      framesPerTimeMask: 100,
      noiseDb: 0,
      gainDb: 0,
    },
    loss: { ctcWeight: 0.7, labelSmoothing: 0.1 },
    optimizer: {
      learningRate: 1.5e-3,
      beta1: 0.9,
      beta2: 0.98,
      weightDecay: 0.02,
      decay: "matrices",
      warmupSteps: 200,
      schedule: "cosine",
      clipNorm: 1,
    },
    batch: { maxFrames: 3200, maxUtterances: 32, lengthJitter: 0.15 },
    curriculum: { epochs: 4, startFrames: 130, endFrames: 630 },
    training: { epochs: 80 },
  });
  t.same(config.augment.speeds, [0.9, 1, 1.1]);
  t.same(resolveConfig(PRESETS.an4), config, "so its preset changes nothing");
});

t.test("presets are valid", async (t) => {
  const digits = resolveConfig(PRESETS.digits);
  t.match(digits.audio, {
    sampleRate: 8000,
    melBins: 64,
    fftSize: 512,
    hopLength: 128,
    minFrequencyHz: 50,
    maxFrequencyHz: 4000,
  });
  t.match(digits.optimizer, { learningRate: 1e-3, warmupSteps: 100, clipNorm: 1 });
  t.match(digits.model, {
    dims: 128,
    heads: 4,
    audioLayers: 2,
    textLayers: 2,
    spectrogramStem: { stride: 2 },
    stemNorm: true,
  });
  t.match([digits.loss.ctcWeight, digits.batch.maxUtterances, digits.training.maxSteps], [0.3, 16, 1200]);
  t.same(digits.digits.trainSpeakers, ["george", "jackson", "nicolas", "yweweler"]);
  t.same(
    [...changedSettings(resolveConfig(PRESETS.seed))],
    [
      ["model.variant", "reference"],
      ["data.format", "fleurs"],
    ],
  );
});

t.test("resolving is idempotent, freezes, and survives JSON", async (t) => {
  for (const preset of Object.values(PRESETS)) {
    const config = resolveConfig(preset);
    t.same(resolveConfig(config), config);
    t.same(resolveConfig(JSON.parse(JSON.stringify(config))), config);
  }
  const config = resolveConfig() as unknown as { model: { dims: number; features: string[] } };
  t.throws(() => {
    config.model.dims = 3;
  }, TypeError);
  t.throws(() => config.model.features.push("pitch"), TypeError);
});

t.test("unknown keys are named with a suggestion", async (t) => {
  const cases: [unknown, string][] = [
    [{ model: { dim: 3 } }, 'unknown key "model.dim"; did you mean "model.dims"?'],
    [{ modle: {} }, 'unknown key "modle"; did you mean "model"?'],
    [
      { model: { rotary: { picth: "static" } } },
      'unknown key "model.rotary.picth"; did you mean "model.rotary.pitch"?',
    ],
    [{ dims: 256 }, 'unknown key "dims"; did you mean "model.dims"?'],
    [{ audio: { n_fft: 512 } }, 'unknown key "audio.n_fft"; did you mean "audio.fftSize"?'],
    [{ training: { lr: 1 } }, 'unknown key "training.lr"; did you mean "optimizer.learningRate"?'],
    [
      { training: { batch_size: 8 } },
      'unknown key "training.batch_size"; did you mean "batch.maxUtterances"?',
    ],
    [
      { optimizer: { weight_decay: 0 } },
      'unknown key "optimizer.weight_decay"; did you mean "optimizer.weightDecay"?',
    ],
    [{ audio: { sr: 8000 } }, 'unknown key "audio.sr"; did you mean "audio.sampleRate"?'],
    [{ model: { xy: 1 } }, 'unknown key "model.xy"'],
    [{ qqqqqqqq: 1 }, 'unknown key "qqqqqqqq"'],
    [JSON.parse('{"__proto__": {"dims": 1}}'), 'unknown key "__proto__"'],
    [{ toString: 1 }, 'unknown key "toString"'],
  ];
  for (const [input, problem] of cases) t.same(problemsOf(input), [problem]);
});

t.test("types and ranges are checked, all problems at once", async (t) => {
  const input = {
    model: { dims: "256", heads: 2.5, variant: "referense", features: [], dropout: 1, stemNorm: 1 },
    audio: { melBins: null },
    augment: { speeds: [0.9, 5] },
    digits: { stages: "10:1-2", trainSpeakers: "theo" },
  };
  t.same(problemsOf(input), [
    'model.variant: expected one of corrected, reference, got "referense"',
    'model.dims: expected an integer in [4, 16384], got "256"',
    "model.heads: expected an integer in [1, 1024], got 2.5",
    "model.features: expected a list of different words out of spectrogram, waveform, pitch, at least 1, got []",
    "model.dropout: expected a number in [0, 0.95], got 1",
    "model.stemNorm: expected true or false, got 1",
    "audio.melBins: expected an integer in [1, 1024], got null",
    'digits.trainSpeakers: expected a list of texts, got "theo"',
    'digits.stages: expected stages such as "0:1-2 150:1-4 300:3-7" (from step: fewest-most digits), the first from step 0, got "10:1-2"',
    "augment.speeds: expected a list of numbers in [0.5, 2], at least 1, got [0.9,5]",
  ]);
  t.same(problemsOf({ model: 3 }), ["model: expected an object, got 3"]);
  t.same(problemsOf([]), ["configuration: expected an object, got []"]);
  t.same(problemsOf({ model: { spectrogramStem: { kernel: 4 } } }), [
    "model.spectrogramStem.kernel: expected an odd integer in [1, 1023], got 4",
  ]);
  t.equal(new ConfigError(["a", "b"]).message, "config: a\nconfig: b");
});

t.test("conditions between fields are checked", async (t) => {
  const cases: [unknown, string][] = [
    [
      { model: { dims: 130 } },
      "model.dims: must be divisible by model.heads, expected a multiple of 4, got 130",
    ],
    [
      { model: { dims: 12 } },
      "model.dims: channels are rotated in pairs, expected an even dims / heads, got 12 / 4 = 3",
    ],
    [
      { model: { dims: 36, heads: 2, features: ["waveform"], rotary: { pitch: "static" } } },
      "model.dims: the waveform stem divides it by 8, expected a multiple of 8, got 36",
    ],
    [
      { model: { gate: "crossModal" } },
      "model.gate: crossModal weighs three streams, expected model.features to hold spectrogram, waveform and pitch, got spectrogram",
    ],
    [
      { model: { convolutionKernel: 14 } },
      "model.convolutionKernel: an even kernel has no middle frame, expected 0 or an odd number, got 14",
    ],
    [
      { model: { variant: "reference", convolutionKernel: 15 } },
      'model.convolutionKernel: the reference variant has no such option, expected 0, got 15; use variant "corrected"',
    ],
    [
      { model: { variant: "reference", stemNorm: true } },
      'model.stemNorm: the reference variant has no such option, expected false, got true; use variant "corrected"',
    ],
    [
      { model: { variant: "reference", rotary: { pitch: "frames" } } },
      'model.rotary.pitch: the reference variant knows utterance and static, got frames; use variant "corrected"',
    ],
    [
      { model: { ctcHead: false }, decode: { method: "greedy" } },
      "loss.ctcWeight: there is no CTC output to train, expected 0 or model.ctcHead true, got 0.7",
    ],
    [
      { model: { ctcHead: false }, loss: { ctcWeight: 0 } },
      "decode.method: ctcGreedy needs model.ctcHead true, expected greedy or beam, got ctcGreedy",
    ],
    [
      { audio: { sampleRate: 8000, pitch: { frameLength: 512 } } },
      "audio.maxFrequencyHz: must not be above half the sample rate, expected <= 4000, got 8000",
    ],
    [
      { audio: { windowLength: 1024 } },
      "audio.windowLength: must not be above audio.fftSize, expected <= 512, got 1024",
    ],
    [
      { audio: { pitch: { frameLength: 256 } } },
      "audio.pitch.frameLength: must hold more than two periods of audio.pitch.minHz, expected > 458, got 256",
    ],
    [
      { audio: { minFrequencyHz: 8000 } },
      "audio.minFrequencyHz: must be below audio.maxFrequencyHz, expected < 8000, got 8000",
    ],
    [
      { batch: { maxFrames: 1000 } },
      "batch.maxFrames: must hold one utterance of data.maxSeconds, expected >= 1501, got 1000",
    ],
    [
      { text: { tokenizer: "bpe" } },
      "text.tokenizerFile: the bpe tokenizer needs a tokenizer.json, expected its path, got nothing",
    ],
    [
      { training: { maxSteps: 100 } },
      "optimizer.warmupSteps: the warm-up must end before the run, expected < 100, got 200; optimizer.warmupShare=0.1 takes a tenth of any run",
    ],
    [
      { training: { epochs: 0 } },
      "training.epochs: the run has no length, expected training.epochs or training.maxSteps above 0, got 0 and 0",
    ],
    [
      { model: { zeroKeys: { initial: 0.1 } } },
      "model.zeroKeys.initial: must lie between floor and ceiling, expected 0.000001 to 0.001, got 0.1",
    ],
  ];
  for (const [input, problem] of cases) t.same(problemsOf(input), [problem]);
});

t.test(
  "a wrong value hides no other problem: conditions of the usable settings are checked too",
  async (t) => {
    t.same(
      problemsOf({
        training: { lr: 1, epochs: 0 },
        model: { dims: "wide", zeroKeys: { initial: 0.1 } },
        batch: { maxFrames: 1000 },
      }),
      [
        'model.dims: expected an integer in [4, 16384], got "wide"',
        'unknown key "training.lr"; did you mean "optimizer.learningRate"?',
        "model.zeroKeys.initial: must lie between floor and ceiling, expected 0.000001 to 0.001, got 0.1",
        "batch.maxFrames: must hold one utterance of data.maxSeconds, expected >= 1501, got 1000",
        "training.epochs: the run has no length, expected training.epochs or training.maxSteps above 0, got 0 and 0",
      ],
      "the one about dims and heads is left out, for dims has no value",
    );
    t.same(problemsOf({ model: 3, batch: { maxFrames: 1000 } }), [
      "model: expected an object, got 3",
      "batch.maxFrames: must hold one utterance of data.maxSeconds, expected >= 1501, got 1000",
    ]);
  },
);

t.test("a model's input is said once", async (t) => {
  const config = resolveConfig({
    model: { features: ["pitch", "waveform"], zeroKeys: { silenceDecades: 2 } },
  });
  t.same(inputOf(config), { ...config.audio, features: ["pitch", "waveform"], silenceDecades: 2 });
});

t.test("overrides", async (t) => {
  const base = { model: { dims: 64 } };
  const changed = applyOverrides(base, [
    "model.dims=256",
    "model.rotary.pitch=static",
    "augment.speeds=0.95, 1",
    'model.features=["pitch"]',
    "model.rotary.learned=theta,pitchScale",
    "model.pitchBias=true",
    "optimizer.learningRate=1e-3",
    "data.file=a=b.jsonl",
    "model.dims=512",
  ]);
  t.same(base, { model: { dims: 64 } }, "the input is left alone");
  const config = resolveConfig(changed);
  t.equal(config.model.dims, 512, "the last one wins");
  t.equal(config.model.rotary.pitch, "static");
  t.same(config.augment.speeds, [0.95, 1]);
  t.same(config.model.features, ["pitch"]);
  t.same(config.model.rotary.learned, ["theta", "pitchScale"]);
  t.equal(config.model.pitchBias, true);
  t.equal(config.optimizer.learningRate, 1e-3);
  t.equal(config.data.file, "a=b.jsonl", "only the first = separates");
  t.same(resolveConfig(applyOverrides({}, ["model.rotary.learned="])).model.rotary.learned, []);

  const refused = (overrides: string[], problems: string[]): void => {
    t.throws(() => applyOverrides({}, overrides), new ConfigError(problems));
  };
  refused(["model.dims"], ['override "model.dims": expected key.path=value']);
  refused(["model.dimz=3"], ['unknown key "model.dimz"; did you mean "model.dims"?']);
  refused(["model=3"], ['override "model=3": model is a group, expected one of its keys']);
  t.same(problemsOf(applyOverrides({}, ['model.features=["pitch"'])), [
    'model.features: expected a list of different words out of spectrogram, waveform, pitch, at least 1, got "[\\"pitch\\""',
  ]);
  t.same(problemsOf(applyOverrides({}, ["model.stemNorm=yes"])), [
    'model.stemNorm: expected true or false, got "yes"',
  ]);
  t.equal(resolveConfig(applyOverrides({}, ["model.stemNorm=false"])).model.stemNorm, false);
  t.same(problemsOf(applyOverrides({}, ["model.dims=many"])), [
    'model.dims: expected an integer in [4, 16384], got "many"',
  ]);
  t.same(problemsOf(applyOverrides({}, ["model.dims="])), [
    'model.dims: expected an integer in [4, 16384], got ""',
  ]);
});

t.test("configuration files", async (t) => {
  t.same(parseConfig('{"model": {"dims": 64}}', "a.json"), { model: { dims: 64 } });
  t.throws(() => parseConfig("{", "a.json"), {
    name: "ConfigError",
    message: /^config: a\.json: not valid JSON: /,
  });
  t.throws(() => parseConfig("[1]", "a.json"), new ConfigError(["a.json: expected an object, got [1]"]));
});

t.test("the table is sound and appears whole in help and documentation", async (t) => {
  const help = configHelp();
  const markdown = configMarkdown();
  t.ok(ALL_SETTINGS.size > 90, `${ALL_SETTINGS.size} settings`);
  for (const [path, setting] of ALL_SETTINGS) {
    const { accepts, default: usual } = rulesOf(setting);
    if (!accepts(usual)) t.fail(`${path} refuses its default`);
    if (setting.reference !== undefined && !accepts(setting.reference))
      t.fail(`${path} refuses its reference value`);
    if (!help.includes(`  ${path} = `)) t.fail(`--help lacks ${path}`);
    if (!markdown.includes(`| \`${path}\` |`)) t.fail(`the documentation lacks ${path}`);
    if (setting.means.length < 10 || /[.]$/.test(setting.means)) t.fail(`${path}: meaning`);
  }
  t.match(configHelp("model.zeroKeys"), /^model: the network\n {2}model\.zeroKeys\.enabled = true\n/);
  t.notMatch(configHelp("model.zeroKeys"), /model\.dims/);
  t.match(configHelp("model.dims"), /an integer in \[4, 16384\]; 512 in the reference variant$/);
  t.equal(configHelp("nothing"), "");
});

t.test("no input crashes the check", async () => {
  const paths = [...ALL_SETTINGS.keys()];
  const entry = fc.tuple(fc.constantFrom(...paths), fc.jsonValue());
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      const input: Record<string, Record<string, unknown>> = {};
      for (const [path, value] of entries) {
        const [group, key] = path.split(".");
        input[group!] = { ...input[group!], [key!]: value };
      }
      problemsOf(input); // throws anything but ConfigError on
    }),
    { seed: 4, numRuns: 500 },
  );
});
