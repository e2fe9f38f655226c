// The report of an experiment: what was compared, error rates and differences, learning curves, and how it was computed.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExperimentResults, ResultRow } from "../experiment/compare-variants.ts";
import { groupsOf, OUTPUT_NAMES, readResults, tableOf } from "../experiment/result-files.ts";
import { parseLog } from "../train/event-log.ts";
import {
  differencesFigure,
  type SetRows,
  type VariantLogs,
  variantLearningFigure,
  variantRatesFigure,
} from "./experiment-figures.ts";
import type { Cell, FigureTable } from "./figure.ts";
import type { Report, ReportSection } from "./page.ts";

/** What the report of an experiment is made from. */
export interface ExperimentReportInput {
  readonly results: ExperimentResults;
  /** Logs of the trained variants. */
  readonly logs: readonly VariantLogs[];
}

/**
 * Results and logs of an experiment's folder; null where there is no results.json.
 * @throws DataError for files that cannot be understood.
 */
export async function readExperimentFolder(folder: string): Promise<ExperimentReportInput | null> {
  const results = await readResults(folder);
  if (results === null) return null;
  const trained = results.variants.filter(({ weightsOf }) => weightsOf === null);
  const logs = trained.map(async ({ name }) => {
    const own = results.folders.filter(({ variant }) => variant === name);
    const texts = own.map(async (run) => {
      const path = join(folder, run.folder, "log.jsonl");
      const text = await readFile(path, "utf8").catch(() => null);
      return text === null ? [] : parseLog(text, path);
    });
    return { variant: name, logs: await Promise.all(texts) };
  });
  return { results, logs: await Promise.all(logs) };
}

/**
 * The report of an experiment.
 * @example
 * await writeReport("out/ablation", experimentReport((await readExperimentFolder("out/ablation"))!));
 */
export function experimentReport({ results, logs }: ExperimentReportInput): Report {
  const { name, about, baseline, seeds } = results;
  const sets: SetRows[] = [...new Set(results.rows.map(({ set }) => set))].map((set) => ({
    set,
    rows: results.rows.filter((row) => row.set === set),
  }));
  const learning = variantLearningFigure(logs, baseline);
  return {
    title: name,
    text: `${about === "" ? "" : `${about} `}Made by echo-asr experiment; ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}.`,
    sections: [
      { heading: "What came of it", text: summary(results) },
      { heading: "What was compared", tables: [variantTable(results)] },
      ...sets.map((one) => setSection(one, results)),
      ...(learning === null ? [] : [{ heading: "Learning", figures: [learning] }]),
      { heading: "How it was computed", text: [results.method, ...unfinished(results)] },
    ],
  };
}

/** What differs from the baseline, and what shows no difference anywhere. */
function summary({ rows, baseline, variants }: ExperimentResults): string[] {
  const of = (row: ResultRow): string => `${row.set}, ${OUTPUT_NAMES[row.output]}`;
  const judged = rows.filter(
    ({ difference }) => difference !== null && difference.verdict !== "one seed, not judged",
  );
  const said = (verdict: "worse" | "better"): string[] =>
    variants.flatMap(({ name }) => {
      const found = judged.filter((row) => row.variant === name && row.difference!.verdict === verdict);
      const places = found.map(
        (row) => `${of(row)}: ${(100 * Math.abs(row.difference!.mean)).toFixed(1)} points`,
      );
      return places.length === 0 ? [] : [`${name} is ${verdict} than ${baseline} (${places.join("; ")}).`];
    });
  const silent = variants.filter(({ name }) => {
    const own = judged.filter((row) => row.variant === name);
    return own.length > 0 && own.every((row) => row.difference!.verdict === "no difference shown");
  });
  const nothing =
    silent.length === 0
      ? []
      : [
          `No difference from ${baseline} is shown on any set by any output for: ${silent.map((one) => one.name).join("; ")}. That is not proof of equality; the intervals below say how large a difference could have gone unseen.`,
        ];
  const text = [...said("worse"), ...said("better"), ...nothing];
  return text.length === 0 ? ["One seed, or one variant: nothing can be judged."] : text;
}

function variantTable({
  variants,
  rows,
  baseline,
}: ExperimentResults): FigureTable & { readonly caption: string } {
  return {
    caption: "Variants",
    columns: ["variant", "what it is", "settings that differ", "parameters"],
    rows: variants.map(({ name, about, settings, weightsOf, pitchHz }): Cell[] => {
      const changed = Object.entries(settings).map(
        ([path, value]) => `${path} = ${typeof value === "string" ? value : JSON.stringify(value)}`,
      );
      if (weightsOf !== null) changed.push(`weights of ${weightsOf}`);
      if (pitchHz !== null) changed.push(`told ${pitchHz} Hz when scored`);
      return [
        name === baseline ? `${name} (baseline)` : name,
        about === "" ? null : about,
        changed.length === 0 ? null : changed.join("; "),
        rows.find((row) => row.variant === name)?.parameters ?? null,
      ];
    }),
  };
}

function setSection({ set, rows }: SetRows, results: ExperimentResults): ReportSection {
  const differences = differencesFigure({ set, rows }, results.baseline);
  const groups = groupsOf({ ...results, rows });
  return {
    heading: `Results on ${set}`,
    figures: [
      variantRatesFigure({ set, rows }, results.baseline),
      ...(differences === null ? [] : [differences]),
    ],
    tables: groups.map((group) => ({
      caption: `${set}, ${OUTPUT_NAMES[group.output]} (${group.rows[0]!.seeds[0]!.words} words)`,
      ...tableOf(group.rows, results.baseline),
    })),
  };
}

function unfinished({ failed, missing }: ExperimentResults): string[] {
  return [
    ...failed.map(({ run, message }) => `Failed: ${run}: ${message}`),
    ...(missing.length === 0 ? [] : [`Not finished, and not in the tables: ${missing.join("; ")}.`]),
  ];
}
