// What a row of the table of settings says, the type of its value, and how a value is checked and read.
// Read next: settings.ts (all rows), resolve.ts (from JSON to a configuration).

/** What any row may say beside its default. */
interface Notes<T> {
  /** What it means, in one line for help and documentation. */
  readonly means: string;
  /** Unit of the value. */
  readonly unit?: string;
  /** Default of `model.variant: "reference"`, where it is another one. */
  readonly reference?: T;
  /** The setting's name in the Python original. */
  readonly original?: string;
  /** Names that people try: they are answered with this setting. */
  readonly also?: readonly string[];
}

/** Limits of a number; with `above` the smallest value itself is excluded. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly above?: boolean;
}

/** A row: the key `integer`, `number`, `flag`, ... says what kind of value it holds, and gives the default. */
export type Setting =
  | (Notes<number> & Bounds & { readonly integer: number; readonly odd?: boolean })
  | (Notes<number> & Bounds & { readonly number: number })
  | (Notes<boolean> & { readonly flag: boolean })
  | (Notes<string> & { readonly choice: string; readonly of: readonly string[] })
  | (Notes<string> & { readonly text: string; readonly pattern?: string; readonly expected?: string })
  | (Notes<readonly string[]> & {
      readonly choices: readonly string[];
      readonly of: readonly string[];
      readonly atLeast?: number;
    })
  | (Notes<readonly string[]> & { readonly texts: readonly string[] })
  | (Notes<readonly number[]> & Bounds & { readonly numbers: readonly number[]; readonly atLeast?: number });

/** Settings by key, in groups. */
export interface SettingGroup {
  readonly [key: string]: Setting | SettingGroup;
}

/** The type of a setting's value. */
export type ValueOf<S> = S extends { integer: number } | { number: number }
  ? number
  : S extends { flag: boolean }
    ? boolean
    : S extends { choice: string; of: readonly (infer C)[] }
      ? C
      : S extends { choices: readonly string[]; of: readonly (infer C)[] }
        ? readonly C[]
        : S extends { numbers: readonly number[] }
          ? readonly number[]
          : S extends { texts: readonly string[] }
            ? readonly string[]
            : string;

/** The configuration object that a group of settings describes. */
export type ConfigOf<G> = {
  readonly [K in keyof G]: G[K] extends { readonly means: string } ? ValueOf<G[K]> : ConfigOf<G[K]>;
};

/** What can be asked of a setting. */
export interface Rules {
  readonly default: unknown;
  /** What is accepted, in words: "an integer >= 1", "one of corrected, reference". */
  readonly expected: string;
  /** Whether a JSON value is acceptable; NaN and infinities never are. */
  readonly accepts: (value: unknown) => boolean;
  /** Reads a value from a command line. Text that does not fit comes back as it is, for `accepts` to refuse. */
  readonly read: (typed: string) => unknown;
}

/** True for a setting, false for a group. */
export function isSetting(entry: Setting | SettingGroup): entry is Setting {
  return typeof entry.means === "string";
}

/** The rules that a row implies. */
export function rulesOf(setting: Setting): Rules {
  if ("integer" in setting) {
    const { integer, odd = false } = setting;
    const accepts = (x: unknown): boolean =>
      Number.isSafeInteger(x) && within(setting, x) && !(odd && Number(x) % 2 === 0);
    const expected = `${odd ? "an odd integer" : "an integer"}${bounds(setting)}`;
    return { default: integer, expected, accepts, read: readNumber };
  }
  if ("number" in setting) {
    const accepts = (x: unknown): boolean => within(setting, x);
    return { default: setting.number, expected: `a number${bounds(setting)}`, accepts, read: readNumber };
  }
  if ("flag" in setting) {
    const read = (typed: string): unknown => (typed === "true" ? true : typed === "false" ? false : typed);
    const accepts = (x: unknown): boolean => typeof x === "boolean";
    return { default: setting.flag, expected: "true or false", accepts, read };
  }
  if ("choice" in setting) {
    const accepts = (x: unknown): boolean => setting.of.some((word) => word === x);
    return { default: setting.choice, expected: `one of ${setting.of.join(", ")}`, accepts, read: asTyped };
  }
  if ("text" in setting) {
    const { expected = "a text", pattern = "" } = setting;
    const accepts = (x: unknown): boolean => typeof x === "string" && new RegExp(pattern, "u").test(x);
    return { default: setting.text, expected, accepts, read: asTyped };
  }
  if ("choices" in setting) {
    const { of, atLeast } = setting;
    const accepts = (x: unknown): boolean =>
      isListOf(x, (item) => of.some((word) => word === item), atLeast) && new Set(x).size === x.length;
    const expected = `a list of different words out of ${of.join(", ")}${orMore(atLeast)}`;
    return { default: setting.choices, expected, accepts, read: (typed) => readList(typed, asTyped) };
  }
  if ("texts" in setting) {
    const accepts = (x: unknown): boolean => isListOf(x, (item) => typeof item === "string");
    const read = (typed: string): unknown => readList(typed, asTyped);
    return { default: setting.texts, expected: "a list of texts", accepts, read };
  }
  const accepts = (x: unknown): boolean => isListOf(x, (item) => within(setting, item), setting.atLeast);
  const expected = `a list of numbers${bounds(setting)}${orMore(setting.atLeast)}`;
  return { default: setting.numbers, expected, accepts, read: (typed) => readList(typed, readNumber) };
}

function within({ min, max, above }: Bounds, value: unknown): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (min !== undefined && (above ? value <= min : value < min)) return false;
  return max === undefined || value <= max;
}

function bounds({ min, max, above }: Bounds): string {
  if (min !== undefined && max !== undefined) return ` in ${above ? "(" : "["}${min}, ${max}]`;
  if (min !== undefined) return ` ${above ? ">" : ">="} ${min}`;
  return max === undefined ? "" : ` <= ${max}`;
}

function isListOf(value: unknown, accepts: (item: unknown) => boolean, atLeast = 0): value is unknown[] {
  return Array.isArray(value) && value.length >= atLeast && value.every(accepts);
}

function orMore(atLeast: number | undefined): string {
  return atLeast ? `, at least ${atLeast}` : "";
}

function asTyped(typed: string): string {
  return typed;
}

function readNumber(typed: string): unknown {
  const trimmed = typed.trim();
  const value = Number(trimmed);
  return trimmed !== "" && Number.isFinite(value) ? value : typed;
}

/** `a,b` or JSON. */
function readList(typed: string, read: (part: string) => unknown): unknown {
  if (typed.trim() === "") return [];
  if (!typed.trim().startsWith("[")) return typed.split(",").map((part) => read(part.trim()));
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}
