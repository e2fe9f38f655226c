// Rotary pairs as clocks: the hand of a query at one position and that of a key at another, and the similarity over
// distance that all pairs together give.
import { geometricFrequencies, positionSimilarity } from "@echo-ts/echo-model/model";
import { rotatePairs, tensor } from "@echo-ts/tensor";
import { element, label, picture, scale, ticks } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

const CLOCKS = 6;
const LONGEST = 100;
const WIDTH = 640;

/** The pairs (1, 0) at a position, turned: one [x, y] for each frequency. */
function handsAt(position: number, frequencies: Float64Array): [number, number][] {
  const pairs = frequencies.length;
  const ones = tensor(
    Float64Array.from({ length: 2 * pairs }, (_, i) => 1 - (i % 2)),
    { shape: [2 * pairs] },
  );
  const angles = tensor(frequencies.map((omega) => position * omega));
  return rotatePairs(ones, angles.cos(), angles.sin()).reshape([pairs, 2]).toArray() as [number, number][];
}

const dot = ([x, y]: readonly [number, number], [u, w]: readonly [number, number]): number => x * u + y * w;

const HAND = 34;

function clock(
  at: readonly [x: number, y: number],
  query: readonly [number, number],
  key: readonly [number, number],
  text: readonly string[],
): string {
  const [x, y] = at;
  const hand = ([u, w]: readonly [number, number], colour: string, width: number) =>
    element("line", {
      x1: x,
      y1: y,
      x2: x + HAND * u,
      // Angles grow against the clock, as in mathematics; y of a picture grows downwards.
      y2: y - HAND * w,
      stroke: colour,
      "stroke-width": width,
      "stroke-linecap": "round",
    });
  return [
    element("circle", { cx: x, cy: y, r: HAND + 5, fill: "var(--ground)", stroke: "var(--line)" }),
    hand(query, "var(--ours)", 6),
    hand(key, "var(--pitch)", 3),
    ...text.map((words, i) => label(x, y + 58 + 16 * i, words, { "text-anchor": "middle", "font-size": 12 })),
  ].join("");
}

const BASES = ["100", "1000", "10000", "100000"];

/** Similarity at each distance from 0 to {@link LONGEST}. */
const similarity = (theta: number, pairs: number): number[] => [
  ...positionSimilarity(geometricFrequencies(theta, pairs), LONGEST + 1).subarray(0, LONGEST + 1),
];

/** The curve of the base, thin ones of the other bases, and a point at the distance that is looked at. */
function curves(theta: number, pairs: number, distance: number, top: number, height: number): string {
  const values = similarity(theta, pairs);
  const [left, right] = [48, WIDTH - 14];
  const x = scale(0, LONGEST, left, right);
  const y = scale(-0.6, 1, top + height, top);
  const path = (points: readonly number[]) =>
    points.map((v, d) => `${d === 0 ? "M" : "L"}${x(d).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const others = BASES.filter((base) => Number(base) !== theta).map((base) =>
    element("path", {
      d: path(similarity(Number(base), pairs)),
      fill: "none",
      stroke: "var(--soft)",
      "stroke-opacity": 0.5,
    }),
  );
  return [
    label(left, top - 10, "Similarity of two positions: the mean of cos(distance × ω) over all pairs", {
      "font-weight": 600,
    }),
    ...[-0.5, 0, 0.5, 1].flatMap((v) => [
      element("line", { x1: left, x2: right, y1: y(v), y2: y(v), stroke: "var(--line)" }),
      label(left - 6, y(v) + 4, String(v), { "text-anchor": "end", "font-size": 11 }),
    ]),
    ...ticks(0, LONGEST, 10).map((d) =>
      label(x(d), top + height + 16, String(d), { "text-anchor": "middle", "font-size": 11 }),
    ),
    label(right, top + height + 34, "distance in positions", { "text-anchor": "end", "font-size": 12 }),
    ...others,
    element("path", { d: path(values), fill: "none", stroke: "var(--ink)", "stroke-width": 2 }),
    element("circle", { cx: x(distance), cy: y(values[distance]!), r: 6, fill: "var(--pitch)" }),
  ].join("");
}

function draw(settings: Settings): Drawn {
  const [m, distance] = [settings.number("query"), settings.number("distance")];
  const [theta, pairs] = [settings.number("theta"), settings.number("pairs")];
  const frequencies = geometricFrequencies(theta, pairs);
  const queries = handsAt(m, frequencies);
  const keys = handsAt(m + distance, frequencies);
  const cosines = frequencies.map((_, j) => dot(queries[j]!, keys[j]!));
  const score = cosines.reduce((sum, c) => sum + c, 0) / pairs;
  const shown = Array.from({ length: CLOCKS }, (_, i) => Math.round((i * (pairs - 1)) / (CLOCKS - 1)));
  const clocks = shown.map((j, i) =>
    clock([60 + i * 104, 84], queries[j]!, keys[j]!, [
      `pair ${j}`,
      `ω = ${frequencies[j]!.toPrecision(2)}`,
      `cos ${cosines[j]!.toFixed(2)}`,
    ]),
  );
  const key = (x: number, colour: string, width: number, text: string) =>
    element("line", { x1: x, x2: x + 24, y1: 20, y2: 20, stroke: colour, "stroke-width": width }) +
    label(x + 30, 24, text, { "font-size": 12 });
  const marks = [
    key(20, "var(--ours)", 6, `query at ${m}`),
    key(150, "var(--pitch)", 3, `key at ${m + distance}`),
    ...clocks,
    curves(theta, pairs, distance, 226, 150),
  ];
  return {
    svg: picture(
      WIDTH,
      416,
      `Clocks of ${CLOCKS} pairs, and similarity over distance for base ${theta}`,
      marks.join(""),
    ),
    note: `Query at ${m}, key at ${m + distance}: the mean cosine between their hands, over all ${pairs} pairs, is ${score.toFixed(4)}. Move the query: the hands turn, this number stays. Thin lines are the other bases.`,
    table: {
      columns: ["pair", "ω", "angle of the query", "angle of the key", "cosine between them"],
      rows: [...frequencies].map((omega, j) => [
        j,
        omega.toPrecision(4),
        (m * omega).toFixed(3),
        ((m + distance) * omega).toFixed(3),
        cosines[j]!.toFixed(4),
      ]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "Every pair is a clock; only the angle between two hands counts",
  controls: [
    { kind: "range", name: "query", label: "Query at", min: 0, max: 200, step: 1, value: 5 },
    {
      kind: "range",
      name: "distance",
      label: "Distance",
      min: 0,
      max: LONGEST,
      step: 1,
      value: 4,
    },
    {
      kind: "choice",
      name: "theta",
      label: "Base θ",
      choices: BASES,
      value: "10000",
    },
    { kind: "choice", name: "pairs", label: "Pairs", choices: ["6", "16", "64"], value: "64" },
  ],
  draw,
};
