// The public surface of @echo-ts/echo-model, grouped by idea. Reading order: config, text, data, evaluate, report.

// Data: lists of utterances, in several layouts, checked row by row.
export * from "./data/audio-header.ts";
export * from "./data/check-utterances.ts";
export * from "./data/file-access.ts";
export { parseManifest, parseStrings } from "./data/manifest.ts";
export * from "./data/sphere.ts";
export * from "./data/utterance.ts";
export * from "./edit-distance.ts";
export * from "./errors.ts";
export * from "./evaluate/decode-batches.ts";
export * from "./evaluate/evaluate-model.ts";
// Reports: subtitles, logs, TensorBoard files.
export * from "./evaluate/evaluation-table.ts";
// The model: rotary, pitch bias, silence, attention, blocks, encoder, decoder.
export * from "./model/attention.ts";
export * from "./model/batch.ts";
export * from "./model/block.ts";
export * from "./model/decoder.ts";
export * from "./model/encoder.ts";
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
export * from "./settings/help.ts";
export * from "./settings/presets.ts";
// Configuration: one table, checked, with help and presets.
export * from "./settings/resolve.ts";
export * from "./settings/schema.ts";
export * from "./settings/settings.ts";
export * from "./speech/collate.ts";
export * from "./speech/cut-batches.ts";
export * from "./speech/decode/ctc-search.ts";
// Decoding: from scores to text, with times.
export * from "./speech/decode/decoder-search.ts";
export * from "./speech/decode/joint-search.ts";
export { type Encoded, selectRows } from "./speech/decode/stepper.ts";
export * from "./speech/decode/word-times.ts";
export * from "./speech/feature-cache.ts";
export * from "./speech/feature-store.ts";
export * from "./speech/features.ts";
export * from "./speech/join-clips.ts";
export * from "./speech/recording.ts";
export * from "./speech/subtitles.ts";
// Transcription of whole recordings.
export * from "./speech/transcribe.ts";
// Evaluation: error rates that can be trusted.
export * from "./study/bootstrap.ts";
export * from "./study/corpora.ts";
export * from "./study/digit-strings.ts";
export * from "./study/gradient-diagnostics.ts";
export * from "./study/tensorboard.ts";
export * from "./study/terminal-plot.ts";
export * from "./study/tf-record.ts";
// Text: transcripts to token ids and back.
export * from "./text/bpe-tokenizer.ts";
export * from "./text/character-tokenizer.ts";
export * from "./text/collate-text.ts";
export * from "./text/error-rates.ts";
export * from "./text/normalize.ts";
export * from "./text/restore-tokenizer.ts";
export * from "./text/tokenizer.ts";
export * from "./text/word-tokenizer.ts";
// Features: log-mel, f0, silence; cached and augmented.
export * from "./train/augment.ts";
// Training: batches, loss, steps, checkpoints.
export * from "./train/batch-plan.ts";
export * from "./train/batches.ts";
export * from "./train/checkpoint.ts";
export * from "./train/digit-batches.ts";
export * from "./train/event-log.ts";
export * from "./train/learning-rate.ts";
export * from "./train/load-data-set.ts";
export * from "./train/loss.ts";
export * from "./train/prepare-data.ts";
export * from "./train/trainer.ts";
