// One recording as the model meets it: waveform, log-mel with the pitch over it, and the recognised words at their times.
import { melCentres } from "@echo-ts/audio";
import * as Plot from "@observablehq/plot";
import type { AudioConfig } from "../settings/settings.ts";
import type { TimedWord } from "../speech/decode/word-times.ts";
import type { UtteranceFeatures } from "../speech/features.ts";
import { imageMark } from "./color-image.ts";
import { drawFigure, type Figure, SERIES } from "./figure.ts";
import { rowsOf } from "./pitch-figures.ts";

const WIDTH = 880;
const SLICES = 440;

/** A recording with what was found in it. */
export interface SeenRecording {
  /** File name or id. */
  readonly name: string;
  /** Mono samples at `audio.sampleRate`. */
  readonly wave: Float32Array;
  readonly audio: AudioConfig;
  readonly features: UtteranceFeatures;
  /** Recognised words with their times. */
  readonly words: readonly TimedWord[];
}

/** Waveform, log-mel with pitch and silence, and words. */
export function recordingFigure({ name, wave, audio, features, words }: SeenRecording): Figure {
  const { mel, f0, silent, frames } = features;
  const { melBins, hopLength, sampleRate } = audio;
  const seconds = wave.length / sampleRate;
  const hop = hopLength / sampleRate;
  const slice = Math.max(1, Math.ceil(wave.length / SLICES));
  const envelope = Array.from({ length: Math.ceil(wave.length / slice) }, (_, i) => {
    const part = wave.subarray(i * slice, (i + 1) * slice);
    return {
      s: ((i + 0.5) * slice) / sampleRate,
      low: part.reduce((a, b) => Math.min(a, b)),
      high: part.reduce((a, b) => Math.max(a, b)),
    };
  });
  const centres = melCentres({
    sampleRate,
    melBins,
    fmin: audio.minFrequencyHz,
    fmax: audio.maxFrequencyHz,
    melScale: audio.melScale,
  });
  const range = [mel.reduce((a, b) => Math.min(a, b)), mel.reduce((a, b) => Math.max(a, b))] as const;
  const pitch = Array.from(f0, (hz, t) => ({
    s: t * hop,
    hz,
    band: hz > 0 ? bandOf(hz, centres) : Number.NaN,
  }));
  const quiet = spansWhere(silent).map(({ from, to }) => ({
    from: from * hop,
    to: Math.min(to * hop, seconds),
  }));
  const ticks = [100, 200, 300, 500, 800, 1200, 2000, 3000, 5000, 8000].filter(
    (hz) => hz >= centres[0]! && hz <= centres[melBins - 1]!,
  );
  const x = { domain: [0, seconds] as [number, number], label: "time (s)" };
  // Two rows of words where they would run into each other.
  const crowded = words.some(({ start }, i) => i > 0 && start - words[i - 1]!.start < seconds / 14);
  const spoken = words.map(({ word, start, end }, i) => ({
    word,
    start,
    end,
    middle: (start + end) / 2,
    row: crowded && i % 2 === 1 ? 0.1 : 0.6,
  }));
  return drawFigure({
    name: "recording",
    title: `"${name}": waveform, log-mel spectrogram with pitch, recognised words`,
    text:
      "Top: the samples. Middle: what the model reads, louder is brighter; the orange line is f0 at its height on the mel axis, so that harmonics lie above it in parallel. " +
      "Grey stretches below are frames that count as silent. Bottom: the recognised words where the encoder's CTC output places them; such times are spikes of a frame or a few, " +
      "not the length of a word.",
    alt: `A recording of ${seconds.toFixed(2)} seconds, ${pitch.filter(({ hz }) => hz > 0).length} of ${frames} frames voiced, recognised as: ${words.map(({ word }) => word).join(" ") || "nothing"}.`,
    panels: [
      [
        {
          plot: {
            width: WIDTH,
            height: 110,
            marginLeft: 56,
            marginBottom: 20,
            x: { ...x, label: null },
            y: { label: "amplitude (full scale = 1)", ticks: 3 },
            marks: [Plot.areaY(envelope, { x: "s", y1: "low", y2: "high", fill: SERIES[0]! })],
          } satisfies Plot.PlotOptions,
        },
      ],
      [
        {
          plot: {
            width: WIDTH,
            height: 260,
            marginLeft: 56,
            marginBottom: 20,
            x: { ...x, label: null },
            y: {
              domain: [0, melBins],
              label: "frequency (Hz)",
              ticks: ticks.map((hz) => bandOf(hz, centres)),
              tickFormat: (band: number) =>
                String(ticks[ticks.findIndex((hz) => bandOf(hz, centres) === band)]),
            },
            marks: [
              imageMark(
                { values: mel, rows: melBins, columns: frames, range },
                { x: [-hop / 2, (frames - 0.5) * hop], y: [0, melBins] },
              ),
              Plot.line(pitch, { x: "s", y: "band", stroke: "#000", strokeWidth: 4, strokeOpacity: 0.5 }),
              Plot.line(pitch, { x: "s", y: "band", stroke: "#ff9d2e", strokeWidth: 2 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [
        {
          plot: {
            width: WIDTH,
            height: 92,
            marginLeft: 56,
            x,
            y: { domain: [0, 2], axis: null },
            marks: [
              Plot.rect(quiet, {
                x1: "from",
                x2: "to",
                y1: 1.75,
                y2: 2,
                fill: "currentColor",
                fillOpacity: 0.35,
              }),
              Plot.ruleX(spoken, { x: "start", y1: 0.9, y2: 1.6, stroke: SERIES[0]! }),
              Plot.rect(spoken, {
                x1: "start",
                x2: "end",
                y1: 0.9,
                y2: 1.6,
                fill: SERIES[0]!,
                fillOpacity: 0.5,
              }),
              Plot.text(spoken, { x: "middle", y: "row", text: "word", fill: "currentColor", fontSize: 12 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
    ],
    table: {
      columns: ["word", "start (s)", "end (s)"],
      rows: words.map(({ word, start, end }) => [word, start, end]),
      note: `${frames} frames of ${(1000 * hop).toFixed(1)} ms, ${quiet.length} silent stretches; the spectrogram and f0 are in the JSON file.`,
    },
    data: {
      secondsPerFrame: hop,
      f0: Array.from(f0),
      silent: Array.from(silent),
      mel: rowsOf(mel, frames),
      words,
    },
  });
}

/** Where a frequency lies among the bands: 0.5 is the middle of the first. */
export function bandOf(hz: number, centres: Float64Array): number {
  const above = centres.findIndex((centre) => centre >= hz);
  if (above === 0) return Math.max(0, 0.5 - (centres[0]! - hz) / (centres[1]! - centres[0]!));
  if (above < 0) return centres.length - 0.5;
  const [low, high] = [centres[above - 1]!, centres[above]!];
  return above - 0.5 + (hz - low) / (high - low);
}

/** Stretches of non-zero values, each [from, to). */
export function spansWhere(flags: ArrayLike<number>): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  for (let t = 0; t < flags.length; t++) {
    if (!flags[t]) continue;
    const last = spans.at(-1);
    if (last !== undefined && last.to === t) last.to = t + 1;
    else spans.push({ from: t, to: t + 1 });
  }
  return spans;
}
