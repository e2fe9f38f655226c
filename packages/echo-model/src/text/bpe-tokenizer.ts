// Subword tokenizer from a Hugging Face `tokenizer.json` (BPE, and whatever else that file may hold),
// read by @huggingface/tokenizers. Ids are moved, where needed, so that the model always sees its own specials.
import { checkOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { TextError } from "../errors.ts";
import { SETTINGS } from "../settings/settings.ts";
import { NORMALIZE_OPTIONS, type NormalizeOptions, normalizeText } from "./normalize.ts";
import {
  checkTokenId,
  type SpecialIds,
  specialCount,
  specialIds,
  specialName,
  type Tokenizer,
  type TokenizerJson,
  type Variant,
} from "./tokenizer.ts";
import { checkTokenizerFile } from "./tokenizer-file.ts";

// What is used of the library, spelled out because its published types do not resolve under NodeNext.
interface HuggingFaceFile {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_added_tokens_decoder(): Map<number, { readonly id: number; readonly special: boolean }>;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}

/** Settings of {@link BpeTokenizer}. */
export interface BpeOptions {
  /** Model the ids are for, default "corrected". */
  readonly variant?: Variant;
  /**
   * Normalisation before the file's own normaliser. Default: white space only (unicode "none", no lower-casing,
   * punctuation "keep"), so that the file decides.
   */
  readonly normalization?: Partial<NormalizeOptions>;
}

const BPE_OPTIONS: OptionKinds<BpeOptions> = {
  variant: SETTINGS.model.variant.of,
  normalization: "object",
};

const FILE_DECIDES: NormalizeOptions = { unicode: "none", lowerCase: false, punctuation: "keep" };

// What published files call their specials; the first name found at the wanted id counts.
const NAMES = {
  pad: ["<pad>", "[PAD]", "<|pad|>", "<PAD>"],
  bos: ["<bos>", "<s>", "[BOS]", "[CLS]", "<|startoftranscript|>", "<sos>", "<BOS>"],
  eos: ["<eos>", "</s>", "[EOS]", "[SEP]", "<|endoftext|>", "<EOS>"],
} as const;

/**
 * A tokenizer read from the text of `tokenizer.json`.
 *
 * When the file already has pad, bos (and eos, for the corrected variant) at ids 0, 1 (and 2) its ids are kept;
 * otherwise every id is raised by the number of specials, so 0, 1, 2 are free for ours. `shift` tells which.
 * Pieces outside the vocabulary become the file's unknown token; a file without one drops them, as the original does.
 * @example
 * const tokenizer = BpeTokenizer.fromJson(await readFile("tokenizer.json", "utf8"));
 */
export class BpeTokenizer implements Tokenizer {
  readonly kind = "bpe";
  readonly variant: Variant;
  readonly special: SpecialIds;
  readonly pronunciations = null;
  readonly vocabSize: number;
  readonly normalization: NormalizeOptions;
  /** Added to every id of the file: 0, or the number of special ids. */
  readonly shift: number;
  readonly #file: HuggingFaceFile;
  readonly #source: object;
  readonly #specialIds: ReadonlySet<number>;

  /** @param source - the parsed tokenizer.json. Throws TextError when it is not one. */
  constructor(source: unknown, options: BpeOptions = {}) {
    checkOptions("BpeTokenizer", options, BPE_OPTIONS);
    checkOptions("BpeTokenizer normalization", options.normalization ?? {}, NORMALIZE_OPTIONS);
    if (!isRecord(source) || !isRecord(source.model))
      throw new TextError('tokenizer.json: expected an object with a "model" object');
    checkTokenizerFile(source);
    try {
      this.#file = new HuggingFaceTokenizer(source, { clean_up_tokenization_spaces: false });
    } catch (cause) {
      throw new TextError(`tokenizer.json: cannot be loaded: ${message(cause)}`, { cause });
    }
    this.variant = options.variant ?? "corrected";
    this.special = specialIds(this.variant);
    this.normalization = { ...FILE_DECIDES, ...options.normalization };
    const ids = [...this.#file.get_vocab(true).values()];
    this.shift = this.#keepsIds() ? 0 : specialCount(this.variant);
    this.vocabSize = ids.reduce((largest, id) => Math.max(largest, id), 0) + 1 + this.shift;
    this.#specialIds = new Set(
      [...this.#file.get_added_tokens_decoder().values()]
        .filter((token) => token.special)
        .map((token) => token.id + this.shift),
    );
    this.#source = source;
  }

  /** Reads a tokenizer.json, its text or its bytes; throws TextError for anything else. */
  static fromJson(text: string | Uint8Array, options: BpeOptions = {}): BpeTokenizer {
    let source: unknown;
    try {
      source = JSON.parse(
        typeof text === "string" ? text : new TextDecoder("utf-8", { fatal: true }).decode(text),
      );
    } catch (cause) {
      throw new TextError(
        `tokenizer.json: not valid ${cause instanceof TypeError ? "UTF-8" : "JSON"}: ${message(cause)}`,
        { cause },
      );
    }
    return new BpeTokenizer(source, options);
  }

  encode(text: string): number[] {
    const normalized = normalizeText(text, this.normalization);
    const { ids } = attempt("encode", () => this.#file.encode(normalized, { add_special_tokens: false }));
    return ids.map((id) => id + this.shift);
  }

  decode(ids: ArrayLike<number>): string {
    const kept: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      checkTokenId("BpeTokenizer.decode", id, this.vocabSize);
      if (id >= specialCount(this.variant) && !this.#specialIds.has(id)) kept.push(id - this.shift);
    }
    if (kept.length === 0) return "";
    return attempt("decode", () => this.#file.decode(kept, { skip_special_tokens: true })).trim();
  }

  tokenOf(id: number): string {
    checkTokenId("BpeTokenizer.tokenOf", id, this.vocabSize);
    return (
      specialName(id, this.variant) ??
      this.#file.id_to_token(id - this.shift) ??
      `<unused ${id - this.shift}>`
    );
  }

  toJSON(): TokenizerJson {
    const { variant, normalization } = this;
    return {
      format: "echo-tokenizer",
      version: 1,
      kind: "bpe",
      variant,
      normalization,
      source: this.#source,
    };
  }

  #keepsIds(): boolean {
    const at = (id: number, names: readonly string[]): boolean =>
      names.some((name) => this.#file.token_to_id(name) === id);
    const { pad, bos, eos } = this.special;
    return at(pad, NAMES.pad) && at(bos, NAMES.bos) && (eos === null || at(eos, NAMES.eos));
  }
}

/** Some fields of a tokenizer.json show only when they are used, such as a behaviour that does not exist. */
function attempt<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new TextError(`tokenizer.json: cannot ${what}: ${message(cause)}`, { cause });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
