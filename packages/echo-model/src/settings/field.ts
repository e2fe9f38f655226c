// One field of the configuration: what it may hold, what it means, and how a value is checked.
// The table itself is fields.ts.

interface FieldBase {
  /** One line for --help and the documentation. */
  readonly meaning: string;
  /** Unit of the value, if it has one. */
  readonly unit?: string;
  /** The field's name in the Python reference, where it has one. */
  readonly original?: string;
}

/** A number with bounds; `reference` is the default of `variant: "reference"` where it differs. */
export interface NumberField extends FieldBase {
  readonly type: "integer" | "number";
  readonly default: number;
  readonly reference?: number;
  /** Smallest value allowed; with `above` it is itself excluded. */
  readonly min?: number;
  readonly max?: number;
  readonly above?: boolean;
  /** Only odd integers (convolution kernels keep the length that way). */
  readonly odd?: boolean;
}

/** True or false. */
export interface BooleanField extends FieldBase {
  readonly type: "boolean";
  readonly default: boolean;
  readonly reference?: boolean;
}

/** One of a few words. */
export interface ChoiceField extends FieldBase {
  readonly type: "choice";
  readonly choices: readonly string[];
  readonly default: string;
  readonly reference?: string;
}

/** Free text; `pattern` (a regular expression) and what it stands for (`expected`) restrict it. */
export interface StringField extends FieldBase {
  readonly type: "string";
  readonly default: string;
  readonly reference?: string;
  readonly pattern?: string;
  readonly expected?: string;
}

/** Several different words out of a few, order kept. */
export interface ChoicesField extends FieldBase {
  readonly type: "choices";
  readonly choices: readonly string[];
  readonly default: readonly string[];
  readonly reference?: readonly string[];
  readonly atLeast?: number;
}

/** A list of texts. */
export interface StringsField extends FieldBase {
  readonly type: "strings";
  readonly default: readonly string[];
  readonly reference?: readonly string[];
}

/** A list of numbers with bounds for each. */
export interface NumbersField extends FieldBase {
  readonly type: "numbers";
  readonly default: readonly number[];
  readonly reference?: readonly number[];
  readonly min?: number;
  readonly max?: number;
  readonly above?: boolean;
  readonly atLeast?: number;
}

/** Any field. */
export type Field =
  | NumberField
  | BooleanField
  | ChoiceField
  | StringField
  | ChoicesField
  | StringsField
  | NumbersField;

/** A group of fields and further groups. */
export interface FieldGroup {
  readonly [key: string]: Field | FieldGroup;
}

/** The type of a field's value. */
export type ValueOf<F> = F extends { type: "integer" | "number" }
  ? number
  : F extends { type: "boolean" }
    ? boolean
    : F extends { type: "choice"; choices: readonly (infer C)[] }
      ? C
      : F extends { type: "choices"; choices: readonly (infer C)[] }
        ? readonly C[]
        : F extends { type: "numbers" }
          ? readonly number[]
          : F extends { type: "strings" }
            ? readonly string[]
            : string;

/** The configuration object a group of fields describes. */
export type ConfigOf<G> = {
  readonly [K in keyof G]: G[K] extends { readonly type: string } ? ValueOf<G[K]> : ConfigOf<G[K]>;
};

/** True for a field, false for a group. */
export function isField(entry: Field | FieldGroup): entry is Field {
  return typeof entry.type === "string";
}

/** What the field accepts, in words: "an integer >= 1", "one of corrected, reference". */
export function describeField(field: Field): string {
  switch (field.type) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${field.choices.join(", ")}`;
    case "choices":
      return `a list of different words out of ${field.choices.join(", ")}${atLeast(field.atLeast)}`;
    case "strings":
      return "a list of texts";
    case "string":
      return field.expected ?? "a text";
    case "numbers":
      return `a list of numbers${bounds(field)}${atLeast(field.atLeast)}`;
    case "integer":
      return `${field.odd ? "an odd integer" : "an integer"}${bounds(field)}`;
    case "number":
      return `a number${bounds(field)}`;
  }
}

/** Whether `value` is acceptable to `field` (JSON values only; NaN and infinities never are). */
export function acceptsValue(field: Field, value: unknown): boolean {
  switch (field.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && field.choices.includes(value);
    case "string":
      return (
        typeof value === "string" &&
        (field.pattern === undefined || new RegExp(field.pattern, "u").test(value))
      );
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "choices":
      return (
        Array.isArray(value) &&
        value.length >= (field.atLeast ?? 0) &&
        new Set(value).size === value.length &&
        value.every((item) => field.choices.includes(item))
      );
    case "numbers":
      return (
        Array.isArray(value) &&
        value.length >= (field.atLeast ?? 0) &&
        value.every((item) => inBounds(field, item))
      );
    case "integer":
      return Number.isSafeInteger(value) && inBounds(field, value) && !(field.odd && Number(value) % 2 === 0);
    case "number":
      return inBounds(field, value);
  }
}

/**
 * Reads a value written on a command line: numbers, true/false and words as they are, lists as `a,b` or JSON.
 * Text that does not fit is returned unchanged, for the check to refuse with its usual message.
 */
export function readValue(field: Field, text: string): unknown {
  const number = (part: string): unknown => {
    const trimmed = part.trim();
    const value = Number(trimmed);
    return trimmed !== "" && Number.isFinite(value) ? value : part;
  };
  switch (field.type) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "integer":
    case "number":
      return number(text);
    case "choices":
    case "strings":
    case "numbers": {
      if (text.trim() === "") return [];
      if (text.trim().startsWith("[")) {
        try {
          return JSON.parse(text);
        } catch {
          return text;
        }
      }
      const parts = text.split(",").map((part) => part.trim());
      return field.type === "numbers" ? parts.map(number) : parts;
    }
    default:
      return text;
  }
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly above?: boolean;
}

function inBounds({ min, max, above }: Bounds, value: unknown): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (min !== undefined && (above ? value <= min : value < min)) return false;
  return max === undefined || value <= max;
}

function bounds({ min, max, above }: Bounds): string {
  if (min !== undefined && max !== undefined) return ` in ${above ? "(" : "["}${min}, ${max}]`;
  if (min !== undefined) return ` ${above ? ">" : ">="} ${min}`;
  return max === undefined ? "" : ` <= ${max}`;
}

function atLeast(count: number | undefined): string {
  return count ? `, at least ${count}` : "";
}
