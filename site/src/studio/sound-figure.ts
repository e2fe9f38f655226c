// Figure 1: the wave, and below it the mel spectrogram with the pitch on one clock.
import * as Plot from "@observablehq/plot";
import { Figure, pageColor } from "../figure/figure.ts";
import { cellAt, HEAT_COLORS, heat } from "../figure/heat.ts";
import { MARGINS, type TimeCursor } from "../figure/time-axis.ts";
import { showMelArithmetic } from "./mel-arithmetic.ts";
import type { ExplainedMel, Heard } from "./messages.ts";

const LOWEST_HZ = 50;
const HIGHEST_HZ = 8000;
const TICKS = [100, 200, 400, 800, 1600, 3200, 6400];

/** Mel by the formula of HTK, which the model's features use. */
const mel = (hz: number): number => 2595 * Math.log10(1 + hz / 700);

/** Place of a frequency among `bands` mel bands whose first is centred at 0.5. */
export function bandOf(hz: number, bands: number): number {
  const step = (mel(HIGHEST_HZ) - mel(LOWEST_HZ)) / (bands + 1);
  return (mel(hz) - mel(LOWEST_HZ)) / step - 0.5;
}

/** Frequency at a place among `bands` mel bands: the inverse of {@link bandOf}. */
export function hzOf(band: number, bands: number): number {
  const step = (mel(HIGHEST_HZ) - mel(LOWEST_HZ)) / (bands + 1);
  return 700 * (10 ** ((mel(LOWEST_HZ) + (band + 0.5) * step) / 2595) - 1);
}

/** Pieces of a pitch track without the unvoiced hops. */
export function pitchPoints(f0: ArrayLike<number>, hopSeconds: number): { t: number; hz: number }[] {
  return Array.from(f0, (hz, i) => ({ t: i * hopSeconds, hz: hz > 0 ? hz : Number.NaN }));
}

/** Wave and spectrogram. */
export class SoundFigures {
  readonly #wave = new Figure("wave").offerCode();
  readonly #spectrogram = new Figure("spectrogram").offerCode();

  readonly #explain: (wave: Float32Array, hop: number, band: number) => Promise<ExplainedMel>;

  /** @param explain asks the worker how one value of the spectrogram comes about */
  constructor(
    place: HTMLElement,
    cursor: TimeCursor,
    explain: (wave: Float32Array, hop: number, band: number) => Promise<ExplainedMel>,
  ) {
    this.#explain = explain;
    place.append(this.#wave.element, this.#spectrogram.element);
    cursor.add(this.#wave);
    cursor.add(this.#spectrogram);
  }

  show(heard: Heard, name: string): void {
    const { wave, sampleRate, hopSeconds, bands, hops, f0, silent } = heard;
    const seconds = wave.length / sampleRate;
    const x: Plot.ScaleOptions = { domain: [0, seconds], label: "seconds" };
    const silences = stretchesOf(silent, hopSeconds);
    this.#wave.show({
      title: "Sound is one number after the other",
      text: `${sampleRate} numbers a second. Grey stretches are silent for the model: at most a thousandth of the loudest power.`,
      read: (t) => {
        const sample = wave[Math.floor(t * sampleRate)];
        return sample === undefined ? null : `${t.toFixed(3)} s: ${sample.toFixed(4)}`;
      },
      alt: `Waveform of ${name}, ${seconds.toFixed(2)} seconds.`,
      plot: (width) => {
        const points = envelope(wave, sampleRate, Math.min(width, 900));
        return {
          ...MARGINS,
          height: 110,
          marginBottom: 8,
          x: { ...x, axis: null },
          y: { label: "amplitude", ticks: 3 },
          marks: [
            Plot.rectX(silences, { x1: "start", x2: "end", fill: "currentColor", fillOpacity: 0.09 }),
            Plot.areaY(points, {
              x: "t",
              y1: "low",
              y2: "high",
              fill: pageColor("--ours"),
              stroke: pageColor("--ours"),
              strokeWidth: 0.5,
            }),
          ],
        };
      },
      table: () => ({
        columns: ["second", "lowest", "highest"],
        rows: envelope(wave, sampleRate, 100).map(({ t, low, high }) => [t, low, high]),
      }),
    });
    const voiced = pitchPoints(f0, hopSeconds);
    const range = extent(heard.mel);
    const picture = {
      values: heard.mel,
      rows: bands,
      columns: hops,
      x: [0, hops * hopSeconds],
      y: [0, bands],
    } as const;
    this.#spectrogram.show({
      title: "What the model hears: 64 bands, and the pitch",
      text: "Bright is loud. The line is f0, the rate at which the vocal folds swing, where the voice is heard; it goes into the model as well.",
      alt: `Mel spectrogram of ${name} with its pitch.`,
      read: (t, y) => {
        const cell = cellAt(picture, t, y);
        if (cell === null) return null;
        const hz = f0[cell.column]!;
        const pitch = hz > 0 ? `f0 ${hz.toFixed(0)} Hz` : "no voice";
        return `${t.toFixed(2)} s, band ${cell.row} (${hzOf(y, bands).toFixed(0)} Hz): ${cell.value.toFixed(2)}; ${pitch}`;
      },
      arithmetic: (place) => showMelArithmetic(place, heard, (hop, band) => this.#explain(wave, hop, band)),
      plot: (width) => ({
        ...MARGINS,
        height: Math.max(190, Math.min(280, width * 0.32)),
        x,
        y: {
          domain: [0, bands],
          label: "Hz",
          ticks: TICKS.map((hz) => bandOf(hz, bands)),
          tickFormat: (_, i) => String(TICKS[i]),
        },
        color: { ...HEAT_COLORS, domain: range },
        marks: [
          heat(picture),
          Plot.line(voiced, { x: "t", y: ({ hz }) => bandOf(hz, bands), stroke: "#000", strokeWidth: 5 }),
          Plot.line(voiced, {
            x: "t",
            y: ({ hz }) => bandOf(hz, bands),
            stroke: "#ff9d3c",
            strokeWidth: 2.5,
          }),
        ],
      }),
      table: () => ({
        columns: ["second", "f0 in Hz", "silent"],
        rows: Array.from(f0, (hz, i) => [i * hopSeconds, hz > 0 ? hz : null, silent[i] === 1 ? "yes" : "no"]),
      }),
    });
  }
}

/** Lowest and highest sample of each of `count` stretches. */
function envelope(wave: Float32Array, sampleRate: number, count: number) {
  const step = Math.max(1, Math.ceil(wave.length / count));
  return Array.from({ length: Math.ceil(wave.length / step) }, (_, i) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of wave.subarray(i * step, (i + 1) * step)) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return { t: (i * step) / sampleRate, low, high };
  });
}

/** Lowest and highest value. */
export function extent(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return [low, high];
}

/** Stretches of ones, in seconds. */
function stretchesOf(flags: Uint8Array, hopSeconds: number): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] !== 1) continue;
    const start = i;
    while (i < flags.length && flags[i] === 1) i++;
    found.push({ start: start * hopSeconds, end: i * hopSeconds });
  }
  return found;
}
