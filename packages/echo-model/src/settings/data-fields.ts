// The fields of `data`, `digits`, `batch`, `curriculum` and `augment`: which utterances, in what order, changed how.

/** Fields of the `data` group. */
export const DATA_FIELDS = {
  format: {
    type: "choice",
    choices: ["manifest", "strings", "digits", "an4", "librispeech", "fleurs", "commonVoice"],
    default: "manifest",
    meaning: "layout of the data folder; digits draws random strings of single recordings",
  },
  file: {
    type: "string",
    default: "manifest.jsonl",
    meaning: "the manifest or strings file inside the data folder",
  },
  trainSplit: { type: "string", default: "train", meaning: "split that is trained on" },
  evaluateSplit: { type: "string", default: "dev", reference: "test", meaning: "split that is scored" },
  minSeconds: {
    type: "number",
    min: 0,
    default: 0.1,
    unit: "s",
    meaning: "shorter utterances are reported and left out",
  },
  maxSeconds: {
    type: "number",
    min: 0,
    above: true,
    default: 15,
    unit: "s",
    meaning: "longer utterances are reported and left out",
  },
  maxCharacters: {
    type: "integer",
    min: 1,
    default: 511,
    unit: "characters",
    meaning: "longer transcripts are reported and left out",
  },
  badRows: {
    type: "choice",
    choices: ["skip", "fail"],
    default: "skip",
    meaning: "rows that cannot be used: count and leave out, or stop",
  },
} as const;

/** Fields of the `digits` group. */
export const DIGITS_FIELDS = {
  trainSpeakers: {
    type: "strings",
    default: ["george", "jackson", "nicolas", "yweweler"],
    meaning: "speakers trained on; their first recordings are the seen test",
  },
  unseenSpeakers: { type: "strings", default: ["theo", "lucas"], meaning: "speakers of the unseen test" },
  heldOut: {
    type: "integer",
    min: 0,
    default: 5,
    unit: "recordings",
    meaning: "recordings 0..heldOut-1 of each digit are kept for the seen test",
  },
  stages: {
    type: "string",
    default: "0:1-2 150:1-4 300:3-7",
    pattern: "^0:[1-9]\\d*-[1-9]\\d*( [1-9]\\d*:[1-9]\\d*-[1-9]\\d*)*$",
    expected: 'stages such as "0:1-2 150:1-4 300:3-7" (from step: fewest-most digits), the first from step 0',
    meaning: "curriculum: from which step strings have how many digits",
  },
} as const;

/** Fields of the `batch` group. */
export const BATCH_FIELDS = {
  maxFrames: {
    type: "integer",
    min: 1,
    default: 3200,
    unit: "frames",
    meaning: "padded frames of one batch, the longest utterance times the number of utterances",
  },
  maxUtterances: { type: "integer", min: 1, default: 32, reference: 1, meaning: "utterances of one batch" },
  lengthJitter: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.15,
    reference: 0,
    meaning: "random factor 1 +- this on lengths before they are sorted into batches",
  },
} as const;

/** Fields of the `curriculum` group. */
export const CURRICULUM_FIELDS = {
  epochs: {
    type: "number",
    min: 0,
    default: 4,
    reference: 0,
    unit: "epochs",
    meaning: "over which the longest allowed utterance grows; 0 starts with all",
  },
  startFrames: {
    type: "integer",
    min: 1,
    default: 130,
    unit: "frames",
    meaning: "longest utterance at the start",
  },
  endFrames: {
    type: "integer",
    min: 1,
    default: 630,
    unit: "frames",
    meaning: "longest utterance when the growth ends; from then on all are allowed",
  },
} as const;

/** Fields of the `augment` group. */
export const AUGMENT_FIELDS = {
  speeds: {
    type: "numbers",
    min: 0.5,
    max: 2,
    atLeast: 1,
    default: [0.9, 1, 1.1],
    reference: [1],
    meaning: "speed factors, one drawn for each utterance and epoch",
  },
  gainDb: {
    type: "number",
    min: 0,
    max: 60,
    default: 0,
    unit: "dB",
    meaning: "gain drawn from -this to +this",
  },
  noiseDb: {
    type: "number",
    min: 0,
    max: 120,
    default: 0,
    unit: "dB",
    meaning: "white noise at a signal-to-noise ratio of this or better, up to 40 dB; 0 adds none",
  },
  melStretch: {
    type: "number",
    min: 0,
    max: 0.5,
    default: 0.08,
    reference: 0,
    meaning: "mel axis stretched by up to +- this share",
  },
  melShift: {
    type: "number",
    min: 0,
    default: 1,
    reference: 0,
    unit: "bands",
    meaning: "mel axis shifted by up to +- this",
  },
  frequencyMasks: {
    type: "integer",
    min: 0,
    default: 2,
    reference: 0,
    meaning: "masked bands of mel bins (SpecAugment)",
  },
  frequencyMaskBins: { type: "integer", min: 0, default: 10, unit: "bins", meaning: "widest frequency mask" },
  timeMasks: {
    type: "integer",
    min: 0,
    default: 2,
    reference: 0,
    meaning: "fewest masked stretches of time",
  },
  framesPerTimeMask: {
    type: "integer",
    min: 1,
    default: 100,
    unit: "frames",
    meaning: "long utterances get one time mask for each so many frames",
  },
  timeMaskFrames: { type: "integer", min: 0, default: 20, unit: "frames", meaning: "longest time mask" },
  timeMaskShare: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.16666666666666666, // 1/6
    meaning: "longest time mask as a share of the utterance",
  },
  concatenate: {
    type: "number",
    min: 0,
    max: 1,
    default: 0,
    meaning: "probability that an utterance is joined with another of its speaker",
  },
} as const;
