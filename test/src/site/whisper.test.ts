// The page "Whisper" in Chromium, with a small random model given by the file input: its text is Node's; what is missing
// or wrong is said; it weighs little before a model is chosen.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readAudio } from "@echo-ts/audio/node";
import t from "tap";
import { openWhisper } from "../../../examples/dist/whisper/open.js";
import { transcribe } from "../../../examples/dist/whisper/transcribe.js";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { whisperFolder } from "../whisper-folder.ts";
import { openSite, until } from "./open-site.ts";

t.setTimeout(300_000);

/** Bytes after gzip that the page may ask for before a model is chosen. */
const FIRST_VIEW = 300_000;

t.test("Whisper in a page", { skip: skipWithoutChromium, timeout: 280_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "echo-whisper-page-"));
  const site = await openSite();
  t.teardown(async () => {
    await site.close();
    rmSync(folder, { recursive: true });
  });
  const files = await whisperFolder();
  const pathOf = (name: string): string => join(folder, name);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(pathOf(name), bytes);
  const { tab, problems } = await site.open("whisper/", { viewport: { width: 390, height: 844 } });
  const says = (id: string, text: RegExp) =>
    until(tab, `${text}.test(document.querySelector("#${id}").textContent)`);
  const shown = (id: string) => tab.textContent(`#${id}`);

  await says("said", /^\d+\.\d\d s of sound\. What is said: /);
  const asked = (await tab.evaluate(
    "performance.getEntriesByType('resource').map(({ name }) => name)",
  )) as string[];
  // The worker's own requests are not in the page's list: all chunks but the model's part are counted.
  const names = new Set(asked.map((name) => name.slice(site.address("").length)));
  const weights = ["whisper/index.html", ...names]
    .filter((name) => !name.endsWith("sw.js"))
    .map((name) => gzipSync(readFileSync(join(site.folder, name))).length);
  const bytes = weights.reduce((a, b) => a + b);
  t.ok(
    [...names].some((name) => /worker-/.test(name)),
    "the worker is counted",
  );
  t.ok(bytes < FIRST_VIEW, `first view: ${bytes} bytes after gzip`);
  t.equal(await tab.isDisabled("#start"), true);
  t.equal(await shown("state"), "First choose a model.");

  await tab.setInputFiles("#files", [pathOf("config.json"), pathOf("tokenizer.json")]);
  await says("model-problem", /^Still missing: model\.safetensors\.$/);
  const text = (name: string, mimeType = "") => ({ name, mimeType, buffer: Buffer.from("{}") });
  await tab.setInputFiles("#files", [text("pytorch_model.bin")]);
  await says("model-problem", /^pytorch_model\.bin: expected model\.safetensors, got another format/);
  await tab.setInputFiles("#files", [text("model-00001-of-00002.safetensors")]);
  await says(
    "model-problem",
    /^model-00001-of-00002\.safetensors: weights in several files are not read here/,
  );
  await tab.setInputFiles("#files", [text("model.safetensors")]);
  await says("model-problem", /model\.safetensors: 2 bytes, expected at least 8/);
  await tab.setInputFiles("#files", [text("config.json")]);
  await says("model-problem", /^config\.json: d_model: expected a whole number, got undefined$/);
  t.equal(await shown("model-state"), "The model was not opened.");
  t.equal(await tab.isDisabled("#start"), true);

  await tab.setInputFiles("#files", [...Object.keys(files).map(pathOf)]);
  await says("model-state", /^Opened in .* 1 encoder and 2 decoder layers of width 16, \d+ tokens\./);
  t.equal(await shown("model-problem"), "");
  t.strictSame(
    await tab.evaluate("[...document.querySelectorAll('#language option')].map(({ value }) => value)"),
    ["", "en", "de"],
  );

  await tab.setInputFiles("#sound", [text("no.wav", "audio/wav")]);
  await says("sound-problem", /no\.wav/);
  t.equal(await tab.isDisabled("#start"), true, "without a recording nothing is started");
  const recording = join(import.meta.dirname, "../../../data/asterisk-alnum/wav/digits-0.wav");
  await tab.setInputFiles("#sound", [recording]);
  await says("said", /Your file digits-0\.wav\.$/);
  await tab.click("#start");
  await says("state", /^Done/);
  const whisper = await openWhisper(async (name) => files[name] ?? null);
  const { channels } = await readAudio(recording, { mono: true, sampleRate: 16000 });
  const expected: string[] = [];
  for await (const { start, end, text } of transcribe(whisper, channels[0]!, { timestamps: true }))
    expected.push(`${start.toFixed(2)} – ${end.toFixed(2)} s${text}`);
  t.not(expected.length, 0);
  t.strictSame(await tab.locator("#pieces li").allTextContents(), expected, "Node's text and times");
  t.match(await shown("figures"), /^\d+\.\d\d s of sound in .* of \d+ decoder steps\. wasm holds \d/);
  t.same(await site.audit(tab), [], "axe-core finds nothing");
  const wide = await tab.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  t.ok((wide as number) <= 0, "the page does not scroll sideways");

  // A worker that computes cannot be interrupted: it is ended, and the model opened again.
  await tab.evaluate(`new Promise((done) => {
    const [start, stop] = ["#start", "#stop"].map((id) => document.querySelector(id));
    start.click();
    const whenItRuns = () => {
      if (stop.disabled) return setTimeout(whenItRuns);
      stop.click();
      done();
    };
    whenItRuns();
  })`);
  await says("model-state", /^Opened in /);
  await until(tab, "!document.querySelector('#start').disabled");
  await tab.click("#start");
  await says("state", /^Done/);
  t.strictSame(await tab.locator("#pieces li").allTextContents(), expected, "the same after a stop");
  t.same(problems, []);
});
