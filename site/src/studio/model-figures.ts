// What the model does with the recording: which frames a frame looks at, and what CTC reads off each frame.
import * as Plot from "@observablehq/plot";
import { Figure, pageColor } from "../figure/figure.ts";
import { HEAT_COLORS, heat } from "../figure/heat.ts";
import { MARGINS, type TimeCursor } from "../figure/time-axis.ts";
import { choiceOf, renameChoices } from "./controls.ts";
import type { LayerMap, Recognised } from "./messages.ts";
import { extent } from "./sound-figure.ts";

/** Attention and lattice, with the choice of layer, head and word. */
export class ModelFigures {
  readonly #lattice = new Figure("ctc");
  readonly #look = new Figure("where-a-word-looks");
  readonly #map = new Figure("attention");
  readonly #layer = choiceOf("Layer", []);
  readonly #head = choiceOf("Head", []);
  #seen: Recognised | null = null;
  #word = 0;

  constructor(place: HTMLElement, cursor: TimeCursor) {
    const controls = document.createElement("div");
    controls.className = "row";
    controls.append(this.#layer.label, this.#head.label);
    place.append(this.#lattice.element, controls, this.#look.element, this.#map.element);
    cursor.add(this.#lattice);
    cursor.add(this.#look);
    cursor.add(this.#map);
    for (const { select } of [this.#layer, this.#head])
      select.addEventListener("change", () => this.#showAttention());
  }

  show(seen: Recognised): void {
    this.#seen = seen;
    this.#word = 0;
    renameChoices(
      this.#layer.select,
      seen.layers.map(({ name }) => name),
    );
    const heads = seen.layers[0]?.heads ?? 0;
    renameChoices(this.#head.select, [
      "all heads, mean",
      ...Array.from({ length: heads }, (_, h) => `head ${h}`),
    ]);
    this.#showLattice();
    this.#showAttention();
  }

  /** Whose frames are looked at from. */
  set word(index: number) {
    this.#word = index;
    this.#showAttention();
  }

  #showLattice(): void {
    const { lattice, secondsPerFrame, words } = this.#seen!;
    const { tokens, probabilities } = lattice;
    const frames = probabilities.length / tokens.length;
    const seconds = frames * secondsPerFrame;
    this.#lattice.show({
      title: "Each frame votes for a word or for nothing",
      text: "CTC gives every frame a probability for each of the words the model knows, and for the blank. Repeats are merged, blanks dropped; what is left is the text.",
      alt: `Probability of ${tokens.length} tokens along time; read out: ${words.map(({ word }) => word).join(" ")}.`,
      plot: () => ({
        ...MARGINS,
        height: 58 + 17 * tokens.length,
        x: { domain: [0, seconds], label: "seconds" },
        y: {
          domain: [0, tokens.length],
          label: null,
          reverse: true,
          ticks: tokens.map((_, i) => i + 0.5),
          tickFormat: (_, i) => tokens[i] ?? "",
          tickSize: 0,
        },
        color: { ...HEAT_COLORS, domain: [0, 1] },
        marks: [
          heat({
            values: probabilities,
            rows: tokens.length,
            columns: frames,
            x: [0, seconds],
            y: [0, tokens.length],
          }),
        ],
      }),
      table: () => ({
        columns: ["second", ...tokens],
        rows: Array.from({ length: frames }, (_, t) => [
          t * secondsPerFrame,
          ...tokens.map((_, i) => probabilities[i * frames + t]!),
        ]),
      }),
    });
  }

  #showAttention(): void {
    const seen = this.#seen;
    const layer = seen?.layers[this.#layer.select.selectedIndex];
    if (seen === null || layer === undefined) return;
    const head = this.#head.select.selectedIndex - 1;
    const { frames } = layer;
    const weights = headOf(layer, head);
    const seconds = frames * seen.secondsPerFrame;
    const word = seen.words[this.#word];
    const [first, end] =
      word === undefined
        ? [0, frames]
        : [Math.floor(word.start / seen.secondsPerFrame), Math.ceil(word.end / seen.secondsPerFrame)];
    const received = new Float64Array(frames);
    const rows = Math.max(1, Math.min(end, frames) - first);
    for (let row = first; row < first + rows; row++)
      for (let t = 0; t < frames; t++) received[t]! += (weights[row * frames + t] ?? 0) / rows;
    const name = word === undefined ? "every frame" : `“${word.word}”`;
    this.#look.show({
      title: `Where ${name} looks`,
      text: "Attention from the frames of one word to all frames; choose a word above. The shaded stretch is the word itself.",
      alt: `Attention of ${name} along time in ${layer.name}.`,
      plot: () => ({
        ...MARGINS,
        height: 110,
        marginBottom: 8,
        x: { domain: [0, seconds], axis: null },
        y: { label: "weight", ticks: 3, zero: true },
        marks: [
          Plot.rectX(word === undefined ? [] : [word], {
            x1: "start",
            x2: "end",
            fill: "currentColor",
            fillOpacity: 0.12,
          }),
          Plot.areaY(Array.from(received), {
            x: (_, i) => (i + 0.5) * seen.secondsPerFrame,
            y: (value: number) => value,
            fill: pageColor("--ours"),
            fillOpacity: 0.75,
          }),
          Plot.ruleY([0]),
        ],
      }),
      table: () => ({
        columns: ["second", "weight"],
        rows: Array.from(received, (value, t) => [t * seen.secondsPerFrame, value]),
      }),
    });
    const [, most] = extent(weights);
    this.#map.show({
      title: "Attention: each row is a frame, bright where it looks",
      text: `${layer.name}, ${frames} frames of ${(seen.secondsPerFrame * 1000).toFixed(0)} ms. Silent frames receive ${(100 * layer.onSilence).toFixed(1)} % of the attention and are ${(100 * seen.silentFrames).toFixed(0)} % of the frames.`,
      alt: `Attention matrix of ${layer.name}.`,
      plot: (width) => ({
        ...MARGINS,
        height: Math.min(460, Math.max(240, width * 0.6)),
        x: { domain: [0, seconds], label: "looked at, seconds" },
        y: { domain: [0, seconds], label: "looks from, seconds", reverse: true },
        // The square root lets weak links be seen beside strong ones.
        color: { scheme: "viridis", type: "sqrt", domain: [0, most] },
        marks: [
          heat({ values: weights, rows: frames, columns: frames, x: [0, seconds], y: [0, seconds] }),
          Plot.rectY(word === undefined ? [] : [word], {
            y1: "start",
            y2: "end",
            stroke: "#ff9d3c",
            fill: "none",
          }),
        ],
      }),
      table: () => ({
        columns: ["layer", "mean attention on silent frames"],
        rows: seen.layers.map(({ name: of, onSilence }) => [of, onSilence]),
      }),
    });
  }
}

/** Weights [T, T] of one head, or the mean of all for -1. */
function headOf({ weights, heads, frames }: LayerMap, head: number): Float32Array {
  const size = frames * frames;
  if (head >= 0) return weights.subarray(head * size, (head + 1) * size);
  const mean = new Float32Array(size);
  for (let h = 0; h < heads; h++) for (let i = 0; i < size; i++) mean[i]! += weights[h * size + i]! / heads;
  return mean;
}
