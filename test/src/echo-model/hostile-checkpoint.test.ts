// A checkpoint from a stranger: what its configuration asks for is compared with what the file holds before a model is
// built, every setting of the model has a maximum, and its paths lead nowhere but into the data folder.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildEcho,
  type ConfigInput,
  decodeCheckpoint,
  type EchoConfig,
  encodeCheckpoint,
  newModel,
  prepareEvaluation,
  resolveConfig,
  WordTokenizer,
} from "@echo-ts/echo-model";
import { nodeFiles } from "@echo-ts/echo-model/node";
import t from "tap";
import { isSetting, rulesOf } from "../../../packages/echo-model/dist/settings/schema.js";
import { SETTINGS } from "../../../packages/echo-model/dist/settings/settings.js";
import { leastParameters } from "../../../packages/echo-model/dist/train/checkpoint-size.js";
import { TINY } from "./synthetic-speech.ts";

const tokenizer = WordTokenizer.fromTexts(["low mid high"]);
const config = resolveConfig(TINY);

/** A checkpoint of the tiny model whose configuration says something else. */
async function forged(
  change: (config: { model: Record<string, unknown>; data: Record<string, unknown> }) => void,
) {
  const echo = newModel(config, tokenizer);
  const copy = JSON.parse(JSON.stringify(config));
  change(copy);
  const part = { tokenizer, weights: await echo.stateDict(), training: null, metrics: {} };
  return encodeCheckpoint({ ...part, config: copy as EchoConfig });
}

t.test("the least numbers are fewer than those of the model, but not by much", async (t) => {
  const models: ConfigInput["model"][] = [
    {},
    { variant: "reference", heads: 2 },
    { features: ["spectrogram", "pitch", "waveform"], gate: "crossModal", pitchBias: true },
    { variant: "reference", features: ["spectrogram", "pitch", "waveform"], gate: "memory", heads: 2 },
    ...(["token", "feature", "memory", "none"] as const).map((gate) => ({ gate })),
    { convolutionKernel: 31, ctcHead: false, stemNorm: false },
    { audioLayers: 0, textLayers: 3, textContext: 4000 },
    { audioLayers: 6, rotary: { pitch: "none" }, zeroKeys: { enabled: false } },
    { spectrogramStem: { kernel: 21 }, features: ["spectrogram"] },
    { pitchStem: { kernel: 99 }, features: ["pitch"] },
    { memorySize: 5000, gate: "memory" },
  ];
  for (const model of models) {
    const small = {
      dims: 32,
      heads: 4,
      vocabSize: 50,
      audioLayers: 2,
      textLayers: 2,
      textContext: 300,
      ...model,
    };
    const loss = { ctcWeight: model?.ctcHead === false ? 0 : 0.3 };
    const decode = { method: "greedy", maxTokens: 100 } as const;
    const made = resolveConfig({ model: small, loss: model?.variant ? {} : loss, decode });
    const echo = buildEcho(made.model, made.audio, { seed: 0 });
    let numbers = 0;
    for (const { shape } of (await echo.stateDict()).values()) numbers += shape.reduce((a, b) => a * b, 1);
    const least = leastParameters(made, 50).reduce((sum, [, count]) => sum + count, 0);
    t.ok(least <= numbers, `${JSON.stringify(model)}: at least ${least}, has ${numbers}`);
    t.ok(numbers < 8 * least + 50_000, "and a model is not far larger");
  }
});

t.test("sizes are compared with the file before anything is built", async (t) => {
  await decodeCheckpoint(await forged(() => {}), "fine");
  const wide = await forged(({ model }) => {
    model.dims = 16384;
  });
  const before = process.memoryUsage().rss;
  await t.rejects(decodeCheckpoint(wide, "wide.safetensors"), {
    name: "CheckpointError",
    message:
      /^checkpoint: wide\.safetensors: config: a model of this configuration has at least \d+ numbers, \d+ of them by model\.textLayers and model\.dims; the file holds \d+$/,
  });
  t.ok(process.memoryUsage().rss - before < 64 * 2 ** 20, "no gigabytes were taken");
  await t.rejects(
    decodeCheckpoint(
      await forged(({ model }) => {
        model.memorySize = 60_000;
        model.gate = "memory";
      }),
      "m",
    ),
    { message: /model\.memorySize and model\.dims/ },
  );
  await t.rejects(
    decodeCheckpoint(
      await forged(({ model }) => {
        model.vocabSize = 900_000;
      }),
      "v",
    ),
    { message: /model\.vocabSize \(or the tokenizer\) and model\.dims/ },
  );
});

t.test("every setting of the model has a maximum, and the message names file and field", async (t) => {
  await t.rejects(
    decodeCheckpoint(
      await forged(({ model }) => {
        model.audioLayers = 1e6;
      }),
      "deep.safetensors",
    ),
    {
      message:
        /^checkpoint: deep\.safetensors: config: model\.audioLayers: expected an integer in \[0, 256\], got 1000000/,
    },
  );
  const visit = (group: object, path: string): void => {
    for (const [key, entry] of Object.entries(group)) {
      if (!isSetting(entry)) visit(entry, `${path}.${key}`);
      else if ("integer" in entry || "number" in entry) {
        t.notOk(rulesOf(entry).accepts(1e15), `${path}.${key}: ${rulesOf(entry).expected}`);
      }
    }
  };
  visit(SETTINGS.model, "model");
});

t.test("paths of a checkpoint stay in the data folder", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "echo-hostile-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "secret.txt"), "first secret line\nsecond\n");
  for (const file of ["../secret.txt", "/etc/passwd", "data/../../secret.txt"]) {
    const { config: read } = await decodeCheckpoint(
      await forged(({ data }) => {
        data.file = file;
      }),
      "x",
    );
    const found = await prepareEvaluation(nodeFiles(join(root, ".")), read, tokenizer).catch(
      (error: Error) => error,
    );
    t.ok(found instanceof Error);
    t.equal((found as Error).name, "DataError");
    t.match((found as Error).message, "lies outside the data folder");
    t.notMatch((found as Error).message, /secret line|root:/, "nothing of the file is printed");
  }
});
