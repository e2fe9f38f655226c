// A run's configuration: defaults, validation with suggestions, JSON files and `--set key.path=value`.
// The table of fields is fields.ts; help texts are made in help.ts.

import { editDistance } from "../edit-distance.ts";
import { ConfigError } from "../errors.ts";
import { crossCheck } from "./cross-checks.ts";
import { acceptsValue, describeField, type Field, type FieldGroup, isField, readValue } from "./field.ts";
import { CONFIG_FIELDS, type EchoConfig } from "./fields.ts";

/** Settings that differ from the defaults: any part of an {@link EchoConfig}. */
export type ConfigInput = DeepPartial<EchoConfig>;

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/**
 * Fills in defaults and checks everything: unknown keys (with a suggestion), types, ranges, conditions between
 * fields. `model.variant: "reference"` changes the defaults to the Python original's values.
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
  const config = resolveGroup(
    CONFIG_FIELDS,
    input,
    "",
    variant === "reference",
    problems,
  ) as unknown as EchoConfig;
  if (problems.length === 0) problems.push(...crossCheck(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
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
    const field = ALL_FIELDS.get(path);
    if (field === undefined) {
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
    group[keys.at(-1)!] = readValue(field, override.slice(equals + 1));
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
  const { variant } = config.model;
  const changed = new Map<string, unknown>();
  for (const [path, field] of ALL_FIELDS) {
    const value = path
      .split(".")
      .reduce<unknown>((group, key) => (group as Record<string, unknown>)[key], config);
    const usual = path === "model.variant" ? field.default : defaultOf(field, variant === "reference");
    if (JSON.stringify(value) !== JSON.stringify(usual)) changed.set(path, value);
  }
  return changed;
}

/** Every field by its full path, such as `model.rotary.pitch`, in the order of the table. */
export const ALL_FIELDS: ReadonlyMap<string, Field> = new Map(listFields(CONFIG_FIELDS, ""));

// Every prefix of a field's path: "model", "model.rotary", ...
const ALL_GROUPS: ReadonlySet<string> = new Set(
  [...ALL_FIELDS.keys()].flatMap((path) => {
    const parts = path.split(".").slice(0, -1);
    return parts.map((_, depth) => parts.slice(0, depth + 1).join("."));
  }),
);

function* listFields(group: FieldGroup, prefix: string): Generator<[string, Field]> {
  for (const [key, entry] of Object.entries(group)) {
    if (isField(entry)) yield [prefix + key, entry];
    else yield* listFields(entry, `${prefix}${key}.`);
  }
}

function resolveGroup(
  fields: FieldGroup,
  input: unknown,
  prefix: string,
  reference: boolean,
  problems: string[],
): Record<string, unknown> {
  const given = input === undefined ? {} : input;
  if (!isObject(given)) {
    problems.push(`${prefix.slice(0, -1) || "configuration"}: expected an object, got ${shown(given)}`);
    return {};
  }
  for (const key of Object.keys(given))
    if (!Object.hasOwn(fields, key)) problems.push(unknownKey(prefix + key));
  const result: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(fields)) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (!isField(entry)) result[key] = resolveGroup(entry, value, `${prefix}${key}.`, reference, problems);
    else if (value === undefined) result[key] = frozenCopy(defaultOf(entry, reference));
    else if (acceptsValue(entry, value)) result[key] = frozenCopy(value);
    else problems.push(`${prefix}${key}: expected ${describeField(entry)}, got ${shown(value)}`);
  }
  return Object.freeze(result);
}

// The copy keeps the table's own lists, and the caller's, out of reach.
function frozenCopy(value: unknown): unknown {
  return Array.isArray(value) ? Object.freeze([...value]) : value;
}

function defaultOf(field: Field, reference: boolean): Field["default"] {
  return reference && field.reference !== undefined ? field.reference : field.default;
}

function unknownKey(path: string): string {
  const suggestion = closestKey(path);
  return `unknown key ${JSON.stringify(path)}${suggestion === null ? "" : `; did you mean ${JSON.stringify(suggestion)}?`}`;
}

// A path is compared whole, by its last part (someone may not know the group) and with the reference's name.
function closestKey(path: string): string | null {
  const wanted = path.toLowerCase();
  const last = wanted.slice(wanted.lastIndexOf(".") + 1);
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(last.length / 3)) + 0.5;
  for (const candidate of [...ALL_FIELDS.keys(), ...ALL_GROUPS]) {
    const field = ALL_FIELDS.get(candidate);
    const lower = candidate.toLowerCase();
    const lastPart = lower.slice(lower.lastIndexOf(".") + 1);
    const distance = Math.min(
      editDistance(wanted, lower),
      editDistance(last, lastPart) + 0.25,
      field?.original === undefined ? Number.POSITIVE_INFINITY : editDistance(last, field.original) + 0.25,
    );
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
