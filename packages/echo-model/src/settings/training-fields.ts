// The fields of `loss`, `optimizer`, `training` and `decode`.

/** Fields of the `loss` group. */
export const LOSS_FIELDS = {
  ctcWeight: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.7,
    reference: 0,
    meaning: "loss = ctcWeight * CTC + (1 - ctcWeight) * cross entropy",
  },
  labelSmoothing: {
    type: "number",
    min: 0,
    max: 0.9,
    default: 0.1,
    reference: 0,
    meaning: "share of the target spread over all tokens (cross entropy only)",
  },
} as const;

/** Fields of the `optimizer` group. */
export const OPTIMIZER_FIELDS = {
  learningRate: {
    type: "number",
    min: 0,
    above: true,
    max: 1,
    default: 1.5e-3,
    reference: 1e-4,
    meaning: "peak learning rate of AdamW",
  },
  beta1: { type: "number", min: 0, max: 0.9999999, default: 0.9, meaning: "decay of the mean of gradients" },
  beta2: {
    type: "number",
    min: 0,
    max: 0.9999999,
    default: 0.98,
    reference: 0.999,
    meaning: "decay of the mean of squared gradients",
  },
  epsilon: {
    type: "number",
    min: 0,
    above: true,
    default: 1e-8,
    meaning: "added to the root of the mean square",
  },
  weightDecay: {
    type: "number",
    min: 0,
    max: 1,
    default: 0.02,
    reference: 0.01,
    meaning: "decoupled weight decay, times the learning rate",
  },
  decay: {
    type: "choice",
    choices: ["matrices", "all"],
    default: "matrices",
    meaning: "what decays: tensors with two or more axes, or all",
  },
  clipNorm: {
    type: "number",
    min: 0,
    default: 1,
    meaning: "largest norm of all gradients together; 0 does not clip",
  },
  schedule: {
    type: "choice",
    choices: ["cosine", "linear", "constant"],
    default: "cosine",
    meaning: "learning rate after the warm-up: to 0 over the run, or constant",
  },
  warmupSteps: {
    type: "integer",
    min: 0,
    default: 200,
    reference: 1000,
    unit: "steps",
    meaning: "linear rise of the learning rate from 0",
  },
} as const;

/** Fields of the `training` group. */
export const TRAINING_FIELDS = {
  seed: { type: "integer", min: 0, default: 0, meaning: "seed of every random stream of the run" },
  epochs: {
    type: "number",
    min: 0,
    default: 80,
    reference: 0,
    unit: "epochs",
    meaning: "passes over the training split, counted in utterances; 0 counts steps instead",
  },
  maxSteps: {
    type: "integer",
    min: 0,
    default: 0,
    reference: 10000,
    unit: "steps",
    meaning: "steps to train; 0 counts epochs instead; with both the earlier end counts",
  },
  accumulate: {
    type: "integer",
    min: 1,
    default: 1,
    unit: "batches",
    meaning: "batches whose gradients are added before a step",
  },
  evaluateEvery: {
    type: "integer",
    min: 0,
    default: 500,
    reference: 1000,
    unit: "steps",
    meaning: "steps between evaluations; 0 evaluates at the end only",
  },
  checkpointEvery: {
    type: "integer",
    min: 0,
    default: 500,
    reference: 1000,
    unit: "steps",
    meaning: "steps between checkpoints; 0 writes the last only",
  },
  patience: {
    type: "integer",
    min: 0,
    default: 0,
    unit: "evaluations",
    meaning: "stop after so many evaluations without a better error rate; 0 never stops early",
  },
} as const;

/** Fields of the `decode` group. */
export const DECODE_FIELDS = {
  method: {
    type: "choice",
    choices: ["ctcGreedy", "ctcBeam", "greedy", "beam", "joint"],
    default: "ctcGreedy",
    reference: "greedy",
    meaning: "CTC, attention, or both together",
  },
  beam: { type: "integer", min: 1, max: 1000, default: 8, meaning: "hypotheses kept by the beam methods" },
  lengthPenalty: {
    type: "number",
    min: 0,
    max: 5,
    default: 0.6,
    meaning: "attention beam: scores are divided by the length to this power",
  },
  ctcWeight: { type: "number", min: 0, max: 1, default: 0.5, meaning: "joint: share of the CTC score" },
  maxTokens: {
    type: "integer",
    min: 1,
    default: 128,
    unit: "tokens",
    meaning: "longest output of the attention decoder",
  },
} as const;
