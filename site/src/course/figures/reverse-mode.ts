// The walk back through loss = (w x + b - y)^2, one step at a time, with the gradients that autograd computes.
import { onGradient, variable } from "@echo-ts/autograd";
import { tensor } from "@echo-ts/tensor";
import { element, label, picture } from "../../draw/svg.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

const X = 3;
const Y = 1;

interface Value {
  readonly name: string;
  readonly meaning: string;
  readonly at: readonly [x: number, y: number];
  readonly value: number;
  readonly gradient: number;
}

/** Values and gradients, in the order in which the walk back reaches them. */
function walk(w: number, b: number): Value[] {
  const number = (x: number) => variable(tensor(x, { dtype: "float64" }));
  const leafW = number(w);
  const leafB = number(b);
  const product = leafW.mul(X);
  const sum = product.add(leafB);
  const error = sum.sub(Y);
  const loss = error.square();
  const made = [
    { name: "loss", meaning: "error squared", at: [590, 40], tensor: loss },
    { name: "error", meaning: `sum - ${Y}`, at: [450, 40], tensor: error },
    { name: "sum", meaning: "product + b", at: [310, 40], tensor: sum },
    { name: "b", meaning: "a parameter", at: [170, 140], tensor: leafB },
    { name: "product", meaning: `w times ${X}`, at: [170, 40], tensor: product },
    { name: "w", meaning: "a parameter", at: [30, 40], tensor: leafW },
  ] as const;
  const values = made.map((one) => one.tensor.item());
  const gradients = new Map<string, number>();
  for (const one of made) onGradient(one.tensor, (g) => void gradients.set(one.name, g.item()));
  loss.backward();
  return made.map(({ name, meaning, at }, i) => ({
    name,
    meaning,
    at,
    value: values[i]!,
    gradient: gradients.get(name)!,
  }));
}

const LINES = [
  ["error", "loss"],
  ["sum", "error"],
  ["product", "sum"],
  ["b", "sum"],
  ["w", "product"],
] as const;
const WIDTH = 104;

const text = (x: number): string => String(Number(x.toPrecision(5)));

const REASONS = [
  "The walk starts at the loss: d loss / d loss = 1.",
  "The rule of square multiplies by 2 error.",
  "The rule of subtraction passes the gradient on unchanged.",
  "The rule of addition gives the whole gradient to b.",
  "And the whole gradient to the product as well.",
  `The rule of multiplication gives w the gradient times the other factor, ${X}.`,
];

function draw(settings: Settings): Drawn {
  const values = walk(settings.number("w"), settings.number("b"));
  const step = settings.number("step");
  const place = (name: string) => values.find((one) => one.name === name)!.at;
  const marks = LINES.map(([from, to]) => {
    const [x1, y1] = place(from);
    const [x2, y2] = place(to);
    return element("line", {
      x1: x1 + WIDTH,
      y1: y1 + 34,
      x2,
      y2: y2 + 34,
      stroke: "var(--soft)",
      "stroke-width": 1.5,
    });
  });
  values.forEach(({ name, meaning, at: [x, y], value, gradient }, i) => {
    const reached = i < step;
    marks.push(
      element("rect", {
        x,
        y,
        width: WIDTH,
        height: 78,
        rx: 4,
        fill: "var(--ground)",
        stroke: reached ? "var(--ours)" : "var(--line)",
        "stroke-width": i === step - 1 ? 4 : reached ? 2 : 1,
      }),
      label(x + 8, y + 18, name, { "font-weight": 600 }),
      label(x + 8, y + 34, meaning, { "font-size": 11 }),
      label(x + 8, y + 51, `value ${text(value)}`, { "font-size": 12 }),
      label(x + 8, y + 69, reached ? `gradient ${text(gradient)}` : "gradient ?", {
        "font-size": 12,
        fill: reached ? "var(--ours)" : "var(--soft)",
      }),
    );
  });
  return {
    svg: picture(704, 230, "The graph of the loss, with values and gradients", marks.join("")),
    note: step === 0 ? "The forward pass has run: every value is known, no gradient is." : REASONS[step - 1]!,
    table: {
      columns: ["value of", "is", "d loss / d it"],
      rows: values.map(({ name, value, gradient }) => [name, text(value), text(gradient)]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: `The walk back through loss = (w x + b - y)², with x = ${X} and y = ${Y}`,
  controls: [
    { kind: "range", name: "step", label: "Steps back", min: 0, max: 6, step: 1, value: 2 },
    { kind: "range", name: "w", label: "w", min: -2, max: 2, step: 0.25, value: 1 },
    { kind: "range", name: "b", label: "b", min: -2, max: 2, step: 0.25, value: 0.5 },
  ],
  draw,
};
