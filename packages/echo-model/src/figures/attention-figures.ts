// What attention layers look at, head by head, and what pitch and silence do to it. Numbers: ../study/attention-maps.ts.
import * as Plot from "@observablehq/plot";
import type { AttentionMap } from "../study/attention-maps.ts";
import { colorBar, imageMark } from "./color-image.ts";
import { drawFigure, type Figure, type Panel } from "./figure.ts";
import { pitchPanel, rowsOf } from "./pitch-figures.ts";
import { colorsFor, legend } from "./rotary-figures.ts";
import { spansWhere } from "./speech-figures.ts";

const MAP = 200;

/** The clock and the words of the utterance that maps belong to. */
export interface AttentionScene {
  /** Name of the recording. */
  readonly name: string;
  readonly secondsPerFrame: number;
  /** Hz per encoder frame, 0 = unvoiced. */
  readonly f0: ArrayLike<number>;
  /** 1 where an encoder frame is silent. */
  readonly silent: ArrayLike<number>;
  /** What each decoder position was given: "begin", then the tokens. */
  readonly tokens: readonly string[];
}

/** Every head of some layers, one row a layer. `kind` says which layers the maps belong to. */
export function attentionFigure(
  maps: readonly AttentionMap[],
  kind: "encoder" | "text" | "audio",
  scene: AttentionScene,
): Figure {
  const about = ABOUT[kind];
  const range = [0, 1] as const;
  // The square root of the share: small weights stay visible beside large ones.
  const panels = maps.map((map) => [
    ...Array.from({ length: map.heads }, (_, head): Panel => headPanel(map, head, kind, scene)),
    colorBar({ range }, "√(share)", { height: MAP, title: "" }),
  ]);
  return drawFigure({
    name: `attention-${kind}`,
    title: `${about.title}, "${scene.name}"`,
    text: `${about.text} Each row of a map sums to 1; a map is scaled by its largest weight and shown as the square root, so that small weights can be seen. In brackets: the entropy of the head, 0 for one key, 1 for everywhere alike. A weight says where a head looks, not what it takes from there.`,
    alt: `${maps.length} layers with ${maps[0]?.heads ?? 0} heads each as matrices; relative entropies from ${extreme(maps, Math.min)} to ${extreme(maps, Math.max)}.`,
    panels,
    table: {
      columns: ["layer", "head", "entropy (1 = everywhere alike)", "largest weight", "factor on silent keys"],
      rows: maps.flatMap(({ name, heads, entropy, weights, silenceFactor, silenceBias }) =>
        Array.from({ length: heads }, (_, h) => {
          const size = weights.length / heads;
          const most = weights.subarray(h * size, (h + 1) * size).reduce((a, b) => Math.max(a, b));
          return [name, h, entropy[h]!, most, silenceBias === null ? null : silenceFactor];
        }),
      ),
    },
    data: maps.map(({ name, heads, queries, keys, weights, entropy, silenceFactor }) => ({
      name,
      queries,
      keys,
      entropy,
      silenceFactor,
      weights: Array.from({ length: heads }, (_, h) =>
        rowsOf(weights.subarray(h * queries * keys, (h + 1) * queries * keys), keys),
      ),
    })),
  });
}

const ABOUT = {
  encoder: {
    title: "Encoder self-attention by layer and head",
    text: "Rows of each map are frames that look (queries), columns the frames looked at (keys).",
  },
  text: {
    title: "Decoder self-attention by layer and head",
    text: "Rows are the text positions that look, columns those looked at; the upper half is empty, because no position sees what comes after it.",
  },
  audio: {
    title: "Cross attention from text to audio by layer and head",
    text: "Rows are text positions, from the bottom up, each about to predict the next token; columns are audio frames. A head that follows speech shows a staircase.",
  },
} as const;

function extreme(maps: readonly AttentionMap[], pick: (...values: number[]) => number): string {
  return pick(...maps.flatMap(({ entropy }) => entropy)).toFixed(2);
}

function headPanel(
  { name, block, heads, queries, keys, weights, entropy }: AttentionMap,
  head: number,
  kind: keyof typeof ABOUT,
  { secondsPerFrame, tokens }: AttentionScene,
): Panel {
  const size = weights.length / heads;
  const shares = weights.subarray(head * size, (head + 1) * size);
  const most = shares.reduce((a, b) => Math.max(a, b));
  const [width, height] = [
    kind === "text" ? keys : keys * secondsPerFrame,
    kind === "encoder" ? queries * secondsPerFrame : queries,
  ];
  const words = tokens.map((text, i) => ({ text, at: i + 0.5 }));
  const few = tokens.length <= 20;
  const sparse = (at: number): boolean => few || Math.floor(at) % Math.ceil(tokens.length / 20) === 0;
  const tokenAxis = {
    ticks: words.filter(({ at }) => sparse(at)).map(({ at }) => at),
    tickFormat: (at: number) => (tokens[Math.floor(at)] ?? "").slice(0, 9),
  };
  return {
    title: `${kind === "text" ? name : block.name}, head ${head} (${entropy[head]!.toFixed(2)})`,
    plot: {
      width: MAP,
      height: MAP,
      marginLeft: kind === "encoder" ? 42 : 62,
      marginRight: 8,
      marginBottom: kind === "text" ? 62 : 36,
      x: {
        domain: [0, width],
        label: kind === "text" ? null : "time of the key (s)",
        ...(kind === "text" ? { ...tokenAxis, tickRotate: -60 } : { ticks: 4 }),
      },
      y: {
        domain: [0, height],
        label: kind === "encoder" ? "time of the query (s)" : "token read",
        ...(kind === "encoder" ? { ticks: 4 } : tokenAxis),
      },
      marks: [
        imageMark(
          {
            values: shares.map((share) => Math.sqrt(share / most)),
            rows: queries,
            columns: keys,
            range: [0, 1],
          },
          { x: [0, width], y: [0, height] },
        ),
      ],
    } satisfies Plot.PlotOptions,
  };
}

/** How much attention each frame gets in each encoder layer, with silent frames marked: zero-value processing at work. */
export function attentionReceivedFigure(maps: readonly AttentionMap[], scene: AttentionScene): Figure {
  const { secondsPerFrame, f0, silent } = scene;
  const names = maps.map(({ name }) => name);
  const received = maps.map(({ heads, queries, keys, weights }) => {
    const sums = new Float64Array(keys);
    weights.forEach((weight, i) => {
      sums[i % keys]! += weight;
    });
    // 1 is the share of a key when everybody looks everywhere alike.
    return sums.map((sum) => (sum * keys) / (heads * queries));
  });
  const points = received.flatMap((values, i) =>
    Array.from(values, (share, t) => ({ name: names[i]!, s: (t + 0.5) * secondsPerFrame, share })),
  );
  const quiet = spansWhere(silent).map(({ from, to }) => ({
    from: from * secondsPerFrame,
    to: to * secondsPerFrame,
  }));
  const domain: [number, number] = [0, f0.length * secondsPerFrame];
  const silentCount = Array.from(silent).filter(Boolean).length;
  const meanWhere = (values: Float64Array, flag: number): number | null => {
    const chosen = values.filter((_, t) => (silent[t] ? 1 : 0) === flag);
    return chosen.length === 0 ? null : chosen.reduce((a, b) => a + b) / chosen.length;
  };
  return drawFigure({
    name: "attention-received",
    title: `Attention that each frame receives, "${scene.name}"`,
    text:
      "One line a layer, mean over heads and queries; 1 is what every frame would get if all looked everywhere alike. Grey: frames that count as silent, whose weights are multiplied by the layer's factor fz before renormalising " +
      "(zero-value processing). Padding is not part of it. Below: the pitch.",
    alt: `Lines over ${f0.length} frames, of which ${silentCount} are silent; the lines are near 0 where frames are silent.`,
    panels: [
      [
        {
          plot: {
            width: 880,
            height: 240,
            marginLeft: 48,
            marginBottom: 20,
            x: { domain, label: null },
            y: { label: "attention received (1 = even)", grid: true, zero: true },
            color: { domain: names, range: colorsFor(names.length) },
            marks: [
              Plot.rectX(quiet, { x1: "from", x2: "to", fill: "currentColor", fillOpacity: 0.13 }),
              Plot.line(points, { x: "s", y: "share", stroke: "name", strokeWidth: 1.6 }),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
      [pitchPanel({ name: scene.name, f0, secondsPerFrame }, 880)],
      [legend(names, 880)],
    ],
    table: {
      columns: [
        "layer",
        "factor fz on silent keys",
        "received by a silent frame",
        "received by another frame",
      ],
      rows: maps.map(({ name, silenceBias, silenceFactor }, i) => [
        name,
        silenceBias === null ? null : silenceFactor,
        meanWhere(received[i]!, 1),
        meanWhere(received[i]!, 0),
      ]),
    },
    data: {
      secondsPerFrame,
      silent: Array.from(silent),
      received: Object.fromEntries(names.map((name, i) => [name, [...received[i]!]])),
    },
  });
}
