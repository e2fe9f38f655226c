// Figures of a training: loss, learning rate and gradient by step, error rates by evaluation, gradients along the run, and
// which words are taken for which.
import * as Plot from "@observablehq/plot";
import type { Confusion } from "../study/confusions.ts";
import type { LogRecord } from "../train/event-log.ts";
import { drawFigure, type Figure, type Panel, SERIES } from "./figure.ts";
import { colorsFor, legend } from "./rotary-figures.ts";

const WIDTH = 880;
const MOST_POINTS = 600;

/** A value of a log: JSON has no NaN or infinities, the log writes them as texts. */
const numberOf = (value: unknown): number => (typeof value === "number" ? value : Number.NaN);

/** Mean, smallest and largest of the values in each of at most `MOST_POINTS` stretches. */
function thinned(
  records: readonly LogRecord[],
  key: string,
): { step: number; mean: number; low: number; high: number }[] {
  const size = Math.ceil(records.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(records.length / size) }, (_, i) => {
    const part = records.slice(i * size, (i + 1) * size);
    const values = part.map((record) => numberOf(record[key])).filter(Number.isFinite);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    return {
      step: Number(part.at(-1)!.step),
      mean,
      low: values.reduce((a, b) => Math.min(a, b), mean),
      high: values.reduce((a, b) => Math.max(a, b), mean),
    };
  }).filter(({ mean }) => Number.isFinite(mean));
}

/** Loss and its parts, learning rate and gradient norm by step; null without steps. */
export function learningFigure(records: readonly LogRecord[]): Figure | null {
  const steps = records.filter(({ kind }) => kind === "step");
  if (steps.length === 0) return null;
  const parts = ["loss", "ctc", "crossEntropy"].filter((key) =>
    steps.some((record) => typeof record[key] === "number"),
  );
  const losses = parts.flatMap((part) => thinned(steps, part).map((point) => ({ ...point, part })));
  const [first, last] = [Number(steps[0]!.step), Number(steps.at(-1)!.step)];
  const x = { domain: [Math.min(first - 1, last), last] as [number, number] };
  const line = (key: string, label: string, type: "log" | "linear", bottom: boolean): Panel => {
    const points = thinned(steps, key).filter(({ mean, low }) => type === "linear" || (mean > 0 && low > 0));
    return {
      plot: {
        width: WIDTH,
        height: bottom ? 150 : 130,
        marginLeft: 56,
        marginBottom: bottom ? 34 : 18,
        x: { ...x, label: bottom ? "step" : null },
        y: { label, type, grid: true, ticks: 4, ...(type === "log" && { tickFormat: short }) },
        marks: [
          Plot.areaY(points, { x: "step", y1: "low", y2: "high", fill: SERIES[0]!, fillOpacity: 0.25 }),
          Plot.line(points, { x: "step", y: "mean", stroke: SERIES[0]!, strokeWidth: 1.5 }),
        ],
      } satisfies Plot.PlotOptions,
    };
  };
  return drawFigure({
    name: "learning-curves",
    title: "Learning: loss, learning rate and gradient by step",
    text: "Lines are means over stretches of steps, bands reach from the smallest to the largest value in each. The loss is the weighted sum of its parts; CTC is divided by the target's length. The gradient norm is that before clipping.",
    alt: `Loss from ${losses[0]!.mean.toPrecision(3)} at step ${losses[0]!.step} to ${thinned(steps, "loss").at(-1)!.mean.toPrecision(3)} at step ${last}.`,
    panels: [
      [
        {
          plot: {
            width: WIDTH,
            height: 260,
            marginLeft: 56,
            marginBottom: 18,
            x: { ...x, label: null },
            y: { type: "log", label: "loss (nats, logarithmic)", grid: true, tickFormat: short, ticks: 6 },
            color: { domain: parts, range: colorsFor(parts.length) },
            marks: [
              Plot.areaY(losses, {
                x: "step",
                y1: "low",
                y2: "high",
                fill: "part",
                fillOpacity: 0.18,
                filter: ({ low }: { low: number }) => low > 0,
              }),
              Plot.line(losses, { x: "step", y: "mean", stroke: "part", strokeWidth: 1.8 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [legend(parts, WIDTH)],
      [line("learningRate", "learning rate", "linear", false)],
      [line("gradientNorm", "gradient norm (before clipping)", "log", true)],
    ],
    table: {
      columns: ["up to step", ...parts, "learning rate", "gradient norm"],
      rows: sampled(steps, 40).map((record) => [
        Number(record.step),
        ...parts.map((part) => numberOf(record[part])),
        numberOf(record.learningRate),
        numberOf(record.gradientNorm),
      ]),
      note: "Single steps, evenly chosen; log.csv beside the report has all.",
    },
  });
}

function sampled<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}

const short = (x: number): string =>
  /^[125]/.test(x.toExponential()) ? String(Number(x.toPrecision(2))) : "";

const KINDS: Readonly<Record<string, string>> = {
  ctc: "CTC",
  free: "attention, free-running",
  forced: "told the text so far (no recognition)",
  ctcZeroed: "CTC, audio zeroed",
  freeZeroed: "attention, audio zeroed",
};

/** Word error rates of the evaluations along a run; null without any. */
export function errorRateFigure(records: readonly LogRecord[]): Figure | null {
  const evaluations = records.filter(({ kind }) => kind === "evaluation");
  const points = evaluations.flatMap((record) =>
    Object.entries(KINDS).flatMap(([key, label]) =>
      typeof record[key] === "number"
        ? [{ step: Number(record.step), key, set: String(record.set), label, rate: 100 * record[key] }]
        : [],
    ),
  );
  if (points.length === 0) return null;
  // Recognition has a colour each; the control without sound is a cross in the same one. What is told the text is no
  // recognition: it stands in the table only.
  const nameOf = (set: string, key: string): string => `${set}, ${KINDS[key.replace("Zeroed", "")]!}`;
  const shown = points.map((point) => ({ ...point, series: nameOf(point.set, point.key) }));
  const lines = shown.filter(({ key }) => key === "ctc" || key === "free");
  const zeroed = shown.filter(({ key }) => key.endsWith("Zeroed"));
  const series = [...new Set([...lines, ...zeroed].map((point) => point.series))];
  const last = Math.max(...points.map(({ step }) => step));
  return drawFigure({
    name: "error-rates",
    title: "Word error rate by step",
    text: `Corpus word error rates of the evaluations.${zeroed.length === 0 ? "" : " Crosses are the same outputs with the audio zeroed (at the end only): what the model gets without listening. A rate near its cross is no recognition."} Rates above 100 % are possible.`,
    alt: `${series.map((name) => `${name}: ${(lines.findLast((point) => point.series === name)?.rate ?? Number.NaN).toFixed(1)} % at the end`).join("; ")}.`,
    panels: [
      [
        {
          plot: {
            width: WIDTH,
            height: 280,
            marginLeft: 56,
            marginBottom: 36,
            x: { label: "step", domain: [0, last] },
            y: { label: "word error rate (%)", grid: true, zero: true },
            color: { domain: series, range: colorsFor(series.length) },
            marks: [
              Plot.line(lines, { x: "step", y: "rate", stroke: "series", z: "series", strokeWidth: 1.5 }),
              Plot.dot(lines, { x: "step", y: "rate", fill: "series", r: 3.5 }),
              Plot.dot(zeroed, { x: "step", y: "rate", stroke: "series", symbol: "times", r: 5 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [legend(series, WIDTH)],
    ],
    table: {
      columns: ["step", "set and output", "WER (%)"],
      rows: points.map(({ step, set, label, rate }) => [step, `${set}, ${label}`, rate]),
    },
  });
}

/** One kind of number of the diagnostics that `train --diagnostics` logged, one line a block; null without any. */
export function alongRunFigure(
  records: readonly LogRecord[],
  ending: string,
  about: Pick<Figure, "name" | "title" | "text"> & { readonly label: string },
): Figure | null {
  const points = records
    .filter(({ kind }) => kind === "diagnostics")
    .flatMap((record) =>
      Object.entries(record).flatMap(([key, value]) =>
        key.endsWith(`/${ending}`) && typeof value === "number" && value > 0
          ? [{ step: Number(record.step), block: key.slice(0, -ending.length - 1), value }]
          : [],
      ),
    );
  if (points.length === 0) return null;
  const blocks = [...new Set(points.map(({ block }) => block))];
  const { label, ...rest } = about;
  return drawFigure({
    ...rest,
    alt: `${blocks.map((block) => `${block} from ${points.find((p) => p.block === block)!.value.toPrecision(3)} to ${points.findLast((p) => p.block === block)!.value.toPrecision(3)}`).join("; ")}.`,
    panels: [
      [
        {
          plot: {
            width: WIDTH,
            height: 280,
            marginLeft: 56,
            x: {
              label: "step",
              type: points.some(({ step }) => step <= 10) ? "log" : "linear",
              tickFormat: short,
            },
            y: { label, type: "log", grid: true, tickFormat: short, ticks: 6 },
            color: { domain: blocks, range: colorsFor(blocks.length) },
            marks: [
              Plot.line(points, { x: "step", y: "value", stroke: "block", z: "block", strokeWidth: 1.6 }),
              Plot.dot(points, { x: "step", y: "value", fill: "block", r: 2.5 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [legend(blocks, WIDTH)],
    ],
    table: {
      columns: ["step", ...blocks],
      rows: [...new Set(points.map(({ step }) => step))].map((step) => [
        step,
        ...blocks.map((block) => points.find((p) => p.step === step && p.block === block)?.value ?? null),
      ]),
    },
  });
}

/** The most frequent word errors as bars; null without any. */
export function confusionFigure(
  confusions: readonly Confusion[],
  output: string,
  words: number,
): Figure | null {
  if (confusions.length === 0) return null;
  const shown = confusions.slice(0, 25).map(({ said, written, count }) => ({
    label: said === null ? `+ ${written}` : written === null ? `${said} left out` : `${said} → ${written}`,
    kind: said === null ? "inserted" : written === null ? "left out" : "taken for another",
    count,
  }));
  const kinds = ["taken for another", "left out", "inserted"];
  const total = confusions.reduce((sum, { count }) => sum + count, 0);
  return drawFigure({
    name: "word-confusions",
    title: `Which words are taken for which (${output})`,
    text: `The ${shown.length} most frequent word errors of ${total} errors on ${words} words said. Pairs come from the alignment with the fewest edits; where several words are wrong in a row, who was taken for whom is a guess of that alignment.`,
    alt: `Bars of word errors; the most frequent: ${shown
      .slice(0, 5)
      .map(({ label, count }) => `${label} (${count})`)
      .join(", ")}.`,
    panels: [
      [
        {
          plot: {
            width: WIDTH,
            height: 60 + 18 * shown.length,
            marginLeft: 190,
            x: {
              label: "errors (count)",
              grid: true,
              ticks: Math.min(10, shown[0]!.count),
              tickFormat: (x: number) => (Number.isInteger(x) ? String(x) : ""),
            },
            y: { domain: shown.map(({ label }) => label), label: null },
            color: { domain: kinds, range: SERIES.slice(0, 3) },
            marks: [Plot.barX(shown, { x: "count", y: "label", fill: "kind" }), Plot.ruleX([0])],
          } satisfies Plot.PlotOptions,
        },
      ],
      [legend(kinds, WIDTH)],
    ],
    table: {
      columns: ["said", "written", "errors"],
      rows: confusions.map(({ said, written, count }) => [said, written, count]),
    },
  });
}
