// What the model hears: the mel spectrogram of one take of each word, side by side.
import * as Plot from "@observablehq/plot";
import { Figure } from "../figure/figure.ts";
import { HEAT_COLORS, heat } from "../figure/heat.ts";

/** Normalised log-mel of one take, row-major [bands, hops] of 10 ms. */
export interface SeenTake {
  readonly word: string;
  readonly mel: Float32Array;
  readonly bands: number;
}

/** Hops between two takes. */
const GAP = 8;
/** Pixels left of the picture, and of a letter of a label. */
const MARGIN_LEFT = 44;
const LETTER = 7;

/** The figure. */
export class TakesFigure {
  readonly #figure = new Figure("takes");

  constructor(place: HTMLElement) {
    place.append(this.#figure.element);
  }

  show(takes: readonly SeenTake[]): void {
    const bands = takes[0]?.bands ?? 1;
    const hops = takes.map(({ mel }) => mel.length / bands);
    const starts = hops.map((_, i) => hops.slice(0, i).reduce((sum, count) => sum + count + GAP, 0));
    const width = (starts.at(-1) ?? 0) + (hops.at(-1) ?? 0);
    const values = new Float32Array(bands * width).fill(Number.NaN);
    takes.forEach(({ mel }, i) => {
      for (let band = 0; band < bands; band++)
        values.set(mel.subarray(band * hops[i]!, (band + 1) * hops[i]!), band * width + starts[i]!);
    });
    const known = values.filter((value) => !Number.isNaN(value));
    const domain = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
    const longest = Math.max(0, ...takes.map(({ word }) => word.length)) * LETTER;
    // Where words would run into each other they stand aslant.
    const slant = (pixels: number) =>
      ((pixels - MARGIN_LEFT) * Math.min(...hops)) / width < longest
        ? { tickRotate: -50, marginBottom: 16 + 0.8 * longest }
        : { tickRotate: 0, marginBottom: 30 };
    this.#figure.show({
      title: "What the model hears: ten words, ten pictures",
      text: "The mel spectrogram of the first take of each word, bright is loud. Learning is telling these apart.",
      alt: `Mel spectrograms of ${takes.map(({ word }) => word).join(", ")}.`,
      plot: (pixels) => ({
        height: 140 + slant(pixels).marginBottom,
        marginLeft: MARGIN_LEFT,
        marginBottom: slant(pixels).marginBottom,
        x: {
          tickRotate: slant(pixels).tickRotate,
          domain: [0, width],
          label: null,
          ticks: starts.map((start, i) => start + hops[i]! / 2),
          tickFormat: (_, i) => takes[i]?.word ?? "",
          tickSize: 0,
        },
        y: { domain: [0, bands], label: "mel band", ticks: 4 },
        color: { ...HEAT_COLORS, domain },
        marks: [
          heat({ values, rows: bands, columns: width, x: [0, width], y: [0, bands] }),
          Plot.ruleX(starts.slice(1), {
            x: (start: number) => start - GAP / 2,
            stroke: "currentColor",
            strokeOpacity: 0.3,
          }),
        ],
      }),
      table: () => ({
        columns: ["word", "seconds"],
        rows: takes.map(({ word }, i) => [word, hops[i]! / 100]),
      }),
    });
  }
}
