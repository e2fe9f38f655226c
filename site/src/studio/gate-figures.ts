// The gates: how far each opens along the recording, with the voice underneath, and what the original project read off
// ratios of gradients, beside the same ratios of a trained model.
import * as Plot from "@observablehq/plot";
import { Figure, pageColor } from "../figure/figure.ts";
import { MARGINS, type TimeCursor } from "../figure/time-axis.ts";
import type { Recognised } from "./messages.ts";

/**
 * Mean gradient of a gate over that of its MLP, by layer, as packages/echo-model/REFERENCE.md has them: the original code
 * untrained on other speech, and the corrected model at the end of a training run.
 */
const RATIOS: readonly {
  readonly part: string;
  readonly state: string;
  readonly values: readonly number[];
}[] = [
  { part: "encoder", state: "untrained", values: [8.7, 10.4, 9.1, 1.6] },
  { part: "decoder, text", state: "untrained", values: [15.0, 12.5, 17.8, 12.9] },
  { part: "decoder, sound", state: "untrained", values: [16.0, 19.6, 22.2, 101.7] },
  { part: "encoder", state: "trained", values: [36.2, 25.8] },
  { part: "decoder, text", state: "trained", values: [21.0, 10.7] },
];
const ratios = RATIOS.flatMap(({ part, state, values }) =>
  values.map((ratio, layer) => ({ where: `${part} ${layer}`, state, ratio })),
);

/** Three figures. */
export class GateFigures {
  readonly #track = new Figure("gates").offerCode();
  readonly #means = new Figure("gate-means").offerCode();
  readonly #ratios = new Figure("gate-ratios").offerCode();

  constructor(place: HTMLElement, cursor: TimeCursor) {
    const two = document.createElement("div");
    two.className = "two";
    two.append(this.#means.element, this.#ratios.element);
    place.append(this.#track.element, two);
    cursor.add(this.#track);
  }

  show({ gates, f0, secondsPerFrame }: Recognised): void {
    const seconds = f0.length * secondsPerFrame;
    const points = gates
      .filter(({ onFrames }) => onFrames)
      .flatMap(({ name, openings }) =>
        Array.from(openings, (opening, t) => ({ name, opening, t: (t + 0.5) * secondsPerFrame })),
      );
    const voiced = Array.from(f0, (hz, t) => ({ hz, t: t * secondsPerFrame })).filter(({ hz }) => hz > 0);
    this.#track.show({
      title: "Gates: each block's MLP is let through by a share that moves with the sound",
      text: "One line for each block of the encoder: 0 shut, 1 open. Shaded: a voice is heard there. A gate that follows the voice need not use the pitch, for loudness follows the voice too.",
      alt: "Openings of the encoder's gates along time.",
      plot: () => ({
        ...MARGINS,
        height: 200,
        x: { domain: [0, seconds], label: "seconds" },
        y: { domain: [0, 1], label: "opening" },
        symbol: { legend: true },
        marks: [
          Plot.rectX(voiced, {
            x1: "t",
            x2: ({ t }) => t + secondsPerFrame,
            fill: pageColor("--pitch"),
            fillOpacity: 0.16,
          }),
          Plot.line(points, {
            x: "t",
            y: "opening",
            z: "name",
            stroke: pageColor("--ours"),
            strokeWidth: 1.6,
          }),
          Plot.dot(
            points.filter((_, i) => i % 8 === 4),
            { x: "t", y: "opening", symbol: "name", stroke: pageColor("--ours"), r: 4 },
          ),
        ],
      }),
      table: () => ({
        columns: ["block", "second", "opening"],
        rows: points.map(({ name, t, opening }) => [name, t, opening]),
      }),
    });
    const means = gates.flatMap(({ name, openings, untrained }) => [
      { name, state: "untrained", mean: untrained },
      { name, state: "trained", mean: openings.reduce((sum, x) => sum + x, 0) / openings.length },
    ]);
    this.#means.show({
      title: "How far the gates are open: training moves them",
      text: "Mean over this recording, of this model and of the same model with fresh weights.",
      alt: "Mean gate openings by block, untrained and trained.",
      plot: () => dots(means, "mean", "name", { domain: [0, 1], label: "mean opening" }, 26 * gates.length),
      table: () => ({
        columns: ["block", "weights", "mean opening"],
        rows: means.map(({ name, state, mean }) => [name, state, mean]),
      }),
    });
    const rows = new Set(ratios.map(({ where }) => where)).size;
    this.#ratios.show({
      title: "A number that was read as “strong gating” is there before any training",
      text: "Mean gradient of a gate over that of its MLP, by layer. Measured in the original project's code without training, and in the corrected model after training. A gate has one weight for each channel and an MLP four times the square: most of the ratio may be that.",
      alt: "Ratios of gate to MLP gradients by layer, untrained and trained.",
      plot: () =>
        dots(ratios, "ratio", "where", { type: "log", label: "gate gradient / MLP gradient" }, 26 * rows),
      table: () => ({
        columns: ["layer", "weights", "ratio"],
        rows: ratios.map(({ where, state, ratio }) => [where, state, ratio]),
      }),
    });
  }
}

/** A dot plot: one row for each layer, grey for untrained, the page's own colour for trained. */
function dots<T extends { readonly state: string }>(
  rows: readonly T[],
  x: keyof T & string,
  y: keyof T & string,
  scale: Plot.ScaleOptions,
  height: number,
): Plot.PlotOptions {
  const [soft, ours] = [pageColor("--soft"), pageColor("--ours")];
  return {
    height: height + 60,
    marginLeft: 112,
    marginRight: 16,
    x: { ...scale, grid: true },
    y: { label: null, domain: [...new Set(rows.map((row) => String(row[y])))] },
    color: { domain: ["untrained", "trained"], range: [soft, ours] },
    symbol: { domain: ["untrained", "trained"], range: ["times", "circle"], legend: true },
    marks: [Plot.dot(rows, { x, y, stroke: "state", symbol: "state", strokeWidth: 2, r: 5 })],
  };
}
