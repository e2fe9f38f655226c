// The flow of data as a diagram, drawn from the module tree and one traced forward pass of any configuration: shapes,
// parameter counts, and where f0 and silence enter. The seed's "flow" picture.

import { tensor } from "@echo-ts/tensor";
import * as Plot from "@observablehq/plot";
import type { Echo } from "../model/model.ts";
import { inputOf } from "../settings/resolve.ts";
import type { AudioConfig, EchoConfig } from "../settings/settings.ts";
import { collateFeatures } from "../speech/collate.ts";
import { hopCount } from "../speech/features.ts";
import { type NamedBlock, namedBlocks } from "../study/blocks.ts";
import { type TracedModule, traceModules } from "../study/module-trace.ts";
import { drawFigure, type Figure, SERIES } from "./figure.ts";

const BOX = 280;
/** Width of the left column: a box and the room for its arrows. */
const SIDE = 200;
const GAP = 70;
const LINE = 15;
const STEP = 22;

interface Box {
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly color: string;
}

interface Arrow {
  readonly from: readonly [x: number, y: number];
  readonly to: readonly [x: number, y: number];
  readonly kind: "data" | "f0" | "silence";
}

/** Draws a model. @param seconds length of the made-up recording that is traced, default 2 */
export function architectureFigure(echo: Echo, config: EchoConfig, seconds = 2): Figure {
  const tokens = 8;
  const traced = traceModules(echo, madeUpFeatures(config, seconds), idsOf(tokens));
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const find = (path: string): TracedModule => traced.find((module) => module.path === path)!;
  const pathOf = new Map(echo.namedModules().map(([path, module]) => [module, path]));
  const blocks = namedBlocks(echo);
  const { model, audio } = config;
  const bends = model.rotary.pitch === "utterance" || model.rotary.pitch === "frames";
  const silences =
    model.variant !== "reference" && model.zeroKeys.enabled && model.features.includes("spectrogram");
  const side = bends || model.pitchBias || silences ? SIDE : 0;
  const height = (lines: number): number => 12 + LINE * lines;
  const put = (column: number, y: number, lines: readonly string[], color: string): number => {
    boxes.push({ lines, x: side + column * (BOX + GAP), y, color });
    return y + height(lines.length) + STEP;
  };
  const middle = (column: number): number => side + column * (BOX + GAP) + BOX / 2;
  const down = (column: number, y: number): void => {
    arrows.push({ from: [middle(column), y - STEP], to: [middle(column), y - 2], kind: "data" });
  };
  const tops: { block: NamedBlock; y: number; column: number }[] = [];
  const ends: number[] = [];
  [...echo.encoder.streams].forEach(([feature, [stem]], column) => {
    let y = put(column, 0, [`${feature}`, inputText(feature, config, seconds)], "#8a8f98");
    down(column, y);
    const stemTrace = find(pathOf.get(stem)!);
    y = put(
      column,
      y,
      [
        `${feature} stem (${stemTrace.kind})`,
        `stride ${stem.stride}, ${count(stemTrace)}`,
        `gives ${shape(stemTrace)}`,
      ],
      SERIES[2]!,
    );
    for (const one of blocks.filter(({ kind, feature: of }) => kind === "encoder" && of === feature)) {
      down(column, y);
      tops.push({ block: one, y, column });
      y = put(column, y, blockLines(one, find, config, bends), SERIES[0]!);
    }
    ends.push(y - STEP);
    if (column === 0 && echo.ctcHead !== null) {
      down(column, y);
      const head = find(pathOf.get(echo.ctcHead)!);
      put(column, y, ["CTC head (Linear)", count(head), `scores by frame ${shape(head)}`], SERIES[3]!);
    }
  });
  const column = echo.encoder.streams.size;
  let y = put(column, 0, ["token ids", `int32 [1, ${tokens}]`], "#8a8f98");
  down(column, y);
  const embedding = find(pathOf.get(echo.decoder.tokens)!);
  y = put(
    column,
    y,
    [
      "token embedding + positions",
      `${count(embedding)} + ${echo.decoder.positions.size.toLocaleString("en-US")}`,
      `gives ${shape(embedding)}`,
    ],
    SERIES[2]!,
  );
  for (const one of blocks.filter(({ kind }) => kind !== "encoder")) {
    down(column, y);
    if (one.kind === "cross") {
      const stream = [...echo.encoder.streams.keys()].indexOf(one.feature!);
      arrows.push({
        from: [middle(stream) + BOX / 2, ends[stream]! - 24],
        to: [side + column * (BOX + GAP) - 2, y + 34],
        kind: "data",
      });
    }
    y = put(column, y, blockLines(one, find, config, false), one.kind === "cross" ? SERIES[1]! : SERIES[0]!);
  }
  down(column, y);
  const norm = find(pathOf.get(echo.decoder.lastNorm)!);
  y = put(
    column,
    y,
    [
      echo.encoder.streams.size > 1 || model.features.length > 1
        ? "streams blended, last norm (RMSNorm)"
        : "blend with the text path, last norm",
      "times the token embedding (tied)",
      `logits [${[...norm.output!.slice(0, 2), embedding.parameters / model.dims].join(", ")}]`,
    ],
    SERIES[3]!,
  );
  addSide(boxes, arrows, tops, {
    bends,
    pitchBias: model.pitchBias,
    silences,
    audio,
    frames: hopCount(seconds * audio.sampleRate, audio.hopLength),
  });
  return draw(boxes, arrows, traced, config, echo.parameterCount(), height, seconds);
}

function addSide(
  boxes: Box[],
  arrows: Arrow[],
  tops: readonly { readonly y: number; readonly column: number; readonly block: NamedBlock }[],
  of: { bends: boolean; pitchBias: boolean; silences: boolean; audio: AudioConfig; frames: number },
): void {
  const first = tops.filter(({ column }) => column === 0);
  if (first.length === 0) return;
  const right = SIDE;
  if (of.bends || of.pitchBias) {
    const y = first[0]!.y - 6;
    const lines = [
      "f0 (pitch tracker)",
      `[1, ${of.frames}] Hz`,
      of.bends ? "bends rotary angles" : "",
      of.pitchBias ? "adds the pitch bias" : "",
    ];
    boxes.push({ lines: lines.filter((line) => line !== ""), x: 0, y, color: SERIES[1]! });
    for (const top of first)
      arrows.push({ from: [right - 46, y + 34], to: [right - 2, top.y + 22], kind: "f0" });
  }
  if (of.silences) {
    const last = first.at(-1)!;
    const y = last.y + 30;
    boxes.push({
      lines: ["silent frames", `bool [1, ${of.frames}]`, "keys times fz,", "in cross attention too"],
      x: 0,
      y,
      color: "#6b7280",
    });
    for (const top of first)
      arrows.push({ from: [right - 46, y + 26], to: [right - 2, top.y + 40], kind: "silence" });
  }
}

function draw(
  boxes: readonly Box[],
  arrows: readonly Arrow[],
  traced: readonly TracedModule[],
  { model }: EchoConfig,
  parameters: number,
  heightOf: (lines: number) => number,
  seconds: number,
): Figure {
  const side = boxes.some(({ x }) => x === 0 && boxes.some((other) => other.x > 0 && other.x < BOX)) ? 1 : 0;
  const width = Math.max(...boxes.map(({ x }) => x)) + BOX + 24;
  const height = Math.max(...boxes.map(({ y, lines }) => y + heightOf(lines.length))) + 12;
  const wide = ({ x }: Box): number => (side === 1 && x === 0 ? SIDE - 46 : BOX);
  const texts = boxes.flatMap(({ lines, x, y }) =>
    lines.map((text, i) => ({ text, x: x + 9, y: y + 16 + LINE * i, bold: i === 0 })),
  );
  const flow = arrows.map(({ from, to, kind }) => ({ x1: from[0], y1: from[1], x2: to[0], y2: to[1], kind }));
  const color = { data: "currentColor", f0: SERIES[1]!, silence: "#6b7280" } as const;
  const table = traced.filter(({ parameters: n, output }) => n > 0 || output !== null);
  return drawFigure({
    name: "architecture",
    title: `The flow of data: ${model.features.join(" + ")}, width ${model.dims}, ${parameters.toLocaleString("en-US")} parameters`,
    text: `Drawn from the module tree and one forward pass over ${seconds} s of made-up sound and 8 tokens; shapes are [utterances, frames or tokens, width]. Orange arrows: where f0 enters; grey ones: where silence does. The table has every module.`,
    alt: `A diagram: ${model.features.join(", ")} through a stem and ${model.audioLayers} encoder blocks, tokens through ${model.textLayers} text blocks and ${model.textLayers} blocks that also attend to the encoder's output, then logits.`,
    panels: [
      [
        {
          plot: {
            width: width + 12,
            height,
            margin: 0,
            marginLeft: 12,
            marginTop: 4,
            x: { domain: [0, width], axis: null },
            y: { domain: [height, 0], axis: null },
            marks: [
              ...(["data", "f0", "silence"] as const).map((kind) =>
                Plot.arrow(
                  flow.filter((arrow) => arrow.kind === kind),
                  {
                    x1: "x1",
                    y1: "y1",
                    x2: "x2",
                    y2: "y2",
                    stroke: color[kind],
                    strokeOpacity: kind === "data" ? 0.8 : 0.7,
                    headLength: 7,
                    bend: false,
                  },
                ),
              ),
              ...boxes.map((box) =>
                Plot.rect([box], {
                  x1: box.x,
                  x2: box.x + wide(box),
                  y1: box.y,
                  y2: box.y + heightOf(box.lines.length),
                  fill: box.color,
                  fillOpacity: 0.16,
                  stroke: box.color,
                  rx: 6,
                }),
              ),
              Plot.text(
                texts.filter(({ bold }) => bold),
                {
                  x: "x",
                  y: "y",
                  text: "text",
                  textAnchor: "start",
                  fontWeight: "bold",
                  fontSize: 11.5,
                  fill: "currentColor",
                },
              ),
              Plot.text(
                texts.filter(({ bold }) => !bold),
                { x: "x", y: "y", text: "text", textAnchor: "start", fontSize: 10.5, fill: "currentColor" },
              ),
            ],
          } satisfies Plot.PlotOptions,
        },
      ],
    ],
    table: {
      columns: ["module", "class", "parameters", "gives", "calls"],
      rows: table.map(({ path, kind, parameters: n, output, calls }) => [
        path || "(model)",
        kind,
        n,
        output === null ? null : `[${output.join(", ")}]`,
        calls,
      ]),
    },
  });
}

const count = ({ parameters }: TracedModule): string => `${parameters.toLocaleString("en-US")} parameters`;
const shape = ({ output }: TracedModule): string => (output === null ? "-" : `[${output.join(", ")}]`);

/** What a block consists of, as the module says. */
function blockLines(
  { name, block, path }: NamedBlock,
  find: (path: string) => TracedModule,
  { model }: EchoConfig,
  bends: boolean,
): string[] {
  const { heads, dims, rotary } = model;
  const traced = find(path);
  const unused = block
    .namedModules()
    .some(([own, module]) => module === block.crossAttention && find(`${path}.${own}`).calls === 0);
  const clock =
    rotary.pitch === "none" ? "no rotary" : bends ? `rotary by f0 (${rotary.pitch})` : "rotary, fixed base";
  const gate = block.gate === null ? "no gate" : `times the gate (${model.gate})`;
  return [
    `${name} (${traced.parameters.toLocaleString("en-US")})`,
    `self-attention, ${heads} x ${dims / heads}, ${clock}`,
    ...(block.crossAttention === null ? [] : [`attention to the audio${unused ? ": never called" : ""}`]),
    ...(block.convolution === null ? [] : [`convolution over ${model.convolutionKernel} frames`]),
    `MLP ${dims}, ${4 * dims}, ${dims}, ${gate}`,
    `gives ${shape(traced)}`,
  ];
}

function inputText(feature: string, { audio }: EchoConfig, seconds: number): string {
  const frames = hopCount(seconds * audio.sampleRate, audio.hopLength);
  if (feature === "spectrogram") return `log-mel [1, ${audio.melBins}, ${frames}]`;
  if (feature === "pitch") return `f0 in Hz [1, 1, ${frames}]`;
  return `samples [1, 1, ${frames * audio.hopLength}]`;
}

/** Features of a made-up recording: the shapes count, not the values. */
function madeUpFeatures(config: EchoConfig, seconds: number): ReturnType<typeof collateFeatures> {
  const { audio } = config;
  const frames = hopCount(seconds * audio.sampleRate, audio.hopLength);
  const utterance = {
    mel: new Float32Array(audio.melBins * frames).fill(0.1),
    f0: new Float32Array(frames).fill(120),
    silent: new Uint8Array(frames),
    samples: new Float32Array(frames * audio.hopLength).fill(0.01),
    frames,
  };
  return collateFeatures([utterance], inputOf(config));
}

function idsOf(tokens: number): ReturnType<typeof tensor> {
  return tensor(new Int32Array(tokens).fill(1), { shape: [1, tokens] });
}
