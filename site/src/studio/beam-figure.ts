// The prefix beam as a tree that grows with the time cursor. Read first: beam-tree.ts.
import * as Plot from "@observablehq/plot";
import { Figure, pageColor } from "../figure/figure.ts";
import { MARGINS, type TimeCursor } from "../figure/time-axis.ts";
import type { Recognised } from "./messages.ts";

/** Texts that never had this share of the beam are left out. */
const LEAST_SHARE = 0.01;

interface Leaf {
  readonly place: number;
  readonly born: number;
  readonly parentBorn: number;
  readonly row: number;
  readonly parentRow: number;
  readonly name: string;
  readonly share: number;
}

/** The figure. */
export class BeamFigure {
  readonly #figure = new Figure("beam").offerCode();
  #seen: Recognised | null = null;
  #waiting = false;
  #seconds = 0;

  constructor(place: HTMLElement, cursor: TimeCursor) {
    place.append(this.#figure.element);
    cursor.add(this.#figure);
    cursor.follow((seconds) => {
      this.#seconds = seconds;
      if (this.#waiting) return;
      this.#waiting = true;
      // Ten pictures a second are enough for a tree.
      setTimeout(() => {
        this.#waiting = false;
        this.#draw();
      }, 100);
    });
  }

  show(seen: Recognised): void {
    this.#seen = seen;
    this.#draw();
  }

  #draw(): void {
    const seen = this.#seen;
    if (seen === null) return;
    const { beam, secondsPerFrame, f0 } = seen;
    const frames = f0.length;
    // At the very start the whole search is shown.
    const frame =
      this.#seconds === 0 ? frames - 1 : Math.min(frames - 1, Math.floor(this.#seconds / secondsPerFrame));
    const kept = beam.map(({ shares }) => shares.some((share) => share >= LEAST_SHARE));
    for (let i = beam.length - 1; i >= 0; i--)
      if (kept[i] && beam[i]!.parent >= 0) kept[beam[i]!.parent] = true;
    const rows = rowsOf(beam, kept);
    const leaves = beam.flatMap(({ parent, born, shares, name }, place): Leaf[] =>
      parent < 0 || !kept[place] || born > frame
        ? []
        : [
            {
              place,
              name,
              born: born * secondsPerFrame,
              parentBorn: beam[parent]!.born * secondsPerFrame,
              row: rows[place]!,
              parentRow: rows[parent]!,
              share: shares[frame - born] ?? 0,
            },
          ],
    );
    const textOf = (place: number): string =>
      place <= 0 ? "" : `${textOf(beam[place]!.parent)} ${beam[place]!.name}`.trim();
    const best = beam
      .map(({ born, shares }, place) => ({
        text: textOf(place) || "(nothing)",
        share: shares[frame - born] ?? 0,
      }))
      .sort((a, b) => b.share - a.share);
    const last = Math.max(...rows) + 1;
    this.#figure.show({
      title: `The search keeps four texts: after ${((frame + 1) * secondsPerFrame).toFixed(2)} s “${best[0]!.text}” leads with ${Math.round(100 * best[0]!.share)} %`,
      text: "Prefix beam search. Each branch adds a word; thick branches are in the beam at the cursor, thin ones were given up or belong to longer texts. Play, or drag the time, and watch it grow.",
      alt: `Tree of the texts in the beam; the best is ${best[0]!.text}.`,
      plot: () => ({
        ...MARGINS,
        height: 60 + 24 * last,
        x: { domain: [0, frames * secondsPerFrame], label: "seconds" },
        y: { domain: [-0.9, last - 0.4], reverse: true, axis: null },
        marks: [
          Plot.link(leaves, {
            x1: "parentBorn",
            y1: "parentRow",
            x2: "born",
            y2: "row",
            curve: "bump-x",
            stroke: pageColor("--ours"),
            strokeWidth: ({ share }: Leaf) => 1 + 3 * share,
            strokeOpacity: ({ share }: Leaf) => 0.3 + 0.7 * share,
          }),
          Plot.dot(leaves, { x: "born", y: "row", r: 3, fill: pageColor("--ours") }),
          Plot.text(leaves, {
            x: "born",
            y: "row",
            text: "name",
            textAnchor: "start",
            dx: 5,
            dy: -7,
            fillOpacity: ({ share }: Leaf) => (share > 0 ? 1 : 0.65),
            fill: "currentColor",
          }),
        ],
      }),
      table: () => ({
        columns: ["text in the beam", "share"],
        rows: best.filter(({ share }) => share > 0).map(({ text, share }) => [text, share]),
      }),
    });
  }
}

/** A row for each end of the tree; a shorter text stands in the row of its longest-lived continuation. */
function rowsOf(beam: Recognised["beam"], kept: readonly boolean[]): number[] {
  const rows = new Array<number>(beam.length).fill(0);
  const last = beam.map(({ born, shares }) => born + shares.findLastIndex((share) => share > 0));
  for (let i = beam.length - 1; i > 0; i--) {
    const { parent } = beam[i]!;
    last[parent] = Math.max(last[parent]!, last[i]!);
  }
  let next = 0;
  const place = (node: number): void => {
    const children = beam
      .flatMap(({ parent }, i) => (parent === node && kept[i] ? [i] : []))
      .sort((a, b) => last[b]! - last[a]!);
    rows[node] = next;
    children.forEach((child, i) => {
      if (i > 0) next++;
      place(child);
    });
  };
  place(0);
  return rows;
}
