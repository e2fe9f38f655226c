// A spoken word on one clock: wave, spectrogram, mel bands and f0; below it the frame at the cursor.
import { decodeWav, melFilterbank, melSpectrogram, spectrogram, trackPitch } from "@echo-ts/audio";
import { bitmap } from "../../draw/bitmap.ts";
import { element, label, picture, scale, ticks } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";
import { selfSimilarity, spectrumAt } from "./sound-frame.ts";

/** The recording: the word "seven", said by the bundled voice. */
export const RECORDING = "files/asterisk-alnum/wav/digits-7.wav";

const HOP_SECONDS = 0.01;
const WIDTH = 640;
const LEFT = 48;
const RIGHT = WIDTH - 10;
/** Range of the pictures, decibels below the loudest. */
const RANGE_DB = 70;
/** The most samples from window to window in the pictures. */
const LONGEST_HOP = 128;
/** Rows of the spectrogram's picture; longer transforms show the loudest of neighbouring bins. */
const MOST_ROWS = 256;

interface Clock {
  readonly x: (seconds: number) => number;
  readonly seconds: number;
}

/** Title above a panel and the frame around it. */
function panel(top: number, height: number, title: string, inside: string): string {
  const frame = { x: LEFT, y: top, width: RIGHT - LEFT, height, fill: "none", stroke: "var(--line)" };
  return label(LEFT, top - 6, title, { "font-weight": 600 }) + inside + element("rect", frame);
}

const sideLabel = (y: number, text: string): string =>
  label(LEFT - 5, y + 4, text, { "text-anchor": "end", "font-size": 11 });

const line = (points: readonly (readonly [number, number])[], colour: string, width = 1.5): string =>
  element("path", {
    d: `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`,
    fill: "none",
    stroke: colour,
    "stroke-width": width,
  });

/** Lowest and highest sample of each of 290 stretches. */
function wavePanel(wave: Float32Array, top: number, height: number): string {
  const count = 290;
  const most = wave.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const y = scale(-most, most, top + height, top);
  const points = Array.from({ length: count }, (_, i) => {
    const part = wave.subarray((i * wave.length) / count, ((i + 1) * wave.length) / count);
    const at = scale(0, count, LEFT, RIGHT)(i + 0.5);
    return [
      [at, y(part.reduce((a, b) => Math.min(a, b), 0))],
      [at, y(part.reduce((a, b) => Math.max(a, b), 0))],
    ] as const;
  });
  return panel(top, height, "Wave", line(points.flat(), "var(--ours)", 1) + sideLabel(y(0), "0"));
}

interface Matrix {
  readonly shape: readonly number[];
  get(row: number, column: number): number;
}

/** Number of rows that hold only zeros. */
function emptyRows(matrix: Matrix): number {
  const [rows = 0, columns = 0] = matrix.shape;
  const isEmpty = (r: number) =>
    Array.from({ length: columns }, (_, c) => matrix.get(r, c)).every((w) => w === 0);
  return Array.from({ length: rows }, (_, r) => isEmpty(r)).filter(Boolean).length;
}

/** A matrix [rows, frames] of powers as a picture, the lowest row at the bottom; each frame around its own time. */
function powerImage(power: Matrix, hopSeconds: number, clock: Clock, { top, height }: Place): string {
  const [rows = 0, frames = 0] = power.shape;
  const group = Math.ceil((rows - 1) / MOST_ROWS);
  const shown = Array.from({ length: Math.ceil(rows / group) }, (_, r) =>
    Array.from({ length: frames }, (_, f) => {
      let most = 1e-10;
      for (let i = r * group; i < Math.min((r + 1) * group, rows); i++)
        most = Math.max(most, power.get(i, f));
      return 10 * Math.log10(most);
    }),
  );
  const loudest = shown.flat().reduce((a, b) => Math.max(a, b));
  const heights = shown.map((row) => row.map((db) => 1 + (db - loudest) / RANGE_DB));
  const start = clock.x(-hopSeconds / 2) - LEFT;
  const width = clock.x((frames - 0.5) * hopSeconds) - LEFT - start;
  // An inner svg cuts off what lies before the first sample and behind the last.
  return element(
    "svg",
    { x: LEFT, y: top, width: RIGHT - LEFT, height },
    bitmap(heights, { x: start, y: 0, width, height }),
  );
}

interface Place {
  readonly top: number;
  readonly height: number;
}

/** f0 where the voice is heard. */
function pitchPanel(f0: Float32Array, clock: Clock, { top, height }: Place): string {
  const y = scale(100, 300, top + height, top);
  const dots = Array.from(f0, (hz, i) =>
    hz > 0
      ? element("circle", { cx: clock.x(i * HOP_SECONDS), cy: y(hz), r: 2.4, fill: "var(--pitch)" })
      : "",
  );
  const grid = [100, 200, 300].map((hz) => sideLabel(y(hz), String(hz)));
  return panel(top, height, "f0, Hz", dots.join("") + grid.join(""));
}

/** A curve with its own axis below: `x` in its unit, drawn between `left` and `right`. */
function curvePanel(
  values: readonly number[],
  step: number,
  range: readonly [number, number],
  box: { left: number; right: number; top: number; height: number },
  text: { title: string; unit: string; heights: readonly number[] },
  mark: number | null,
): string {
  const { left, right, top, height } = box;
  const end = (values.length - 1) * step;
  const x = scale(0, end, left, right);
  const y = scale(range[0], range[1], top + height, top);
  const points = values.map((v, i) => [x(i * step), y(Math.max(v, range[0]))] as const);
  const marks = [
    label(left, top - 6, text.title, { "font-weight": 600 }),
    element("rect", { x: left, y: top, width: right - left, height, fill: "none", stroke: "var(--line)" }),
    line(points, "var(--ours)"),
    ...ticks(0, end, 4).map((tick) =>
      label(x(tick), top + height + 15, String(tick), { "text-anchor": "middle", "font-size": 11 }),
    ),
    ...text.heights.map((height) =>
      label(left - 5, y(height) + 4, String(height), { "text-anchor": "end", "font-size": 11 }),
    ),
    label(right, top + height + 30, text.unit, { "text-anchor": "end", "font-size": 12 }),
  ];
  if (mark !== null)
    marks.push(
      element("line", { x1: x(mark), x2: x(mark), y1: top, y2: top + height, stroke: "var(--pitch)" }),
    );
  return marks.join("");
}

/** The figure of a recording; `bytes` is a WAV file. */
export function soundFigure(bytes: ArrayBuffer | Uint8Array): CourseFigure {
  const { channels, sampleRate } = decodeWav(bytes);
  const wave = channels[0]!;
  const seconds = wave.length / sampleRate;
  const hopLength = Math.round(HOP_SECONDS * sampleRate);
  const clock: Clock = { x: scale(0, seconds, LEFT, RIGHT), seconds };
  const { f0, periodicity } = trackPitch(wave, { sampleRate, hopLength });

  function draw(settings: Settings): Drawn {
    const at = settings.number("at") / 1000;
    const fftSize = settings.number("window");
    const melBins = settings.number("bands");
    // Short windows need short hops to show what happens between two hops of a long one.
    const cut = { fftSize, hopLength: Math.min(fftSize / 4, LONGEST_HOP) };
    const powers = spectrogram(wave, cut);
    const step = cut.hopLength / sampleRate;
    const bank = { sampleRate, fftSize, melBins, melScale: "htk", emptyBands: "allow" } as const;
    const mel = melSpectrogram(wave, { ...cut, ...bank });
    const empty = emptyRows(melFilterbank(bank));
    const centre = Math.round(at * sampleRate);
    const spectrum = spectrumAt(wave, centre, fftSize);
    const loudest = spectrum.reduce((a, b) => Math.max(a, b));
    const likeness = selfSimilarity(wave, centre, sampleRate);
    const hz = f0[Math.round(at / HOP_SECONDS)] ?? 0;
    const half = fftSize / 2 / sampleRate;
    const [from, to] = [clock.x(Math.max(0, at - half)), clock.x(Math.min(seconds, at + half))];
    const bands = { x: from, y: 22, width: to - from, height: 60 };
    const cursor = { x1: clock.x(at), x2: clock.x(at), y1: 22, y2: 462, stroke: "var(--pitch)" };
    const marks = [
      element("rect", { ...bands, fill: "var(--pitch)", "fill-opacity": 0.25 }),
      wavePanel(wave, 22, 60),
      panel(106, 150, "Spectrogram, kHz", powerImage(powers, step, clock, { top: 106, height: 150 })),
      ...[0, 2, 4, 6, 8].map((kHz) => sideLabel(scale(0, 8, 256, 106)(kHz), String(kHz))),
      panel(
        280,
        90,
        `${melBins} mel bands, low to high`,
        powerImage(mel, step, clock, { top: 280, height: 90 }),
      ),
      pitchPanel(f0, clock, { top: 394, height: 68 }),
      element("line", cursor),
      ...ticks(0, seconds, 8).map((s) =>
        label(clock.x(s), 478, String(s), { "text-anchor": "middle", "font-size": 11 }),
      ),
      label(RIGHT, 494, "seconds", { "text-anchor": "end", "font-size": 12 }),
      curvePanel(
        spectrum.map((db) => db - loudest),
        sampleRate / fftSize / 1000,
        [-RANGE_DB, 2],
        { left: LEFT, right: 330, top: 524, height: 96 },
        { title: "Spectrum at the cursor, dB", unit: "kHz", heights: [0, -35, -70] },
        hz > 0 ? hz / 1000 : null,
      ),
      curvePanel(
        likeness,
        1000 / sampleRate,
        [-1, 1.1],
        { left: 366, right: RIGHT, top: 524, height: 96 },
        { title: "Likeness to itself after a lag", unit: "milliseconds", heights: [1, 0, -1] },
        hz > 0 ? 1000 / hz : null,
      ),
    ];
    const voice =
      hz > 0
        ? `the tracker hears f0 = ${hz.toFixed(1)} Hz, a period of ${(1000 / hz).toFixed(2)} ms, marked below in both curves`
        : "the tracker hears no voice";
    return {
      svg: picture(WIDTH, 656, "The word seven as wave, spectrogram, mel bands and f0", marks.join("")),
      note: `The word "seven". At ${at.toFixed(2)} s ${voice}. A window of ${fftSize} samples lasts ${((1000 * fftSize) / sampleRate).toFixed(0)} ms, and its bins are ${(sampleRate / fftSize).toFixed(1)} Hz apart.${empty > 0 ? ` No bin falls into ${empty} of the mel bands, which stay dark.` : ""}`,
      table: {
        columns: ["seconds", "f0 in Hz", "periodicity"],
        rows: Array.from(f0, (value, i) => [
          (i * HOP_SECONDS).toFixed(2),
          value > 0 ? value.toFixed(1) : "none",
          periodicity[i]!.toFixed(2),
        ]),
      },
    };
  }

  return {
    title: "One word on one clock: wave, spectrogram, mel bands, pitch",
    controls: [
      { kind: "range", name: "at", label: "Cursor", min: 0, max: 770, step: 10, value: 300, unit: "ms" },
      {
        kind: "choice",
        name: "window",
        label: "Samples in a window",
        choices: ["128", "256", "512", "1024", "2048"],
        value: "512",
      },
      { kind: "choice", name: "bands", label: "Mel bands", choices: ["20", "40", "80"], value: "40" },
    ],
    draw,
  };
}
