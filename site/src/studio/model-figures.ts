// What the model does with the recording: what CTC reads off each frame, which texts its search keeps, where the layers
// look, how far the gates open. Read next: attention-view.ts, beam-figure.ts, gate-figures.ts.
import * as Plot from "@observablehq/plot";
import { Figure } from "../figure/figure.ts";
import { cellAt, HEAT_COLORS, heat } from "../figure/heat.ts";
import { MARGINS, type TimeCursor } from "../figure/time-axis.ts";
import { AttentionView } from "./attention-view.ts";
import { BeamFigure } from "./beam-figure.ts";
import { showCtcArithmetic } from "./ctc-arithmetic.ts";
import { bestPath } from "./ctc-forward.ts";
import { GateFigures } from "./gate-figures.ts";
import type { Heard, Recognised } from "./messages.ts";

/** All figures of the section "Inside the model". */
export class ModelFigures {
  readonly #lattice = new Figure("ctc").offerCode();
  readonly #beam: BeamFigure;
  readonly #gates: GateFigures;
  readonly attention: AttentionView;
  #seen: Recognised | null = null;

  constructor(place: HTMLElement, cursor: TimeCursor) {
    place.append(this.#lattice.element);
    cursor.add(this.#lattice);
    this.#beam = new BeamFigure(place, cursor);
    this.attention = new AttentionView(place, cursor);
    this.#gates = new GateFigures(place, cursor);
  }

  show(seen: Recognised, heard: Heard): void {
    this.#seen = seen;
    this.#showLattice();
    this.#beam.show(seen);
    this.attention.show(seen, heard);
    this.#gates.show(seen);
  }

  #showLattice(): void {
    const seen = this.#seen!;
    const { lattice, secondsPerFrame, words } = seen;
    const { tokens, probabilities } = lattice;
    const frames = probabilities.length / tokens.length;
    const seconds = frames * secondsPerFrame;
    const picture = {
      values: probabilities,
      rows: tokens.length,
      columns: frames,
      x: [0, seconds],
      y: [0, tokens.length],
    } as const;
    const spoken = bestPath({ probabilities, frames }).flatMap((row, t) =>
      row === 0 ? [] : [{ x: (t + 0.5) * secondsPerFrame, y: row + 0.5 }],
    );
    this.#lattice.show({
      title: "Each frame votes for a word or for nothing",
      text: "CTC gives every frame a probability for each of the words the model knows, and for the blank. Repeats are merged, blanks dropped; what is left is the text. Dots mark the likeliest word of a frame.",
      alt: `Probability of ${tokens.length} tokens along time; read out: ${words.map(({ word }) => word).join(" ")}.`,
      read: (x, y) => {
        const cell = cellAt(picture, x, y);
        if (cell === null) return null;
        return `frame ${cell.column} (${x.toFixed(2)} s), ${tokens[cell.row]}: ${cell.value.toPrecision(3)}`;
      },
      arithmetic: (place) => showCtcArithmetic(place, seen),
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
        marks: [heat(picture), Plot.dot(spoken, { x: "x", y: "y", r: 2, fill: "#000" })],
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
}
