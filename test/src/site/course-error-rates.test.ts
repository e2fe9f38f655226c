// The chapter on error rates shows what the shipped checkpoint makes of the bundled recordings: its texts and counts are
// those of `echo-asr eval`, its figure counts as the package does.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { scoreText } from "@echo-ts/echo-model";
import { SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import t from "tap";
import { loadSite } from "./load-site.ts";

t.setTimeout(300_000);

interface Reading {
  readonly id: string;
  readonly said: string;
  readonly ctc: string;
  readonly attention: string;
}

interface Row {
  readonly id: string;
  readonly reference: string;
  readonly ctc: string;
  readonly free: string;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const { READINGS } = (await import(`${root}site/lib/course/figures/error-rates.js`)) as {
  readonly READINGS: readonly Reading[];
};
const site = await loadSite();

t.test("texts and counts are those of the shipped checkpoint", async (t) => {
  const json = execFileSync(
    process.execPath,
    [
      `${root}packages/echo-model/dist/cli/main.js`,
      ...["eval", SHIPPED_CHECKPOINT, "--data", `${root}data/asterisk-alnum`],
      ...["--set", "data.format=strings", "--set", "data.file=strings.jsonl", "--split", "test", "--json"],
    ],
    { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
  );
  const { texts, scores } = JSON.parse(json).sets.test as {
    readonly texts: readonly Row[];
    readonly scores: { readonly ctc: { readonly interval: Record<"value" | "low" | "high", number> } };
  };
  for (const { id, said, ctc, attention } of READINGS) {
    const row = texts.find((one) => one.id === id);
    t.match(row, { reference: said, ctc, free: attention }, id);
  }
  const cells = site.readChapter("error-rates").blocks.filter((block) => block.kind === "cell");
  const cell = cells.find(({ code }) => code.includes("bootstrapRate"))!;
  const digits = (name: string) => new RegExp(`const ${name} = "(\\d+)"`).exec(cell.code)![1];
  const counts = texts.map(({ reference, ctc }) => scoreText({ reference, hypothesis: ctc }).words);
  t.equal(digits("errors"), counts.map(({ errors }) => errors).join(""));
  t.equal(digits("words"), counts.map(({ total }) => total).join(""));
  const percent = (x: number) => (100 * x).toFixed(1);
  const { value, low, high } = scores.ctc.interval;
  t.match(
    cell.prints,
    `recordings drawn again: ${percent(value)} % (${percent(low)} to ${percent(high)})`,
    "the interval that the command prints",
  );
});

t.test("the figure counts edits as the package does", async (t) => {
  const figure = await site.figures["error-rates"]!();
  for (const { said, ctc, attention } of READINGS)
    for (const [reader, text] of [
      ["CTC", ctc],
      ["attention", attention],
    ] as const) {
      const { words } = scoreText({ reference: said, hypothesis: text });
      const { note, table, svg } = figure.draw(site.settingsOf(figure, { said, reader }));
      const count = (kind: string) => table.rows.filter((row) => row[2] === kind).length;
      t.same(
        ["hit", "substitution", "deletion", "insertion"].map(count),
        [words.hits, words.substitutions, words.deletions, words.insertions],
        `${said} / ${text}`,
      );
      t.ok(note.includes(`a word error rate of ${(100 * words.rate).toFixed(0)} %`), note);
      t.ok(svg.includes(`>${words.errors}</text>`), "the last box holds the number of errors");
    }
  const partly = figure.draw(site.settingsOf(figure, { said: "z g j s", rows: "2" }));
  t.match(partly.note, /Row 2 of 4 is filled/);
});

t.test("the chapter's figures stand in EXPERIMENTS.md", async (t) => {
  const chapter = readFileSync(`${root}site/course/error-rates/chapter.md`, "utf8");
  const experiments = readFileSync(`${root}packages/echo-model/EXPERIMENTS.md`, "utf8");
  for (const [here, there] of [
    ["0.1 % of the words of its training recordings", "0.1 / 1.0 (seed 0)"],
    ["15.2 % of those of eight speakers", "| f0, seed 0                      | **15.2 / 45.2** / 39.3 |"],
    ["speakers give 1.7 %", "| seen, CTC                               | 1.7 "],
    ["new speakers 11.0 %", "| unseen, CTC                             | 11.0 "],
    ["28.6, 51.7 and 38.1 %", "39.5 (28.6 51.7 38.1)"],
    ["38.9 and 45.2 %", "at 38.9 and at 45.2"],
    ["makes 39.3 % where it makes 45.2 %", "**15.2 / 45.2** / 39.3"],
    ["(88.3 % wrong)", "| 100 / 102.3 / 88.3 |"],
    ["Told 80 Hz for every frame it makes 15.0, told 300 Hz 16.4 %", "80 Hz 15.0 / 45.7, 300 Hz 16.4 /"],
    ["11.7 to 18.9", "| 11.7 to 18.9,"],
  ] as const) {
    t.ok(chapter.includes(here), here);
    t.ok(experiments.includes(there), there);
  }
});
