// Level 3 of the attention figure: choose a row and a column, and see the numbers from two vectors to one weight.
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
  const steps = document.createElement("div");
  steps.setAttribute("role", "status");
  const field = (name: string, most: number, value: number): [HTMLLabelElement, HTMLInputElement] => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, {
      type: "number",
      min: "0",
      max: String(most),
      value: String(Math.min(value, most)),
    });
    label.append(`${name} `, input);
    return [label, input];
  };
  const [queryLabel, query] = field(`looks from, 0 to ${queries - 1}`, queries - 1, element.query);
  const [keyLabel, key] = field(`looked at, 0 to ${keys - 1}`, keys - 1, element.key);
  let latest = 0;
  const update = async (): Promise<void> => {
    element.query = Math.min(Math.max(0, Math.round(Number(query.value))), queries - 1);
    element.key = Math.min(Math.max(0, Math.round(Number(key.value))), keys - 1);
    steps.textContent = "Computing.";
    const number = ++latest;
    try {
      const found = await explain(seen.layers.indexOf(layer), shown, element.query, element.key);
      if (number !== latest) return;
      steps.replaceChildren(...linesOf(found, shown, tokens?.[element.query] ?? null, seen.secondsPerFrame));
    } catch (error) {
      steps.textContent = (error as Error).message;
    }
  };
  query.addEventListener("change", () => void update());
  key.addEventListener("change", () => void update());
  const row = document.createElement("div");
  row.className = "row";
  row.append(queryLabel, keyLabel);
  place.replaceChildren(row, steps);
  void update();
}

function linesOf(
  found: Explained,
  head: number,
  token: string | null,
  secondsPerFrame: number,
): HTMLElement[] {
  const { query, key, pitch, silence, score, logSum, weight } = found;
  const width = query.length;
  const products = Array.from(query, (value, i) => value * key[i]!);
  const dot = products.reduce((sum, value) => sum + value, 0);
  const frame = (at: number): string => `frame ${at} (${(at * secondsPerFrame).toFixed(2)} s)`;
  const from = token === null ? frame(element.query) : `the token “${token}”`;
  const lines = [
    `Head ${head}: ${from} looks at ${frame(element.key)}.`,
    `1. Query and key are vectors of ${width} numbers, turned by their positions. Their products: ${products
      .slice(0, 4)
      .map((_, i) => `(${query[i]!.toPrecision(3)})(${key[i]!.toPrecision(3)})`)
      .join(" + ")} + … = ${dot.toPrecision(4)}`,
    `2. Divided by the root of ${width}: ${dot.toPrecision(4)} / ${Math.sqrt(width).toPrecision(4)} = ${(dot / Math.sqrt(width)).toPrecision(4)}`,
    `3. The pitch adds ${signed(pitch)}, silence of the key ${signed(silence)}: score ${score.toPrecision(4)}`,
    `4. Softmax: exp(${score.toPrecision(4)}) over the sum of exp(score) of the row, whose logarithm is ${logSum.toPrecision(4)}: exp(${(score - logSum).toPrecision(4)}) = ${weight.toPrecision(3)}`,
  ];
  return lines.map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  });
}
