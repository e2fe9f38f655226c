// Where a layer looks: the spectrogram lit by the attention of a word, and the matrix of a layer, of the encoder to itself
// or of the decoder to the sound, by head.
import * as Plot from "@observablehq/plot";
import { Figure } from "../figure/figure.ts";
import { cellAt, heat } from "../figure/heat.ts";
import { MARGINS, type TimeCursor } from "../figure/time-axis.ts";
import { bindSelect, choose, chosen } from "./address.ts";
import { type ExplainElement, showArithmetic } from "./attention-arithmetic.ts";
import { type Choice, choiceOf, renameChoices } from "./controls.ts";
import type { Heard, LayerMap, Recognised } from "./messages.ts";
import { extent } from "./sound-figure.ts";

/** Attention with the choice of layer, head and word. */
export class AttentionView {
  readonly #look = new Figure("where-a-word-looks").offerCode();
  readonly #map = new Figure("attention").offerCode();
  readonly layer: Choice = choiceOf("Layer", []);
  readonly head: Choice = choiceOf("Head", []);
  #seen: Recognised | null = null;
  #heard: Heard | null = null;
  #word = Number(chosen("word") ?? 0);
  #bound = false;

  /** Asks the worker for the arithmetic of one element. */
  explain: ExplainElement = () => Promise.reject(new Error("the model is not there yet"));

  constructor(place: HTMLElement, cursor: TimeCursor) {
    const controls = document.createElement("div");
    controls.className = "row";
    this.layer.select.id = "layer";
    this.head.select.id = "head";
    controls.append(this.layer.label, this.head.label);
    place.append(controls, this.#look.element, this.#map.element);
    cursor.add(this.#look);
    cursor.add(this.#map);
    for (const { select } of [this.layer, this.head]) select.addEventListener("change", () => this.#draw());
  }

  show(seen: Recognised, heard: Heard): void {
    this.#seen = seen;
    this.#heard = heard;
    if (this.#bound) this.#word = 0;
    renameChoices(
      this.layer.select,
      seen.layers.map(({ name }) => name),
    );
    const heads = seen.layers[0]?.heads ?? 0;
    renameChoices(this.head.select, [
      "all heads, mean",
      ...Array.from({ length: heads }, (_, h) => `head ${h}`),
    ]);
    // The first time the address says what is shown.
    if (!this.#bound) {
      bindSelect(this.layer.select, "layer");
      bindSelect(this.head.select, "head");
      this.#bound = true;
    }
    this.#draw();
  }

  /** Whose frames are looked at from. */
  set word(index: number) {
    if (index === this.#word) return;
    this.#word = index;
    choose("word", index === 0 ? null : String(index));
    this.#draw();
  }

  #draw(): void {
    const [seen, heard] = [this.#seen, this.#heard];
    const layer = seen?.layers[this.layer.select.selectedIndex];
    if (seen === null || heard === null || layer === undefined) return;
    const weights = headOf(layer, this.head.select.selectedIndex - 1);
    this.#drawLook(seen, heard, layer, weights);
    this.#drawMap(seen, layer, weights);
  }

  /** Rows of the queries that belong to the chosen word. */
  #rows(
    { words, secondsPerFrame, layers: [first] }: Recognised,
    { tokens, queries }: LayerMap,
  ): [number, number] {
    const word = words[this.#word];
    if (word === undefined || first === undefined) return [0, queries];
    if (tokens === null)
      return [
        Math.min(queries - 1, Math.floor(word.start / secondsPerFrame)),
        Math.min(queries, Math.ceil(word.end / secondsPerFrame)),
      ];
    // Token by token, the decoder predicts what comes next: row i leads to token i + 1. Tokens here are whole words.
    const row = Math.min(this.#word, queries - 1);
    return [row, row + 1];
  }

  #drawLook(seen: Recognised, heard: Heard, layer: LayerMap, weights: Float32Array): void {
    const { keys } = layer;
    const seconds = keys * seen.secondsPerFrame;
    const word = seen.words[this.#word];
    const [first, end] = this.#rows(seen, layer);
    const received = new Float64Array(keys);
    for (let row = first; row < end; row++)
      for (let t = 0; t < keys; t++) received[t]! += weights[row * keys + t]! / (end - first);
    const [, most] = extent(received);
    const { mel, bands, hops, hopSeconds } = heard;
    const [low, high] = extent(mel);
    // Unlit frames stay faintly visible; the square root shows weak light too.
    const lit = Float32Array.from(mel, (value, i) => {
      const t = Math.min(keys - 1, Math.floor(((i % hops) * hopSeconds) / seen.secondsPerFrame));
      return ((value - low) / (high - low)) * (0.15 + 0.85 * Math.sqrt(received[t]! / most));
    });
    const name = word === undefined ? "every frame" : `“${word.word}”`;
    const from = layer.tokens === null ? "from the frames of the word" : "when the decoder writes the word";
    this.#look.show({
      title: `Where ${name} looks: its attention lights the spectrogram`,
      text: `Attention ${from} to all frames, in ${layer.name}. Point at a word above, or reach it by the keyboard. The frame is the word itself.`,
      alt: `Spectrogram lit by the attention of ${name} in ${layer.name}.`,
      plot: () => ({
        ...MARGINS,
        height: 190,
        x: { domain: [0, seconds], label: "seconds" },
        y: { domain: [0, bands], label: "mel band", ticks: 4 },
        color: { scheme: "viridis", type: "linear", domain: [0, 1] },
        marks: [
          heat({ values: lit, rows: bands, columns: hops, x: [0, hops * hopSeconds], y: [0, bands] }),
          Plot.rect(word === undefined ? [] : [word], {
            x1: "start",
            x2: "end",
            y1: 0.5,
            y2: bands - 0.5,
            stroke: "#ff9d3c",
            strokeWidth: 2,
            fill: "none",
          }),
        ],
      }),
      table: () => ({
        columns: ["second", "weight"],
        rows: Array.from(received, (value, t) => [t * seen.secondsPerFrame, value]),
      }),
    });
  }

  #drawMap(seen: Recognised, layer: LayerMap, weights: Float32Array): void {
    const { keys, queries, tokens } = layer;
    const seconds = keys * seen.secondsPerFrame;
    const top = tokens === null ? seconds : queries;
    const [first, end] = this.#rows(seen, layer);
    const scale = top / queries;
    const [, most] = extent(weights);
    const picture = { values: weights, rows: queries, columns: keys, x: [0, seconds], y: [0, top] } as const;
    this.#map.show({
      title:
        tokens === null
          ? "Attention: each row is a frame, bright where it looks"
          : "Attention: each row is a token, bright where the decoder listens",
      text: `${layer.name}, ${keys} frames of ${(seen.secondsPerFrame * 1000).toFixed(0)} ms. Silent frames receive ${(100 * layer.onSilence).toFixed(1)} % of the attention and are ${(100 * seen.silentFrames).toFixed(0)} % of the frames.`,
      alt: `Attention matrix of ${layer.name}.`,
      read: (x, y) => {
        const cell = cellAt(picture, x, y);
        if (cell === null) return null;
        const from = tokens?.[cell.row] ?? `frame ${cell.row}`;
        return `${from} looks at frame ${cell.column} (${x.toFixed(2)} s): ${cell.value.toPrecision(3)}`;
      },
      arithmetic: (place) =>
        showArithmetic(place, seen, layer, this.head.select.selectedIndex - 1, (...of) =>
          this.explain(...of),
        ),
      plot: (width) => ({
        ...MARGINS,
        height: tokens === null ? Math.min(460, Math.max(240, width * 0.6)) : 60 + 26 * queries,
        x: { domain: [0, seconds], label: "looked at, seconds" },
        y: {
          domain: [0, top],
          label: tokens === null ? "looks from, seconds" : "after the token",
          reverse: true,
          ...(tokens !== null && {
            ticks: tokens.map((_, i) => i + 0.5),
            tickFormat: (_: number, i: number) => tokens[i] ?? "",
            tickSize: 0,
          }),
        },
        // The square root lets weak links be seen beside strong ones.
        color: { scheme: "viridis", type: "sqrt", domain: [0, most] },
        marks: [
          heat(picture),
          Plot.rectY([{ y1: first * scale, y2: end * scale }], {
            y1: "y1",
            y2: "y2",
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

/** Weights [queries, keys] of one head, or the mean of all for -1. */
function headOf({ weights, heads, queries, keys }: LayerMap, head: number): Float32Array {
  const size = queries * keys;
  if (head >= 0) return weights.subarray(head * size, (head + 1) * size);
  const mean = new Float32Array(size);
  for (let h = 0; h < heads; h++) for (let i = 0; i < size; i++) mean[i]! += weights[h * size + i]! / heads;
  return mean;
}
