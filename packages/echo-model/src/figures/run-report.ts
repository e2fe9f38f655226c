// The report of a run folder or of a checkpoint: what was trained, how it went, how it scores, and what it looks like
// inside. The pieces are in the other files here; the command is ../cli/report.ts.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Evaluation, OutputKind } from "../evaluate/evaluate-model.ts";
import { changedSettings } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import type { Recognizer } from "../speech/recognize-stretch.ts";
import { wordConfusions } from "../study/confusions.ts";
import { rotaryPatterns } from "../study/rotary-patterns.ts";
import type { Checkpoint } from "../train/checkpoint.ts";
import type { Diagnosis } from "../train/diagnose-model.ts";
import { type LogRecord, parseLog } from "../train/event-log.ts";
import { architectureFigure } from "./architecture-figure.ts";
import { diagnosisSections } from "./diagnosis-figures.ts";
import type { Cell, Figure, FigureTable } from "./figure.ts";
import type { ReportSection } from "./page.ts";
import { recordingSections } from "./recording-sections.ts";
import { bandWidthFigure, lagCurveFigure, similarityFigure } from "./rotary-figures.ts";
import { alongRunFigure, confusionFigure, errorRateFigure, learningFigure } from "./run-figures.ts";

/** What a report may tell of beside the model. */
export interface RunReportInput {
  readonly checkpoint: Checkpoint;
  readonly recognizer: Recognizer;
  /** Records of log.jsonl; empty for a checkpoint alone. */
  readonly log: readonly LogRecord[];
  /** summary.json; null while a run goes on. */
  readonly summary: Readonly<Record<string, unknown>> | null;
  /** diagnosis.json of `echo-asr diagnose`; empty without. */
  readonly diagnoses: readonly Diagnosis[];
  /** Evaluations of this report, by set. */
  readonly evaluations: ReadonlyMap<string, Evaluation>;
  /** A recording to look at. */
  readonly recording: { readonly name: string; readonly wave: Float32Array } | null;
}

/**
 * Log, summary and diagnosis of a folder; what is missing is left out.
 * @param isRun - false where the folder is not that of the run: its log and summary are then of something else.
 */
export async function readRunFolder(
  folder: string,
  isRun = true,
): Promise<Pick<RunReportInput, "log" | "summary" | "diagnoses">> {
  const text = (name: string): Promise<string | null> =>
    readFile(join(folder, name), "utf8").catch(() => null);
  const [log, summary, diagnosis] = await Promise.all(
    ["log.jsonl", "summary.json", "diagnosis.json"].map((name) =>
      isRun || name === "diagnosis.json" ? text(name) : null,
    ),
  );
  return {
    log: log == null ? [] : parseLog(log, join(folder, "log.jsonl")),
    summary: summary == null ? null : (JSON.parse(summary) as Record<string, unknown>),
    diagnoses: diagnosis == null ? [] : (JSON.parse(diagnosis) as { diagnoses: Diagnosis[] }).diagnoses,
  };
}

/** The sections of a report, from the outcome to the inside. */
export async function runReportSections(input: RunReportInput): Promise<ReportSection[]> {
  const { recognizer, log, diagnoses, evaluations, recording } = input;
  const { echo, config } = recognizer;
  const known = (figures: readonly (Figure | null)[]): Figure[] =>
    figures.filter((figure) => figure !== null);
  const learning = known([learningFigure(log), errorRateFigure(log)]);
  const along = known([
    alongRunFigure(log, "gateOverMlp", {
      name: "gate-mlp-along-run",
      title: "Gate over MLP gradient along the run",
      text: "Each point is the mean of ten steps (train --diagnostics). The seed's figures, 3.6 to 43.46, are of its first ten steps.",
      label: "gate / MLP (ratio)",
    }),
    alongRunFigure(log, "valueDominance", {
      name: "value-dominance-along-run",
      title: "Value over query and key gradient along the run",
      text: "Each point is the mean of ten steps, self-attention of each block. The seed reports about 3; 1 is alike.",
      label: "V / mean of Q and K (ratio)",
    }),
    alongRunFigure(log, "value", {
      name: "value-gradient-along-run",
      title: "Gradient of the value weights along the run",
      text: "Mean absolute gradient of each block's self-attention values. The seed's decay over decoder layers, 0.10 to 0.04, is of its first ten steps.",
      label: "mean |gradient|",
    }),
  ]);
  const patterns = patternsOf(config);
  return [
    { heading: "What this is", tables: overview(input) },
    ...(learning.length > 0 ? [{ heading: "Learning", figures: learning }] : []),
    ...[...evaluations].map(([set, evaluation], i) => evaluationSection(set, evaluation, i)),
    ...(along.length > 0 ? [{ heading: "Gradients along the run", figures: along }] : []),
    ...(diagnoses.length > 0 ? diagnosisSections(diagnoses) : []),
    { heading: "Architecture", figures: [architectureFigure(echo, config)] },
    {
      heading: "Positions under theta and f0",
      text: [
        "What the rotary encoding of this configuration does with positions; no trained weight is involved.",
      ],
      figures: [
        similarityFigure(patterns, headWidth(config)),
        lagCurveFigure(patterns, headWidth(config)),
        bandWidthFigure(config.model.rotary, [headWidth(config)]),
      ],
    },
    ...(recording === null ? [] : await recordingSections(recognizer, recording.wave, recording.name)),
  ];
}

const headWidth = ({ model }: EchoConfig): number => model.dims / model.heads;

function patternsOf(config: EchoConfig): ReturnType<typeof rotaryPatterns> {
  const { rotary } = config.model;
  const choice = { f0: [80, 120, 220], theta: [rotary.theta], headWidth: headWidth(config), positions: 128 };
  return rotaryPatterns(choice, rotary);
}

function overview({
  checkpoint,
  recognizer,
  summary,
}: RunReportInput): (FigureTable & { readonly caption: string })[] {
  const { config } = checkpoint;
  const facts: Cell[][] = [
    ["parameters", recognizer.echo.parameterCount()],
    ["vocabulary (ids)", recognizer.tokenizer.vocabSize],
    ["step of the weights", numberOrNull(checkpoint.metrics.step)],
  ];
  for (const key of ["outcome", "steps", "epochs", "cpuSeconds", "utterances"])
    if (summary !== null && (typeof summary[key] === "number" || typeof summary[key] === "string"))
      facts.push([key, summary[key] as Cell]);
  const rates: Cell[][] = [];
  const sets = (summary?.evaluations ?? checkpoint.metrics) as Record<string, unknown>;
  for (const [set, figures] of Object.entries(sets)) {
    if (typeof figures !== "object" || figures === null) continue;
    for (const [kind, rate] of Object.entries(figures))
      if (typeof rate === "number") rates.push([set, kind, Number((100 * rate).toFixed(1))]);
  }
  return [
    { caption: "The model", columns: ["fact", "value"], rows: facts },
    ...(rates.length === 0
      ? []
      : [
          {
            caption: "Error rates at the end (%)",
            columns: ["set", "output", "rate (%)"],
            rows: rates,
            note: "ctc and free are word error rates of recognition, Cer of characters; forced is told the true text and is no recognition; Zeroed has silence in place of the recordings.",
          },
        ]),
    {
      caption: "Settings that are not the defaults",
      columns: ["setting", "value"],
      rows: [...changedSettings(config)].map(([key, value]) => [key, JSON.stringify(value)]),
    },
  ];
}

const numberOrNull = (value: unknown): number | null => (typeof value === "number" ? value : null);

function evaluationSection(
  set: string,
  { scores, zeroed, texts, utterances }: Evaluation,
  i: number,
): ReportSection {
  const kind: OutputKind = scores.has("ctc") ? "ctc" : "free";
  const said = texts.map((row) => ({ reference: row.reference, hypothesis: row[kind] ?? "" }));
  const figure = confusionFigure(
    wordConfusions(said),
    kind === "ctc" ? "CTC" : "attention",
    scores.get(kind)!.words.total,
  );
  const percent = (rate: number): number => Number((100 * rate).toFixed(1));
  const groups = scores.get(kind)!.groups;
  return {
    heading: `Scores on ${set} (${utterances} utterances)`,
    tables: [
      {
        caption: "Word error rates",
        columns: [
          "output",
          "WER (%)",
          "95 % interval (%)",
          "errors",
          "words",
          "CER (%)",
          "audio zeroed, WER (%)",
        ],
        rows: [...scores].map(([name, { words, characters, interval }]) => [
          name,
          percent(words.rate),
          `${percent(interval.low)} to ${percent(interval.high)}`,
          words.errors,
          words.total,
          percent(characters.rate),
          zeroed.has(name) ? percent(zeroed.get(name)!.rate) : null,
        ]),
        note: "Intervals resample utterances; the variation between training seeds comes on top.",
      },
      ...(["sex", "pitch"] as const)
        .filter((group) => groups[group].size > 1)
        .map((group) => ({
          caption: `Word error rate by ${group}`,
          columns: [group, "WER (%)", "words"],
          rows: [...groups[group]].map(([name, { rate, total }]): Cell[] => [name, percent(rate), total]),
        })),
    ],
    figures:
      figure === null ? [] : [i === 0 ? figure : { ...figure, name: `${figure.name}-${basename(set)}` }],
  };
}
