// Configuration from the command line: a preset or a file, then --set and --seed.
import { readFileSync, statSync } from "node:fs";
import { ConfigError, DataError } from "../errors.ts";
import { PRESETS } from "../settings/presets.ts";
import { applyOverrides, type ConfigInput, parseConfig, resolveConfig } from "../settings/resolve.ts";
import type { EchoConfig } from "../settings/settings.ts";

/** Options that make a configuration. */
export interface SettingOptions {
  readonly config?: string;
  readonly preset?: string;
  readonly set?: string | readonly string[];
  readonly seed?: string;
}

/** `--set` once, several times or never, as a list. */
export function overridesOf({ set, seed }: Pick<SettingOptions, "set" | "seed">): string[] {
  const list = set === undefined ? [] : typeof set === "string" ? [set] : [...set];
  return seed === undefined ? list : [...list, `training.seed=${seed}`];
}

/**
 * The complete configuration that the options describe.
 * @param base - what a preset or a file is laid over.
 * @throws ConfigError for an unknown preset, an unreadable file, unknown keys or values that do not fit.
 */
export function settingsFrom(options: SettingOptions, base: ConfigInput = {}): EchoConfig {
  const { config: file, preset } = options;
  if (file !== undefined && preset !== undefined)
    throw new ConfigError(["--config and --preset: expected one of them, got both"]);
  let input: unknown = {};
  if (file !== undefined) input = parseConfig(readText(file), file);
  else if (preset !== undefined) {
    if (!Object.hasOwn(PRESETS, preset))
      throw new ConfigError([`--preset: expected one of ${Object.keys(PRESETS).join(", ")}, got ${preset}`]);
    input = PRESETS[preset as keyof typeof PRESETS];
  }
  return resolveConfig(applyOverrides(overlaid(base, input), overridesOf(options)));
}

/** The settings of `base` with those of `input` in their place, group by group. */
function overlaid(base: unknown, input: unknown): unknown {
  if (!isGroup(base) || !isGroup(input)) return input;
  const both: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(input)) both[key] = overlaid(base[key], value);
  return both;
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`--config: ${file}: ${fileProblem(error)}`]);
  }
}

/** What was wrong with a file, without the path that Node sometimes adds and sometimes leaves out. */
export function fileProblem(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === "ENOENT") return "does not exist";
  if (code === "EISDIR") return "is a folder, expected a file";
  return error instanceof Error ? error.message : String(error);
}

/** Throws for a device, such as /dev/urandom, that gives bytes without end; files, pipes and folders are the reader's business. */
export function refuseDevice(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isCharacterDevice())
    throw new DataError(`${file}: is a device, expected a file`);
}

/** A number given to an option. Throws ConfigError unless it is finite and `expected`, a phrase such as "Hz above 0". */
export function numberOption(
  name: string,
  value: string,
  expected: string,
  accepts: (value: number) => boolean,
): number {
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || !accepts(number))
    throw new ConfigError([`${name}: expected ${expected}, got ${value}`]);
  return number;
}

/** A configuration with overrides, as for the `decode` group of a finished model. */
export function overridden(config: EchoConfig, overrides: readonly string[]): EchoConfig {
  return overrides.length === 0 ? config : resolveConfig(applyOverrides(config, overrides));
}

/** Throws DataError unless `folder` is a folder. */
export function requireFolder(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new DataError(`--data: ${folder} is not a folder`);
}
