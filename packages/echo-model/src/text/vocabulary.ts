// The table behind the character and word tokenizers: specials, an optional <unk>, then the ordinary tokens.
import { TextError } from "../errors.ts";
import {
  checkTokenId,
  specialCount,
  specialName,
  UNKNOWN_TOKEN,
  type UnknownPolicy,
  type Variant,
} from "./tokenizer.ts";

/** Maps ordinary tokens to ids and back under one unknown policy. */
export class Vocabulary {
  readonly tokens: readonly string[];
  readonly variant: Variant;
  readonly unknown: UnknownPolicy;
  /** Number of ids, specials and `<unk>` included. */
  readonly size: number;
  /** Id of `<unk>`, or null when the policy is not "token". */
  readonly unknownId: number | null;
  readonly #first: number;
  readonly #ids: ReadonlyMap<string, number>;

  /**
   * @param kind - "character" or "word", for messages.
   * @param tokens - ordinary tokens in id order. Throws TextError for an empty list, an empty or a repeated token.
   */
  constructor(
    kind: "character" | "word",
    tokens: readonly string[],
    variant: Variant,
    unknown: UnknownPolicy,
  ) {
    if (tokens.length === 0)
      throw new TextError(`${kind} tokenizer: the vocabulary is empty, expected at least one token`);
    const specials = specialCount(variant);
    this.unknownId = unknown === "token" ? specials : null;
    this.#first = unknown === "token" ? specials + 1 : specials;
    const ids = new Map<string, number>();
    tokens.forEach((token, i) => {
      if (token === "") throw new TextError(`${kind} tokenizer: token ${i} is empty`);
      if (ids.has(token))
        throw new TextError(`${kind} tokenizer: token ${JSON.stringify(token)} is listed twice`);
      ids.set(token, this.#first + i);
    });
    this.tokens = [...tokens];
    this.variant = variant;
    this.unknown = unknown;
    this.#ids = ids;
    this.size = this.#first + tokens.length;
  }

  /** Ids of `pieces` under the unknown policy; `text` is quoted when a piece is refused. */
  encode(operation: string, pieces: readonly string[], text: string): number[] {
    const out: number[] = [];
    for (const piece of pieces) {
      const id = this.#ids.get(piece) ?? this.unknownId;
      if (id !== null) out.push(id);
      else if (this.unknown === "error")
        throw new TextError(
          `${operation}: ${JSON.stringify(piece)} is not in the vocabulary of ${this.tokens.length} tokens ` +
            `(in ${JSON.stringify(text)}); set unknown to "skip" or "token" to accept it`,
        );
    }
    return out;
  }

  /** Pieces of `ids`, specials left out. */
  decode(operation: string, ids: ArrayLike<number>): string[] {
    const out: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      checkTokenId(operation, id, this.size);
      if (id === this.unknownId) out.push(UNKNOWN_TOKEN);
      else if (id >= this.#first) out.push(this.tokens[id - this.#first]!);
    }
    return out;
  }

  /** Printed form of one id. */
  tokenOf(operation: string, id: number): string {
    checkTokenId(operation, id, this.size);
    if (id === this.unknownId) return UNKNOWN_TOKEN;
    return specialName(id, this.variant) ?? this.tokens[id - this.#first]!;
  }
}
