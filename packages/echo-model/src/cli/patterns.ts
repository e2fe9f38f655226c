// echo-asr patterns: how positions see each other under theta and f0, as numbers, figures and a report.
import { basename } from "node:path";
import type { CAC } from "cac";
import { ConfigError } from "../errors.ts";
import type { Figure } from "../figures/figure.ts";
import type { WrittenReport } from "../figures/write-report.ts";
import { trackAtFrames } from "../model/frame-lengths.ts";
import { inputOf } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";
import { extractFeatures } from "../speech/features.ts";
import { patternVariants, rotaryPatterns, utteranceAngles } from "../study/rotary-patterns.ts";
import { printable } from "../text/printable.ts";
import { type DecodeOptions, withDecodeOptions } from "./decode-limits.ts";
import { startEngine } from "./engine.ts";
import { FORCE_HELP, prepareReportFolder } from "./output-files.ts";
import { decodeFile } from "./recording-file.ts";
import { numberOption, type SettingOptions, settingsFrom } from "./settings.ts";

interface PatternOptions extends SettingOptions, DecodeOptions {
  readonly f0?: string;
  readonly theta?: string;
  readonly headWidth?: string;
  readonly length?: string;
  readonly recording?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Adds `patterns`. */
export function addPatterns(cli: CAC): void {
  withDecodeOptions(cli.command("patterns", "Show how positions see each other under theta and f0"))
    .usage(
      "patterns [--f0 HZ,HZ,...] [--theta N,N,...] [--recording FILE] [--out DIR]\n\n" +
        "Prints the base and the width of the band of each pattern: the first distance at which the similarity of two\n" +
        "positions is below one half. With --out also matrices, curves and widths as figures and a report; with\n" +
        "--recording also the rotation along that recording's pitch and its pitch bias.",
    )
    .option("--f0 <hz,...>", "mean pitches in Hz (default 80,120,220,300,600)")
    .option("--theta <n,...>", "fixed bases (default model.rotary.theta, 10000)")
    .option("--head-width <n>", "even width of a head (default model.dims / model.heads)")
    .option("--length <n>", "positions, from 2 to 2000 (default 128)")
    .option("--recording <file>", "a recording whose pitch is followed")
    .option(
      "--out <dir>",
      "folder for report.html and figures/, created when missing; an earlier report there is replaced",
    )
    .option("--force", FORCE_HELP)
    .option("--config <file>", "JSON file with settings; model.rotary and audio count")
    .option("--preset <name>", "an4, digits, words or seed instead of a file")
    .option("--set <key=value>", "change a setting, such as model.rotary.spacing=mel; may be repeated")
    .option("--json", "patterns as JSON")
    .example("  echo-asr patterns --f0 80,120,220 --head-width 128")
    .example("  echo-asr patterns --recording speech.wav --out out/patterns")
    .action(async (options: PatternOptions) => {
      const config = settingsFrom(options);
      const { rotary, dims, heads } = config.model;
      const choice = {
        f0: numbers("--f0", options.f0 ?? "80,120,220,300,600", "Hz above 0", (hz) => hz > 0),
        theta: numbers("--theta", options.theta ?? String(rotary.theta), "numbers above 1", (x) => x > 1),
        headWidth:
          options.headWidth === undefined
            ? dims / heads
            : numberOption("--head-width", options.headWidth, "an even number from 2 to 1024", isEven),
        positions:
          options.length === undefined
            ? 128
            : numberOption("--length", options.length, "a whole number from 2 to 2000", isLength),
      };
      const { recording, out } = options;
      if (recording !== undefined && out === undefined)
        throw new ConfigError(["--recording: its figures need a folder; add --out DIR"]);
      const patterns = rotaryPatterns(choice, rotary);
      if (out === undefined) return print(patterns, null, options);
      await prepareReportFolder(out, options.force === true);
      await startEngine({ threads: "1" });
      const figures = await import("../figures/index.ts");
      const middle = choice.f0[choice.f0.length >> 1]!;
      const sections = [
        {
          heading: "Positions under theta and f0",
          figures: [
            figures.similarityFigure(patterns, choice.headWidth),
            figures.lagCurveFigure(patterns, choice.headWidth),
            figures.bandWidthFigure(
              rotary,
              [...new Set([16, 32, 64, 128, choice.headWidth])].sort((a, b) => a - b),
            ),
            figures.variantFigure(patternVariants(middle, choice, rotary), middle, choice.headWidth),
          ],
        },
        ...(recording === undefined
          ? []
          : [
              {
                heading: `The pitch of ${basename(recording)}`,
                figures: await recordingFigures(recording, config, choice.headWidth, options),
              },
            ]),
      ];
      const written = await figures.writeReport(out, {
        title: "Rotary patterns",
        text: "Made by echo-asr patterns. What the rotary encoding alone does with positions; no trained weight is involved.",
        sections,
      });
      print(patterns, written, options);
    });
}

const isEven = (n: number): boolean => Number.isInteger(n / 2) && n >= 2 && n <= 1024;
const isLength = (n: number): boolean => Number.isInteger(n) && n >= 2 && n <= 2000;

function numbers(name: string, list: string, expected: string, accepts: (x: number) => boolean): number[] {
  return String(list)
    .split(",")
    .map((part) => numberOption(name, part, `${expected} with commas between`, accepts));
}

/** Figures of one recording's pitch on the encoder's clock. */
async function recordingFigures(
  file: string,
  config: EchoConfig,
  headWidth: number,
  options: DecodeOptions,
): Promise<Figure[]> {
  const { rotationFigure, utteranceMatricesFigure } = await import("../figures/index.ts");
  const { audio, model } = config;
  const wave = await decodeFile(file, audio.sampleRate, options);
  const { f0, frames } = extractFeatures(wave, inputOf(config));
  const stride = model.spectrogramStem.stride;
  const onClock = trackAtFrames(f0, Math.ceil(frames / stride), stride);
  const pitch = {
    name: file.replace(/^.*[/\\]/, ""),
    f0: onClock,
    secondsPerFrame: (stride * audio.hopLength) / audio.sampleRate,
  };
  const angles = utteranceAngles(onClock, headWidth, model.rotary);
  return [rotationFigure(pitch, angles), utteranceMatricesFigure(pitch, angles, model.rotary.pitchScale)];
}

function print(
  patterns: ReturnType<typeof rotaryPatterns>,
  written: WrittenReport | null,
  { json }: PatternOptions,
): void {
  if (json) {
    const rows = patterns.map(({ name, f0, theta, bandWidth, curve }) => ({
      name,
      f0,
      theta,
      bandWidth,
      similarityByLag: [...curve],
    }));
    console.log(JSON.stringify({ patterns: rows, report: written?.page ?? null }));
    return;
  }
  const wide = Math.max(...patterns.map(({ name }) => name.length));
  console.log(`${"pattern".padEnd(wide)}  ${"theta".padStart(8)}  band width`);
  for (const { name, theta, bandWidth } of patterns)
    console.log(
      `${name.padEnd(wide)}  ${theta.toFixed(1).padStart(8)}  ${bandWidth === null ? "wider than all positions" : `${bandWidth} frames`}`,
    );
  if (written !== null) showWritten(written);
}

/** Says where a report is. */
export function showWritten({ page, figures, withoutPng }: WrittenReport): void {
  console.log(`report with ${figures} figures: ${printable(page)}`);
  if (withoutPng !== null) console.log(`no PNG files: ${withoutPng}`);
}
