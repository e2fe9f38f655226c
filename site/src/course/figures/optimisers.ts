// The paths of four optimisers over one loss of two parameters: the loss is ours, the gradients are autograd's, the steps
// are those of the optimisers that train models.
import { Adam, AdamW, type Optimizer, Parameter, SGD } from "@echo-ts/autograd";
import { linspace, type Tensor, tensor } from "@echo-ts/tensor";
import { contourPath } from "../../draw/contours.ts";
import { element, label, picture, scale } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

interface Surface {
  /** The loss. It takes numbers as variables, for a path, and whole axes of a grid, for the contours. */
  readonly loss: (a: Tensor, b: Tensor) => Tensor;
  readonly lowest: readonly [a: number, b: number];
}

const SURFACES: Readonly<Record<string, Surface>> = {
  "a valley along an axis": {
    loss: (a, b) => a.sub(1).square().add(b.sub(0.5).square().mul(25)).mul(0.5),
    lowest: [1, 0.5],
  },
  "a slanting valley": {
    loss: (a, b) => {
      const along = a.sub(1).add(b.sub(0.5));
      const across = a.sub(1).sub(b.sub(0.5));
      return along.square().add(across.square().mul(25)).mul(0.25);
    },
    lowest: [1, 0.5],
  },
  "a bent valley": {
    loss: (a, b) => a.sub(1).square().add(b.sub(a.square()).square().mul(5)).mul(0.5),
    lowest: [1, 1],
  },
};

interface Options {
  readonly learningRate: number;
  readonly weightDecay: number;
}

const OPTIMISERS: Readonly<Record<string, (parameters: Parameter[], options: Options) => Optimizer<object>>> =
  {
    SGD: (parameters, options) => new SGD(parameters, options),
    "SGD, momentum 0.9": (parameters, options) => new SGD(parameters, { ...options, momentum: 0.9 }),
    Adam: (parameters, options) => new Adam(parameters, options),
    AdamW: (parameters, options) => new AdamW(parameters, options),
  };

const START = [-1.5, 1.5] as const;
const MOST_STEPS = 100;
const [LEFT, RIGHT, LOW, HIGH] = [-2, 2, -1.2, 2];
const HEIGHTS = [0.1, 0.4, 1.2, 3, 7, 15, 30];

interface Point {
  readonly a: number;
  readonly b: number;
  readonly loss: number;
}

/** Where an optimiser stands after 0, 1, 2 ... steps; it ends early where the numbers leave every bound. */
function pathOf(surface: string, optimiser: string, options: Options): Point[] {
  const [a, b] = START.map((value) => new Parameter(tensor(value, { dtype: "float64" })));
  const { loss: lossOf } = SURFACES[surface]!;
  const made = OPTIMISERS[optimiser]!([a!, b!], options);
  const points: Point[] = [];
  for (let step = 0; step <= MOST_STEPS; step++) {
    made.zeroGrad();
    const loss = lossOf(a!, b!);
    points.push({ a: a!.item(), b: b!.item(), loss: loss.item() });
    if (Math.abs(a!.item()) + Math.abs(b!.item()) > 1e4) break;
    loss.backward();
    made.step();
  }
  return points;
}

const paths = new Map<string, Readonly<Record<string, readonly Point[]>>>();

/** The paths of all optimisers, computed once for each setting. */
function pathsOf(surface: string, options: Options): Readonly<Record<string, readonly Point[]>> {
  const key = JSON.stringify([surface, options]);
  const known = paths.get(key);
  if (known !== undefined) return known;
  const entries = Object.keys(OPTIMISERS).map((name) => [name, pathOf(surface, name, options)] as const);
  const made = Object.fromEntries(entries);
  paths.set(key, made);
  return made;
}

const WIDTH = 312;
const HEIGHT = 250;
const x = scale(LEFT, RIGHT, 0, WIDTH);
const y = scale(LOW, HIGH, HEIGHT, 0);

/** Lines of equal loss, a cross where it is lowest, and the axes. */
function backdrop(surface: string): string {
  const columns = 81;
  const rows = 65;
  const across = linspace(LEFT, RIGHT, columns, { dtype: "float64" });
  const up = linspace(LOW, HIGH, rows, { dtype: "float64" }).reshape([rows, 1]);
  const { loss, lowest } = SURFACES[surface]!;
  const grid = loss(across, up).toArray() as number[][];
  const lines = HEIGHTS.map((height) =>
    element("path", {
      d: contourPath(grid, height, scale(0, columns - 1, 0, WIDTH), scale(0, rows - 1, HEIGHT, 0)),
      fill: "none",
      stroke: "var(--soft)",
      "stroke-opacity": 0.45,
    }),
  );
  const small = { "font-size": 11, fill: "var(--soft)" };
  const middle = { ...small, "text-anchor": "middle", "dominant-baseline": "middle" };
  return [
    element("rect", { width: WIDTH, height: HEIGHT, fill: "var(--ground)", stroke: "var(--line)" }),
    ...lines,
    label(x(lowest[0]), y(lowest[1]), "+", { ...middle, "font-size": 18 }),
    label(x(0), y(0), "0", middle),
    label(5, HEIGHT - 6, `a = ${LEFT}`, small),
    label(WIDTH - 5, HEIGHT - 6, `a = ${RIGHT}`, { ...small, "text-anchor": "end" }),
    label(5, 14, `b = ${HIGH}`, small),
  ].join("");
}

function panel(
  at: readonly [number, number],
  name: string,
  points: readonly Point[],
  behind: string,
): string {
  const dots = points.map(({ a, b }, i) => {
    const last = i === points.length - 1;
    const fill = last ? "var(--pitch)" : "var(--ours)";
    return element("circle", { cx: x(a), cy: y(b), r: last ? 5 : 2, fill });
  });
  const corners = points.map(({ a, b }) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L");
  const line = { d: `M${corners}`, fill: "none", stroke: "var(--ours)", "stroke-width": 1.5 };
  const [left, top] = at;
  const inside = behind + element("path", line) + dots.join("");
  return (
    label(left, top - 8, name, { "font-weight": 600 }) +
    element("svg", { x: left, y: top, width: WIDTH, height: HEIGHT }, inside)
  );
}

const shown = (value: number): string => (Math.abs(value) < 1000 ? value.toFixed(3) : value.toExponential(1));

function draw(settings: Settings): Drawn {
  const surface = settings.text("surface");
  const steps = settings.number("steps");
  const options = { learningRate: settings.number("rate"), weightDecay: settings.number("decay") };
  const all = pathsOf(surface, options);
  const behind = backdrop(surface);
  const names = Object.keys(all);
  const until = (name: string) => all[name]!.slice(0, steps + 1);
  const panels = names.map((name, i) =>
    panel([4 + (i % 2) * (WIDTH + 12), 24 + Math.floor(i / 2) * (HEIGHT + 34)], name, until(name), behind),
  );
  const lost = names.filter((name) => until(name).at(-1)!.loss > all[name]![0]!.loss);
  const lower = names.filter((name) => !lost.includes(name));
  const best = lower.reduce((a, b) => (until(b).at(-1)!.loss < until(a).at(-1)!.loss ? b : a), lower[0]!);
  const notes = [
    best === undefined
      ? "No optimiser is below the loss it began with."
      : `The cross marks the lowest loss, 0. After ${steps} steps the loss is least with ${best}: ${until(best).at(-1)!.loss.toPrecision(3)}.`,
    lost.length > 0 ? `Above where it began: ${lost.join("; ")}.` : "",
    options.weightDecay === 0
      ? "Without weight decay, Adam and AdamW are the same."
      : "Weight decay draws all paths towards the point marked 0, away from the lowest loss.",
  ];
  return {
    svg: picture(
      2 * WIDTH + 20,
      2 * HEIGHT + 64,
      `Paths of ${names.join("; ")} over ${surface}`,
      panels.join(""),
    ),
    note: notes.filter((text) => text !== "").join(" "),
    table: {
      columns: ["step", ...names.flatMap((name) => [`${name}: loss`, "a", "b"])],
      rows: Array.from({ length: steps + 1 }, (_, i) => [
        i,
        ...names.flatMap((name) => {
          const point = all[name]![i];
          return point === undefined ? ["", "", ""] : [shown(point.loss), shown(point.a), shown(point.b)];
        }),
      ]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "Four optimisers go down the same valley with the same learning rate",
  controls: [
    { kind: "range", name: "steps", label: "Steps", min: 1, max: MOST_STEPS, step: 1, value: 40 },
    {
      kind: "choice",
      name: "surface",
      label: "Loss",
      choices: Object.keys(SURFACES),
      value: "a valley along an axis",
    },
    {
      kind: "choice",
      name: "rate",
      label: "Learning rate",
      choices: ["0.01", "0.03", "0.07", "0.1", "0.3"],
      value: "0.07",
    },
    { kind: "choice", name: "decay", label: "Weight decay", choices: ["0", "0.1", "0.3"], value: "0" },
  ],
  draw,
};
