// Reports in a real browser, from the disk: no error on the console, nothing asked for, light and dark, every figure seen.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import t, { type Test } from "tap";
import { configFile, data, folder as made, run, trainArgs } from "../echo-model/command-line.ts";
import { launchChromium, skipWithoutChromium } from "./chromium.ts";

t.setTimeout(600_000);

const folder: string = mkdtempSync(join(tmpdir(), "echo-reports-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const root: string = join(import.meta.dirname, "../../..");
const recording: string = join(root, "data/asterisk-alnum/wav/digits-17.wav");
const documents: string = join(root, "docs/seeing");

/** Opens a file as a reader does, in one colour scheme; gives what was asked for and what went wrong. */
async function look(browser: Browser, path: string, colorScheme: "light" | "dark", width = 1280) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const tab = await context.newPage();
  const problems: string[] = [];
  const requests: string[] = [];
  tab.on("console", (message) => problems.push(message.text()));
  tab.on("pageerror", (error) => problems.push(error.message));
  tab.on("request", (request) => requests.push(request.url()));
  const address = pathToFileURL(path).href;
  await tab.goto(address);
  const seen = await tab.evaluate(() => {
    const figures = [...document.querySelectorAll("figure")];
    const style = getComputedStyle(document.querySelector("body") ?? document.documentElement);
    return {
      figures: figures.length,
      shrunk: figures.filter((figure) => {
        const svg = figure.querySelector("svg");
        return svg !== null && svg.getBoundingClientRect().width < Number(svg.getAttribute("width"));
      }).length,
      flat: figures.filter(
        (figure) => (figure.querySelector("svg")?.getBoundingClientRect().height ?? 0) < 60,
      ).length,
      tables: document.querySelectorAll("figure table").length,
      unloaded: [...document.querySelectorAll("svg image")].filter(
        (image) => image.getBoundingClientRect().width === 0,
      ).length,
      ground: style.backgroundColor,
      text: style.color,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      invalid: document.querySelector("parsererror")?.textContent ?? null,
    };
  });
  await context.close();
  return {
    ...seen,
    problems,
    outside: requests.filter((url) => url !== address && !url.startsWith("data:")),
  };
}

/** Holds a report to all of it. */
async function checkReport(t: Test, browser: Browser, path: string, figures: number) {
  const grounds: string[] = [];
  for (const scheme of ["light", "dark"] as const) {
    const seen = await look(browser, path, scheme);
    t.same(seen.problems, [], `${scheme}: no message on the console`);
    t.same(seen.outside, [], `${scheme}: nothing is asked for`);
    t.equal(seen.figures, figures);
    t.equal(seen.tables, figures, "each with its numbers");
    t.equal(seen.flat, 0, "each figure has a height");
    t.equal(seen.unloaded, 0, "each picture has a width");
    t.ok(seen.wide <= 0, `${scheme}: the page does not scroll sideways`);
    t.not(seen.ground, seen.text, "ink and ground differ");
    grounds.push(seen.ground);
  }
  t.not(grounds[0], grounds[1], "dark is not light");
  const phone = await look(browser, path, "light", 390);
  t.ok(phone.wide <= 0, "on a phone figures and tables scroll, the page doesn't");
  t.equal(phone.shrunk, 0, "so that what is written in them can be read");
}

t.test("reports open in Chromium without an error", { skip: skipWithoutChromium }, async (t) => {
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  await t.test("of echo-asr attention", async (t) => {
    const out = join(folder, "attention");
    const { status, err } = run("attention", recording, "--out", out);
    t.equal(status, 0, err);
    await checkReport(t, browser, join(out, "report.html"), 8);
  });
  await t.test("of a training, with diagnostics, on made-up speech", async (t) => {
    const { status, err } = run(...trainArgs("reported", "--diagnostics", "--report"));
    t.equal(status, 0, err);
    await checkReport(t, browser, join(made, "reported", "report.html"), 9);
    const plain = run(...trainArgs("plain"));
    t.equal(plain.status, 0, plain.err);
    const weights = (name: string) => readFileSync(join(made, name, "last.safetensors"));
    t.ok(weights("reported").equals(weights("plain")), "watching changes no bit of the checkpoint");
    const scored = join(folder, "scored");
    const args = ["--data", data, "--threads", "1", "--out", scored, "--recording", join(data, "wav/a3.wav")];
    const again = run("report", join(made, "reported"), ...args);
    t.equal(again.status, 0, again.err);
    const [, figures] = /report with (\d+) figures/.exec(again.out) ?? [];
    t.ok(Number(figures) > 15, again.out);
    await checkReport(t, browser, join(scored, "report.html"), Number(figures));
  });
  await t.test("of echo-asr diagnose and architecture", async (t) => {
    const out = join(folder, "diagnosis");
    const args = ["--data", data, "--config", configFile, "--steps", "3", "--batches", "2", "--threads", "1"];
    const found = run("diagnose", ...args, "--out", out);
    t.equal(found.status, 0, found.err);
    t.match(found.out, /gate\/MLP, decoder +10\.05 to 43\.46/);
    await checkReport(t, browser, join(out, "report.html"), 9);
    const drawn = join(folder, "architecture");
    t.equal(run("architecture", "--config", configFile, "--out", drawn).status, 0);
    await checkReport(t, browser, join(drawn, "report.html"), 1);
  });
  await t.test("of echo-asr patterns", async (t) => {
    const out = join(folder, "patterns");
    const { status, out: text, err } = run("patterns", "--recording", recording, "--out", out);
    t.equal(status, 0, err);
    t.match(text, /static, theta 10000 +10000\.0 +\d+ frames/);
    await checkReport(t, browser, join(out, "report.html"), 6);
    for (const name of readdirSync(join(out, "figures")).filter((file) => file.endsWith(".svg"))) {
      const { problems, outside, invalid } = await look(browser, join(out, "figures", name), "dark");
      t.same([problems, outside, invalid], [[], [], null], `${name} is a document of its own`);
    }
  });
});

t.test("the reports of the documents open as they lie", { skip: skipWithoutChromium }, async (t) => {
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const figures = { "an4-checkpoint": 24, "fsdd-run": 9, "digits-ablation": 5 };
  for (const [name, count] of Object.entries(figures))
    await t.test(name, (t) => checkReport(t, browser, join(documents, `${name}.html`), count));
});

t.test("patterns says what it refuses", async (t) => {
  const refused = (...args: string[]) => {
    const { status, err } = run("patterns", ...args);
    return `${status} ${err.trim()}`;
  };
  t.equal(
    refused("--f0", "80,x"),
    "2 echo-asr: config: --f0: expected Hz above 0 with commas between, got x",
  );
  t.equal(
    refused("--head-width", "7"),
    "2 echo-asr: config: --head-width: expected an even number from 2 to 1024, got 7",
  );
  t.equal(
    refused("--length", "1"),
    "2 echo-asr: config: --length: expected a whole number from 2 to 2000, got 1",
  );
  t.equal(
    refused("--recording", recording),
    "2 echo-asr: config: --recording: its figures need a folder; add --out DIR",
  );
});
