// Every setting of a run, one row each: default, limits, default of the reference variant, the name it has in the
// Python original, meaning. Help, documentation, checks and the type EchoConfig are made from these rows. To add a
// setting, add a row; conditions between settings are in checks.ts. Defaults are the AN4 recipe: small, for a CPU.
import type { ConfigOf } from "./schema.ts";

/** The table: group by group, setting by setting. */
export const SETTINGS = {
  // The network.
  model: {
    variant: { choice: "corrected", of: ["corrected", "reference"], means: "corrected: the fixed model; reference: bug-compatible with the Python original, whose values it takes as defaults" },
    vocabSize: { integer: 0, min: 0, max: 1e6, original: "vocab", means: "number of token ids, specials included; 0 takes it from the tokenizer" },
    textContext: { integer: 512, min: 2, max: 65536, unit: "tokens", original: "text_ctx", means: "longest decoder input; longer text is refused" },
    audioContext: { integer: 3200, min: 1, max: 100000, reference: 1500, unit: "frames", original: "audio_ctx", means: "longest encoder input in hops; longer audio is refused (the reference variant, like the original, never checks)" },
    dims: { integer: 128, min: 4, max: 16384, reference: 512, unit: "channels", original: "dims", also: ["hidden_size", "d_model", "width"], means: "width of the encoder and the decoder" },
    heads: { integer: 4, min: 1, max: 1024, original: "head", means: "attention heads; dims / heads must be even" },
    audioLayers: { integer: 4, min: 0, max: 256, original: "audio_layers", also: ["encoder_layers"], means: "encoder blocks of each feature's stack" },
    textLayers: { integer: 1, min: 1, max: 256, reference: 4, original: "text_layers", also: ["decoder_layers"], means: "decoder blocks: this many with self-attention, then as many with cross-attention" },
    features: { choices: ["spectrogram"], of: ["spectrogram", "waveform", "pitch"], atLeast: 1, original: "features", means: "encoder inputs, in the order the decoder blends them" },
    activation: { choice: "swish", of: ["swish", "gelu", "relu", "sigmoid", "tanh", "tanhshrink", "softplus", "softshrink", "leaky_relu", "elu"], original: "act", means: "activation of stems and blocks (the reference variant uses gelu in the decoder and two stems whatever this says)" },
    gate: { choice: "mlp", of: ["mlp", "token", "feature", "memory", "crossModal", "none"], means: "what scales each block's MLP: one gate, four mixed gates, a gate that sees the audio's mean, a learned memory, three streams, nothing" },
    memorySize: { integer: 512, min: 1, max: 65536, original: "memory_size", means: "rows of the memory gate" },
    normEpsilon: { number: 1e-8, min: 0, max: 0.01, above: true, means: "added to the mean square under the root of every RMS norm" },
    dropout: { number: 0.1, min: 0, max: 0.95, reference: 0.01, means: "dropout after the stems' sinusoids and on token embeddings" },
    residualDropout: { number: 0.1, min: 0, max: 0.95, reference: 0, means: "dropout on every residual branch (attention and MLP)" },
    convolutionKernel: { integer: 0, min: 0, max: 1023, unit: "frames", also: ["conv_kernel", "depthwise_conv_kernel_size"], means: "width of the depthwise convolution between attention and MLP of each encoder block (odd; Conformer has 31); 0 leaves the convolution out" },
    embeddingStd: { number: 0.02, min: 0, max: 100, above: true, reference: 1, original: "embed_std", means: "standard deviation of the initial token embedding, which is also the output layer" },
    ctcHead: { flag: true, reference: false, means: "linear output on the encoder for CTC training and decoding" },
    phones: { integer: 0, min: 0, max: 10000, means: "phones of the CTC output after the middle encoder block; 0 takes them from text.lexicon, and leaves that output out where there is none" },
    phoneFeedback: { flag: true, also: ["self_conditioning"], means: "where there are phones: feed their probabilities back into the encoder after the middle block" },
    rotary: {
      pitch: { choice: "utterance", of: ["utterance", "frames", "static", "none"], original: "f0_rotary", means: "what bends the encoder's rotary angles: the utterance's mean f0, f0 frame by frame as accumulated phase, nothing, or no rotary at all" },
      spacing: { choice: "geometric", of: ["geometric", "mel"], means: "rotary frequencies: powers of theta, or evenly spaced on the mel scale" },
      learned: { choices: [], of: ["frequencies", "theta", "pitchScale"], means: "rotary parameters that training may change" },
      variableRadius: { flag: false, original: "variable_radius", means: "give each rotary pair a learned radius (softplus) instead of 1" },
      cross: { flag: true, original: "cross_rotary", means: "rotate queries and keys of cross-attention too, text index against frame index" },
      theta: { number: 10000, min: 1, max: 1e9, above: true, original: "theta", means: "base of the static rotary" },
      minTheta: { number: 600, min: 1, max: 1e9, above: true, original: "min_theta", means: "base at 0 mel" },
      maxTheta: { number: 2400, min: 1, max: 1e9, above: true, original: "max_theta", means: "base at referencePitchHz (higher pitch goes beyond it)" },
      minPitchHz: { number: 80, min: 0, max: 20000, above: true, unit: "Hz", means: "lower pitch counts as this" },
      maxPitchHz: { number: 600, min: 0, max: 20000, above: true, unit: "Hz", means: "higher pitch counts as this" },
      referencePitchHz: { number: 300, min: 0, max: 20000, above: true, unit: "Hz", means: "pitch whose base is maxTheta" },
      pitchScale: { number: 1, min: 0, max: 1e6, original: "pitch_scale", means: "steepness of the pitch bias" },
    },
    pitchBias: { flag: false, original: "use_pbias", means: "add exp(-|difference of normalised f0| * pitchScale) to the encoder's attention scores" },
    zeroKeys: {
      enabled: { flag: true, original: "zero_scale", means: "scale down the attention that silent frames receive" },
      initial: { number: 1e-4, min: 0, max: 1, above: true, original: "fzero", means: "factor on a silent key's attention weight at the start (it is learned)" },
      floor: { number: 1e-6, min: 0, max: 1, above: true, means: "smallest factor" },
      ceiling: { number: 1e-3, min: 0, max: 1, above: true, means: "largest factor" },
      silenceDecades: { number: 3, min: 0, max: 100, above: true, unit: "decades of power", means: "a frame is silent when its mean log10-mel lies this far below the loudest frame's" },
    },
    spectrogramStem: {
      kernel: { integer: 7, min: 1, max: 1023, odd: true, reference: 3, means: "width of the first convolution" },
      stride: { integer: 4, min: 1, max: 1023, reference: 1, original: "spec_stride", means: "stride of the first convolution: encoder frames are this many hops apart" },
    },
    pitchStem: {
      kernel: { integer: 9, min: 1, max: 1023, odd: true, means: "width of the first convolution" },
      stride: { integer: 2, min: 1, max: 1023, means: "stride of the first convolution" },
    },
    stemNorm: { flag: true, reference: false, original: "stem_norm", means: "RMS norm between a stem's convolutions and its sinusoids" },
    residualCross: { flag: true, reference: false, original: "residual_cross", means: "add the cross-attention's result instead of blending it with the input" },
  },

  // From samples to log-mel spectrogram and f0.
  audio: {
    sampleRate: { integer: 16000, min: 1000, max: 192000, unit: "Hz", also: ["sr"], means: "rate all audio is brought to" },
    fftSize: { integer: 512, min: 16, max: 65536, reference: 1024, unit: "samples", original: "n_fft", means: "length of the Fourier transform" },
    windowLength: { integer: 512, min: 16, max: 65536, reference: 1024, unit: "samples", also: ["win_length"], means: "length of the periodic Hann window" },
    hopLength: { integer: 160, min: 1, max: 65536, reference: 128, unit: "samples", original: "hop_length", means: "distance of neighbouring frames, of the spectrogram and of f0" },
    melBins: { integer: 64, min: 1, max: 1024, reference: 128, original: "mels", also: ["n_mels"], means: "mel bands of the spectrogram" },
    minFrequencyHz: { number: 50, min: 0, reference: 150, unit: "Hz", original: "f_min", means: "lower edge of the lowest band" },
    maxFrequencyHz: { number: 8000, min: 0, above: true, reference: 2000, unit: "Hz", original: "f_max", means: "upper edge of the highest band" },
    melScale: { choice: "htk", of: ["htk", "slaney"], means: "formula of the mel scale" },
    melNorm: { choice: "none", of: ["none", "slaney"], means: "none: triangles of height 1; slaney: of equal area" },
    floorDecades: { number: 8, min: 0, above: true, unit: "decades of power", means: "values further below the utterance's maximum are raised to it" },
    normalize: { choice: "bands", of: ["bands", "scaled"], reference: "scaled", means: "bands: subtract each band's mean, divide all by one standard deviation, per utterance; scaled: (log10 + 4) / 4" },
    pitch: {
      method: { choice: "nac", of: ["nac", "yin", "pyin", "mpm"], means: "how f0 is tracked: noise-aware autocorrelation, or a classic method (the original used CREPE)" },
      minHz: { number: 70, min: 10, reference: 80, unit: "Hz", means: "lowest f0 searched; keep it above mains hum" },
      maxHz: { number: 600, min: 20, reference: 800, unit: "Hz", means: "highest f0 searched" },
      frameLength: { integer: 1024, min: 32, max: 65536, unit: "samples", means: "yin, pyin, mpm: samples looked at for one f0 value; more than two periods of minHz" },
    },
  },

  // From transcripts to token ids.
  text: {
    tokenizer: { choice: "word", of: ["word", "character", "bpe"], reference: "bpe", means: "word and character are built from the training texts, bpe is read from tokenizerFile" },
    tokenizerFile: { text: "", reference: "tokenizer.json", means: "a Hugging Face tokenizer.json, for bpe" },
    lexicon: { text: "", also: ["pronunciations", "dictionary"], means: "a pronouncing dictionary in the data folder, a line WORD PHONE PHONE ... for each word of the texts; loss.middleCtcWeight then counts phones" },
    unknown: { choice: "error", of: ["error", "skip", "token"], means: "text outside the vocabulary: refuse, leave out, or replace by <unk>" },
    unicode: { choice: "NFKC", of: ["NFKC", "NFC", "none"], reference: "none", means: "Unicode normal form of transcripts" },
    lowerCase: { flag: true, reference: false, means: "lower-case transcripts" },
    punctuation: { choice: "words", of: ["words", "strip", "keep"], reference: "keep", means: "words: marks go, but don't keeps its apostrophe; strip: that goes too; keep: nothing goes" },
  },

  // Which recordings.
  data: {
    format: { choice: "manifest", of: ["manifest", "strings", "digits", "an4", "librispeech", "fleurs", "commonVoice"], means: "layout of the data folder; digits draws random strings of single recordings" },
    file: { text: "manifest.jsonl", means: "the manifest or strings file inside the data folder" },
    trainSplit: { text: "train", means: "split that is trained on" },
    evaluateSplit: { text: "dev", reference: "test", means: "split that is scored" },
    holdOut: { number: 0.1, min: 0, max: 0.9, means: "share of the speakers (with fewer than four, or unnamed ones: of the rows) held out as evaluateSplit when no row of a manifest names a split; 0 refuses such a manifest" },
    minSeconds: { number: 0.1, min: 0, unit: "s", means: "shorter utterances are reported and left out" },
    maxSeconds: { number: 15, min: 0, above: true, unit: "s", means: "longer utterances are reported and left out" },
    maxCharacters: { integer: 511, min: 1, unit: "characters", means: "longer transcripts are reported and left out" },
    badRows: { choice: "skip", of: ["skip", "fail"], means: "rows that cannot be used: count and leave out, or stop" },
  },

  // Random digit strings (data.format digits).
  digits: {
    trainSpeakers: { texts: ["george", "jackson", "nicolas", "yweweler"], means: "speakers trained on; their first recordings are the seen test" },
    unseenSpeakers: { texts: ["theo", "lucas"], means: "speakers of the unseen test" },
    heldOut: { integer: 5, min: 0, unit: "recordings", means: "recordings 0..heldOut-1 of each digit are kept for the seen test" },
    stages: { text: "0:1-2 150:1-4 300:3-7", pattern: "^0:[1-9]\\d*-[1-9]\\d*( [1-9]\\d*:[1-9]\\d*-[1-9]\\d*)*$", expected: 'stages such as "0:1-2 150:1-4 300:3-7" (from step: fewest-most digits), the first from step 0', means: "curriculum: from which step strings have how many digits" },
  },

  // How utterances are put together.
  batch: {
    maxFrames: { integer: 3200, min: 1, unit: "frames", means: "padded frames of one batch, the longest utterance times the number of utterances" },
    maxUtterances: { integer: 32, min: 1, reference: 1, also: ["batch_size"], means: "utterances of one batch" },
    lengthJitter: { number: 0.15, min: 0, max: 1, reference: 0, means: "random factor 1 +- this on lengths before they are sorted into batches" },
  },

  // Short utterances first.
  curriculum: {
    epochs: { number: 4, min: 0, reference: 0, unit: "epochs", means: "over which the longest allowed utterance grows; 0 starts with all" },
    startFrames: { integer: 130, min: 1, unit: "frames", means: "longest utterance at the start" },
    endFrames: { integer: 630, min: 1, unit: "frames", means: "longest utterance when the growth ends; from then on all are allowed" },
  },

  // Random changes of the training audio.
  augment: {
    speeds: { numbers: [0.9, 1, 1.1], min: 0.5, max: 2, atLeast: 1, reference: [1], means: "speed factors, one drawn for each utterance and epoch" },
    gainDb: { number: 0, min: 0, max: 60, unit: "dB", means: "gain drawn from -this to +this" },
    noiseDb: { number: 0, min: 0, max: 120, unit: "dB", means: "white noise at a signal-to-noise ratio of this or better, up to 40 dB; 0 adds none" },
    melStretch: { number: 0.08, min: 0, max: 0.5, reference: 0, means: "mel axis stretched by up to +- this share" },
    melShift: { number: 1, min: 0, reference: 0, unit: "bands", means: "mel axis shifted by up to +- this" },
    frequencyMasks: { integer: 2, min: 0, reference: 0, also: ["spec_augment"], means: "masked bands of mel bins (SpecAugment)" },
    frequencyMaskBins: { integer: 10, min: 0, unit: "bins", means: "widest frequency mask" },
    timeMasks: { integer: 2, min: 0, reference: 0, means: "fewest masked stretches of time" },
    framesPerTimeMask: { integer: 100, min: 1, unit: "frames", means: "long utterances get one time mask for each so many frames" },
    timeMaskFrames: { integer: 20, min: 0, unit: "frames", means: "longest time mask" },
    timeMaskShare: { number: 0.16666666666666666, min: 0, max: 1, means: "longest time mask as a share of the utterance" },
    concatenate: { number: 0, min: 0, max: 1, means: "probability that an utterance is joined with another of its speaker" },
    concatenateFrames: { integer: 0, min: 0, unit: "frames", means: "most hops of two joined utterances together; 0 leaves data.maxSeconds as the only limit" },
  },

  // What is minimised.
  loss: {
    ctcWeight: { number: 0.7, min: 0, max: 1, reference: 0, means: "loss = ctcWeight * CTC + (1 - ctcWeight) * cross entropy" },
    middleCtcWeight: { number: 0, min: 0, max: 0.9, also: ["interctc_weight"], means: "share of the CTC loss taken after the middle encoder block: of phones with text.lexicon, else of tokens through the same head" },
    labelSmoothing: { number: 0.1, min: 0, max: 0.9, reference: 0, means: "share of the target spread over all tokens (cross entropy only)" },
  },

  // AdamW and its learning rate.
  optimizer: {
    learningRate: { number: 1.5e-3, min: 0, max: 1, above: true, reference: 1e-4, means: "peak learning rate of AdamW" },
    beta1: { number: 0.9, min: 0, max: 0.9999999, means: "decay of the mean of gradients" },
    beta2: { number: 0.98, min: 0, max: 0.9999999, reference: 0.999, means: "decay of the mean of squared gradients" },
    epsilon: { number: 1e-8, min: 0, above: true, means: "added to the root of the mean square" },
    weightDecay: { number: 0.02, min: 0, max: 1, reference: 0.01, means: "decoupled weight decay, times the learning rate" },
    decay: { choice: "matrices", of: ["matrices", "all"], means: "what decays: tensors with two or more axes, or all" },
    clipNorm: { number: 1, min: 0, also: ["grad_clip", "max_grad_norm"], means: "largest norm of all gradients together; 0 does not clip" },
    schedule: { choice: "cosine", of: ["cosine", "linear", "constant"], means: "learning rate after the warm-up: to 0 over the run, or constant" },
    warmupShare: { number: 0, min: 0, max: 0.9, also: ["warmup_ratio"], means: "linear rise of the learning rate over this share of the run, in place of warmupSteps; 0 leaves it to them" },
    warmupSteps: { integer: 200, min: 0, reference: 1000, unit: "steps", means: "linear rise of the learning rate from 0" },
  },

  // Length of the run and what happens during it.
  training: {
    seed: { integer: 0, min: 0, means: "seed of every random stream of the run" },
    epochs: { number: 80, min: 0, reference: 0, unit: "epochs", also: ["num_epochs"], means: "passes over the training split, counted in utterances; 0 counts steps instead" },
    maxSteps: { integer: 0, min: 0, reference: 10000, unit: "steps", also: ["num_steps"], means: "steps to train; 0 counts epochs instead; with both the earlier end counts" },
    accumulate: { integer: 1, min: 1, unit: "batches", also: ["gradient_accumulation_steps"], means: "batches whose gradients make one step, as one large batch would" },
    evaluateEvery: { integer: 500, min: 0, reference: 1000, unit: "steps", means: "steps between evaluations; 0 evaluates at the end only" },
    keepCheckpoints: { integer: 2, min: 1, unit: "checkpoints", means: "how many of the latest are kept: last.safetensors and, before it, step-N.safetensors" },
    checkpointEvery: { integer: 500, min: 0, reference: 1000, unit: "steps", means: "steps between checkpoints; 0 writes the last only" },
    patience: { integer: 0, min: 0, unit: "evaluations", means: "stop after so many evaluations without a better error rate; 0 never stops early" },
  },

  // How text is produced.
  decode: {
    method: { choice: "ctcGreedy", of: ["ctcGreedy", "ctcBeam", "greedy", "beam", "joint", "onePass"], reference: "greedy", means: "CTC (ctcGreedy, ctcBeam), attention (greedy, beam), CTC's best texts rescored with attention (joint), or both weighed at every token (onePass)" },
    beam: { integer: 8, min: 1, max: 1000, also: ["beam_size", "num_beams"], means: "hypotheses kept by the beam methods" },
    lengthPenalty: { number: 0.6, min: 0, max: 5, means: "attention beam: scores are divided by the length to this power" },
    ctcWeight: { number: 0.5, min: 0, max: 1, means: "joint, onePass: share of the CTC score" },
    phoneWeight: { number: 1, min: 0, max: 10, means: "ctcBeam and joint, where the model knows phones: times the log probability that they give to a text" },
    lmWeight: { number: 0.5, min: 0, max: 10, also: ["lm_weight", "alpha"], means: "times the log probability of a language model, where one is given (--lm)" },
    wordBonus: { number: 0, min: -20, max: 20, also: ["word_score", "beta"], means: "added for every word, where a language model or hot words are given" },
    hotWordBonus: { number: 3, min: -20, max: 20, also: ["hotword_weight"], means: "added for every hot word (--hot-words), as a natural logarithm" },
    maxTokens: { integer: 128, min: 1, unit: "tokens", means: "longest output of the attention decoder" },
    speechGate: { flag: true, reference: false, means: "write nothing for stretches without speech: silence, noise, hum, held tones; whispers too" },
  },
} as const;

/** Every setting of a run as a plain JSON object; `resolveConfig` makes one from the settings that differ. */
export interface EchoConfig extends ConfigOf<typeof SETTINGS> {}

/** Settings of the network. */
export interface ModelConfig extends ConfigOf<typeof SETTINGS.model> {}

/** Settings of the way from samples to log-mel and f0. */
export interface AudioConfig extends ConfigOf<typeof SETTINGS.audio> {}

/** A stream that the encoder reads. */
export type FeatureName = ModelConfig["features"][number];

/** One line about each group, for help and documentation. */
export const GROUP_MEANINGS: Readonly<Record<keyof EchoConfig, string>> = {
  model: "the network",
  audio: "from samples to log-mel spectrogram and f0",
  text: "from transcripts to token ids",
  data: "which recordings",
  digits: "random digit strings (data.format digits)",
  batch: "how utterances are put together",
  curriculum: "short utterances first",
  augment: "random changes of the training audio",
  loss: "what is minimised",
  optimizer: "AdamW and its learning rate",
  training: "length of the run and what happens during it",
  decode: "how text is produced",
};
