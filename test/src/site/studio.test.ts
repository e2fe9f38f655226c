// The studio in Chromium: what it shows is what the packages compute in Node, with a bundled recording, a file that is
// dropped, and switches; what the first view weighs. The microphone: microphone.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  collateFeatures,
  decodeCheckpoint,
  decodeRecording,
  extractFeatures,
  inputOf,
  recognizerOf,
  transcribe,
} from "@echo-ts/echo-model";
import { geometricFrequencies } from "@echo-ts/echo-model/model";
import { attentionMaps, bandWidth, lagCurve } from "@echo-ts/echo-model/study";
import type { Page as Tab } from "playwright-core";
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { openSite, until } from "./open-site.ts";

t.setTimeout(700_000);

/** Bytes after gzip that the front page may ask for before the model. */
const FIRST_VIEW = 300_000;

const WORDS = "#transcript button.word";
const wordsOf = (tab: Tab): Promise<string[]> =>
  tab.evaluate(`[...document.querySelectorAll("${WORDS}")].map((button) => button.firstChild.textContent)`);

/** The words of the page, when there are others than `before`. */
async function nextWords(tab: Tab, before = ""): Promise<string[]> {
  await until(
    tab,
    `document.querySelector("#transcript").textContent.length > 0 && document.querySelector("#transcript").textContent !== ${JSON.stringify(before)}`,
  );
  return wordsOf(tab);
}

t.test("the studio", { skip: skipWithoutChromium, timeout: 680_000 }, async (t) => {
  const site = await openSite(["--autoplay-policy=no-user-gesture-required"]);
  t.teardown(() => site.close());
  const file = (name: string) => readFileSync(join(site.folder, name));
  const recognizer = recognizerOf(await decodeCheckpoint(file("files/an4-f0.safetensors"), "the model"));
  const transcriptOf = async (name: string) => {
    const wave = await decodeRecording(file(`files/recordings/${name}`), name, 16000);
    return (await transcribe(recognizer, wave)).words;
  };
  const list = JSON.parse(String(file("files/recordings/index.json"))) as { file: string; text: string }[];

  await t.test("recognises the first recording as Node does, after a first view below 300 kB", async (t) => {
    const { tab, problems } = await site.open("");
    const early: string[] = [];
    const expected = await transcriptOf(list[0]!.file);
    t.same(
      await nextWords(tab),
      expected.map(({ word }) => word),
    );
    const shown = await tab.locator(`${WORDS} small`).allTextContents();
    t.same(
      shown,
      expected.map(
        ({ start, end, confidence }) =>
          `${start.toFixed(2)}–${end.toFixed(2)} s, ${Math.round(100 * confidence!)} %`,
      ),
      "with Node's times and confidences",
    );
    t.equal(expected.map(({ word }) => word).join(" "), list[0]!.text, "and they are what is said");
    const entries = (await tab.evaluate(
      "performance.getEntriesByType('resource').map(({ name, startTime }) => ({ name, startTime }))",
    )) as { name: string; startTime: number }[];
    const model = entries.find(({ name }) => name.endsWith(".safetensors"))!.startTime;
    for (const { name, startTime } of entries) if (startTime < model) early.push(name);
    // What the worker and the service worker ask for is not in the page's list: the worker's first file counts too.
    const names = early.map((name) => name.slice(site.address("").length));
    const bytes = ["index.html", ...new Set(names)]
      .filter((name) => !name.endsWith("sw.js"))
      .reduce((sum, name) => sum + gzipSync(file(name)).length, 0);
    t.comment(`first view: ${bytes} bytes after gzip: ${names.join(" ")}`);
    t.ok(
      names.some((name) => name.includes("worker-")),
      "the worker is counted",
    );
    t.ok(bytes < FIRST_VIEW, `${bytes} bytes`);
    const marks = await tab.evaluate(
      "performance.getEntriesByType('mark').map(({ name, startTime }) => name + ' ' + startTime.toFixed(0) + ' ms')",
    );
    t.comment(`${marks}`);
    t.same(await site.audit(tab), [], "axe-core finds nothing on the full page");
    t.same(problems, []);
    await tab.context().close();
  });

  await t.test("figures: numbers, switches, pitch and position, on a narrow screen", async (t) => {
    const { tab, problems } = await site.open("", {
      viewport: { width: 390, height: 844 },
      reducedMotion: "reduce",
    });
    await nextWords(tab);
    await tab.waitForSelector("#figure-pitch-bias svg");
    t.ok(
      ((await tab.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      )) as number) <= 0,
      "the page does not scroll sideways",
    );
    await tab.click("#figure-ctc summary");
    const heads = await tab.locator("#figure-ctc th").allTextContents();
    t.same(heads.slice(0, 2), ["second", "(blank)"]);
    t.ok(heads.includes("nine"));
    const expected = bandWidth(lagCurve(geometricFrequencies(10000, 16), 100));
    t.match(await tab.textContent("#band-widths"), `${expected} frames`, "the band of the fixed base");
    await tab.getByLabel("Width of a head").selectOption({ index: 2 });
    const wide = bandWidth(lagCurve(geometricFrequencies(10000, 64), 100));
    await until(tab, `document.querySelector("#band-widths").textContent.includes(": ${wide} frames")`);
    const before = await tab.textContent("#band-widths");
    await tab.getByLabel("Pitch f0").focus();
    for (let i = 0; i < 20; i++) await tab.keyboard.press("ArrowRight");
    await until(tab, `document.querySelector("#band-widths").textContent !== ${JSON.stringify(before)}`);
    t.equal(await tab.locator("#runs tbody tr").count(), 1);
    await tab.selectOption("#switch-zero", "off");
    await until(tab, "document.querySelectorAll('#runs tbody tr').length === 2");
    await tab.selectOption("#switch-rotary", "none");
    await until(tab, "document.querySelectorAll('#runs tbody tr').length === 3");
    const silence = await tab.locator("#runs tbody tr td:nth-child(3)").allTextContents();
    const first = silence.map((text) => Number.parseFloat(text));
    t.ok(first[1]! > first[0]! + 5, `silence receives more without the zero-value: ${silence.join(" / ")}`);
    t.same(await site.audit(tab), [], "axe-core finds nothing");
    t.same(problems, []);
    await tab.context().close();
  });

  await t.test("three levels, in the address and by the keyboard", async (t) => {
    const name = "alnum-digits-19";
    const { tab, problems } = await site.open(
      `?recording=${name}&layer=encoder+1&head=head+2&zero=off&word=1#figure-gates`,
    );
    const words = await nextWords(tab);
    t.equal(words.length > 3, true);
    await until(tab, "document.querySelector('#rotary-lab svg') !== null");
    t.equal(await tab.inputValue("#recording"), name, "the address chooses the recording");
    t.equal(await tab.inputValue("#layer"), "encoder 1");
    t.equal(await tab.inputValue("#head"), "head 2");
    t.equal(await tab.inputValue("#switch-zero"), "off");
    t.match(await tab.textContent("#figure-where-a-word-looks"), `Where “${words[1]}” looks`);
    t.match(await tab.textContent("#runs"), /zero-value off/);
    t.ok(
      await tab.evaluate(
        "Math.abs(document.querySelector('#figure-gates').getBoundingClientRect().top) < 400",
      ),
      "and the place",
    );
    // Level 3: the numbers of one element are those of Node.
    const figure = tab.locator("#figure-attention");
    await figure.getByText("The arithmetic of one element").click();
    await figure.getByLabel("looks from").fill("20");
    await figure.getByLabel("looked at").fill("21");
    await figure.getByLabel("looked at").press("Tab");
    await until(
      tab,
      "/frame 21 .*= /s.test(document.querySelector('#figure-attention .deeper').textContent)",
    );
    const shown = await figure.locator(".deeper p").last().textContent();
    const wave = await decodeRecording(file(`files/recordings/${name}.wav`), name, 16000);
    const { config, ...rest } = await decodeCheckpoint(file("files/an4-f0.safetensors"), "the model");
    const zeroKeys = { ...config.model.zeroKeys, enabled: false };
    const { echo } = recognizerOf({ config: { ...config, model: { ...config.model, zeroKeys } }, ...rest });
    const input = inputOf(config);
    const batch = collateFeatures([extractFeatures(wave, input)], input);
    const map = attentionMaps(echo, batch, null).find(({ name: of }) => of === "encoder 1 self")!;
    const weight = map.weights[(2 * map.queries + 20) * map.keys + 21]!;
    t.match(shown, new RegExp(`= ${weight.toPrecision(3).replace(".", "\\.")}$`), `the weight ${weight}`);
    const mel = tab.locator("#figure-spectrogram");
    await mel.getByText("The arithmetic of one element").click();
    await mel.getByLabel("hop").fill("31");
    await mel.getByLabel("band").fill("7");
    await mel.getByLabel("band").press("Tab");
    await until(
      tab,
      "/Hop 31, band 7:/.test(document.querySelector('#figure-spectrogram .deeper').textContent)",
    );
    const features = extractFeatures(wave, input);
    const value = features.mel[7 * features.frames + 31]!.toPrecision(4).replace(".", "\\.");
    t.match(
      await mel.locator(".deeper p").last().textContent(),
      new RegExp(`= ${value}\\. This is the colour`),
    );
    // The pointer reads the picture.
    await mel.locator("svg").hover();
    t.match(
      await mel.locator(".reading").textContent(),
      /^\d\.\d\d s, band \d+ \(\d+ Hz\): -?\d\.\d\d; (f0 \d+ Hz|no voice)$/,
    );
    const ctc = tab.locator("#figure-ctc");
    await ctc.getByText("The arithmetic of one element").click();
    await until(tab, "/the CTC loss: /.test(document.querySelector('#figure-ctc .deeper').textContent)");
    t.match(await ctc.locator(".deeper p").nth(2).textContent(), /is added\. Read out so far: \w+$/);
    for (const open of [mel, ctc]) await open.getByText("The arithmetic of one element").click();
    await figure.getByText("Show the code").click();
    await until(tab, "document.querySelector('#figure-attention pre') !== null");
    t.match(await figure.locator("pre").textContent(), /protected attend\(query: Tensor/);
    t.same(await site.audit(tab), [], "axe-core finds nothing");
    // Esc: out of the code, out of the figure, out of the section.
    await figure.locator("pre").focus();
    await tab.keyboard.press("Escape");
    t.equal(await figure.locator("details.deeper[open]").count(), 1, "the code is closed");
    await tab.keyboard.press("Escape");
    t.equal(await tab.evaluate("location.hash"), "#inside", "from the figure to its section");
    await tab.keyboard.press("Escape");
    t.equal(await tab.evaluate("location.hash"), "#flow", "to the whole model");
    t.match(await tab.evaluate("document.activeElement.textContent"), /^Sound/, "with the keyboard's focus");
    // What is chosen now stands in the address; pointing at a word lights its frames.
    await tab.selectOption("#layer", "decoder 0 to the sound");
    await tab.locator(WORDS).nth(2).hover();
    t.match(await tab.textContent("#figure-where-a-word-looks"), `Where “${words[2]}” looks`);
    t.match(await tab.evaluate("location.search"), /layer=decoder\+0\+to\+the\+sound/);
    t.match(await tab.textContent("#figure-attention"), /each row is a token/);
    // The tree of the search grows with the cursor.
    const leads = () => tab.locator("#figure-beam strong").textContent();
    t.match(await leads(), words.join(" "), "at the end the text leads that is shown");
    await tab.locator("#time").fill("1");
    await until(
      tab,
      `!document.querySelector("#figure-beam strong").textContent.includes("${words.join(" ")}")`,
    );
    t.match(await leads(), /after 1\.0/, "earlier it is shorter");
    t.same(problems, []);
    await tab.context().close();
  });

  await t.test("a dropped file, silence put in, and files that are none", async (t) => {
    const { tab } = await site.open("");
    await nextWords(tab);
    const before = (await tab.textContent("#transcript"))!;
    const other = list[1]!;
    await tab.setInputFiles("#file", join(site.folder, "files/recordings", other.file));
    t.same(
      await nextWords(tab, before),
      (await transcriptOf(other.file)).map(({ word }) => word),
    );
    await tab.setInputFiles("#file", {
      name: "notes.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("no sound"),
    });
    await until(tab, "document.querySelector('#problem').textContent !== ''");
    t.match(await tab.textContent("#problem"), /notes\.txt/, "the message names the file");
    await tab.click("#silence");
    await until(tab, "/one second of silence/.test(document.querySelector('#said').textContent)");
    await tab.context().close();
  });
});
