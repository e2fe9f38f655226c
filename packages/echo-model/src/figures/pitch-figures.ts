// Figures of one utterance's pitch at work: rotation along it, similarity that follows it, and the pitch bias beside it.
// Shapes: T encoder frames. Numbers: ../study/rotary-patterns.ts.
import * as Plot from "@observablehq/plot";
import { angleSimilarity, pitchBiasMatrix, type UtteranceAngles } from "../study/rotary-patterns.ts";
import { colorBar, imageMark } from "./color-image.ts";
import { drawFigure, type Figure, type Panel, SERIES } from "./figure.ts";
import { legend } from "./rotary-figures.ts";

const WIDTH = 880;
const MATRIX = 300;

/** An utterance's pitch on the encoder's clock. */
export interface UtterancePitch {
  /** What was said, or the file's name. */
  readonly name: string;
  /** Hz, 0 = unvoiced: [T]. */
  readonly f0: ArrayLike<number>;
  readonly secondsPerFrame: number;
}

/** f0 over time, empty where unvoiced. */
export function pitchPanel({ f0, secondsPerFrame }: UtterancePitch, width: number, height = 150): Panel {
  const points = Array.from(f0, (hz, t) => ({
    s: (t + 0.5) * secondsPerFrame,
    hz: hz > 0 ? hz : Number.NaN,
  }));
  return {
    plot: {
      width,
      height,
      marginLeft: 48,
      x: { label: "time (s)", domain: [0, f0.length * secondsPerFrame] },
      y: { label: "f0 (Hz)", grid: true, nice: true, ticks: 5 },
      marks: [
        Plot.line(points, { x: "s", y: "hz", stroke: SERIES[1]!, strokeWidth: 2 }),
        Plot.dot(points, {
          x: "s",
          y: "hz",
          r: 1.5,
          fill: SERIES[1]!,
          filter: ({ hz }: { hz: number }) => hz > 0,
        }),
      ],
    } satisfies Plot.PlotOptions,
  };
}

/** Rotation of some pairs of channels along the utterance: fixed base, base of its mean pitch, following its pitch. */
export function rotationFigure(pitch: UtterancePitch, angles: UtteranceAngles): Figure {
  const { pairs, positions, meanHz } = angles;
  const chosen = [0, 1, 2, 3]
    .map((i) => Math.min(pairs - 1, i))
    .filter((pair, i, all) => all.indexOf(pair) === i);
  const ways = [
    ["fixed theta", angles.static],
    ["mean pitch", angles.utterance],
    ["pitch of each frame", angles.frames],
  ] as const;
  const names = ways.map(([name]) => name);
  const points = (pair: number): { name: string; s: number; cosine: number }[] =>
    ways.flatMap(([name, values]) =>
      Array.from({ length: positions }, (_, t) => ({
        name,
        s: (t + 0.5) * pitch.secondsPerFrame,
        cosine: Math.cos(values[t * pairs + pair]!),
      })),
    );
  const panels: Panel[][] = chosen.map((pair, i) => [
    {
      title: `pair ${pair} (channels ${2 * pair} and ${2 * pair + 1})`,
      plot: {
        width: WIDTH,
        height: i === chosen.length - 1 ? 140 : 116,
        marginLeft: 48,
        marginBottom: i === chosen.length - 1 ? 40 : 18,
        x: {
          label: i === chosen.length - 1 ? "time (s)" : null,
          domain: [0, positions * pitch.secondsPerFrame],
        },
        y: { label: "cos(angle)", domain: [-1, 1], ticks: 3, grid: true },
        color: { domain: names, range: SERIES.slice(0, names.length) },
        marks: [
          // The mean's line is wide and pale, because that of each frame often covers it.
          Plot.line(points(pair), {
            x: "s",
            y: "cosine",
            stroke: "name",
            strokeWidth: ({ name }: { name: string }) => (name === names[1] ? 5 : 1.4),
            strokeOpacity: ({ name }: { name: string }) => (name === names[1] ? 0.4 : 1),
          }),
        ],
      } satisfies Plot.PlotOptions,
    },
  ]);
  return drawFigure({
    name: "rotation-along-pitch",
    title: `Rotation of the first dimensions along the pitch of "${pitch.name}"`,
    text:
      `Top: the pitch (mean ${meanHz.toFixed(0)} Hz). Below: the cosine of the angle by which the first pairs of channels are turned at each frame. ` +
      "Pair 0 turns by one radian a frame whatever the base, so its three lines are one. The further down, the more the base matters. " +
      "The pitch of each frame (model.rotary.pitch=frames) moves around the mean, so its line (thin) stays near that of the mean (wide, pale); frames without voice turn at the mean.",
    alt: `The pitch track of one utterance and, below it, oscillations of ${chosen.length} pairs of channels; the three ways agree for pair 0; for later pairs the fixed base falls behind.`,
    panels: [[pitchPanel(pitch, WIDTH)], ...panels, [legend(names, WIDTH)]],
    table: {
      columns: [
        "frame",
        "time (s)",
        "f0 (Hz)",
        ...chosen.flatMap((pair) => names.map((name) => `cos, pair ${pair}, ${name}`)),
      ],
      rows: Array.from({ length: positions }, (_, t) => [
        t,
        (t + 0.5) * pitch.secondsPerFrame,
        pitch.f0[t]!,
        ...chosen.flatMap((pair) => ways.map(([, values]) => Math.cos(values[t * pairs + pair]!))),
      ]),
    },
  });
}

/** Similarity of positions of a real utterance in the three ways, and the pitch bias, beside the pitch track. */
export function utteranceMatricesFigure(
  pitch: UtterancePitch,
  angles: UtteranceAngles,
  pitchScale: number,
): Figure {
  const { positions, pairs, meanHz } = angles;
  const seconds = positions * pitch.secondsPerFrame;
  const similar = (values: Float64Array): Float64Array => angleSimilarity(values, positions, pairs);
  const bias = pitchBiasMatrix(pitch.f0, pitchScale);
  const matrices = {
    fixed: similar(angles.static),
    meanPitch: similar(angles.utterance),
    framePitch: similar(angles.frames),
  };
  const panel = (title: string, values: Float64Array, range: readonly [number, number]): Panel => ({
    title,
    plot: {
      width: MATRIX,
      height: MATRIX,
      marginLeft: 48,
      x: { domain: [0, seconds], label: "time of the key (s)", ticks: 5 },
      y: { domain: [0, seconds], label: "time of the query (s)", ticks: 5 },
      marks: [
        imageMark(
          { values, rows: positions, columns: positions, range },
          { x: [0, seconds], y: [0, seconds] },
        ),
      ],
    } satisfies Plot.PlotOptions,
  });
  const low = Math.min(...Object.values(matrices).map((values) => values.reduce((a, b) => Math.min(a, b))));
  const range = [low, 1] as const;
  const voiced = Array.from(pitch.f0).filter((hz) => hz > 0).length;
  const lags = [1, 4, 16].filter((lag) => lag < positions);
  const mean = (values: Float64Array, lag: number): number => {
    let sum = 0;
    for (let t = 0; t + lag < positions; t++) sum += values[t * positions + t + lag]!;
    return sum / (positions - lag);
  };
  return drawFigure({
    name: "pitch-matrices",
    title: `Rotary similarity and pitch bias of "${pitch.name}"`,
    text:
      "Top right: the pitch bias that model.pitchBias=true adds to attention scores: 1 for equal pitch, near 0 for distant pitch, 0 where a frame has no voice. " +
      "Blocks are stretches of voice; the off-diagonal ones say which stretches share a pitch. The other three show how the rotary encoding alone sees the same frames. " +
      "They hardly differ, so what a figure can show of pitch in the rotary encoding is small. None of this says that the model gains by it (EXPERIMENTS.md: no established benefit).",
    alt: `The pitch bias has bright squares where two voiced stretches share a pitch (${voiced} of ${positions} frames voiced); the three similarity matrices have a bright diagonal and are nearly alike.`,
    panels: [
      [
        pitchPanel(pitch, MATRIX, MATRIX),
        panel(`pitch bias, scale ${pitchScale}`, bias, [0, 1]),
        colorBar({ range: [0, 1] }, "bias", { height: MATRIX, title: "" }),
      ],
      [
        panel("fixed theta", matrices.fixed, range),
        panel(`mean pitch, ${meanHz.toFixed(0)} Hz`, matrices.meanPitch, range),
        panel("pitch of each frame", matrices.framePitch, range),
        colorBar({ range }, "similarity", { height: MATRIX, title: "" }),
      ],
    ],
    table: {
      columns: ["matrix", ...lags.map((lag) => `mean at lag ${lag}`)],
      rows: [
        ["pitch bias", ...lags.map((lag) => mean(bias, lag))],
        ["fixed theta", ...lags.map((lag) => mean(matrices.fixed, lag))],
        ["mean pitch", ...lags.map((lag) => mean(matrices.meanPitch, lag))],
        ["pitch of each frame", ...lags.map((lag) => mean(matrices.framePitch, lag))],
      ],
    },
    data: {
      secondsPerFrame: pitch.secondsPerFrame,
      f0: Array.from(pitch.f0),
      pitchBias: rowsOf(bias, positions),
      fixedTheta: rowsOf(matrices.fixed, positions),
      meanPitch: rowsOf(matrices.meanPitch, positions),
      framePitch: rowsOf(matrices.framePitch, positions),
    },
  });
}

/** A matrix as rows of numbers with six digits. */
export function rowsOf(values: ArrayLike<number>, columns: number): number[][] {
  const all = Array.from(values, (value) => Number(value.toPrecision(6)));
  return Array.from({ length: all.length / columns }, (_, r) => all.slice(r * columns, (r + 1) * columns));
}
