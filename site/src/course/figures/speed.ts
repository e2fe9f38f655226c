// What three orders of the same matrix product fetch from memory, counted by a small cache that forgets what was unused
// the longest.
import { cividis, element, label, picture } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

/** Numbers in a line: what memory hands over at once. */
const LINE = 4;

type Visit = (matrix: "A" | "B" | "C", row: number, column: number) => void;

/** Every access of the product of two n by n matrices, in order; the sum of one element waits in a register. */
const ORDERS: Readonly<Record<string, (n: number, block: number, visit: Visit) => void>> = {
  "row times column": (n, _block, visit) => {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        for (let p = 0; p < n; p++) {
          visit("A", i, p);
          visit("B", p, j);
        }
        visit("C", i, j);
      }
  },
  "sum of rows of B": (n, _block, visit) => {
    for (let i = 0; i < n; i++)
      for (let p = 0; p < n; p++) {
        visit("A", i, p);
        for (let j = 0; j < n; j++) {
          visit("B", p, j);
          visit("C", i, j);
        }
      }
  },
  blocks: (n, block, visit) => {
    const from = Array.from({ length: Math.ceil(n / block) }, (_, k) => k * block);
    const each = (start: number, use: (k: number) => void) => {
      for (let k = start; k < Math.min(n, start + block); k++) use(k);
    };
    for (const i0 of from)
      for (const j0 of from)
        for (const p0 of from)
          each(i0, (i) =>
            each(j0, (j) => {
              each(p0, (p) => {
                visit("A", i, p);
                visit("B", p, j);
              });
              visit("C", i, j);
            }),
          );
  },
};

/** How often each line of each matrix was fetched, [row][line of the row]. */
function fetches(
  order: string,
  n: number,
  block: number,
  lines: number,
): Record<"A" | "B" | "C", number[][]> {
  const zeros = () => Array.from({ length: n }, () => new Array<number>(n / LINE).fill(0));
  const counts = { A: zeros(), B: zeros(), C: zeros() };
  const kept = new Set<string>(); // in the order of use, the oldest first
  ORDERS[order]!(n, block, (matrix, row, column) => {
    const line = Math.floor(column / LINE);
    const key = `${matrix}${row},${line}`;
    if (!kept.delete(key)) {
      counts[matrix][row]![line]! += 1;
      if (kept.size === lines) kept.delete(kept.values().next().value!);
    }
    kept.add(key);
  });
  return counts;
}

const total = (counts: readonly (readonly number[])[]): number => counts.flat().reduce((a, b) => a + b, 0);

const SIDE = 200;
const GAP = 32;

function draw(settings: Settings): Drawn {
  const n = settings.number("n");
  const lines = settings.number("lines");
  const block = settings.number("block");
  const order = settings.text("order");
  const all = Object.keys(ORDERS).map((name) => ({ name, counts: fetches(name, n, block, lines) }));
  const { counts } = all.find(({ name }) => name === order)!;
  const sums = ({ A, B, C }: typeof counts) => [total(A), total(B), total(C)] as const;
  const most = Math.max(...Object.values(counts).flat(2));
  const down = SIDE / n;
  const across = (SIDE / n) * LINE;
  const marks: string[] = [];
  Object.entries(counts).forEach(([matrix, rows], m) => {
    const left = 8 + m * (SIDE + GAP);
    const sum = total(rows);
    marks.push(
      label(left, 18, `${matrix}: ${sum.toLocaleString("en")} lines fetched`, { "font-weight": 600 }),
    );
    rows.forEach((row, i) => {
      row.forEach((count, k) => {
        marks.push(
          element("rect", {
            x: left + k * across,
            y: 28 + i * down,
            width: across - 0.6,
            height: down - 0.6,
            fill: cividis(count / most),
          }),
        );
      });
    });
  });
  marks.push(label(8, SIDE + 50, `dark: never fetched; bright: fetched ${most} times`, { "font-size": 12 }));
  const list = all.map(({ name, counts }) => {
    const sum = sums(counts).reduce((a, b) => a + b);
    return `${name}${name === "blocks" ? ` of ${block}` : ""}: ${sum.toLocaleString("en")}`;
  });
  const products = n ** 3;
  return {
    svg: picture(
      3 * SIDE + 2 * GAP + 16,
      SIDE + 58,
      `How often the lines of A, B and C = A B are fetched, order: ${order}`,
      marks.join(""),
    ),
    note: `Each order multiplies ${products.toLocaleString("en")} times. With a cache of ${lines} lines of ${LINE} numbers they fetch these numbers of lines. ${list.join("; ")}. If each line were fetched once, it would be ${((3 * n * n) / LINE).toLocaleString("en")}.`,
    table: {
      columns: ["order", "lines of A", "lines of B", "lines of C"],
      rows: all.map(({ name, counts }) => [name, ...sums(counts)]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "The same multiplications in three orders, and what each fetches from memory",
  controls: [
    {
      kind: "choice",
      name: "order",
      label: "Order",
      choices: Object.keys(ORDERS),
      value: "row times column",
    },
    { kind: "range", name: "n", label: "Rows and columns", min: 8, max: 32, step: 4, value: 24 },
    { kind: "range", name: "lines", label: "Lines in the cache", min: 8, max: 128, step: 8, value: 16 },
    { kind: "range", name: "block", label: "Block", min: 2, max: 16, step: 2, value: 4 },
  ],
  draw,
};
