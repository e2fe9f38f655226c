// From JSON and `--set key.path=value` to a complete, checked, frozen configuration, and back to what was changed.
// Read first: settings.ts. Every problem is reported at once, unknown keys with a suggestion.
import { editDistance } from "../edit-distance.ts";
import { ConfigError } from "../errors.ts";
import { CHECKS } from "./checks.ts";
import { isSetting, rulesOf, type Setting, type SettingGroup } from "./schema.ts";
import { type AudioConfig, type EchoConfig, type FeatureName, SETTINGS } from "./settings.ts";

/** Settings that differ from the defaults: any part of an {@link EchoConfig}. */
export type ConfigInput = DeepPartial<EchoConfig>;

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/** Every setting by its full path, such as `model.rotary.pitch`, in the order of the table. */
export const ALL_SETTINGS: ReadonlyMap<string, Setting> = new Map(listSettings(SETTINGS, ""));

// Every prefix of a setting's path: "model", "model.rotary", ...
const ALL_GROUPS: ReadonlySet<string> = new Set(
  [...ALL_SETTINGS.keys()].flatMap((path) => {
    const parts = path.split(".").slice(0, -1);
    return parts.map((_, depth) => parts.slice(0, depth + 1).join("."));
  }),
);

/** Thrown by reading a setting that has no usable value, so that checks pass it over. */
const UNUSABLE = Symbol("a setting without a usable value");

/** The configuration with nothing changed. */
export const DEFAULTS: EchoConfig = resolveConfig();

/**
 * Fills in defaults and checks everything: unknown keys (with a suggestion), types, ranges, conditions between
 * settings. `model.variant: "reference"` changes the defaults to the Python original's values.
 *
 * @param input - settings that differ from the defaults, as parsed from JSON.
 * @returns a complete, frozen configuration; resolving it again gives an equal one.
 * @throws ConfigError that lists every problem found.
 * @example
 * resolveConfig({ model: { dims: 256 } }).model.heads; // 4
 */
export function resolveConfig(input: unknown = {}): EchoConfig {
  const problems: string[] = [];
  const variant = isObject(input) && isObject(input.model) ? input.model.variant : undefined;
  const config = resolveGroup(SETTINGS, input, "", variant, problems) as EchoConfig;
  for (const check of CHECKS) {
    try {
      const problem = check(config);
      if (problem !== false) problems.push(problem);
    } catch (error) {
      if (error !== UNUSABLE) throw error;
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/**
 * What a model reads of a recording, and how: features, batches and the model itself must agree on it. The `audio`
 * group, the streams (`model.features`), and from where on a frame is silent (`model.zeroKeys.silenceDecades`).
 */
export interface InputSettings extends AudioConfig {
  readonly features: readonly FeatureName[];
  readonly silenceDecades: number;
}

/**
 * What the model of a configuration reads.
 * @example
 * collateFeatures([extractFeatures(wave, inputOf(config))], inputOf(config));
 */
export function inputOf({ audio, model }: Pick<EchoConfig, "audio" | "model">): InputSettings {
  return { ...audio, features: model.features, silenceDecades: model.zeroKeys.silenceDecades };
}

/**
 * Reads the text of a configuration file without resolving it (overrides may follow).
 * @param text - JSON, an object. @param file - its name, for messages.
 * @throws ConfigError for text that is not JSON or not an object.
 */
export function parseConfig(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError([`${file}: not valid JSON: ${cause instanceof Error ? cause.message : cause}`]);
  }
  if (!isObject(value))
    throw new ConfigError([`${file}: expected an object, got ${JSON.stringify(value)?.slice(0, 40)}`]);
  return value;
}

/**
 * Applies `key.path=value` overrides, later ones winning; the result still needs {@link resolveConfig}.
 *
 * @param input - settings as parsed from JSON; it is not changed.
 * @param overrides - for instance `model.dims=256`, `augment.speeds=0.9,1,1.1`, `model.features=["pitch"]`.
 * @throws ConfigError for an override without `=` or with an unknown key.
 * @example
 * applyOverrides({}, ["model.dims=256"]); // { model: { dims: 256 } }
 */
export function applyOverrides(input: unknown, overrides: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = isObject(input) ? structuredClone(input) : {};
  const problems: string[] = [];
  for (const override of overrides) {
    const equals = override.indexOf("=");
    const path = override.slice(0, equals).trim();
    if (equals < 1) {
      problems.push(`override ${JSON.stringify(override)}: expected key.path=value`);
      continue;
    }
    const setting = ALL_SETTINGS.get(path);
    if (setting === undefined) {
      const group = `override ${JSON.stringify(override)}: ${path} is a group, expected one of its keys`;
      problems.push(ALL_GROUPS.has(path) ? group : unknownKey(path));
      continue;
    }
    const keys = path.split(".");
    let group = result;
    for (const key of keys.slice(0, -1)) {
      if (!isObject(group[key])) group[key] = {};
      group = group[key] as Record<string, unknown>;
    }
    group[keys.at(-1)!] = rulesOf(setting).read(override.slice(equals + 1));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return result;
}

/**
 * The settings of `config` that are not the defaults of its variant, by path; for logs and model cards.
 * @example
 * changedSettings(resolveConfig({ model: { dims: 256 } })); // Map { "model.dims" => 256 }
 */
export function changedSettings(config: EchoConfig): Map<string, unknown> {
  const changed = new Map<string, unknown>();
  for (const [path, setting] of ALL_SETTINGS) {
    const keys = path.split(".");
    const value = keys.reduce<unknown>((group, key) => (group as Record<string, unknown>)[key], config);
    const usual = defaultOf(setting, config.model.variant);
    if (JSON.stringify(value) !== JSON.stringify(usual)) changed.set(path, value);
  }
  if (config.model.variant === "reference") return new Map([["model.variant", "reference"], ...changed]);
  return changed;
}

function* listSettings(group: SettingGroup, prefix: string): Generator<[string, Setting]> {
  for (const [key, entry] of Object.entries(group)) {
    if (isSetting(entry)) yield [prefix + key, entry];
    else yield* listSettings(entry, `${prefix}${key}.`);
  }
}

/** @param input - null when the group itself could not be used. */
function resolveGroup(
  group: SettingGroup,
  input: unknown,
  prefix: string,
  variant: unknown,
  problems: string[],
): object {
  const given = isObject(input) ? input : {};
  const usable = isObject(input) || input === undefined;
  if (!usable && input !== UNUSABLE)
    problems.push(`${prefix.slice(0, -1) || "configuration"}: expected an object, got ${shown(input)}`);
  for (const key of Object.keys(given))
    if (!Object.hasOwn(group, key)) problems.push(unknownKey(prefix + key));
  const result = {};
  for (const [key, entry] of Object.entries(group)) {
    const value = !usable ? UNUSABLE : Object.hasOwn(given, key) ? given[key] : undefined;
    if (!isSetting(entry)) {
      const inner = resolveGroup(entry, value, `${prefix}${key}.`, variant, problems);
      Object.defineProperty(result, key, { value: inner, enumerable: true });
      continue;
    }
    const { accepts, expected } = rulesOf(entry);
    if (value === undefined || accepts(value)) {
      const used = value === undefined ? defaultOf(entry, variant) : value;
      Object.defineProperty(result, key, { value: frozenCopy(used), enumerable: true });
      continue;
    }
    if (value !== UNUSABLE) problems.push(`${prefix}${key}: expected ${expected}, got ${shown(value)}`);
    const get = (): never => {
      throw UNUSABLE;
    };
    Object.defineProperty(result, key, { get, enumerable: true });
  }
  return Object.freeze(result);
}

// The copy keeps the table's own lists, and the caller's, out of reach.
function frozenCopy(value: unknown): unknown {
  return Array.isArray(value) ? Object.freeze([...value]) : value;
}

function defaultOf(setting: Setting, variant: unknown): unknown {
  return variant === "reference" && setting.reference !== undefined
    ? setting.reference
    : rulesOf(setting).default;
}

function unknownKey(path: string): string {
  const suggestion = closestKey(path);
  return `unknown key ${JSON.stringify(path)}${suggestion === null ? "" : `; did you mean ${JSON.stringify(suggestion)}?`}`;
}

/**
 * The setting or group that was meant, or null. A path is compared whole and by its last part (someone may not know
 * the group), with every name of a setting: its own, the original's, those that people try, and its initials.
 */
function closestKey(path: string): string | null {
  const wanted = plain(path);
  const last = plain(path.slice(path.lastIndexOf(".") + 1));
  const group = path.slice(0, path.indexOf(".") + 1);
  let best: string | null = null;
  // Of a name of two letters one must be right, of a long one two thirds.
  let least = Math.min(last.length - 1, Math.max(2, Math.floor(last.length / 3))) + 0.5;
  for (const candidate of [...ALL_SETTINGS.keys(), ...ALL_GROUPS]) {
    const setting = ALL_SETTINGS.get(candidate);
    const key = candidate.slice(candidate.lastIndexOf(".") + 1);
    const initials = key[0]! + key.replace(/[^A-Z]/g, "");
    const others = [setting?.original ?? [], setting?.also ?? []].flat();
    const names = [key, ...others].map((name) => editDistance(last, plain(name)));
    if (last === plain(initials) && last.length > 1) names.push(0);
    const elsewhere = candidate.startsWith(group) ? 0.25 : 0.375;
    const distance = Math.min(editDistance(wanted, plain(candidate)), Math.min(...names) + elsewhere);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Without capitals and underscores: hop_length, hopLength. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, "");
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
