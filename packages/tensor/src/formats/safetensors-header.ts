// The JSON header of a safetensors file, read by a scanner made for this one grammar. JSON.parse would hide
// repeated keys, turn 4.0 into 4, round large numbers and follow any nesting; here depth is three by
// construction, but for fields that are not known, which are passed over. Read next: safetensors.ts.
import { MAX_RANK } from "./array-record.ts";
import { quoteKey, type Refuse } from "./format-error.ts";

/** One tensor as the header describes it, with the file's own dtype name. */
export interface HeaderEntry {
  /** The name in the file, such as "F32" or "BF16". */
  readonly dtype: string;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** First byte of the elements, counted from the end of the header. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

/** A parsed header; both maps keep the order of the file. */
export interface SafetensorsHeader {
  /** The free-text pairs of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Name -> description of each tensor. */
  readonly entries: ReadonlyMap<string, HeaderEntry>;
}

/** Parse the header's text; offsets are not yet compared with the file. */
export function parseHeader(text: string, refuse: Refuse): SafetensorsHeader {
  const scanner = new Scanner(text, refuse);
  const metadata = new Map<string, string>();
  const entries = new Map<string, HeaderEntry>();
  if (text[0] !== "{") refuse(`header: starts with ${quoteKey(text.slice(0, 1))}, expected {`);
  scanner.members("header", (name) => {
    if (name === "__metadata__") {
      if (scanner.isNull()) return;
      scanner.members("__metadata__", (key) => {
        metadata.set(key, scanner.string());
      });
    } else {
      entries.set(name, readEntry(scanner, name, refuse));
    }
  });
  scanner.end();
  return { metadata, entries };
}

function readEntry(scanner: Scanner, name: string, refuse: Refuse): HeaderEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.members(name, (key) => {
    if (key === "dtype") dtype = scanner.string();
    else if (key === "shape") shape = scanner.integers(MAX_RANK);
    else if (key === "data_offsets") offsets = scanner.integers(2);
    else scanner.skip(1);
  });
  if (dtype === undefined) return refuse("dtype is missing", name);
  if (shape === undefined) return refuse("shape is missing", name);
  if (offsets === undefined) return refuse("data_offsets is missing", name);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined)
    return refuse(`data_offsets has ${offsets.length} numbers, expected 2`, name);
  return { dtype, shape, begin, end };
}

/** How deep values of unknown fields may be nested; the format's own library stops at 128. */
const MAX_DEPTH = 120;
const SIMPLE_VALUE =
  /(?:true|false|null|-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?(?:[eE][-+]?\d{1,3})?)(?![\w.+-])/y;
const NUMBER_TOKEN = /[-+.\w]{0,40}/y;

/** Reads tokens of strict JSON from left to right. */
class Scanner {
  readonly #text: string;
  readonly #refuse: Refuse;
  #at = 0;

  constructor(text: string, refuse: Refuse) {
    this.#text = text;
    this.#refuse = refuse;
  }

  /** An object: `read` is called at each value, with its key, and must consume the value. */
  members(where: string, read: (key: string) => void): void {
    const seen = new Set<string>();
    this.#expect("{");
    if (this.#take("}")) return;
    do {
      const key = this.string();
      if (seen.has(key)) this.#refuse(`header: the key ${quoteKey(key)} appears twice in ${quoteKey(where)}`);
      seen.add(key);
      this.#expect(":");
      read(key);
    } while (this.#take(","));
    this.#expect("}");
  }

  string(): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') this.#unexpected("a string");
    let close = this.#text.indexOf('"', start + 1);
    while (close > 0 && this.#isEscaped(start, close)) close = this.#text.indexOf('"', close + 1);
    if (close < 0) this.#refuse(`header: the string at character ${start} has no end`);
    let value = "";
    try {
      value = JSON.parse(this.#text.slice(start, close + 1));
    } catch {
      this.#refuse(`header: the string at character ${start} is not valid JSON`);
    }
    if (hasLoneSurrogate(value))
      this.#refuse(`header: the string at character ${start} has a lone surrogate`);
    this.#at = close + 1;
    return value;
  }

  /** An array of at most `limit` non-negative integers, each exactly representable. */
  integers(limit: number): number[] {
    const values: number[] = [];
    this.#expect("[");
    if (this.#take("]")) return values;
    do {
      if (values.length === limit)
        this.#refuse(`header: more than ${limit} numbers in the array at character ${this.#at}`);
      values.push(this.#integer());
    } while (this.#take(","));
    this.#expect("]");
    return values;
  }

  /** Whether the value is null, which is consumed. */
  isNull(): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith("null", this.#at)) return false;
    this.#at += 4;
    return true;
  }

  /** Any value, which is passed over: the format's own library ignores what it does not know. */
  skip(depth: number): void {
    if (depth > MAX_DEPTH) this.#refuse(`header: values are nested deeper than ${MAX_DEPTH} levels`);
    this.#skipSpace();
    const next = this.#text[this.#at];
    if (next === '"') this.string();
    else if (next === "{") this.members("an unknown field", () => this.skip(depth + 1));
    else if (next === "[") {
      this.#expect("[");
      if (this.#take("]")) return;
      do this.skip(depth + 1);
      while (this.#take(","));
      this.#expect("]");
    } else {
      SIMPLE_VALUE.lastIndex = this.#at;
      const found = SIMPLE_VALUE.exec(this.#text)?.[0];
      if (found === undefined) this.#unexpected("a value");
      else this.#at += found.length;
    }
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#unexpected("the end of the header");
  }

  #integer(): number {
    this.#skipSpace();
    NUMBER_TOKEN.lastIndex = this.#at;
    const text = NUMBER_TOKEN.exec(this.#text)?.[0] ?? "";
    const value = Number(text);
    if (!/^(0|[1-9]\d*)$/.test(text) || !Number.isSafeInteger(value)) {
      if (text === "") this.#unexpected("a number");
      this.#refuse(`header: the number ${text} at character ${this.#at} is not an integer in [0, 2^53)`);
    }
    this.#at += text.length;
    return value;
  }

  #isEscaped(start: number, quote: number): boolean {
    let backslashes = 0;
    while (quote - 1 - backslashes > start && this.#text[quote - 1 - backslashes] === "\\") backslashes++;
    return backslashes % 2 === 1;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.#unexpected(character);
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "end")) this.#at++;
  }

  #unexpected(wanted: string): never {
    const found = this.#text[this.#at];
    const what = found === undefined ? "the end" : quoteKey(found);
    return this.#refuse(`header: expected ${wanted} at character ${this.#at}, got ${what}`);
  }
}

/** True when the text has a surrogate without its partner, which UTF-8 cannot hold. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
