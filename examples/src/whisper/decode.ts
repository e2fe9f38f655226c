// From logits to tokens: greedy search with the cache, and the rules that make Whisper's timestamps come in pairs
// (openai/whisper, decoding.py: SuppressBlank, SuppressTokens, ApplyTimestampRules). Read next: transcribe.ts.
import { noGrad } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";
import type { DecoderCache, Whisper } from "./model.ts";

/** Ids with a meaning. Text is below `end`; timestamps begin at `firstTime` (0.00 s), one for every 20 ms. */
export interface SpecialIds {
  readonly end: number;
  readonly noTimestamps: number;
  readonly firstTime: number;
  readonly suppress: readonly number[]; // never said, such as brackets
  readonly suppressFirst: readonly number[]; // not said first: a blank, the end
  readonly latestFirstTime: number | null; // steps of 20 ms until which the first segment begins
}

/** Forbids by -Infinity, in place, what may not follow `said` (the tokens behind the prompt). logits [V] */
export function applyRules(logits: Float32Array, said: number[], ids: SpecialIds, timestamps: boolean): void {
  const { end, noTimestamps, firstTime, suppress, suppressFirst, latestFirstTime } = ids;
  const forbid = (from: number, to = logits.length): unknown =>
    logits.fill(Number.NEGATIVE_INFINITY, from, to);
  const first = said.length === 0;
  for (const id of first ? [...suppress, ...suppressFirst] : suppress) forbid(id, id + 1);
  if (!timestamps) return;
  forbid(noTimestamps, noTimestamps + 1);
  const isTime = (id: number | undefined): boolean => id !== undefined && id >= firstTime;
  const opened = isTime(said.at(-1)) && (said.length < 2 || isTime(said.at(-2)));
  const closed = isTime(said.at(-1)) && !opened;
  if (opened) forbid(firstTime); // text must follow
  if (closed) forbid(0, end); // the next pair must begin, or the end come
  // Times never go back, and no segment is empty: only the time that opens a pair may repeat the one before.
  const last = said.findLast(isTime);
  if (last !== undefined) forbid(firstTime, closed ? last : last + 1);
  if (first) forbid(0, firstTime);
  if (first && latestFirstTime !== null) forbid(firstTime + latestFirstTime + 1);
  // Where all timestamps together are likelier than the likeliest text token, a timestamp it is.
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const times = logits.subarray(firstTime).reduce((sum, value) => sum + Math.exp(value - largest), 0);
  const text = logits.subarray(0, firstTime).reduce((a, b) => Math.max(a, b));
  if (times > Math.exp(text - largest)) forbid(0, firstTime);
}

/** The logits [V] after the last of the given tokens, which the cache has not seen yet. */
export async function nextLogits(model: Whisper, cache: DecoderCache, tokens: number[]) {
  const ids = tensor([tokens], { dtype: "int32" });
  const last = noGrad(() => model.decode(ids, cache).select(1, tokens.length - 1));
  return Float32Array.from(await last.data());
}

/** How `greedyTokens` goes on: until it says `end` (left out) or `limit` tokens; `restrict` may forbid some in place. */
type Until = { end: number; limit: number; restrict?: (logits: Float32Array, said: number[]) => void };

/** The likeliest token behind the prompt, again and again. */
export async function greedyTokens(model: Whisper, cache: DecoderCache, prompt: number[], until: Until) {
  const said: number[] = [];
  for (let input = prompt; said.length < until.limit; input = said.slice(-1)) {
    const logits = await nextLogits(model, cache, input);
    until.restrict?.(logits, said);
    const next = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
    if (next === until.end) break;
    said.push(next);
  }
  return said;
}
