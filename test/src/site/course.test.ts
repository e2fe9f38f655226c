// The course: every cell prints what the page says, every solution passes its tests and what the reader starts from does
// not, every figure draws at all its settings, quotations come from the sources.
import t from "tap";
import { loadSite } from "./load-site.ts";

t.setTimeout(300_000);

const site = await loadSite();

for (const slug of site.CHAPTERS) {
  await t.test(slug, async (t) => {
    const chapter = site.readChapter(slug);
    t.ok(chapter.words <= 900, `${chapter.words} words`);
    let cells = 0;
    let exercises = 0;
    for (const block of chapter.blocks) {
      if (block.kind === "cell") {
        // Measured numbers are those of a machine: only the words around them are the same everywhere.
        const words = (text: string) => (block.measures ? text.replace(/\d+(\.\d+)?/g, "#") : text);
        const printed = await site.printed(block.code);
        t.equal(words(printed), words(block.prints), `cell ${++cells} prints what the page says`);
      } else if (block.kind === "exercise") {
        const name = `exercise ${++exercises}`;
        await t.resolves(
          site.printed(site.withTests(block.solution, block.tests)),
          `${name}: the solution passes`,
        );
        await t.rejects(
          site.printed(site.withTests(block.code, block.tests)),
          { message: /^Not yet: / },
          `${name}: the start doesn't pass, with a hint`,
        );
      }
    }
    t.ok(cells >= 2, `${cells} cells`);
    t.equal(exercises, 3);
    t.ok(
      chapter.blocks.some(({ kind }) => kind === "source"),
      "quotes the sources",
    );
    t.ok(
      chapter.read.every(({ lines }) => lines > 0),
      "names files to read",
    );
  });
}

t.test("figures draw at the first setting and at the ends of every control", async (t) => {
  const names = site.CHAPTERS.map((slug) => site.readChapter(slug).figure);
  t.same(Object.keys(site.figures), names, "one figure for each chapter");
  for (const [name, load] of Object.entries(site.figures)) {
    const figure = await load();
    const states = [
      {},
      ...figure.controls.flatMap((control) =>
        (control.kind === "range" ? [control.min, control.max] : control.choices).map((value) => ({
          [control.name]: String(value),
        })),
      ),
    ];
    const first = figure.draw(site.settingsOf(figure));
    for (const state of states) {
      const { svg, note, table } = figure.draw(site.settingsOf(figure, state));
      const where = `${name} ${JSON.stringify(state)}`;
      t.notMatch(svg, /NaN|undefined|Infinity/, where);
      t.notMatch(note, /NaN|undefined/, where);
      t.ok(table.rows.length > 0, where);
    }
    for (const control of figure.controls) {
      const values = control.kind === "range" ? [control.min, control.max] : control.choices;
      const drawings = values.map((value) =>
        figure.draw(site.settingsOf(figure, { [control.name]: String(value) })),
      );
      t.ok(
        drawings.some(({ svg, note }) => svg !== first.svg || note !== first.note),
        `${name}: ${control.name} changes the figure`,
      );
    }
  }
});

/** f0 in Hz of the word "seven" at some seconds, by librosa 0.11's pYIN. */
const PYIN = [
  [0.25, 255.65],
  [0.3, 248.37],
  [0.45, 200.58],
  [0.6, 141.01],
] as const;

t.test("figures show what the packages compute", async (t) => {
  const draw = async (name: string, state: Readonly<Record<string, string>>) => {
    const figure = await site.figures[name]!();
    return figure.draw(site.settingsOf(figure, state));
  };
  const strides = await draw("strides", { start: "1", step: "2", flip: "yes", transpose: "yes" });
  t.match(strides.note, /shape \[3, 4\], strides \[-2, 6\], offset 5\./);
  const fit = await draw("broadcasting", { "a-rows": "3", "b-columns": "2" });
  t.match(fit.note, /^\[3,1\] and \[1,2\] give \[3,2\]\./);
  t.match(
    (await draw("broadcasting", { "b-rows": "2" })).note,
    /shapes do not broadcast: \[3, 1\] and \[2, 4\]/,
  );
  // The widths are those of the specification, from PyTorch.
  for (const [f0, width] of [
    ["80", 20],
    ["120", 21],
    ["220", 23],
    ["300", 27],
    ["600", 33],
  ] as const) {
    const { note } = await draw("pitch-in-attention", { f0 });
    t.ok(
      note.includes(`the band is ${width} frames wide; with the constant base it is 46 frames wide`),
      note,
    );
  }
  for (const text of ["ab", "aa", "aab"]) {
    // The probability is the figure's own sum over its lattice, the loss is the package's.
    const { note } = await draw("ctc", { text, frames: "6" });
    const [, probability, loss] = /probability (\S+), and the loss is (\d+\.\d+)/.exec(note) ?? [];
    t.ok(Math.abs(-Math.log(Number(probability)) - Number(loss)) < 2e-3, `${text}: ${note}`);
  }
  t.match(
    (await draw("ctc", { text: "aab", frames: "3" })).note,
    /No path of 3 frames .* The loss is infinite/,
  );
  // Loss, a and b after 25 steps of PyTorch 2.13's optimisers in float64, weight_decay=0.1: SGD, momentum, Adam, AdamW.
  for (const [surface, right] of [
    ["a valley along an axis", "0.087 0.584 0.497 1.502 0.413 0.826 0.882 0.113 0.302 0.924 0.211 0.279"],
    ["a slanting valley", "0.026 0.840 0.339 8.273 0.218 0.865 1.779 0.035 -0.022 1.067 0.114 -0.099"],
    ["a bent valley", "0.340 0.176 0.022 0.066 1.218 1.354 2.072 -1.034 1.105 1.861 -0.928 0.891"],
  ] as const) {
    const paths = await draw("optimisers", { surface, decay: "0.1", steps: "25" });
    t.equal(paths.table.rows.at(-1)!.slice(1).join(" "), right, surface);
  }
  const wild = await draw("optimisers", { rate: "0.1" });
  t.match(wild.note, /Above where it began: SGD\./, "the limit for SGD is 2 / 25 there");
  // pYIN (fmin 55, fmax 650, frames of 1024) is another method than our tracker's: within 3 %.
  const sound = await site.figures.sound!();
  const track = sound.draw(site.settingsOf(sound)).table.rows;
  for (const [seconds, hz] of PYIN) {
    const [time, f0] = track[Math.round(seconds * 100)]!;
    t.equal(Number(time), seconds);
    t.ok(Math.abs(Number(f0) / hz - 1) < 0.03, `f0 at ${seconds} s: ${f0}, pYIN ${hz}`);
  }
  t.equal(track[10]![1], "none", "the s of seven is not voiced");
  const { note: middle } = await draw("sound", { at: "300", window: "1024" });
  t.match(middle, /A window of 1024 samples lasts 64 ms, and its bins are 15\.6 Hz apart/);
  // Su et al. 2021, section 3.4.3: the score of equal vectors is a sum of cos(distance theta^(-j / P)), here over P.
  for (const [distance, theta, pairs] of [
    [4, 10000, 16],
    [100, 100, 6],
    [0, 1000, 64],
  ] as const) {
    const cosines = Array.from({ length: pairs }, (_, j) => Math.cos(distance * theta ** (-j / pairs)));
    const right = (cosines.reduce((a, b) => a + b) / pairs).toFixed(4);
    const [first, moved] = await Promise.all(
      ["0", "173"].map((query) =>
        draw("attention", { query, distance: `${distance}`, theta: `${theta}`, pairs: `${pairs}` }),
      ),
    );
    t.ok(first!.note.includes(`over all ${pairs} pairs, is ${right}.`), first!.note);
    t.ok(moved!.note.includes(`over all ${pairs} pairs, is ${right}.`), "wherever the query stands");
    t.not(first!.svg, moved!.svg, "though the hands have turned");
  }
  // d/dw (3 w + b - 1)^2 = 2 (3 w + b - 1) 3 at w = 2, b = -1
  const tape = await draw("reverse-mode", { step: "6", w: "2", b: "-1" });
  t.same(
    tape.table.rows.map(([name, , gradient]) => `${name} ${gradient}`),
    ["loss 1", "error 8", "sum 8", "b 8", "product 8", "w 24"],
  );
});

t.test("the cache of the figure on speed counts what can be counted by hand", async (t) => {
  const figure = await site.figures.speed!();
  const rows = (state: Readonly<Record<string, string>>) =>
    figure.draw(site.settingsOf(figure, state)).table.rows;
  // Room for all: 8 x 8 numbers are 16 lines of 4 for each matrix, each fetched once.
  for (const [order, ...lines] of rows({ n: "8", lines: "48" })) t.same(lines, [16, 16, 16], String(order));
  t.same(rows({ n: "24", lines: "16", block: "4" }), [
    // A column of B has 24 lines: none is left when the next column asks for it. The row of A goes with them.
    ["row times column", 24 * 24 * 6, 24 * 24 * 24, 24 * 24],
    // All of B for each row of C; a row of C has 6 lines, and stays.
    ["sum of rows of B", 24 * 6, 24 * 24 * 6, 24 * 6],
    // Three blocks of 4 lines fit: 6^3 blocks of A and of B, and each of the 6^2 blocks of C once.
    ["blocks", 216 * 4, 216 * 4, 36 * 4],
  ]);
});

t.test("a quotation follows its source", async (t) => {
  const { code, line } = site.quote("packages/tensor/src/shape.ts", "sizeOf");
  t.match(code, /^export function sizeOf\(shape: Shape\): number \{\n {2}let size = 1;\n/);
  t.ok(line > 5);
  t.match(site.quote("packages/autograd/src/vjps/elementwise.ts", "ELEMENTWISE_VJPS.neg").code, /^neg: .*,$/);
  t.match(
    site.quote("packages/audio/src/pitch/candidates.ts", "CandidateFinder.#maxima").code,
    /^#maxima\(correlation: Float64Array/,
    "the declaration, where a method is used before it",
  );
  t.throws(() => site.quote("packages/tensor/src/shape.ts", "sizeOff"), {
    message: 'course: packages/tensor/src/shape.ts has no "sizeOff"; was it renamed?',
  });
  t.throws(() => site.quoteAll("packages/tensor/src/view.ts", ["unfoldView", "reshapeView"]), {
    message: /view.ts: unfoldView, reshapeView: expected at most 60 lines, got \d+/,
  });
});

t.test("a chapter that breaks the rules is refused", async (t) => {
  const head = "---\ntitle: T\nquestion: Q?\nfigure: strides\nread: packages/tensor/src/shape.ts\n---\n";
  const exercise = "```start\na\n```\n\n```tests\nb\n```\n\n```solution\nc\n```\n\n";
  t.equal(site.parseChapter(`${head}Hello there.\n\n${exercise.repeat(3)}`, "x").words, 3);
  const refused = (text: string, message: string | RegExp) =>
    t.throws(() => site.parseChapter(text, "x.md"), { message });
  refused("no head", "course: x.md: expected a head between lines of ---");
  refused(head.replace("title: T\n", ""), "course: x.md: the head has no title");
  refused(head + exercise, "course: x.md: expected three exercises, got 1");
  refused(`${head}${"word ".repeat(900)}\n\n${exercise.repeat(3)}`, /expected at most 900 words, got 901/);
  refused(`${head}\`\`\`cell\n1\n\`\`\`\n`, /expected a fence "prints" after: ```cell/);
});

t.test("the reading list holds each file once, with its length and what it is", async (t) => {
  const list = site.readingList();
  t.equal(new Set(list.map(({ file }) => file)).size, list.length);
  const total = list.reduce((sum, { lines }) => sum + lines, 0);
  t.ok(total >= 2000 && total <= 3000, `${total} lines: a weekend's reading`);
  for (const slug of site.CHAPTERS)
    t.ok(
      list.some(({ chapter }) => chapter === slug),
      `${slug} sends to something new`,
    );
  const rotary = list.find(({ file }) => file.endsWith("/model/rotary.ts"));
  t.match(rotary, { names: [], about: /^Rotary position encoding whose base follows .*\.$/ });
});

t.test("a part of a file counts with its comment", async (t) => {
  const file = "packages/tensor/src/shape.ts";
  const { names, lines, about } = site.readingOf(`${file}#sizeOf,rowMajorStrides`);
  t.same(names, ["sizeOf", "rowMajorStrides"]);
  const code = ["sizeOf", "rowMajorStrides"].map((name) => site.quote(file, name).code.split("\n").length);
  t.ok(lines > code[0]! + code[1]! && lines < code[0]! + code[1]! + 30, `${lines} lines`);
  // A name that is used before it is declared: the declaration counts.
  const late = site.quote("packages/tensor/src/ops/attention.ts", "attention").code;
  t.match(late, /^export function attention\(/);
  t.equal(about, "Pure functions on shapes, strides and axes.");
  t.throws(() => site.readingOf(`${file}#sizeOff`), { message: /has no "sizeOff"; was it renamed\?/ });
  t.throws(() => site.readingOf("package.json"), {
    message: "course: package.json does not open with a comment that says what it is",
  });
});
