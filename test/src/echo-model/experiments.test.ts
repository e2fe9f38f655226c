// The experiment files, and the script that makes the manifests they read from the corpora as they are downloaded.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type EchoConfig,
  parseConfig,
  parseManifest,
  resolveConfig,
  type Utterance,
} from "@echo-ts/echo-model";
import t from "tap";
import { readShared, skipWithoutShared } from "../shared-material.ts";

const MAIN: string = fileURLToPath(new URL("../../../packages/echo-model/dist/cli/main.js", import.meta.url));
const folder = fileURLToPath(new URL("../../../experiments/", import.meta.url));
const log = readFileSync(new URL("../../../packages/echo-model/EXPERIMENTS.md", import.meta.url), "utf8");

t.test("the experiment files are valid and differ in what their names say", async (t) => {
  const read = (name: string): EchoConfig =>
    resolveConfig(parseConfig(readFileSync(join(folder, name), "utf8"), name));
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  t.ok(names.length >= 4);
  for (const name of names) {
    const content = parseConfig(readFileSync(join(folder, name), "utf8"), name);
    if ("variants" in content) {
      t.match(log, `experiment experiments/${name} --data `, `${name}: one command`);
      continue; // the settings in it are checked below
    }
    t.doesNotThrow(() => read(name), name);
    t.match(log, `train --config experiments/${name} --data `, `${name}: one command`);
  }
  for (const recipe of ["an4-#-e80", "digits-#"]) {
    const f0 = read(`${recipe.replace("#", "f0")}.json`);
    const still = read(`${recipe.replace("#", "static")}.json`);
    t.equal(f0.model.rotary.pitch, "utterance");
    t.same(still, { ...f0, model: { ...f0.model, rotary: { ...f0.model.rotary, pitch: "static" } } });
  }
});

t.test("the ablation is 15 trainings of each of three seeds, and its settings are valid", async (t) => {
  const file = join(folder, "digits-ablation.json");
  const args = [MAIN, "experiment", file, "--data", folder, "--out", join(tmpdir(), "never-made"), "--plan"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const runs = stdout.trim().split("\n");
  t.equal(runs.length, 45, stderr);
  t.ok(runs.every((run) => run.endsWith(": new")));
});

/** Runs the script on a folder and reads what it wrote. */
function manifestOf(corpus: string, data: string): readonly Utterance[] {
  const script = join(folder, "make-manifest.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, corpus, data], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const { utterances, problems } = parseManifest(readFileSync(join(data, "manifest.jsonl"), "utf8"), "m");
  if (problems.length > 0) throw new Error(problems[0]!.message);
  return utterances;
}

t.test(
  "manifests made from the downloads are those the experiments were run with",
  { skip: skipWithoutShared },
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), "echo-experiments-"));
    t.teardown(() => rmSync(root, { recursive: true }));
    const used = (pack: string): readonly Utterance[] =>
      parseManifest(readShared("data", pack, "manifest.jsonl"), "m").utterances;
    const essence = ({ id, text, speaker, sex, language, split, row }: Utterance): unknown[] => [
      id,
      text,
      speaker,
      sex,
      language,
      split,
      row.digit,
      row.index,
    ];

    // AN4's own lists, in another order than the manifest's.
    const an4 = used("an4");
    const shuffled = [...an4].sort((a, b) => (a.id < b.id ? -1 : 1));
    mkdirSync(join(root, "an4", "etc"), { recursive: true });
    const lists = join(root, "an4", "etc", "an4_train");
    writeFileSync(
      `${lists}.fileids`,
      shuffled.map(({ id, speaker }) => `an4_clstk/${speaker}/${id}\n`).join(""),
    );
    writeFileSync(
      `${lists}.transcription`,
      shuffled.map(({ id, text }) => `<s> ${text.toUpperCase()} </s> (${id})\n`).join(""),
    );
    const made = manifestOf("an4", join(root, "an4"));
    t.same(made.map(essence), an4.map(essence));
    t.same(made[0]!.audio, { kind: "file", file: "wav/an4_clstk/fash/an251-fash-b.sph" });

    const fsdd = used("fsdd");
    mkdirSync(join(root, "fsdd", "recordings"), { recursive: true });
    for (const { id } of fsdd) writeFileSync(join(root, "fsdd", "recordings", `${id}.wav`), "");
    t.same(manifestOf("fsdd", join(root, "fsdd")).map(essence), fsdd.map(essence));
  },
);
