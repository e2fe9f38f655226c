// Everything there is to see of one recording under one model: the sections that `echo-asr attention` and `report` share.
import { trackAtFrames } from "../model/frame-lengths.ts";
import { inputOf } from "../settings/resolve.ts";
import { collateFeatures, collateTargets } from "../speech/collate.ts";
import { extractFeatures } from "../speech/features.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import { transcribe } from "../speech/transcribe.ts";
import { type AttentionMap, attentionMaps } from "../study/attention-maps.ts";
import { gateTracks, hopsPerFrame } from "../study/gate-openings.ts";
import { utteranceAngles } from "../study/rotary-patterns.ts";
import { type AttentionScene, attentionFigure, attentionReceivedFigure } from "./attention-figures.ts";
import type { Figure } from "./figure.ts";
import { gateTrackFigure } from "./gate-figures.ts";
import type { ReportSection } from "./page.ts";
import { rotationFigure, utteranceMatricesFigure } from "./pitch-figures.ts";
import { recordingFigure } from "./speech-figures.ts";

/** Longest recording whose attention is shown: matrices grow with the square of the length. */
export const MOST_SECONDS = 20;

/**
 * Sections on a recording: spectrogram with pitch and words, attention by head, gates, and what pitch does to positions.
 *
 * @param wave mono samples at `audio.sampleRate`, at most 20 s
 * @throws RangeError for a longer recording
 */
export async function recordingSections(
  recognizer: Recognizer,
  wave: Float32Array,
  name: string,
): Promise<ReportSection[]> {
  const { echo, tokenizer, config } = recognizer;
  const { audio, model } = config;
  const seconds = wave.length / audio.sampleRate;
  if (seconds > MOST_SECONDS)
    throw new RangeError(
      `${name}: expected at most ${MOST_SECONDS} s of sound, got ${seconds.toFixed(1)}; cut it`,
    );
  const input = inputOf(config);
  const features = extractFeatures(wave, input);
  const { text, words } = await transcribe(recognizer, wave);
  const recording = recordingFigure({ name, wave, audio, features, words });
  const batch = collateFeatures([features], input);
  const tokens = tokenizer.encode(text);
  const { inputIds } = collateTargets([tokens], tokenizer.special);
  const hops = hopsPerFrame(echo, { feature: echo.mainFeature });
  const maps = echo.config.variant === "reference" ? [] : attentionMaps(echo, batch, inputIds);
  const tracks = gateTracks(echo, batch, inputIds);
  const frames =
    maps.find(({ block }) => block.kind === "encoder")?.keys ?? Math.ceil(features.frames / hops);
  const scene: AttentionScene = {
    name,
    secondsPerFrame: (hops * audio.hopLength) / audio.sampleRate,
    f0: trackAtFrames(features.f0, frames, hops),
    silent: trackAtFrames(features.silent, frames, hops),
    tokens: ["begin", ...tokens.map((id) => tokenizer.tokenOf(id))],
  };
  const pitch = { name, f0: scene.f0, secondsPerFrame: scene.secondsPerFrame };
  const angles = utteranceAngles(scene.f0, model.dims / model.heads, model.rotary);
  const gates = tracks.filter(({ block }) => block.kind === "encoder");
  return [
    { heading: `The recording ${name}`, text: [`Recognised: ${text || "(nothing)"}`], figures: [recording] },
    ...attentionSection(maps, scene),
    ...(gates.length === 0
      ? []
      : [{ heading: "Gates along the recording", figures: [gateTrackFigure(gates, scene)] }]),
    {
      heading: "Pitch and position",
      text: [
        `The rotary base of the encoder is ${model.rotary.pitch === "none" || model.rotary.pitch === "static" ? "fixed" : "chosen by pitch"} (model.rotary.pitch=${model.rotary.pitch}); the pitch bias is ${model.pitchBias ? "on" : "off"} (model.pitchBias).`,
      ],
      figures: [
        rotationFigure(pitch, angles),
        utteranceMatricesFigure(pitch, angles, model.rotary.pitchScale),
      ],
    },
  ];
}

function attentionSection(maps: readonly AttentionMap[], scene: AttentionScene): ReportSection[] {
  const kinds = {
    encoder: maps.filter(({ block }) => block.kind === "encoder"),
    text: maps.filter(({ block, to }) => block.kind !== "encoder" && to === "self"),
    audio: maps.filter(({ to }) => to === "audio"),
  };
  const figures: Figure[] = (["encoder", "audio", "text"] as const).flatMap((kind) =>
    kinds[kind].length === 0 ? [] : [attentionFigure(kinds[kind], kind, scene)],
  );
  const main = kinds.encoder.filter(({ keys }) => keys === scene.f0.length);
  if (main.length > 0) figures.splice(1, 0, attentionReceivedFigure(main, scene));
  return figures.length === 0 ? [] : [{ heading: "Attention", figures }];
}
