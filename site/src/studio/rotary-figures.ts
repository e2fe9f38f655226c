// The pictures of rotary-lab.ts: bands, clock hands, pitch bias.
import { frequenciesAt, type RotaryConfig, steadyAngles, thetaFromPitch } from "@echo-ts/echo-model/model";
import {
  angleSimilarity,
  bandWidth,
  lagCurve,
  pitchBiasMatrix,
  utteranceAngles,
} from "@echo-ts/echo-model/study";
import { withBackend } from "@echo-ts/tensor";
import * as Plot from "@observablehq/plot";
import { Figure, type FigureContent, pageColor } from "../figure/figure.ts";
import { cellAt, HEAT_COLORS, type Heat, heat } from "../figure/heat.ts";
import { MARGINS } from "../figure/time-axis.ts";

const FIXED = "fixed base";
const PITCHED = "base by pitch";
const colors = () => ({ domain: [FIXED, PITCHED], range: [pageColor("--soft"), pageColor("--pitch")] });

/** What the bands are drawn for. */
export interface BandInput {
  readonly theta: number;
  readonly hz: number;
  /** Half the width of a head. */
  readonly pairs: number;
  readonly positions: number;
  readonly rotary: RotaryConfig;
  /** Hz per position, 0 = unvoiced: turns frame by frame; null for the one pitch `hz`. */
  readonly track: Float64Array | null;
  readonly secondsPerFrame: number;
}

/** Two figures next to each other. */
function pair(place: HTMLElement, first: Figure, second: Figure): void {
  const grid = document.createElement("div");
  grid.className = "two";
  grid.append(first.element, second.element);
  place.append(grid);
}

/** Says which two positions or frames the pointer is on, and their value. */
const readingOf =
  (picture: Heat, of: string) =>
  (x: number, y: number): string | null => {
    const cell = cellAt(picture, x, y);
    return cell && `${of} ${cell.row} and ${cell.column}: ${cell.value.toPrecision(3)}`;
  };

/** A square matrix of similarities. */
function matrixContent(
  title: string,
  text: string,
  values: Float64Array,
  size: number,
): Omit<FigureContent, "table"> {
  const picture = { values, rows: size, columns: size, x: [0, size], y: [0, size] } as const;
  return {
    title,
    text,
    read: readingOf(picture, "positions"),
    alt: `${title}: ${size} by ${size} positions.`,
    plot: (width) => ({
      ...MARGINS,
      height: Math.min(width, 420),
      x: { domain: [0, size], label: "position, frames" },
      y: { domain: [0, size], reverse: true, label: "position, frames" },
      color: { ...HEAT_COLORS, domain: [-0.5, 1] },
      marks: [heat(picture)],
    }),
  };
}

/** Lag curve and the two matrices. */
export class BandFigures {
  readonly #curve = new Figure("lag-curve").offerCode();
  readonly #fixed = new Figure("similarity-fixed").offerCode();
  readonly #pitched = new Figure("similarity-pitch").offerCode();

  constructor(place: HTMLElement) {
    place.append(this.#curve.element);
    pair(place, this.#fixed, this.#pitched);
  }

  /** Draws; returns the widths of both bands in frames. */
  show({ theta, hz, pairs, positions, rotary, track, secondsPerFrame }: BandInput): {
    fixed: number | null;
    pitched: number | null;
  } {
    const frequencies = {
      fixed: frequenciesAt(theta, pairs, rotary),
      pitched: frequenciesAt(thetaFromPitch(hz, rotary), pairs, rotary),
    };
    const curves = {
      fixed: lagCurve(frequencies.fixed, positions),
      pitched: lagCurve(frequencies.pitched, positions),
    };
    const widths = { fixed: bandWidth(curves.fixed), pitched: bandWidth(curves.pitched) };
    const points = [
      ...Array.from(curves.fixed, (value, lag) => ({ value, lag, series: FIXED })),
      ...Array.from(curves.pitched, (value, lag) => ({ value, lag, series: PITCHED })),
    ];
    this.#curve.show({
      title: `The band is ${widths.fixed ?? "more than all"} frames wide with a fixed base, ${widths.pitched ?? "more than all"} at ${Math.round(hz)} Hz`,
      text: `Similarity of two positions by their distance, one frame is ${(1000 * secondsPerFrame).toFixed(0)} ms. The dashed line is one half, where the band ends.`,
      alt: `Two falling curves, one for each base.`,
      plot: () => ({
        ...MARGINS,
        height: 210,
        x: { label: "distance, frames" },
        y: { label: "similarity", domain: [Math.min(-0.2, ...points.map(({ value }) => value)), 1] },
        color: { ...colors(), legend: true },
        marks: [
          Plot.ruleY([0.5], { strokeDasharray: "4 4", stroke: "currentColor" }),
          Plot.line(points, { x: "lag", y: "value", stroke: "series", strokeWidth: 2.5 }),
          Plot.dot(
            [
              { lag: widths.fixed, series: FIXED },
              { lag: widths.pitched, series: PITCHED },
            ].filter(({ lag }) => lag !== null),
            { x: "lag", y: 0.5, fill: "series", r: 6 },
          ),
        ],
      }),
      table: () => ({
        columns: ["distance", FIXED, PITCHED],
        rows: Array.from(curves.fixed, (value, lag) => [lag, value, curves.pitched[lag]!]),
      }),
    });
    const steady = (w: Float64Array): Float64Array =>
      angleSimilarity(steadyAngles([w], positions).values, positions, pairs);
    const fixed = steady(frequencies.fixed);
    const pitched =
      track === null
        ? steady(frequencies.pitched)
        : angleSimilarity(utteranceAngles(track, 2 * pairs, rotary).frames, positions, pairs);
    this.#fixed.show({
      ...matrixContent("Fixed base: everybody's band is the same", "Bright: alike.", fixed, positions),
      table: () => rowTable(fixed, positions),
    });
    const title =
      track === null
        ? `By pitch: the band of a voice of ${Math.round(hz)} Hz`
        : "By the recording's pitch, frame by frame: the band follows the voice";
    this.#pitched.show({
      ...matrixContent(title, "Same colours.", pitched, positions),
      table: () => rowTable(pitched, positions),
    });
    return widths;
  }
}

/** The first and the middle row of a matrix. */
function rowTable(values: Float64Array, size: number) {
  const middle = Math.floor(size / 2);
  return {
    columns: ["position", "seen from position 0", `seen from position ${middle}`],
    rows: Array.from({ length: size }, (_, i) => [i, values[i]!, values[middle * size + i]!]),
  };
}

/** Clock hands: the first four pairs along the utterance. */
export class ClockFigure {
  readonly #figure = new Figure("clock-hands").offerCode();

  constructor(place: HTMLElement) {
    place.append(this.#figure.element);
  }

  show({
    theta,
    track,
    pairs,
    rotary,
    secondsPerFrame,
  }: Pick<BandInput, "theta" | "pairs" | "rotary" | "secondsPerFrame"> & { track: Float64Array }): void {
    const positions = track.length;
    const fixed = steadyAngles([frequenciesAt(theta, pairs, rotary)], positions).values;
    const { frames: pitched } = utteranceAngles(track, 2 * pairs, rotary);
    const shown = Math.min(4, pairs);
    const degrees = (radians: number): number => ((((radians * 180) / Math.PI) % 360) + 360) % 360;
    const hands = (every: number) =>
      Array.from({ length: Math.ceil(positions / every) }, (_, k) => k * every).flatMap((t) =>
        Array.from({ length: shown }, (_, i) => i).flatMap((i) => [
          { t: t * secondsPerFrame, pair: `pair ${i}`, angle: degrees(fixed[t * pairs + i]!), series: FIXED },
          {
            t: t * secondsPerFrame,
            pair: `pair ${i}`,
            angle: degrees(pitched[t * pairs + i]!),
            series: PITCHED,
          },
        ]),
      );
    this.#figure.show({
      title: "Each pair of channels is a clock hand that turns with the position",
      text: "The first four pairs along the utterance, by a fixed base and by the pitch of the recording, frame by frame. Pair 0 turns fastest, by one radian a frame in both; the slower the pair, the more the bases differ.",
      alt: "Rows of clock hands along time, two hands in each clock.",
      plot: (width) => ({
        ...MARGINS,
        height: 44 * shown + 60,
        x: { label: "seconds", domain: [0, positions * secondsPerFrame] },
        y: { label: null, type: "band", padding: 0 },
        color: { ...colors(), legend: true },
        marks: clocks(hands(Math.max(1, Math.ceil((positions * 34) / width)))),
      }),
      table: () => ({
        columns: [
          "second",
          ...Array.from({ length: shown }, (_, i) => [`pair ${i}, fixed, °`, `pair ${i}, pitch, °`]).flat(),
        ],
        rows: Array.from({ length: positions }, (_, t) => [
          t * secondsPerFrame,
          ...Array.from({ length: shown }, (_, i) => [
            degrees(fixed[t * pairs + i]!),
            degrees(pitched[t * pairs + i]!),
          ]).flat(),
        ]),
      }),
    });
  }
}

interface Hand {
  readonly t: number;
  readonly pair: string;
  readonly angle: number;
  readonly series: string;
}

/** Faces and hands. */
function clocks(hands: readonly Hand[]): Plot.Markish[] {
  return [
    Plot.dot(hands, { x: "t", y: "pair", r: 13, stroke: "currentColor", strokeOpacity: 0.25 }),
    Plot.vector(hands, {
      x: "t",
      y: "pair",
      rotate: "angle",
      length: 13,
      anchor: "start",
      stroke: "series",
      strokeWidth: 2,
    }),
  ];
}

/** The pitch along the utterance, and the matrix that the bias makes of it. */
export class BiasFigures {
  readonly #pitch = new Figure("pitch-curve").offerCode();
  readonly #matrix = new Figure("pitch-bias").offerCode();

  constructor(place: HTMLElement) {
    pair(place, this.#pitch, this.#matrix);
  }

  /** @param track Hz per frame, 0 = unvoiced */
  show(track: Float64Array, scale: number, secondsPerFrame: number): void {
    const size = track.length;
    const seconds = size * secondsPerFrame;
    const voiced = Array.from(track, (hz, t) => ({ t: t * secondsPerFrame, hz: hz > 0 ? hz : Number.NaN }));
    this.#pitch.show({
      title: "The pitch of the recording",
      text: "Where there is no voice there is no pitch, and no bias.",
      alt: "f0 along time.",
      plot: (width) => ({
        ...MARGINS,
        height: Math.min(width, 420),
        x: { label: "seconds", domain: [0, seconds] },
        y: { label: "f0, Hz" },
        marks: [
          Plot.line(voiced, { x: "t", y: "hz", stroke: pageColor("--pitch"), strokeWidth: 2.5 }),
          Plot.dot(voiced, { x: "t", y: "hz", fill: pageColor("--pitch"), r: 2.5 }),
        ],
      }),
      table: () => ({
        columns: ["second", "f0 in Hz"],
        rows: Array.from(track, (hz, t) => [t * secondsPerFrame, hz > 0 ? hz : null]),
      }),
    });
    const values = withBackend("reference", () => pitchBiasMatrix(track, scale));
    const picture = { values, rows: size, columns: size, x: [0, seconds], y: [0, seconds] } as const;
    this.#matrix.show({
      title: "The pitch bias: frames of like pitch are drawn to each other",
      text: `exp(−|difference| · ${scale.toFixed(1)}) of the standardised pitch, added to the attention's scores.`,
      read: readingOf(picture, "frames"),
      alt: "Pitch bias matrix.",
      plot: (width) => ({
        ...MARGINS,
        height: Math.min(width, 420),
        x: { domain: [0, seconds], label: "seconds" },
        y: { domain: [0, seconds], reverse: true, label: "seconds" },
        color: { ...HEAT_COLORS, domain: [0, 1] },
        marks: [heat(picture)],
      }),
      table: () => rowTable(values, size),
    });
  }
}
