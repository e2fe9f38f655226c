// Word errors as a walk through a table: words that were said (rows) by words that were recognised (columns). The texts are
// what the shipped checkpoint writes for bundled recordings; test: it does.
import { scoreText } from "@echo-ts/echo-model";
import { element, label, picture } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

/** What was said, and what CTC and the attention decoder make of the recording. */
export const READINGS = [
  {
    id: "alnum-digits-01",
    said: "four zero seven",
    ctc: "four zero five seven",
    attention: "four zero seven",
  },
  { id: "alnum-digits-17", said: "zero oh three", ctc: "zero o k", attention: "zero" },
  { id: "alnum-spelled-10", said: "z g j s", ctc: "b z v j s", attention: "z e j s k s s s z" },
  {
    id: "alnum-mixed-22",
    said: "seventy one v seventeen",
    ctc: "seventeen one oh seventeen",
    attention: "seven one one two seven nine two",
  },
  {
    id: "alnum-mixed-10",
    said: "six p seventeen eight eleven",
    ctc: "six p seventeen eight eight nine",
    attention: "six eight seven five eight seven nine",
  },
] as const;

type Kind = "hit" | "substitution" | "deletion" | "insertion";

/** A place on the way through the table; `kind` is how one got there. */
interface Place {
  readonly i: number;
  readonly j: number;
  readonly kind: Kind;
}

/** Fewest edits between the first i words and the first j, for all i and j. */
function tableOf(said: readonly string[], heard: readonly string[]): number[][] {
  const table = [heard.reduce((row) => [...row, row.length], [0])];
  for (const [i, word] of said.entries()) {
    const row = [i + 1];
    for (const [j, other] of heard.entries())
      row.push(Math.min(table[i]![j]! + (word === other ? 0 : 1), table[i]![j + 1]! + 1, row[j]! + 1));
    table.push(row);
  }
  return table;
}

/** One cheapest way, from the end back; of equal ones a pair before a deletion before an insertion. */
function wayThrough(said: readonly string[], heard: readonly string[], table: readonly number[][]): Place[] {
  const way: Place[] = [];
  let [i, j] = [said.length, heard.length];
  while (i > 0 || j > 0) {
    const here = table[i]![j]!;
    const same = i > 0 && j > 0 && said[i - 1] === heard[j - 1];
    if (i > 0 && j > 0 && table[i - 1]![j - 1]! + (same ? 0 : 1) === here) {
      way.unshift({ i, j, kind: same ? "hit" : "substitution" });
      i--;
      j--;
    } else if (i > 0 && table[i - 1]![j]! + 1 === here) way.unshift({ i: i--, j, kind: "deletion" });
    else way.unshift({ i, j: j--, kind: "insertion" });
  }
  return way;
}

const ACROSS = 66;
const DOWN = 34;
const LEFT = 92;
const TOP = 66;
const MOST_ROWS = 5;
const SIGNS: Readonly<Record<Kind, string>> = { hit: "", substitution: "S", deletion: "D", insertion: "I" };

function draw(settings: Settings): Drawn {
  const reading = READINGS.find(({ said }) => said === settings.text("said"))!;
  const text = settings.text("reader") === "CTC" ? reading.ctc : reading.attention;
  const said = reading.said.split(" ");
  const heard = text.split(" ");
  const table = tableOf(said, heard);
  const shown = Math.min(settings.number("rows"), said.length);
  const complete = shown === said.length;
  const way = complete ? wayThrough(said, heard, table) : [];
  const kindAt = new Map(way.map(({ i, j, kind }) => [`${i},${j}`, kind]));
  const marks = [label(8, 18, `said (rows): ${reading.said}`, { "font-weight": 600 })];
  marks.push(label(8, 36, `recognised (columns): ${text}`, { "font-weight": 600 }));
  const middle = (i: number, j: number) =>
    [LEFT + j * ACROSS + ACROSS / 2, TOP + i * DOWN + DOWN / 2] as const;
  ["", ...heard].forEach((word, j) => {
    marks.push(label(middle(0, j)[0], TOP - 8, word, { "text-anchor": "middle", "font-size": 12 }));
  });
  ["", ...said].forEach((word, i) => {
    marks.push(label(LEFT - 10, middle(i, 0)[1] + 5, word, { "text-anchor": "end", "font-size": 12 }));
  });
  for (let i = 0; i <= said.length; i++)
    for (let j = 0; j <= heard.length; j++) {
      const [x, y] = middle(i, j);
      const kind = kindAt.get(`${i},${j}`) ?? (complete && i + j === 0 ? "hit" : undefined);
      marks.push(
        element("rect", {
          x: x - ACROSS / 2 + 2,
          y: y - DOWN / 2 + 2,
          width: ACROSS - 4,
          height: DOWN - 4,
          fill: "var(--ground)",
          stroke: kind === undefined ? "var(--line)" : kind === "hit" ? "var(--ours)" : "var(--warn)",
          "stroke-width": kind === undefined ? 1 : 3,
        }),
      );
      if (i > shown) continue;
      marks.push(label(x, y + 5, String(table[i]![j]), { "text-anchor": "middle" }));
      const sign = kind === undefined ? "" : SIGNS[kind];
      if (sign !== "")
        marks.push(
          label(x + ACROSS / 2 - 8, y + 5, sign, {
            "text-anchor": "end",
            "font-weight": 700,
            fill: "var(--warn)",
          }),
        );
    }
  const { words } = scoreText({ reference: reading.said, hypothesis: text });
  const note = complete
    ? `${words.substitutions} substituted (S), ${words.deletions} deleted (D), ${words.insertions} inserted (I): ${words.errors} ${words.errors === 1 ? "error" : "errors"} in ${words.total} words, a word error rate of ${(100 * words.rate).toFixed(0)} %. The way through the table is drawn thick.`
    : `Each number is the least of three: from the left plus 1, from above plus 1, from the corner above plus 0 where the words are equal, else plus 1. Row ${shown} of ${said.length} is filled.`;
  return {
    svg: picture(
      LEFT + (heard.length + 1) * ACROSS + 8,
      TOP + (MOST_ROWS + 1) * DOWN + 6,
      `Table of edits between "${reading.said}" and "${text}"`,
      marks.join(""),
    ),
    note,
    table: {
      columns: ["said", "recognised", "step"],
      rows: wayThrough(said, heard, table).map(({ i, j, kind }) => [
        kind === "insertion" ? "" : said[i - 1]!,
        kind === "deletion" ? "" : heard[j - 1]!,
        kind,
      ]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "The fewest edits between what was said and what was recognised",
  controls: [
    {
      kind: "choice",
      name: "said",
      label: "Recording",
      choices: READINGS.map(({ said }) => said),
      value: READINGS[4].said,
    },
    {
      kind: "choice",
      name: "reader",
      label: "Recognised by",
      choices: ["CTC", "attention"],
      value: "CTC",
    },
    { kind: "range", name: "rows", label: "Rows filled", min: 0, max: MOST_ROWS, step: 1, value: MOST_ROWS },
  ],
  draw,
};
