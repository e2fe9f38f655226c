// Checks a parsed tokenizer.json before anything is built from it: it may come from a stranger's checkpoint. What the
// format's own library (Rust's tokenizers) refuses is refused, and so is what would take unbounded time or memory.
// Read next: safe-pattern.ts (regular expressions), bpe-tokenizer.ts (who asks).
import { TextError } from "../errors.ts";
import { patternProblem } from "./safe-pattern.ts";

/** Most ids of a vocabulary; the largest published ones have about 260 000. */
export const MOST_TOKENS = 1_000_000;
/** Most characters of one token. */
const MOST_TOKEN_CHARACTERS = 10_000;
const MOST_PARTS = 64;
const DEEPEST = 8;
/** How many times longer the normaliser or the decoder may make a text. */
const MOST_GROWTH = 256;

const MODELS = ["BPE", "WordPiece", "Unigram"];

/** Kinds of processing and the name of a sequence's list; which types there are is the library's business. */
const PARTS = [
  ["normalizer", "normalizers"],
  ["pre_tokenizer", "pretokenizers"],
  ["post_processor", "processors"],
  ["decoder", "decoders"],
] as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Throws TextError, naming the field, unless the vocabulary has whole ids from 0 on without gap or repetition (added
 * tokens included), merges are of known tokens, the unknown token is there, types are known, and no pattern or chain
 * of replacements can take for ever.
 * @param source - the parsed tokenizer.json.
 */
export function checkTokenizerFile(source: Fields): void {
  const { model } = source;
  if (!isRecord(model)) throw refuse("", 'expected an object with a "model" object');
  // Files before 2020 (GPT-2's) name no type; the library then tells it from the fields.
  if (model.type !== undefined && !MODELS.includes(model.type as string))
    throw refuse("model.type", `expected one of ${MODELS.join(", ")}`, model.type);
  const ids = readVocabulary(model.vocab);
  if (ids.size === 0) throw refuse("", "the vocabulary is empty");
  const own = new Set(ids.keys());
  addTokens(ids, source.added_tokens);
  checkIds(ids);
  checkUnknown(model, own, ids);
  if (model.type === "BPE" || model.merges !== undefined) checkMerges(model, own);
  for (const [name, list] of PARTS) checkPart(source[name], name, list);
}

/** Token -> id of the model itself: an object, or Unigram's list of pairs of token and score. */
function readVocabulary(vocab: unknown): Map<string, number> {
  const ids = new Map<string, number>();
  if (Array.isArray(vocab)) {
    limitSize("model.vocab", vocab.length);
    for (const [id, entry] of vocab.entries()) {
      const [token, score] = Array.isArray(entry) ? entry : [];
      if (typeof token !== "string" || typeof score !== "number")
        throw refuse(`model.vocab[${id}]`, "expected a pair of token and score", entry);
      if (ids.has(token)) throw refuse(`model.vocab[${id}]`, "the token is listed twice", token);
      ids.set(limited(`model.vocab[${id}]`, token), id);
    }
    return ids;
  }
  if (!isRecord(vocab)) throw refuse("model.vocab", "expected an object of tokens and ids", vocab);
  const entries = Object.entries(vocab);
  limitSize("model.vocab", entries.length);
  for (const [token, id] of entries) ids.set(limited("model.vocab", token), checkedId(token, id));
  return ids;
}

function addTokens(ids: Map<string, number>, added: unknown): void {
  if (added === undefined || added === null) return;
  if (!Array.isArray(added)) throw refuse("added_tokens", "expected a list", added);
  limitSize("added_tokens", ids.size + added.length);
  for (const [i, entry] of added.entries()) {
    const field = `added_tokens[${i}]`;
    const { id, content } = isRecord(entry) ? entry : {};
    if (typeof content !== "string" || content === "")
      throw refuse(field, "expected an object with id and content", entry);
    const known = ids.get(content);
    const given = checkedId(content, id);
    if (known !== undefined && known !== given)
      throw refuse(field, `${quoted(content)} has the id ${given} here, but ${known} before`);
    ids.set(limited(field, content), given);
  }
}

function checkedId(token: string, id: unknown): number {
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= MOST_TOKENS)
    throw refuse(
      "model.vocab",
      `token ${quoted(token)}: expected a whole id from 0 to ${MOST_TOKENS - 1}`,
      id,
    );
  return id;
}

/** Every id from 0 on exactly once: a gap would be an id that the model can say and nobody can read. */
function checkIds(ids: ReadonlyMap<string, number>): void {
  const tokens = new Map<number, string>();
  for (const [token, id] of ids) {
    const other = tokens.get(id);
    if (other !== undefined)
      throw refuse("model.vocab", `the tokens ${quoted(other)} and ${quoted(token)} share the id ${id}`);
    tokens.set(id, token);
  }
  for (let id = 0; id < ids.size; id++)
    if (!tokens.has(id))
      throw refuse(
        "model.vocab",
        `${ids.size} tokens, expected the ids 0 to ${ids.size - 1}, no token has ${id}`,
      );
}

function checkUnknown(model: Fields, own: ReadonlySet<string>, ids: ReadonlyMap<string, number>): void {
  const { unk_token: unknown, unk_id: id } = model;
  // An empty text is how old files say that there is none.
  if (unknown !== undefined && unknown !== null && unknown !== "" && !ids.has(unknown as string))
    throw refuse("model.unk_token", "expected a token of the vocabulary", unknown);
  if (id !== undefined && id !== null && !(Number.isInteger(id) && Number(id) >= 0 && Number(id) < own.size))
    throw refuse("model.unk_id", `expected an id of the vocabulary from 0 to ${own.size - 1}`, id);
}

function checkMerges({ merges, continuing_subword_prefix: prefix }: Fields, own: ReadonlySet<string>): void {
  if (!Array.isArray(merges)) throw refuse("model.merges", "expected a list", merges);
  limitSize("model.merges", merges.length);
  const start = typeof prefix === "string" ? prefix : "";
  for (const [i, merge] of merges.entries()) {
    const pair: unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (pair.length !== 2 || typeof left !== "string" || typeof right !== "string")
      throw refuse(`model.merges[${i}]`, "expected two tokens", merge);
    const tail = start !== "" && right.startsWith(start) ? right.slice(start.length) : right;
    const stranger = [left, right, left + tail].find((token) => !own.has(token));
    if (stranger !== undefined)
      throw refuse(`model.merges[${i}]`, `${quoted(stranger)} is no token of the vocabulary`);
  }
}

/** A normaliser, pre-tokeniser, post-processor or decoder with everything inside it. */
function checkPart(part: unknown, name: string, list: string): void {
  let parts = 0;
  let growth = 1;
  const visit = (value: unknown, field: string, depth: number): void => {
    if (value === undefined || value === null) return;
    if (!isRecord(value)) throw refuse(field, "expected an object", value);
    parts++;
    if (depth > DEEPEST || parts > MOST_PARTS)
      throw refuse(field, `expected at most ${MOST_PARTS} parts, nested ${DEEPEST} deep`);
    if (typeof value.type !== "string") throw refuse(`${field}.type`, "expected a text", value.type);
    const inside = value[list];
    if (value.type === "Sequence") {
      if (!Array.isArray(inside)) throw refuse(`${field}.${list}`, "expected a list", inside);
      for (const [i, item] of inside.entries()) visit(item, `${field}.${list}[${i}]`, depth + 1);
      return;
    }
    if (value.type === "FixedLength" && !(Number.isInteger(value.length) && Number(value.length) > 0))
      throw refuse(`${field}.length`, "expected a whole number above 0", value.length);
    if (value.type === "Split" || value.type === "Replace") growth *= checkPattern(value, field);
    if (growth > MOST_GROWTH)
      throw refuse(field, `the replacements could make a text more than ${MOST_GROWTH} times longer`);
  };
  visit(part, name, 0);
}

/** Checks the pattern of a Split or Replace; returns how many times longer it can make a text. */
function checkPattern({ type, pattern, content = "" }: Fields, field: string): number {
  const { Regex: regex, String: text } = isRecord(pattern) ? pattern : {};
  if (typeof regex !== "string" && typeof text !== "string")
    throw refuse(`${field}.pattern`, "expected an object with String or Regex", pattern);
  const problem = typeof regex === "string" ? patternProblem(regex) : null;
  if (problem !== null) throw refuse(`${field}.pattern.Regex`, `${quoted(String(regex))} ${problem}`);
  if (type === "Split") return 1;
  if (typeof content !== "string") throw refuse(`${field}.content`, "expected a text", content);
  // A pattern of nothing matches before every character; a regular expression may.
  const shortest = typeof regex === "string" ? 0 : (text as string).length;
  return shortest === 0 ? 1 + content.length : Math.max(1, content.length / shortest);
}

function limited(field: string, token: string): string {
  if (token.length > MOST_TOKEN_CHARACTERS)
    throw refuse(field, `a token of ${token.length} characters, expected at most ${MOST_TOKEN_CHARACTERS}`);
  return token;
}

function limitSize(field: string, size: number): void {
  if (size > MOST_TOKENS) throw refuse(field, `${size} entries, expected at most ${MOST_TOKENS}`);
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

function refuse(field: string, what: string, ...got: unknown[]): TextError {
  const shown = got.map((value) => `, got ${shownValue(value)}`).join("");
  return new TextError(`tokenizer.json: ${field === "" ? "" : `${field}: `}${what}${shown}`);
}

function shownValue(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return String(value);
}
