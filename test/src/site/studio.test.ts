// The studio in Chromium: what it shows is what the packages compute in Node, with a bundled recording, a file that is
// dropped, and switches; what the first view weighs. The microphone: microphone.test.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { decodeCheckpoint, decodeRecording, recognizerOf, transcribe } from "@echo-ts/echo-model";
import { geometricFrequencies } from "@echo-ts/echo-model/model";
import { bandWidth, lagCurve } from "@echo-ts/echo-model/study";
import type { Page as Tab } from "playwright-core";
import t from "tap";
import { skipWithoutChromium } from "../browser/chromium.ts";
import { openSite, until } from "./open-site.ts";

t.setTimeout(400_000);

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

t.test("the studio", { skip: skipWithoutChromium, timeout: 380_000 }, async (t) => {
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
