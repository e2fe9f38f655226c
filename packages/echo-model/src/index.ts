// The public surface of @echo-ts/echo-model: what it takes to configure, train, score and use a model. Node's parts are
// in "@echo-ts/echo-model/node", the parts of the network in ".../model", the bug-compatible variant in ".../reference",
// corpora, digit strings, diagnostics and TensorBoard files in ".../study".

// Lists of utterances, checked row by row.
export { checkUtterances } from "./data/check-utterances.ts";
export { type FileAccess, memoryFiles } from "./data/file-access.ts";
export { parseManifest, parseStrings } from "./data/manifest.ts";
export { type DataSet, describeProblem, type RowProblem, type Utterance } from "./data/utterance.ts";
export { editDistance } from "./edit-distance.ts";
export { CheckpointError, ConfigError, DataError, TextError, TrainingError } from "./errors.ts";
// Error rates that can be trusted.
export { type Evaluation, evaluateModel, medianPitch } from "./evaluate/evaluate-model.ts";
export { evaluationText } from "./evaluate/evaluation-table.ts";
export { arpaText, parseArpa } from "./language/arpa.ts";
export { NgramModel } from "./language/ngram-model.ts";
export { type TextScorer, textScorer } from "./language/text-scorer.ts";
export { trainNgram } from "./language/train-ngram.ts";
// The model, and what it may be told of the language.
export type { EchoFeatures } from "./model/batch.ts";
export { sequenceLoss } from "./model/loss.ts";
export { Echo } from "./model/model.ts";
export { buildEcho } from "./reference/build-echo.ts";
// Settings: one table, checked, with help and presets.
export { configHelp, configMarkdown } from "./settings/help.ts";
export { PRESETS } from "./settings/presets.ts";
export {
  applyOverrides,
  type ConfigInput,
  changedSettings,
  type InputSettings,
  inputOf,
  parseConfig,
  resolveConfig,
} from "./settings/resolve.ts";
export type { EchoConfig, ModelConfig } from "./settings/settings.ts";
// From a recording to text: features, batches, decoding, timed words, subtitles.
export { collateFeatures, type Example } from "./speech/collate.ts";
export { ctcBeamDecode } from "./speech/decode/ctc-beam.ts";
export {
  ctcAlign,
  ctcFrameScores,
  ctcGreedyDecode,
  ctcScore,
  type FrameScores,
} from "./speech/decode/ctc-search.ts";
export {
  beamDecode,
  greedyDecode,
  type Hypothesis,
} from "./speech/decode/decoder-search.ts";
export { decoderScore, jointDecode } from "./speech/decode/joint-search.ts";
export { onePassDecode } from "./speech/decode/one-pass-search.ts";
export { phoneFrameScores, rescoredByPhones } from "./speech/decode/phone-scores.ts";
export { type TimedWord, wordTimes } from "./speech/decode/word-times.ts";
export { FeatureStore } from "./speech/feature-store.ts";
export { extractFeatures, trackRecording, type UtteranceFeatures } from "./speech/features.ts";
export {
  type RankedText,
  type Recognizer,
  recognizeStretch,
  recognizeTexts,
} from "./speech/recognize-stretch.ts";
export { changeSpeed, decodeRecording } from "./speech/recording.ts";
export { holdsSpeech } from "./speech/speech-gate.ts";
export { readFeatures, type StoredFeatures } from "./speech/stored-features.ts";
export { cutIntoStretches, type Stretch, StretchCutter, type StretchOptions } from "./speech/stretches.ts";
export { groupCues, toSrt, toTranscriptJson, toVtt } from "./speech/subtitles.ts";
export { type RecognizedStretch, type Transcript, transcribe } from "./speech/transcribe.ts";
export { TranscribeStream } from "./speech/transcribe-stream.ts";
export { withLanguage } from "./speech/with-language.ts";
export {
  type Calibration,
  calibrated,
  fitCalibration,
  type JudgedWord,
  type ReliabilityRow,
  reliability,
} from "./speech/word-confidence.ts";
// Transcripts to token ids and back; how texts differ.
export { BpeTokenizer } from "./text/bpe-tokenizer.ts";
export { CharacterTokenizer } from "./text/character-tokenizer.ts";
export { collateText } from "./text/collate-text.ts";
export { scoreCorpus, scoreGroups, scoreText } from "./text/error-rates.ts";
export { normalizeText } from "./text/normalize.ts";
export { type Lexicon, Pronunciations, parseLexicon } from "./text/pronunciations.ts";
export { restoreTokenizer } from "./text/restore-tokenizer.ts";
export { type SpecialIds, specialIds, type Tokenizer } from "./text/tokenizer.ts";
export { trainBpe } from "./text/train-bpe.ts";
export { WordTokenizer } from "./text/word-tokenizer.ts";
// Training: data, steps, checkpoints.
export {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  newModel,
  recognizerOf,
  restoreModel,
} from "./train/checkpoint.ts";
export { loadDataSet } from "./train/load-data-set.ts";
export { prepareEvaluation, prepareTraining, type TrainingData } from "./train/prepare-data.ts";
export { Trainer } from "./train/trainer.ts";
