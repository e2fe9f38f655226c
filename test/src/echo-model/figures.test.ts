// Figures hold the numbers they show. Reference values of the rotary patterns are those of the specification's
// measurements on the original; pictures are read back from the SVG by a PNG reader of this file's own.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { resolveConfig } from "@echo-ts/echo-model";
import {
  bandWidthFigure,
  drawFigure,
  imageAddress,
  lagCurveFigure,
  reportHtml,
  rotationFigure,
  similarityFigure,
  utteranceMatricesFigure,
  writeReport,
} from "@echo-ts/echo-model/figures";
import { positionSimilarity, steadyAngles } from "@echo-ts/echo-model/model";
import {
  angleSimilarity,
  bandWidth,
  lagCurve,
  patternVariants,
  pitchBiasMatrix,
  rotaryPatterns,
  utteranceAngles,
} from "@echo-ts/echo-model/study";
import t from "tap";

const { rotary } = resolveConfig().model;

/** Pixels of a PNG with a palette of 8 bits, each [red, green, blue, alpha]; the rows from the top. */
function readPng(address: string): { width: number; height: number; pixels: number[][] } {
  const bytes = Buffer.from(address.replace("data:image/png;base64,", ""), "base64");
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    chunks.set(bytes.toString("latin1", at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const [width, height] = [chunks.get("IHDR")!.readUInt32BE(0), chunks.get("IHDR")!.readUInt32BE(4)];
  const [palette, transparent] = [chunks.get("PLTE")!, chunks.get("tRNS")];
  const raw = inflateSync(chunks.get("IDAT")!);
  const pixels: number[][] = [];
  for (let y = 0; y < height; y++) {
    const row = raw.subarray(y * (width + 1), (y + 1) * (width + 1));
    if (row[0] !== 0) throw new Error(`filter ${row[0]}`);
    for (const color of row.subarray(1))
      pixels.push([...palette.subarray(3 * color, 3 * color + 3), transparent?.[color] ?? 255]);
  }
  return { width, height, pixels };
}

t.test("band widths are those of the original's rotary vectors", async (t) => {
  const of = (choice: Parameters<typeof rotaryPatterns>[0], config = rotary) =>
    rotaryPatterns(choice, config).map((pattern) => pattern.bandWidth);
  const f0 = [80, 120, 220, 300, 600];
  t.same(of({ f0, theta: [10000], headWidth: 128, positions: 128 }), [46, 20, 21, 23, 27, 33]);
  const plotRange = { ...rotary, minTheta: 800, maxTheta: 10000 };
  t.same(of({ f0: [120, 220], theta: [], headWidth: 128, positions: 128 }, plotRange), [34, 40]);
  for (const width of of({ f0, theta: [10000], headWidth: 16, positions: 128 }))
    t.ok(width === 8 || width === 9, "a head of width 16: 8 or 9 for all");
  t.equal(bandWidth(Float64Array.of(1, 0.9, 0.8)), null, "no lag below one half");
});

t.test("the curve by lag is the first row of the similarity matrix; angles give the same", async (t) => {
  const [{ frequencies, curve }] = rotaryPatterns(
    { f0: [150], theta: [], headWidth: 32, positions: 40 },
    rotary,
  ) as [ReturnType<typeof rotaryPatterns>[number]];
  const matrix = positionSimilarity(frequencies, 40);
  t.same([...curve], [...matrix.subarray(0, 40)]);
  const byAngles = angleSimilarity(steadyAngles([frequencies], 40).values, 40, 16);
  t.ok(byAngles.every((value, i) => Math.abs(value - matrix[i]!) < 1e-12));
  const weighted = lagCurve(frequencies, 40, new Float64Array(16).fill(3));
  t.ok(
    weighted.every((value, i) => Math.abs(value - curve[i]!) < 1e-12),
    "equal weights change nothing",
  );
});

t.test("a constant pitch makes the three ways two: each frame's pitch is the mean", async (t) => {
  const angles = utteranceAngles(new Float64Array(30).fill(180), 16, rotary);
  t.equal(angles.meanHz, 180);
  t.ok(angles.frames.every((value, i) => Math.abs(value - angles.utterance[i]!) < 1e-9));
  t.notSame([...angles.static], [...angles.utterance]);
});

t.test("the pitch bias by hand: 100, 200, unvoiced, 200 Hz", async (t) => {
  const bias = pitchBiasMatrix([100, 200, 0, 200]);
  // Mean 500 / 3, standard deviation 57.735: the standardised pitches differ by 100 / 57.735.
  const far = Math.exp(-100 / Math.sqrt(20000 / 6));
  const expected = [1, far, 0, far, far, 1, 0, 1, 0, 0, 0, 0, far, 1, 0, 1];
  t.ok(
    bias.every((value, i) => Math.abs(value - expected[i]!) < 1e-6),
    [...bias].join(" "),
  );
});

t.test("a picture of a matrix holds its values: the first row at the bottom, colours in order", async (t) => {
  const values = [0, 0.25, 0.5, 0.75, 1, Number.NaN];
  const { width, height, pixels } = readPng(imageAddress({ values, rows: 2, columns: 3, range: [0, 1] }));
  t.same([width, height], [3, 2]);
  const at = (row: number, column: number) => pixels[(1 - row) * 3 + column]!;
  // Ends and middle of viridis as matplotlib publishes them.
  t.same(at(0, 0), [0x44, 0x01, 0x54, 255]);
  t.same(at(1, 1), [0xfd, 0xe7, 0x25, 255]);
  const middle = at(0, 2);
  t.ok(
    [0x21, 0x91, 0x8c].every((part, i) => Math.abs(part - middle[i]!) <= 2),
    middle.join(" "),
  );
  t.equal(at(1, 2)[3], 0, "no value: nothing is drawn");
  const lightness = [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1)].map(
    ([r, g, b]) => 0.3 * r! + 0.6 * g! + 0.1 * b!,
  );
  t.ok(
    lightness.every((value, i) => i === 0 || value > lightness[i - 1]!),
    lightness.join(" "),
  );
  const large = readPng(
    imageAddress({ values: new Float64Array(1e6), rows: 1000, columns: 1000, range: [0, 1] }),
  );
  t.same([large.width, large.height], [400, 400], "more cells than anybody sees are averaged");
  t.throws(
    () => imageAddress({ values: [1, 2], rows: 2, columns: 2, range: [0, 1] }),
    new RangeError("imageAddress: expected 2 x 2 values, got 2"),
  );
});

const patterns = rotaryPatterns({ f0: [120, 300], theta: [10000], headWidth: 32, positions: 64 }, rotary);

t.test("the similarity figure draws each pattern's matrix", async (t) => {
  const { svg, table } = similarityFigure(patterns, 32);
  const pictures = [...svg.matchAll(/href="(data:[^"]+)"/g)].map(([, address]) => readPng(address!));
  t.equal(pictures.length, patterns.length + 1, "a picture for each and the bar of colours");
  const low = Math.min(0, ...patterns.flatMap(({ curve }) => [...curve]));
  const bar = readPng(
    imageAddress({
      values: Float64Array.from({ length: 255 }, (_, i) => low + ((1 - low) * i) / 254),
      rows: 1,
      columns: 255,
      range: [low, 1],
    }),
  ).pixels.map(String);
  // The bar is the last picture of the first row.
  patterns.forEach(({ curve, name }, k) => {
    const { width, pixels } = pictures[k]!;
    t.equal(width, 64);
    const wrong = pixels.filter((pixel, i) => {
      const [query, key] = [63 - Math.floor(i / 64), i % 64];
      const value = low + ((1 - low) * bar.indexOf(String(pixel))) / 254;
      // One colour is 1/254 of the range wide, and two neighbours may look the same: one and a half of them.
      return Math.abs(value - curve[Math.abs(query - key)]!) > (1.5 * (1 - low)) / 254;
    });
    t.equal(wrong.length, 0, name);
  });
  t.same(
    table.rows.map((row) => row[2]),
    patterns.map((pattern) => pattern.bandWidth),
  );
});

t.test("the lines of the lag curves are the curves", async (t) => {
  const { svg, data } = lagCurveFigure(patterns, 32);
  const lines = [...svg.matchAll(/<path d="M(-?[\d.]+,[^"]+)"/g)]
    .map(([, path]) => path!.split("L").map((point) => point.split(",").map(Number) as [number, number]))
    .filter((points) => points.length === 64);
  t.equal(lines.length, patterns.length);
  const values = (data as { similarityByLag: number[] }[]).map(({ similarityByLag }) => similarityByLag);
  t.same(
    values,
    patterns.map(({ curve }) => [...curve]),
  );
  // Two values fix the scale of the axis, all others must lie on it.
  const all = lines.flatMap((points, k) => points.map(([, y], lag) => [values[k]![lag]!, y] as const));
  const top = all.reduce((a, b) => (b[0] > a[0] ? b : a));
  const bottom = all.reduce((a, b) => (b[0] < a[0] ? b : a));
  const slope = (bottom[1] - top[1]) / (bottom[0] - top[0]);
  for (const [value, y] of all)
    if (Math.abs(top[1] + slope * (value - top[0]) - y) > 0.02) t.fail(`${value} at ${y}`);
  t.ok(slope < 0, "up is more");
});

t.test("the bands of the figure are those of the patterns", async (t) => {
  const { table } = bandWidthFigure(rotary, [16, 128]);
  const at = (hz: number | string) => table.rows.find(([first]) => first === hz)!;
  t.equal(at("fixed theta")[2], 46);
  t.same(
    [80, 120, 220, 300, 600].map((hz) => at(hz)[2]),
    [20, 21, 23, 27, 33],
  );
});

t.test("variants: geometric spacing is the default, mel spacing another", async (t) => {
  const [geometric, mel] = patternVariants(120, { headWidth: 32, positions: 64 }, rotary);
  t.same([...geometric!.curve], [...patterns[1]!.curve]);
  t.notSame([...mel!.curve], [...geometric!.curve]);
});

t.test("every figure has a title, alt text, axes with units and its numbers", async (t) => {
  const f0 = [0, 110, 120, 130, 0, 200, 210, 0];
  const pitch = { name: "a <b> & c", f0, secondsPerFrame: 0.04 };
  const angles = utteranceAngles(f0, 16, rotary);
  for (const figure of [rotationFigure(pitch, angles), utteranceMatricesFigure(pitch, angles, 1)]) {
    t.match(figure.svg, /role="img"/);
    t.match(figure.svg, /<title[^>]*>.*a &lt;b&gt; &amp; c/, "texts are escaped");
    t.notMatch(figure.svg, /<b>|NaN|undefined/);
    t.match(figure.svg, /time \(s\)/);
    t.match(figure.svg, /f0 \(Hz\)/);
    t.ok(figure.table.rows.length > 0);
  }
  const bad = { name: "x", title: "", text: "x", alt: "x", table: { columns: [], rows: [] }, panels: [] };
  t.throws(() => drawFigure(bad), new RangeError("drawFigure: expected a title, got an empty text"));
  t.throws(
    () => drawFigure({ ...bad, title: "x" }),
    new RangeError("drawFigure: x: expected at least one panel"),
  );
});

t.test("a report is one file that needs no other", async (t) => {
  const figures = [similarityFigure(patterns, 32), lagCurveFigure(patterns, 32)];
  const report = { title: "A & B", text: "Text.", sections: [{ heading: "One", figures }] };
  const html = reportHtml(report);
  t.notMatch(html, /https?:|\/\/[a-z]|<script|@import|url\(/i, "no address, no script");
  for (const [, address] of html.matchAll(/(?:href|src)="([^"]*)"/g)) t.match(address, /^(data:|#)/);
  t.match(html, /<title>A &amp; B<\/title>/);
  t.equal(html.match(/<figure /g)?.length, 2);
  t.equal(html.match(/<table>/g)?.length, 2, "the numbers of each figure");
  t.match(html, /<th scope="col" class="prose">pattern<\/th>/, "words stand to the left");
  t.match(html, /<td>46<\/td>|<td>16<\/td>/, "the band of the fixed theta");
  t.throws(
    () => reportHtml({ ...report, sections: [{ heading: "One", figures: [figures[0]!, figures[0]!] }] }),
    new RangeError("reportHtml: expected figures of different names, got rotary-similarity twice"),
  );
  const folder = mkdtempSync(join(tmpdir(), "echo-report-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const written = await writeReport(join(folder, "new"), report);
  t.equal(readFileSync(written.page, "utf8"), html);
  const files = readdirSync(join(folder, "new", "figures"));
  const endings = written.withoutPng === null ? ["json", "png", "svg"] : ["json", "svg"];
  t.same(
    files.sort(),
    ["rotary-lag-curves", "rotary-similarity"].flatMap((name) => endings.map((end) => `${name}.${end}`)),
  );
  if (written.withoutPng === null)
    t.same(
      [...readFileSync(join(folder, "new/figures/rotary-similarity.png")).subarray(1, 4)],
      [...Buffer.from("PNG")],
    );
});
