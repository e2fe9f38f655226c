// Text normalisation: what is done to every transcript before it is tokenised or scored.
// The rules are few and listed in order below; nothing is spelled out, abbreviated or translated.
// Read next: tokenizer.ts.

import { checkOptions, definedOptions, type OptionKinds } from "@echo-ts/tensor/internal";
import { DEFAULTS } from "../settings/resolve.ts";
import { type EchoConfig, SETTINGS } from "../settings/settings.ts";

/** Settings of {@link normalizeText}: `unicode`, `lowerCase` and `punctuation` of the `text` group; plain JSON. */
export type NormalizeOptions = Pick<EchoConfig["text"], "unicode" | "lowerCase" | "punctuation">;

/** The default rules: NFKC, lower case, marks dropped except the apostrophe inside a word. */
export const DEFAULT_NORMALIZATION: NormalizeOptions = {
  unicode: DEFAULTS.text.unicode,
  lowerCase: DEFAULTS.text.lowerCase,
  punctuation: DEFAULTS.text.punctuation,
};

/** What {@link normalizeText} takes; see `checkOptions`. */
export const NORMALIZE_OPTIONS: OptionKinds<NormalizeOptions> = {
  unicode: SETTINGS.text.unicode.of,
  lowerCase: "boolean",
  punctuation: SETTINGS.text.punctuation.of,
};

const APOSTROPHES = /[\u2018\u2019\u02BC\u02BB\u0060\u00B4\uFF07]/gu;
const INVISIBLE = /\p{Cf}/gu; // soft hyphen, zero-width space and joiners, byte order mark, direction marks
const MARKS = /[^\p{L}\p{M}\p{N}\s']/gu;
const LONE_APOSTROPHE = /(?<![\p{L}\p{M}\p{N}])'|'(?![\p{L}\p{N}])/gu;
const STRAY_COMBINING = /(?<![\p{L}\p{M}\p{N}])\p{M}+/gu;

/**
 * Brings a transcript into the one form that is trained on and scored.
 *
 * In this order:
 * 1. with a punctuation rule other than "keep", typographic apostrophes (’ ‘ ʼ ` ´) become `'`;
 * 2. the Unicode normal form; lower case; the normal form again (lower-casing can leave it); then step 1 again, for
 *    letters whose normal form holds an apostrophe (ŉ);
 * 3. punctuation. "keep": nothing. "words": invisible format characters vanish, every mark or symbol becomes a
 *    space, except `'` between letters or digits ("don't"). "strip": as "words", but `'` vanishes too ("dont").
 *    Letters, digits and combining marks of every script stay; a combining mark without a base is dropped;
 * 4. every run of white space becomes one space, none at either end.
 *
 * Digits, abbreviations and spelling are left as they are. Applying it twice changes nothing more.
 *
 * @param text - any text.
 * @param options - `unicode`, `lowerCase` and `punctuation` of the settings' group `text`; missing fields take their defaults.
 * @returns the normalised text, possibly empty.
 * @example
 * normalizeText("  “Don’t—stop!”  "); // "don't stop"
 */
export function normalizeText(text: string, options: Partial<NormalizeOptions> = {}): string {
  checkOptions("normalizeText", options, NORMALIZE_OPTIONS);
  const { unicode, lowerCase, punctuation } = { ...DEFAULT_NORMALIZATION, ...definedOptions(options) };
  const form = (value: string): string => (unicode === "none" ? value : value.normalize(unicode));
  let out = punctuation === "keep" ? text : text.replace(APOSTROPHES, "'");
  out = form(out);
  if (lowerCase) out = form(out.toLowerCase());
  if (punctuation !== "keep") {
    out = out.replace(APOSTROPHES, "'").replace(INVISIBLE, "").replace(MARKS, " ");
    if (punctuation === "strip") out = out.replaceAll("'", "");
    out = out.replace(STRAY_COMBINING, "");
    // After the stray marks: an apostrophe behind one of them has no letter before it.
    out = form(out.replace(LONE_APOSTROPHE, " "));
  }
  return out.replace(/\s+/gu, " ").trim();
}
