// An experiment as a JSON file: which settings are compared, on which data, with which seeds. Read next: plan.ts (the runs
// that it takes), run-job.ts (one of them).
import { dirname, resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import type { OutputKind } from "../evaluate/evaluate-model.ts";
import { PRESETS } from "../settings/presets.ts";

/** A row of the comparison. */
export interface Variant {
  readonly name: string;
  /** A sentence for tables and reports; may be empty. */
  readonly about: string;
  /** Settings that differ from the experiment's, by path. Empty for a variant that is not trained. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The variant whose trained models are read once more; null for a variant that is trained itself. */
  readonly weightsOf: string | null;
  /** The pitch in Hz that the model is told for every frame when it is scored; null for the recording's own. */
  readonly pitchHz: number | null;
}

/** An experiment, complete and checked but for its settings, which {@link planRuns} resolves. */
export interface Experiment {
  readonly name: string;
  readonly about: string;
  /** Path of the data folder; null when the file names none. */
  readonly data: string | null;
  /** Settings that all variants start from, as parsed from JSON: a preset, or another file, which is read by the caller. */
  readonly base: { readonly preset: string } | { readonly config: string } | null;
  /** Settings that all variants share, by path. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seeds: readonly number[];
  /** Name of the variant that the others are compared with. */
  readonly baseline: string;
  readonly variants: readonly Variant[];
  /** Which outputs are scored. */
  readonly outputs: readonly OutputKind[];
}

const KEYS = [
  "name",
  "about",
  "preset",
  "config",
  "settings",
  "data",
  "seeds",
  "baseline",
  "axes",
  "variants",
  "outputs",
] as const;
const VARIANT_KEYS = ["name", "about", "settings", "weightsOf", "pitchHz"] as const;
const OUTPUTS: readonly OutputKind[] = ["ctc", "free", "search", "forced"];

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads an experiment. Paths in it are relative to its folder.
 *
 * @param value - the parsed JSON of the file. @param file - its path, for messages and for relative paths.
 * @throws ConfigError that lists every problem of the file's own keys; settings are checked by {@link planRuns}.
 * @example
 * readExperiment({ name: "width", preset: "digits", seeds: [0, 1], axes: { "model.dims": [64, 128] } }, "width.json");
 */
export function readExperiment(value: Json, file: string): Experiment {
  const problems: string[] = [];
  const wrong = (what: string): void => void problems.push(`${file}: ${what}`);
  for (const key of Object.keys(value))
    if (!KEYS.some((known) => known === key))
      wrong(`unknown key ${JSON.stringify(key)}, expected one of ${KEYS.join(", ")}`);

  const { name, about = "", preset, config, data, seeds = [0, 1, 2], outputs = ["ctc", "free"] } = value;
  if (!isText(name)) wrong(`name: expected a text that says what is compared, got ${shown(name)}`);
  if (typeof about !== "string") wrong(`about: expected a text, got ${shown(about)}`);
  if (preset !== undefined && config !== undefined)
    wrong("preset and config: expected one of them, got both");
  if (preset !== undefined && !(isText(preset) && Object.hasOwn(PRESETS, preset)))
    wrong(`preset: expected one of ${Object.keys(PRESETS).join(", ")}, got ${shown(preset)}`);
  if (config !== undefined && !isText(config))
    wrong(`config: expected the path of a file, got ${shown(config)}`);
  if (data !== undefined && !isText(data)) wrong(`data: expected the path of a folder, got ${shown(data)}`);
  if (!isListOf(seeds, (seed) => Number.isSafeInteger(seed) && Number(seed) >= 0) || seeds.length === 0)
    wrong(`seeds: expected a list of different whole numbers >= 0, such as [0, 1, 2], got ${shown(seeds)}`);
  if (!isListOf(outputs, (kind) => OUTPUTS.some((known) => known === kind)) || outputs.length === 0)
    wrong(`outputs: expected a list out of ${OUTPUTS.join(", ")}, got ${shown(outputs)}`);
  const settings = settingsAt("settings", value.settings, wrong);

  const named = variantsOf(value.variants, wrong);
  const combinations = combinationsOf(value.axes, wrong);
  const variants = named.flatMap((variant) => combinations.map((one) => combined(variant, one)));
  checkVariants(variants, wrong);
  const { baseline = variants[0]?.name } = value;
  if (variants.length > 0 && !variants.some((variant) => variant.name === baseline))
    wrong(`baseline: expected one of ${variants.map((one) => one.name).join("; ")}, got ${shown(baseline)}`);
  if (problems.length > 0) throw new ConfigError(problems);

  const from = (path: unknown): string => resolve(dirname(file), String(path));
  return {
    name: String(name),
    about: String(about),
    data: data === undefined ? null : from(data),
    base:
      preset !== undefined
        ? { preset: String(preset) }
        : config !== undefined
          ? { config: from(config) }
          : null,
    settings,
    seeds: seeds as number[],
    baseline: String(baseline),
    variants,
    outputs: outputs as OutputKind[],
  };
}

/** The named variants; one without a name and without changes where the file names none. */
function variantsOf(value: unknown, wrong: (what: string) => void): Variant[] {
  const plain: Variant = { name: "", about: "", settings: {}, weightsOf: null, pitchHz: null };
  if (value === undefined) return [plain];
  if (!Array.isArray(value) || value.length === 0) {
    wrong(`variants: expected a list of objects, got ${shown(value)}`);
    return [];
  }
  return value.map((row: unknown, i) => {
    const at = `variants[${i}]`;
    if (!isObject(row)) {
      wrong(`${at}: expected an object, got ${shown(row)}`);
      return plain;
    }
    for (const key of Object.keys(row))
      if (!VARIANT_KEYS.some((known) => known === key))
        wrong(`${at}: unknown key ${JSON.stringify(key)}, expected one of ${VARIANT_KEYS.join(", ")}`);
    const { name, about = "", weightsOf = null, pitchHz = null } = row;
    if (!isText(name)) wrong(`${at}.name: expected a text, got ${shown(name)}`);
    if (typeof about !== "string") wrong(`${at}.about: expected a text, got ${shown(about)}`);
    if (weightsOf !== null && !isText(weightsOf))
      wrong(`${at}.weightsOf: expected the name of a variant, got ${shown(weightsOf)}`);
    if (pitchHz !== null && !(typeof pitchHz === "number" && pitchHz > 0 && Number.isFinite(pitchHz)))
      wrong(`${at}.pitchHz: expected a number of Hz above 0, got ${shown(pitchHz)}`);
    const settings = settingsAt(`${at}.settings`, row.settings, wrong);
    if (weightsOf !== null && Object.keys(settings).length > 0)
      wrong(
        `${at}: a variant with weightsOf is not trained, expected no settings, got ${Object.keys(settings).join(", ")}`,
      );
    if (weightsOf !== null && pitchHz === null)
      wrong(`${at}: weightsOf alone repeats the other variant, expected pitchHz beside it`);
    return {
      name: String(name),
      about: String(about),
      settings,
      weightsOf: weightsOf as string | null,
      pitchHz: pitchHz as number | null,
    };
  });
}

/** Every combination of the axes' values; one that is empty where there are no axes. */
function combinationsOf(value: unknown, wrong: (what: string) => void): Json[] {
  if (value === undefined) return [{}];
  const axes = settingsAt("axes", value, wrong);
  let combinations: Json[] = [{}];
  for (const [path, values] of Object.entries(axes)) {
    if (!Array.isArray(values) || values.length === 0)
      wrong(`axes: ${path}: expected a list of values, got ${shown(values)}`);
    else combinations = combinations.flatMap((one) => values.map((x: unknown) => ({ ...one, [path]: x })));
  }
  return combinations;
}

/** A variant under one combination of the axes' values: "static, dims 64". */
function combined(variant: Variant, combination: Json): Variant {
  const parts = Object.entries(combination).map(
    ([path, x]) =>
      `${path.slice(path.lastIndexOf(".") + 1)} ${typeof x === "string" ? x : JSON.stringify(x)}`,
  );
  if (parts.length === 0) return variant;
  const named = (name: string): string => [name, ...parts].filter((part) => part !== "").join(", ");
  const { weightsOf } = variant;
  return {
    ...variant,
    name: named(variant.name),
    settings: weightsOf === null ? { ...variant.settings, ...combination } : {},
    weightsOf: weightsOf === null ? null : named(weightsOf),
  };
}

function checkVariants(variants: readonly Variant[], wrong: (what: string) => void): void {
  if (variants.length === 1 && variants[0]!.name === "")
    wrong(
      "nothing to compare: expected variants (a list of names and settings), axes (settings with their values), or both",
    );
  const folders = new Map<string, string>();
  for (const { name, weightsOf } of variants) {
    const folder = folderName(name);
    const other = folders.get(folder);
    if (folder === "") wrong(`variants: ${JSON.stringify(name)}: expected letters or digits in the name`);
    else if (other !== undefined)
      wrong(
        `variants: ${JSON.stringify(other)} and ${JSON.stringify(name)} would share a folder, expected different names`,
      );
    folders.set(folder, name);
    if (weightsOf === null) continue;
    const source = variants.find((one) => one.name === weightsOf);
    if (source === undefined || source.weightsOf !== null)
      wrong(
        `variants: ${name}: weightsOf: expected the name of a variant that is trained, got ${shown(weightsOf)}`,
      );
  }
}

/** A name as part of a folder's: "f0, told 80 Hz" gives "f0-told-80-hz". */
export function folderName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
}

function settingsAt(at: string, value: unknown, wrong: (what: string) => void): Json {
  if (value === undefined) return {};
  if (isObject(value)) return value;
  wrong(`${at}: expected an object of settings by path, such as {"model.dims": 64}, got ${shown(value)}`);
  return {};
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, accepts: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.every(accepts) && new Set(value).size === value.length;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
