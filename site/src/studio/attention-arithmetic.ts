// Level 3 of the attention figure: choose a row and a column, and see the numbers from two vectors to one weight.
import { showElement } from "./element-form.ts";
import type { Explained, LayerMap, Recognised } from "./messages.ts";

/** Asks for one element. */
export type ExplainElement = (layer: number, head: number, query: number, key: number) => Promise<Explained>;

/** What was chosen last; the place is filled anew when the layer changes. */
const element = { query: 12, key: 10 };

const signed = (value: number): string =>
  value < 0 ? `− ${(-value).toPrecision(3)}` : `+ ${value.toPrecision(3)}`;

/** Fills `place` with the choice of an element and its arithmetic. */
export function showArithmetic(
  place: HTMLElement,
  seen: Recognised,
  layer: LayerMap,
  head: number,
  explain: ExplainElement,
): void {
  const { queries, keys, tokens } = layer;
  const shown = Math.max(0, head);
  const choices = [
    { name: "looks from", most: queries - 1, value: element.query },
    { name: "looked at", most: keys - 1, value: element.key },
  ];
  showElement(place, choices, async (query, key) => {
    Object.assign(element, { query, key });
    const found = await explain(seen.layers.indexOf(layer), shown, query!, key!);
    return linesOf(found, shown, tokens?.[query!] ?? null, seen.secondsPerFrame);
  });
}

function linesOf(found: Explained, head: number, token: string | null, secondsPerFrame: number): string[] {
  const { query, key, pitch, silence, score, logSum, weight } = found;
  const width = query.length;
  const products = Array.from(query, (value, i) => value * key[i]!);
  const dot = products.reduce((sum, value) => sum + value, 0);
  const frame = (at: number): string => `frame ${at} (${(at * secondsPerFrame).toFixed(2)} s)`;
  const from = token === null ? frame(element.query) : `the token “${token}”`;
  return [
    `Head ${head}: ${from} looks at ${frame(element.key)}.`,
    `1. Query and key are vectors of ${width} numbers, turned by their positions. Their products: ${products
      .slice(0, 4)
      .map((_, i) => `(${query[i]!.toPrecision(3)})(${key[i]!.toPrecision(3)})`)
      .join(" + ")} + … = ${dot.toPrecision(4)}`,
    `2. Divided by the root of ${width}: ${dot.toPrecision(4)} / ${Math.sqrt(width).toPrecision(4)} = ${(dot / Math.sqrt(width)).toPrecision(4)}`,
    `3. The pitch adds ${signed(pitch)}, silence of the key ${signed(silence)}: score ${score.toPrecision(4)}`,
    `4. Softmax: exp(${score.toPrecision(4)}) over the sum of exp(score) of the row, whose logarithm is ${logSum.toPrecision(4)}: exp(${(score - logSum).toPrecision(4)}) = ${weight.toPrecision(3)}`,
  ];
}
