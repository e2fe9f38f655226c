// Which regular expressions of a tokenizer.json are run. A pattern such as (a+)+$ tries exponentially many ways to match
// a few dozen letters, and nothing can interrupt it, so patterns that could do that are refused before they are used:
// a repeated group must not hold anything that varies in length. What is left takes at most the cube of the text's length.
// The syntax is Oniguruma's, as far as published tokenizers use it.

/** Most ways in which the optional parts and the alternatives of a pattern combine. */
const MOST_BRANCHES = 1024;
/** Most repetitions without a small limit on one way through a pattern: each one multiplies the time by the length. */
const MOST_REPEATS = 2;
const MOST_CHARACTERS = 10_000;
const MOST_COUNT = 1000;
const DEEPEST = 50;
/** A repetition whose count varies by more is as good as unlimited. */
const WIDEST = 16;

/** BLOOM's class with brackets inside, which the tokenizers library turns into a plain one. */
const BLOOM_CLASS = /\[\^\(\\s\|\[[^\]]+\]\)\]/g;

/** Why a pattern is not run, as a clause, or null when it is fine. */
export function patternProblem(pattern: string): string | null {
  if (pattern.length > MOST_CHARACTERS)
    return `has ${pattern.length} characters, expected at most ${MOST_CHARACTERS}`;
  const scan = new PatternScan(pattern.replaceAll(BLOOM_CLASS, "x"));
  try {
    const { branches, repeats } = scan.alternatives(0);
    scan.expectEnd();
    if (branches > MOST_BRANCHES)
      return `has ${branches} ways through its optional parts and alternatives, expected at most ${MOST_BRANCHES}`;
    if (repeats > MOST_REPEATS)
      return `has ${repeats} repetitions in a row, expected at most ${MOST_REPEATS}: it could take very long`;
    return null;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

class PatternError extends Error {}

/** How a part of a pattern can match: `varies` when not always the same number of characters in the same way. */
interface Part {
  readonly varies: boolean;
  readonly branches: number;
  readonly repeats: number;
}

const FIXED: Part = { varies: false, branches: 1, repeats: 0 };

class PatternScan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) throw new PatternError("has a ) without its (");
  }

  /** Alternatives up to the end or a closing parenthesis. */
  alternatives(depth: number): Part {
    if (depth > DEEPEST) throw new PatternError(`is nested deeper than ${DEEPEST} levels`);
    let whole = this.#sequence(depth);
    while (this.#take("|")) {
      const next = this.#sequence(depth);
      whole = {
        varies: true,
        branches: whole.branches + next.branches,
        repeats: Math.max(whole.repeats, next.repeats),
      };
    }
    return whole;
  }

  #sequence(depth: number): Part {
    let { varies, branches, repeats } = FIXED;
    while (this.#at < this.#text.length && !"|)".includes(this.#text[this.#at]!)) {
      const part = this.#quantified(this.#atom(depth));
      varies ||= part.varies;
      branches *= part.branches;
      repeats += part.repeats;
    }
    return { varies, branches, repeats };
  }

  #atom(depth: number): Part {
    if (this.#take("(")) {
      this.#groupKind();
      const inside = this.alternatives(depth + 1);
      if (!this.#take(")")) throw new PatternError("has a ( without its )");
      return inside;
    }
    if (this.#take("[")) this.#class();
    else if (this.#take("\\")) this.#escape();
    else if (/[*+?]/.test(this.#text[this.#at]!)) throw new PatternError("repeats nothing");
    else this.#at++;
    return FIXED;
  }

  #groupKind(): void {
    if (!this.#take("?")) return;
    const kind = /[:=!>]|<[=!]|<\w+>|[ims-]{1,4}[:)]/y;
    kind.lastIndex = this.#at;
    const found = kind.exec(this.#text)?.[0];
    if (found === undefined) throw new PatternError("has a kind of group that is not read");
    // (?i) alone: what follows it is read as the group's content, which is only stricter.
    this.#at += found.endsWith(")") ? found.length - 1 : found.length;
  }

  #class(): void {
    this.#take("^");
    if (this.#text[this.#at] === "]") throw new PatternError("has an empty class []");
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (character === "\\") this.#at++;
      else if (character === "]") {
        this.#at++;
        return;
      } else if (character === "[") throw new PatternError("has a class inside a class, which is not read");
    }
    throw new PatternError("has a [ without its ]");
  }

  #escape(): void {
    const reference = /[1-9]|[kg]</y;
    reference.lastIndex = this.#at;
    if (reference.test(this.#text)) throw new PatternError("refers back to a group, which is not allowed");
    const name = /[pPxu]\{[^}]*\}/y;
    name.lastIndex = this.#at;
    this.#at += name.exec(this.#text)?.[0].length ?? 1;
  }

  #quantified(part: Part): Part {
    const counts = this.#counts();
    if (counts === null) return part;
    const [least, most] = counts;
    // "?" behind makes it lazy and, behind * + and ?, "+" possessive: neither changes what is possible here.
    const braces = this.#text[this.#at - 1] === "}";
    if (!this.#take("?") && !braces) this.#take("+");
    if (this.#counts() !== null) throw new PatternError("repeats a repetition");
    if (Number.isFinite(most) && most > MOST_COUNT)
      throw new PatternError(`repeats ${most} times, expected at most ${MOST_COUNT}`);
    if (most > 1 && part.varies)
      throw new PatternError(
        "repeats a group that holds a repetition, an optional part or alternatives, such as (a+)+: it could take for ever",
      );
    if (least === most) return part;
    if (most - least > WIDEST) return { varies: true, branches: part.branches, repeats: part.repeats + 1 };
    return { ...part, varies: true, branches: part.branches * (most - least + 1) };
  }

  /** Fewest and most repetitions of the quantifier that stands here, or null. */
  #counts(): readonly [number, number] | null {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const braces = /\{(\d*)(,?)(\d*)\}/y;
    braces.lastIndex = this.#at;
    const [whole, least, comma, most] = braces.exec(this.#text) ?? [];
    if (whole === undefined || (least === "" && most === "")) return null;
    this.#at += whole.length;
    const from = Number(least);
    return [from, comma === "" ? from : most === "" ? Number.POSITIVE_INFINITY : Number(most)];
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
