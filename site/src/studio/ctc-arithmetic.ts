// Level 3 of the CTC figure: choose a frame, and see how its column of probabilities enters the text. Read first:
// ctc-forward.ts.
import { bestPath, forwardSums, merged, signsOf, waysTo } from "./ctc-forward.ts";
import { showElement } from "./element-form.ts";
import type { Recognised } from "./messages.ts";

/** Fills `place` with the choice of a frame and its arithmetic; it begins where a word does. */
export function showCtcArithmetic(place: HTMLElement, { lattice, secondsPerFrame }: Recognised): void {
  const frames = lattice.probabilities.length / lattice.tokens.length;
  const path = bestPath({ ...lattice, frames });
  const first = Math.max(
    0,
    path.findIndex((row) => row !== 0),
  );
  showElement(place, [{ name: "frame", most: frames - 1, value: first }], async (frame) =>
    ctcLines(lattice, secondsPerFrame, frame!),
  );
}

/** How the column of a frame comes to the text, step by step. */
export function ctcLines(
  { tokens, probabilities }: Recognised["lattice"],
  secondsPerFrame: number,
  frame: number,
): string[] {
  const frames = probabilities.length / tokens.length;
  const column = { probabilities, frames };
  const path = bestPath(column);
  const text = merged(path);
  const signs = signsOf(text);
  const sums = forwardSums(column, signs);
  const name = (row: number): string => (row === 0 ? "blank" : `“${tokens[row]}”`);
  const words = (rows: readonly number[]): string => rows.map((row) => tokens[row]).join(" ") || "(nothing)";
  const of = (x: number): string => x.toPrecision(3);
  const likely = tokens
    .map((_, row) => ({ row, p: probabilities[row * frames + frame]! }))
    .sort((a, b) => b.p - a.p);
  const rest = 1 - likely.slice(0, 3).reduce((sum, { p }) => sum + p, 0);
  const shown = likely.slice(0, 3).map(({ row, p }) => `${name(row)} ${of(p)}`);
  const best = path[frame]!;
  const before = frame === 0 ? -1 : path[frame - 1]!;
  const soFar = merged(path.slice(0, frame + 1));
  const how =
    best === 0
      ? "A blank adds nothing"
      : best === before
        ? `The frame before says ${name(best)} too: a repeat adds nothing`
        : `The frame before does not say it: ${name(best)} is added`;
  // The sign at which the best path stands: the last word that was added, or the blank after it.
  const s = 2 * soFar.length - (best === 0 ? 0 : 1);
  const from = frame === 0 ? [] : waysTo(signs, s);
  const ways = from.map((sign) => `${of(sums[frame - 1]![sign]!)} (${name(signs[sign]!)})`);
  const p = probabilities[signs[s]! * frames + frame]!;
  const [word, blank] = [sums.at(-1)!.at(-2) ?? 0, sums.at(-1)!.at(-1)!];
  return [
    `Frame ${frame}: ${(frame * secondsPerFrame).toFixed(2)} s.`,
    `1. The softmax gave the blank and each word a share of this frame: ${shown.join(", ")}, all others together ${of(Math.max(0, rest))}. They sum to 1.`,
    `2. The likeliest is ${name(best)}. ${how}. Read out so far: ${words(soFar)}`,
    `3. Other ways spell the same text, a frame earlier or later. All that spell its part up to here come from ${
      frame === 0 ? "the start, 1" : `${ways.join(" + ")} at the frame before`
    }; times ${of(p)} for ${name(signs[s]!)}: ${of(sums[frame]![s]!)}`,
    `4. After the last frame the ways end in the last word or in the blank behind it: ${of(word)} + ${of(blank)} = ${of(word + blank)} is the probability of “${words(text)}”. Training makes −ln of it small, the CTC loss: ${(-Math.log(word + blank)).toPrecision(4)}`,
  ];
}
