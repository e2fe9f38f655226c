// The lattice of CTC: states by frames, the forward probability as ink, the likeliest path through it.
import { ctcLoss } from "@echo-ts/autograd";
import { logSoftmax, type Tensor, tensor } from "@echo-ts/tensor";
import { element, label, picture } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

const LETTERS = ["_", "a", "b"];
const FRAMES = 8;

/** Log probabilities [FRAMES, 3]: "a" is heard early, "b" late, each for a while; `sure` makes the network sure. */
function logProbabilities(sure: number): Tensor {
  const bump = (t: number, centre: number) => 2 * Math.exp(-((t - centre) ** 2) / 2);
  const logits = Array.from({ length: FRAMES }, (_, t) => [1, bump(t, 2), bump(t, 5)].map((x) => x * sure));
  return logSoftmax(tensor(logits, { dtype: "float64" }));
}

/** States of a text: a blank around every letter. */
const statesOf = (text: string): number[] => [
  0,
  ...[...text].flatMap((letter) => [LETTERS.indexOf(letter), 0]),
];

/** Whether a path may jump from state s - 2 to s. */
const maySkip = (states: readonly number[], s: number): boolean =>
  s >= 2 && states[s] !== 0 && states[s] !== states[s - 2];

interface Lattice {
  readonly states: readonly number[];
  /** Sum over all paths that stand in state s at frame t, as [t][s]. */
  readonly forward: readonly (readonly number[])[];
  /** State of the likeliest single path at each frame; empty if there is none. */
  readonly best: readonly number[];
}

function latticeOf(text: string, p: readonly (readonly number[])[]): Lattice {
  const states = statesOf(text);
  const sources = (s: number) => [s, s - 1, maySkip(states, s) ? s - 2 : -1].filter((from) => from >= 0);
  const forward = [states.map((c, s) => (s < 2 ? p[0]![c]! : 0))];
  const likeliest = [forward[0]!.slice()];
  const came: number[][] = [];
  for (let t = 1; t < p.length; t++) {
    const last = forward[t - 1]!;
    const top = likeliest[t - 1]!;
    forward.push(states.map((c, s) => p[t]![c]! * sources(s).reduce((sum, from) => sum + last[from]!, 0)));
    came.push(states.map((_, s) => sources(s).reduce((a, b) => (top[b]! > top[a]! ? b : a))));
    likeliest.push(states.map((c, s) => p[t]![c]! * top[came[t - 1]![s]!]!));
  }
  const ends = states.length > 1 ? [states.length - 1, states.length - 2] : [0];
  const end = ends.reduce((a, b) => (likeliest.at(-1)![b]! > likeliest.at(-1)![a]! ? b : a));
  const best = likeliest.at(-1)![end]! > 0 ? [end] : [];
  for (let t = p.length - 1; t > 0 && best.length > 0; t--) best.unshift(came[t - 1]![best[0]!]!);
  return { states, forward, best };
}

function draw(settings: Settings): Drawn {
  const frames = settings.number("frames");
  const text = settings.text("text");
  const logProbs = logProbabilities(settings.number("sure")).slice([{ stop: frames }]);
  const p = (logProbs.exp().toArray() as number[][]).map((row) => row);
  const { states, forward, best } = latticeOf(text, p);
  const across = 62;
  const down = 34;
  const at = (t: number, s: number) => [60 + t * across, 44 + s * down] as const;
  const marks = [label(8, 18, `The states of "${text}" (rows) by frame (columns)`, { "font-weight": 600 })];
  for (let t = 0; t < frames; t++) {
    // What a dot shows is relative to its column: otherwise late columns would be white.
    const most = Math.max(...forward[t]!, Number.MIN_VALUE);
    for (let s = 0; s < states.length; s++) {
      const [x, y] = at(t, s);
      if (t > 0)
        for (const from of [s, s - 1, maySkip(states, s) ? s - 2 : -1]) {
          if (from < 0 || forward[t - 1]![from] === 0) continue;
          const [x1, y1] = at(t - 1, from);
          const onBest = best[t - 1] === from && best[t] === s;
          marks.push(
            element("line", {
              x1,
              y1,
              x2: x,
              y2: y,
              stroke: onBest ? "var(--pitch)" : "var(--line)",
              "stroke-width": onBest ? 4 : 1,
            }),
          );
        }
    }
    for (let s = 0; s < states.length; s++) {
      const [x, y] = at(t, s);
      marks.push(
        element("circle", { cx: x, cy: y, r: 10, fill: "var(--ground)", stroke: "var(--soft)" }),
        element("circle", {
          cx: x,
          cy: y,
          r: 10,
          fill: "var(--ink)",
          "fill-opacity": forward[t]![s]! / most,
        }),
      );
    }
    marks.push(label(at(t, 0)[0], 50 + states.length * down, String(t + 1), { "text-anchor": "middle" }));
  }
  states.forEach((c, s) => {
    marks.push(label(28, at(0, s)[1] + 5, LETTERS[c]!, { "font-weight": 600 }));
  });
  const last = forward[frames - 1]!;
  const total = last.at(-1)! + (last.at(-2) ?? 0);
  const labels = [...text].map((letter) => LETTERS.indexOf(letter));
  const target = tensor(Int32Array.from(labels), { shape: [1, labels.length] });
  const loss = ctcLoss(logProbs.reshape([frames, 1, 3]), target, [frames], [labels.length], {
    reduction: "sum",
  }).item();
  const path = best.map((s) => LETTERS[states[s]!]).join(" ");
  const note =
    best.length === 0
      ? `No path of ${frames} frames spells "${text}". The loss is infinite.`
      : `The likeliest path, drawn thick, is ${path}. All paths together have probability ${total.toPrecision(4)}, and the loss is ${loss.toPrecision(4)}. A dot's ink is relative to its column.`;
  return {
    svg: picture(60 + FRAMES * across, 60 + states.length * down, "The lattice of CTC", marks.join("")),
    note,
    table: {
      columns: ["frame", ...states.map((c, s) => `${s}: ${LETTERS[c]}`)],
      rows: forward.map((row, t) => [t + 1, ...row.map((x) => x.toPrecision(3))]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "All the ways to spell a text in a few frames",
  controls: [
    { kind: "choice", name: "text", label: "Text", choices: ["ab", "a", "aa", "aab", "ba"], value: "ab" },
    { kind: "range", name: "frames", label: "Frames", min: 2, max: FRAMES, step: 1, value: 7 },
    {
      kind: "range",
      name: "sure",
      label: "How sure the network is",
      min: 0,
      max: 4,
      step: 0.25,
      value: 1.5,
    },
  ],
  draw,
};
