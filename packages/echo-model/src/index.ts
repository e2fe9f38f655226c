// The public surface of @echo-ts/echo-model, grouped by idea. Reading order: config, text, data, evaluate, report.

export * from "./config/field.ts";
export * from "./config/fields.ts";
export * from "./config/help.ts";
export * from "./config/presets.ts";
// Configuration: one table, checked, with help and presets.
export * from "./config.ts";
// Data: lists of utterances, in several layouts, checked row by row.
export * from "./data/audio-header.ts";
export * from "./data/check-utterances.ts";
export * from "./data/corpora.ts";
export * from "./data/digit-strings.ts";
export * from "./data/file-access.ts";
export * from "./data/load-data-set.ts";
export { parseManifest, parseStrings } from "./data/manifest.ts";
export * from "./data/sphere.ts";
export * from "./data/utterance.ts";
// Decoding: from scores to text, with times.
export * from "./decode/attention-decode.ts";
export * from "./decode/ctc-decode.ts";
export * from "./decode/frame-scores.ts";
export * from "./decode/joint-decode.ts";
export { type Encoded, selectRows } from "./decode/stepper.ts";
export * from "./decode/word-times.ts";
export * from "./errors.ts";
// Evaluation: error rates that can be trusted.
export * from "./evaluate/bootstrap.ts";
export * from "./evaluate/decode-batches.ts";
export * from "./evaluate/evaluate-model.ts";
export * from "./evaluate/wer.ts";
// Features: log-mel, f0, silence; cached and augmented.
export * from "./features/augment.ts";
export * from "./features/feature-cache.ts";
export * from "./features/feature-store.ts";
export * from "./features.ts";
// The model: rotary, pitch bias, silence, attention, blocks, encoder, decoder.
export * from "./model/attention.ts";
export * from "./model/batch.ts";
export * from "./model/block.ts";
export * from "./model/decoder.ts";
export * from "./model/diagnostics.ts";
export * from "./model/encoder.ts";
export * from "./model/encoder-feature.ts";
export * from "./model/frame-lengths.ts";
export * from "./model/gates.ts";
export * from "./model/loss.ts";
export * from "./model/model.ts";
export * from "./model/pitch-bias.ts";
export * from "./model/pitch-track.ts";
export * from "./model/projection.ts";
export * from "./model/reference-attention.ts";
export * from "./model/rotary.ts";
export * from "./model/rotary-module.ts";
export * from "./model/silence.ts";
export * from "./model/sinusoids.ts";
export * from "./model/stem.ts";
// Reports: subtitles, logs, TensorBoard files.
export * from "./report/evaluation-table.ts";
export * from "./report/event-log.ts";
export * from "./report/subtitles.ts";
export * from "./report/tensorboard.ts";
export * from "./report/terminal-plot.ts";
export * from "./report/tf-record.ts";
export * from "./speech/collate.ts";
export * from "./speech/cut-batches.ts";
// Text: transcripts to token ids and back.
export * from "./text/bpe-tokenizer.ts";
export * from "./text/character-tokenizer.ts";
export * from "./text/collate-text.ts";
export * from "./text/edit-distance.ts";
export * from "./text/normalize.ts";
export * from "./text/restore-tokenizer.ts";
export * from "./text/tokenizer.ts";
export * from "./text/word-tokenizer.ts";
// Training: batches, loss, steps, checkpoints.
export * from "./training/batch-plan.ts";
export * from "./training/batches.ts";
export * from "./training/checkpoint.ts";
export * from "./training/digit-batches.ts";
export * from "./training/learning-rate.ts";
export * from "./training/loss.ts";
export * from "./training/prepare-data.ts";
export * from "./training/trainer.ts";
// Transcription of whole recordings.
export * from "./transcribe.ts";
