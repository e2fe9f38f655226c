// How far gates open along an utterance. Numbers: ../study/gate-openings.ts.
import * as Plot from "@observablehq/plot";
import { type GateTrack, summarizeGates } from "../study/gate-openings.ts";
import type { AttentionScene } from "./attention-figures.ts";
import { drawFigure, type Figure } from "./figure.ts";
import { pitchPanel } from "./pitch-figures.ts";
import { colorsFor, legend } from "./rotary-figures.ts";

/** Openings of the encoder's gates frame by frame, with the pitch below. */
export function gateTrackFigure(tracks: readonly GateTrack[], scene: AttentionScene): Figure {
  const { secondsPerFrame, f0 } = scene;
  const names = tracks.map(({ block }) => block.name);
  const points = tracks.flatMap(({ block, openings }) =>
    Array.from(openings, (opening, t) => ({
      name: block.name,
      // Streams with another clock are spread over the same time.
      s: ((t + 0.5) * f0.length * secondsPerFrame) / openings.length,
      opening,
    })),
  );
  const summaries = summarizeGates(tracks);
  return drawFigure({
    name: "gate-openings",
    title: `Gate openings of the encoder along "${scene.name}"`,
    text:
      "One line a block: the factor on its MLP at each frame, 0 shut, 1 open. The table has the correlations with voicing and with log f0. One utterance proves nothing: " +
      "echo-asr diagnose takes them over a set. A gate that follows voicing need not use pitch, because loudness and spectrum follow voicing too.",
    alt: `Gate openings over time: ${summaries.map(({ name, mean }) => `${name} ${mean.toFixed(2)} on average`).join(", ")}.`,
    panels: [
      [
        {
          plot: {
            width: 880,
            height: 220,
            marginLeft: 48,
            marginBottom: 20,
            x: { domain: [0, f0.length * secondsPerFrame], label: null },
            y: { label: "gate opening (share)", domain: [0, 1], grid: true, ticks: 5 },
            color: { domain: names, range: colorsFor(names.length) },
            marks: [Plot.line(points, { x: "s", y: "opening", stroke: "name", strokeWidth: 1.6 })],
          } satisfies Plot.PlotOptions,
        },
      ],
      [pitchPanel({ name: scene.name, f0, secondsPerFrame }, 880)],
      [legend(names, 880)],
    ],
    table: {
      columns: [
        "gate",
        "mean opening",
        "standard deviation",
        "correlation with voicing",
        "correlation with log f0",
      ],
      rows: summaries.map(({ name, mean, deviation, withVoicing, withPitch }) => [
        name,
        mean,
        deviation,
        withVoicing,
        withPitch,
      ]),
    },
    data: tracks.map(({ block, openings }) => ({ name: block.name, openings: [...openings] })),
  });
}
