// The seed's gradient tables as figures: gates over MLPs, queries, keys and values, gradient by part, gates, attention.
// Numbers: ../train/diagnose-model.ts. The seed's own figures are printed beside ours.
import { type Diagnosis, valueDominance } from "../train/diagnose-model.ts";
import { type DotValue, dotFigure } from "./dot-figure.ts";
import type { Cell, Figure, FigureTable } from "./figure.ts";
import type { ReportSection } from "./page.ts";

const CAVEAT =
  "The seed's figures come from its first ten backward passes, an untrained network. A gate's weight is a vector whose gradient sums over the whole MLP result, the MLP's is a matrix: much of the ratio is geometry.";

const range = (values: readonly (number | null | undefined)[]): string => {
  const known = values.filter((value): value is number => typeof value === "number");
  if (known.length === 0) return "-";
  const show = (x: number): string => Number(x.toPrecision(3)).toString();
  return `${show(Math.min(...known))} to ${show(Math.max(...known))}`;
};

/** The seed's figures beside those of each phase. */
export function seedTable(diagnoses: readonly Diagnosis[]): FigureTable & { readonly caption: string } {
  const kind = (diagnosis: Diagnosis, start: string): Diagnosis["blocks"] =>
    diagnosis.blocks.filter(({ name }) => name.startsWith(start));
  const row = (name: string, seed: string, of: (diagnosis: Diagnosis) => string): Cell[] => [
    name,
    seed,
    ...diagnoses.map(of),
  ];
  const decay = (diagnosis: Diagnosis, start: string, which: "query" | "value"): string =>
    kind(diagnosis, start)
      .map(({ self }) => (self === null ? "-" : Number(self[which].toPrecision(3))))
      .join(", ") || "-";
  return {
    caption: "The seed's figures beside ours",
    columns: ["figure", "seed", ...diagnoses.map(({ phase }) => phase)],
    rows: [
      row("gate/MLP, decoder", "10.05 to 43.46", (d) =>
        range([...kind(d, "text"), ...kind(d, "cross")].map(({ gateOverMlp }) => gateOverMlp)),
      ),
      row("gate/MLP, encoder", "3.6 to 11.5", (d) =>
        range(kind(d, "encoder").map(({ gateOverMlp }) => gateOverMlp)),
      ),
      row("V over Q and K, decoder self-attention", "about 3", (d) =>
        range(kind(d, "text").map(({ self }) => valueDominance(self))),
      ),
      row("V over Q and K, encoder", "not given", (d) =>
        range(kind(d, "encoder").map(({ self }) => valueDominance(self))),
      ),
      row("V over Q and K, cross attention", "not given", (d) =>
        range(kind(d, "cross").map(({ cross }) => valueDominance(cross))),
      ),
      row("Q over K, decoder self-attention", "about 1", (d) =>
        range(
          kind(d, "text").map(({ self }) => (self === null || self.key === 0 ? null : self.query / self.key)),
        ),
      ),
      row("V gradient by decoder layer", "0.10 to 0.04", (d) => decay(d, "text", "value")),
      row("V gradient by encoder layer", "not given", (d) => decay(d, "encoder", "value")),
      row("loss", "not given", (d) => String(Number(d.loss.toPrecision(4)))),
    ],
    note: CAVEAT,
  };
}

/** All sections of a diagnosis. */
export function diagnosisSections(diagnoses: readonly Diagnosis[]): ReportSection[] {
  const each = (valuesOf: (diagnosis: Diagnosis) => readonly Omit<DotValue, "series">[]): DotValue[] =>
    diagnoses.flatMap((diagnosis) =>
      valuesOf(diagnosis).map((value) => ({ ...value, series: diagnosis.phase })),
    );
  const qkv = diagnoses.map(
    (diagnosis, i): Figure =>
      dotFigure({
        name: `qkv-gradients-${i}`,
        title: `Gradients of queries, keys and values, ${diagnosis.phase}`,
        text: "Mean absolute gradient of the three weight matrices of every attention layer, over the observed batches, before clipping.",
        axes: ["attention layer", "mean |gradient| (loss per unit of weight)"],
        scale: "log",
        values: diagnosis.blocks.flatMap(({ name, self, cross }) =>
          (["self", "audio"] as const).flatMap((to) => {
            const values = to === "self" ? self : cross;
            return values === null
              ? []
              : (["query", "key", "value"] as const).map((series) => ({
                  at: `${name} ${to}`,
                  series,
                  value: values[series],
                }));
          }),
        ),
      }),
  );
  const gates = each(({ gates: all }) => all.map(({ name, mean }) => ({ at: name, value: mean })));
  const frameGates = diagnoses.map((diagnosis) =>
    diagnosis.gates.filter(({ withVoicing }) => withVoicing !== null),
  );
  const attention = diagnoses.filter((diagnosis) => diagnosis.attention.length > 0);
  return [
    {
      heading: "Gradients of gates, queries, keys and values",
      text: [
        `${diagnoses[0]!.batches} batches for each column; the weights stay as they are. Figures like these describe how a step pulls, not what a model has learnt: "V three times Q and K" and "decoder above encoder" are not stable properties.`,
      ],
      tables: [seedTable(diagnoses)],
      figures: [
        dotFigure({
          name: "gate-mlp-ratio",
          title: "Gradient of the gate over that of the MLP, by block",
          text: `Mean absolute gradient of a block's gate weights, divided by that of its first MLP weight. ${CAVEAT}`,
          axes: ["block", "gate / MLP (ratio)"],
          scale: "log",
          levels: [1],
          values: each(({ blocks }) =>
            blocks.map(({ name, gateOverMlp }) => ({ at: name, value: gateOverMlp })),
          ),
        }),
        ...qkv,
        dotFigure({
          name: "value-dominance",
          title: "Gradient of values over that of queries and keys",
          text: "The value gradient divided by the mean of query and key gradient. 1: alike; the seed reports about 3 for its decoder. While attention is flat, queries and keys get little gradient.",
          axes: ["attention layer", "V / mean of Q and K (ratio)"],
          scale: "log",
          levels: [1, 3],
          values: each(({ blocks }) =>
            blocks.flatMap(({ name, self, cross }) => [
              { at: `${name} self`, value: valueDominance(self) },
              ...(cross === null ? [] : [{ at: `${name} audio`, value: valueDominance(cross) }]),
            ]),
          ),
        }),
        dotFigure({
          name: "gradient-norms",
          title: "Norm of the gradient by part of the model",
          text: "Euclidean norm of the gradient of all parameters of a part, mean over the batches, before clipping. Large parts have large norms for their size alone; the table of the architecture has the sizes.",
          axes: ["part", "gradient norm (loss per unit of weight)"],
          scale: "log",
          values: each(({ norms }) => norms.map(({ name, norm }) => ({ at: name, value: norm }))),
        }),
      ],
    },
    ...(gates.length === 0
      ? []
      : [
          {
            heading: "Gates",
            text: [
              "Openings of the MLP gates over eight utterances, without dropout. Voicing goes with loudness and spectrum, so a correlation with it is no proof that a gate uses pitch; that with log f0 is taken over voiced frames alone.",
            ],
            figures: [
              dotFigure({
                name: "gate-means",
                title: "Mean opening of the gates",
                text: "0 is shut, 1 is open, the dashed line is one half. Where a gate stands before training is chance: compare with it.",
                axes: ["block", "opening (share)"],
                levels: [0.5],
                values: gates,
              }),
              ...(frameGates.flat().length === 0 ? [] : [gateCorrelations(diagnoses, each)]),
            ],
          },
        ]),
    ...(attention.length === 0
      ? []
      : [
          {
            heading: "Entropy of attention",
            figures: attention.map((diagnosis) =>
              dotFigure({
                name: `attention-entropy-${diagnoses.indexOf(diagnosis)}`,
                title: `How widely heads look, ${diagnosis.phase}`,
                text: "Entropy of the attention weights, divided by that of looking at every allowed key alike: 1 is everywhere, 0 is one key. Mean over the queries of eight utterances. Silent keys count as allowed, so that zero-value processing lowers the figure.",
                axes: ["attention layer", "relative entropy (0 to 1)"],
                values: diagnosis.attention.flatMap(({ name, entropy }) =>
                  entropy.map((value, head) => ({ at: name, series: `head ${head}`, value })),
                ),
              }),
            ),
          },
        ]),
  ];
}

function gateCorrelations(
  diagnoses: readonly Diagnosis[],
  each: (valuesOf: (diagnosis: Diagnosis) => readonly Omit<DotValue, "series">[]) => DotValue[],
): Figure {
  const values = each(({ gates }) =>
    gates
      .filter(({ withVoicing, withPitch }) => withVoicing !== null || withPitch !== null)
      .flatMap(({ name, withVoicing, withPitch }) => [
        { at: `${name}, voicing`, value: withVoicing },
        { at: `${name}, log f0`, value: withPitch },
      ]),
  );
  return dotFigure({
    name: "gate-correlations",
    title: "Correlation of encoder gates with voicing and with pitch",
    text: `Pearson's correlation of a gate's opening with voicing (all frames) and with log f0 (voiced frames). ${diagnoses.length > 1 ? "Compare with the untrained network: what it shows already was not learnt." : ""}`,
    axes: ["gate and what it is compared with", "correlation (-1 to 1)"],
    levels: [0],
    values,
  });
}
