// Figures of an experiment: error rates by variant with every seed, differences from the baseline with both intervals, and
// learning curves side by side. Read next: experiment-report.ts.
import * as Plot from "@observablehq/plot";
import type { ResultRow, Verdict } from "../experiment/compare-variants.ts";
import { OUTPUT_NAMES, points, rangeText } from "../experiment/result-files.ts";
import type { LogRecord } from "../train/event-log.ts";
import { type Cell, drawFigure, type Figure, type Panel, SERIES } from "./figure.ts";
import { legend } from "./rotary-figures.ts";

const WIDTH = 880;
const ROW_HEIGHT = 20;
const NAMES_WIDTH = 210;

/** Differences beyond this many points are written, not drawn: the small ones would be squeezed into a line. */
const MOST_POINTS = 12;
/** Longest name that is written beside an axis. */
const MOST_LETTERS = 34;

const VERDICTS: readonly Verdict[] = ["no difference shown", "worse", "better", "one seed, not judged"];

/** The rows of one set. */
export interface SetRows {
  readonly set: string;
  readonly rows: readonly ResultRow[];
}

const percentOf = (share: number): number => 100 * share;
const short = (name: string): string =>
  name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 3)}...` : name;
const rounded = (share: number): number => Number((100 * share).toFixed(2));

/** Panels of a figure, one for each output of the set, and below each other. */
function byOutput(rows: readonly ResultRow[], panelOf: (rows: readonly ResultRow[]) => Panel): Panel[][] {
  const outputs = [...new Set(rows.map(({ output }) => output))];
  return outputs.map((output) => [
    { ...panelOf(rows.filter((row) => row.output === output)), title: OUTPUT_NAMES[output] },
  ]);
}

/** Word error rates of all variants on one set: means, seeds, intervals over the seeds. */
export function variantRatesFigure({ set, rows }: SetRows, baseline: string): Figure {
  const panel = (shown: readonly ResultRow[]): Panel => {
    const names = shown.map(({ variant }) => short(variant));
    const seeds = shown.flatMap(({ variant, seeds: each }) =>
      each.map(({ seed, rate }) => ({ variant: short(variant), seed, rate: percentOf(rate) })),
    );
    const means = shown.map(({ variant, mean, interval }) => ({
      variant: short(variant),
      mean: percentOf(mean),
      low: percentOf(Math.max(0, interval?.low ?? mean)),
      high: percentOf(interval?.high ?? mean),
    }));
    const own = means.find(({ variant }) => variant === short(baseline));
    const most = Math.max(...seeds.map(({ rate }) => rate), 1);
    return {
      plot: {
        width: WIDTH,
        height: 50 + ROW_HEIGHT * names.length,
        marginLeft: NAMES_WIDTH,
        marginTop: 8,
        marginBottom: 36,
        x: { label: "word error rate (%)", grid: true, domain: [0, 1.05 * most], clamp: true },
        y: { domain: names, label: null },
        marks: [
          Plot.ruleX(own === undefined ? [] : [own.mean], { strokeDasharray: "4 3", strokeOpacity: 0.6 }),
          Plot.ruleY(means, {
            y: "variant",
            x1: "low",
            x2: "high",
            stroke: SERIES[0]!,
            strokeOpacity: 0.5,
            strokeWidth: 2,
          }),
          Plot.dot(seeds, {
            x: "rate",
            y: "variant",
            r: 3,
            stroke: SERIES[0]!,
            title: (one: { variant: string; seed: number; rate: number }) =>
              `${one.variant}, seed ${one.seed}: ${one.rate.toFixed(1)} %`,
          }),
          Plot.tickX(means, { x: "mean", y: "variant", strokeWidth: 2.5, inset: 4 }),
        ],
      } satisfies Plot.PlotOptions,
    };
  };
  const best = [...rows].sort((a, b) => a.mean - b.mean);
  return drawFigure({
    name: `rates-${set}`,
    title: `Word error rates by variant on ${set}`,
    text: `Circles are single trainings, one for each seed; the upright stroke is their mean, the line its 95 % interval over the seeds (Student's; where it runs out of the picture it is cut). The dashed line is the mean of the baseline, ${baseline}.`,
    alt: `Word error rates on ${set}: lowest ${best[0]!.variant} (${rounded(best[0]!.mean)} %), highest ${best.at(-1)!.variant} (${rounded(best.at(-1)!.mean)} %).`,
    panels: byOutput(rows, panel),
    table: {
      columns: ["output", "variant", "mean (%)", "low", "high", "seeds (%)"],
      rows: rows.map((row): Cell[] => [
        row.output,
        row.variant,
        rounded(row.mean),
        row.interval === null ? null : rounded(row.interval.low),
        row.interval === null ? null : rounded(row.interval.high),
        row.seeds.map(({ seed, rate }) => `${seed}: ${rounded(rate)}`).join(", "),
      ]),
    },
  });
}

/** Differences from the baseline on one set, with the interval over the seeds and that over the utterances. */
export function differencesFigure({ set, rows }: SetRows, baseline: string): Figure | null {
  const compared = rows.flatMap((row) =>
    row.difference === null ? [] : [{ ...row, difference: row.difference }],
  );
  if (compared.length === 0) return null;
  const near = compared.filter(({ difference }) => Math.abs(percentOf(difference.mean)) <= MOST_POINTS);
  const reach = near.flatMap(({ difference: { overUtterances, seeds, mean } }) => [
    ...[overUtterances.low, overUtterances.high, mean].map(percentOf),
    ...seeds.map((one) => percentOf(one.difference)),
  ]);
  const limit = Math.ceil(Math.max(2, ...reach.map(Math.abs)) + 1);
  const panel = (shown: readonly ResultRow[]): Panel => {
    const values = compared
      .filter((row) => shown.some((one) => one.output === row.output))
      .map((row) => {
        const { mean, overSeeds, overUtterances, seeds, verdict } = row.difference;
        const cut = (share: number): number => Math.min(limit, Math.max(-limit, percentOf(share)));
        return {
          variant: short(row.variant),
          mean: cut(mean),
          verdict,
          low: cut(overUtterances.low),
          high: cut(overUtterances.high),
          seedsLow: cut(overSeeds?.low ?? mean),
          seedsHigh: cut(overSeeds?.high ?? mean),
          seeds: seeds.map((one) => cut(one.difference)),
          drawn: Math.abs(percentOf(mean)) <= limit,
          written: `${points(mean)} points, beyond the axis`,
        };
      });
    const drawn = values.filter((one) => one.drawn);
    const beyond = values.filter((one) => !one.drawn);
    const dots = drawn.flatMap(({ variant, verdict, seeds }) => seeds.map((x) => ({ variant, verdict, x })));
    const names = values.map(({ variant }) => variant);
    return {
      plot: {
        width: WIDTH,
        height: 50 + ROW_HEIGHT * names.length,
        marginLeft: NAMES_WIDTH,
        marginTop: 8,
        marginBottom: 36,
        x: {
          label: `WER minus that of ${baseline} (points; to the right is worse)`,
          grid: true,
          domain: [-limit, limit],
        },
        y: { domain: names, label: null },
        color: { domain: [...VERDICTS], range: SERIES.slice(0, VERDICTS.length) },
        marks: [
          Plot.ruleX([0]),
          Plot.ruleY(drawn, {
            y: "variant",
            x1: "seedsLow",
            x2: "seedsHigh",
            stroke: "verdict",
            strokeWidth: 1.2,
          }),
          Plot.ruleY(drawn, {
            y: "variant",
            x1: "low",
            x2: "high",
            stroke: "verdict",
            strokeWidth: 6,
            strokeOpacity: 0.35,
          }),
          Plot.dot(dots, { x: "x", y: "variant", r: 2.5, stroke: "verdict" }),
          Plot.dot(drawn, { x: "mean", y: "variant", r: 4.5, fill: "verdict" }),
          Plot.text(beyond, {
            x: ({ mean }: { mean: number }) => (mean > 0 ? limit : -limit),
            y: "variant",
            text: "written",
            textAnchor: "end",
            fill: "verdict",
            filter: ({ mean }: { mean: number }) => mean > 0,
          }),
          Plot.text(beyond, {
            x: -limit,
            y: "variant",
            text: "written",
            textAnchor: "start",
            fill: "verdict",
            filter: ({ mean }: { mean: number }) => mean <= 0,
          }),
        ],
      } satisfies Plot.PlotOptions,
    };
  };
  const found = compared.filter(
    ({ difference }) => difference.verdict === "worse" || difference.verdict === "better",
  );
  return drawFigure({
    name: `differences-${set}`,
    title: `Difference from ${baseline} on ${set}`,
    text: `The full dot is the mean over the seeds, circles are single seeds. The broad bar is the interval over utterances (paired bootstrap), the thin line that over seeds (Student's, cut at the edge). Orange or green only where both leave out 0; blue is no difference shown.`,
    alt:
      found.length === 0
        ? `No variant differs from ${baseline} on ${set} by more than chance explains.`
        : `Differences from ${baseline} on ${set}: ${found
            .map((row) => `${row.variant} ${points(row.difference.mean)} (${row.output})`)
            .join(", ")}; the others show none.`,
    panels: [...byOutput(compared, panel), [legend([...VERDICTS], WIDTH)]],
    table: {
      columns: ["output", "variant", "difference (points)", "over seeds", "over utterances", "verdict"],
      rows: compared.map(({ output, variant, difference }): Cell[] => [
        output,
        variant,
        rounded(difference.mean),
        rangeText(difference.overSeeds, points),
        rangeText(difference.overUtterances, points),
        difference.verdict,
      ]),
    },
  });
}

/** The logs of a variant, one for each seed. */
export interface VariantLogs {
  readonly variant: string;
  readonly logs: readonly (readonly LogRecord[])[];
}

const STRETCHES = 40;
const PANELS_A_ROW = 4;

/** Loss by step of each variant and seed, the baseline's mean behind it; null without steps. */
export function variantLearningFigure(variants: readonly VariantLogs[], baseline: string): Figure | null {
  const curves = variants
    .map(({ variant, logs }) => ({ variant, seeds: logs.map(lossCurve).filter((curve) => curve.length > 0) }))
    .filter(({ seeds }) => seeds.length > 0);
  if (curves.length === 0) return null;
  const means = curves.map(({ variant, seeds }) => ({ variant, curve: meanCurve(seeds) }));
  const behind = means.find(({ variant }) => variant === baseline)?.curve ?? [];
  const all = curves.flatMap(({ seeds }) => seeds.flat().map(({ loss }) => loss));
  const domain = [Math.min(...all), Math.max(...all)];
  const last = Math.max(...means.map(({ curve }) => curve.at(-1)!.step));
  const panel = ({ variant, seeds }: (typeof curves)[number], i: number): Panel => ({
    title: variant.length > 30 ? `${variant.slice(0, 27)}...` : variant,
    plot: {
      width: WIDTH / PANELS_A_ROW,
      height: 130,
      marginLeft: 38,
      marginRight: 10,
      x: { domain: [0, last], label: "step", ticks: 3 },
      y: {
        type: "log",
        domain,
        label: i % PANELS_A_ROW === 0 ? "loss (nats)" : null,
        grid: true,
        ticks: 4,
        tickFormat: (x: number) => String(Number(x.toPrecision(2))),
      },
      marks: [
        Plot.line(behind, { x: "step", y: "loss", strokeOpacity: 0.45, strokeDasharray: "4 3" }),
        ...seeds.map((curve) =>
          Plot.line(curve, {
            x: "step",
            y: "loss",
            stroke: SERIES[0]!,
            strokeWidth: 1.2,
            strokeOpacity: 0.8,
          }),
        ),
      ],
    } satisfies Plot.PlotOptions,
  });
  const panels = curves.map(panel);
  const steps = [...new Set(means.flatMap(({ curve }) => curve.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  return drawFigure({
    name: "learning-by-variant",
    title: "Training loss by step, one picture a variant",
    text: `Each blue line is one seed, means over stretches of steps; the dashed line is the mean of ${baseline} over its seeds. The scale is logarithmic and the same everywhere. A lower training loss is no lower error rate on other speakers.`,
    alt: `Training loss by step; at the end ${means.map(({ variant, curve }) => `${variant} ${curve.at(-1)!.loss.toPrecision(2)}`).join(", ")}.`,
    panels: Array.from({ length: Math.ceil(panels.length / PANELS_A_ROW) }, (_, i) =>
      panels.slice(i * PANELS_A_ROW, (i + 1) * PANELS_A_ROW),
    ),
    table: {
      columns: ["step", ...means.map(({ variant }) => variant)],
      rows: steps.map((step): Cell[] => [
        step,
        ...means.map(({ curve }) => curve.find((point) => point.step === step)?.loss ?? null),
      ]),
      note: "Means over seeds and stretches of steps.",
    },
  });
}

interface Point {
  readonly step: number;
  readonly loss: number;
}

/** Mean loss in stretches of steps; the point stands at the end of its stretch. */
function lossCurve(log: readonly LogRecord[]): Point[] {
  const steps = log.filter(({ kind, loss }) => kind === "step" && typeof loss === "number");
  const size = Math.max(1, Math.ceil(steps.length / STRETCHES));
  return Array.from({ length: Math.ceil(steps.length / size) }, (_, i) => {
    const part = steps.slice(i * size, (i + 1) * size);
    const loss = part.reduce((sum, record) => sum + Number(record.loss), 0) / part.length;
    return { step: Number(part.at(-1)!.step), loss };
  });
}

/** The mean of curves, as far as all reach. */
function meanCurve(curves: readonly (readonly Point[])[]): Point[] {
  const length = Math.min(...curves.map((curve) => curve.length));
  return Array.from({ length }, (_, i) => ({
    step: curves[0]![i]!.step,
    loss: curves.reduce((sum, curve) => sum + curve[i]!.loss, 0) / curves.length,
  }));
}
