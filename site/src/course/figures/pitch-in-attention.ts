// How positions see each other: similarity by distance, for a base that follows f0 beside a constant one.
import { geometricFrequencies, positionSimilarity, thetaFromPitch } from "@echo-ts/echo-model/model";
import { drawChart } from "../../draw/chart.ts";
import type { CourseFigure, Drawn, Settings } from "../course-figure.ts";

/** The defaults of the model; test: they give the specification's widths. */
const MODULATION = {
  minTheta: 600,
  maxTheta: 2400,
  minPitchHz: 80,
  maxPitchHz: 600,
  referencePitchHz: 300,
};
const PAIRS = 64;
const DISTANCES = 120;

/** Similarity by distance. */
const curve = (theta: number): number[] => [
  ...positionSimilarity(geometricFrequencies(theta, PAIRS), DISTANCES).subarray(0, DISTANCES),
];

const widthOf = (values: readonly number[]): number => values.findIndex((x) => x < 0.5);

function draw(settings: Settings): Drawn {
  const hz = settings.number("f0");
  const theta = thetaFromPitch(hz, MODULATION as Parameters<typeof thetaFromPitch>[1]);
  const followed = curve(theta);
  const constant = curve(settings.number("theta"));
  const svg = drawChart(
    [
      { name: `base from f0 = ${hz} Hz`, values: followed, colour: "var(--pitch)" },
      { name: `constant base ${settings.text("theta")}`, values: constant, colour: "var(--ours)" },
    ],
    "Similarity of a position with later ones",
    { across: "distance in frames", range: [-0.2, 1] },
  );
  return {
    svg,
    note: `At ${hz} Hz the base is ${theta.toFixed(1)} and the band is ${widthOf(followed)} frames wide; with the constant base it is ${widthOf(constant)} frames wide. The width is the first distance at which the similarity is below one half.`,
    table: {
      columns: ["distance", "base from f0", "constant base"],
      rows: followed.map((x, i) => [i, x.toFixed(4), constant[i]!.toFixed(4)]),
    },
  };
}

/** The figure. */
export const figure: CourseFigure = {
  title: "How positions see each other when the pitch chooses the base",
  controls: [
    { kind: "range", name: "f0", label: "f0", min: 80, max: 600, step: 10, value: 120, unit: "Hz" },
    {
      kind: "range",
      name: "theta",
      label: "Constant base",
      min: 500,
      max: 20000,
      step: 500,
      value: 10000,
    },
  ],
  draw,
};
