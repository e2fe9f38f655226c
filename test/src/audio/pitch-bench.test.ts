// bench:pitch and the items it makes by formula: the same for the same seed, with the truth they claim.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { encodeWav, PitchTally, trackPitch } from "@echo-ts/audio";
import t from "tap";
import { CONTOURS, pitchSignal, TIMBRES } from "./pitch-signals.ts";

t.setTimeout(300_000);

const RATE = 16000;
const benches = join(import.meta.dirname, "..", "..", "..", "packages", "audio", "bench");

/** An item of bench/pitch-items.mjs. */
interface MadeItem {
  readonly id: string;
  readonly kind: string;
  readonly noise: string;
  readonly samples: Float32Array;
  readonly sampleRate: number;
  readonly hop: number;
  readonly f0: Float64Array;
}

const { madeItems } = (await import(pathToFileURL(join(benches, "pitch-items.mjs")).href)) as {
  madeItems: (seed: number, count: number) => MadeItem[];
};

t.test("made items: the seed decides, the truth holds", async (t) => {
  const items = madeItems(40, 12);
  t.same(madeItems(44, 1)[0], items[4], "an item depends on its own seed alone");
  const tally = new PitchTally();
  for (const { id, kind, noise, samples, sampleRate, hop, f0 } of items) {
    t.equal(sampleRate, RATE);
    t.equal(f0.length, 1 + Math.floor(samples.length / hop), `${id}: a truth per frame`);
    t.ok(
      samples.every((value) => Number.isInteger(value * 32768) && Math.abs(value) <= 1),
      `${id}: 16 bits`,
    );
    const voiced = f0.some((hz) => hz > 0);
    t.equal(voiced, kind === "speech" || kind === "tones", `${id}: ${voiced ? "a voice" : "no voice"}`);
    if (noise === "none") tally.add(f0, trackPitch(samples, { sampleRate, hopLength: hop }).f0);
  }
  t.ok(
    tally.score().frames > 300 && tally.score().oa > 92,
    `without noise: OA ${tally.score().oa.toFixed(1)} %`,
  );
});

t.test("bench:pitch scores a folder and names what is wrong with one", async (t) => {
  const folder = t.testdir({});
  const bench = join(import.meta.dirname, "..", "..", "..", "packages", "audio", "bench", "pitch.mjs");
  const run = (...args: string[]) => spawnSync(process.execPath, [bench, ...args], { encoding: "utf8" });
  for (const snr of [40, 10]) {
    const { samples, truth } = pitchSignal("saw", TIMBRES.saw!, CONTOURS.glide!(150), snr, "white", snr);
    writeFileSync(join(folder, `saw${snr}.wav`), encodeWav(samples, { sampleRate: RATE }));
    const f0 = [...truth];
    writeFileSync(
      join(folder, `saw${snr}.json`),
      JSON.stringify({ file: `saw${snr}.wav`, sr: RATE, hop: 128, snr, f0 }),
    );
  }
  const { stdout, status } = run("--truth", folder, "--method", "nac,mpm", "--by", "snr", "--json");
  t.equal(status, 0);
  const report = JSON.parse(stdout) as { items: number; results: Record<string, string | number>[] };
  t.equal(report.items, 2);
  t.same(
    report.results.map(({ method, group }) => `${method} ${group}`),
    ["nac all", "nac snr 10", "nac snr 40", "mpm all", "mpm snr 10", "mpm snr 40"],
  );
  for (const key of ["vde", "gpe", "ffe", "rpa50", "oa", "cents", "timesRealTime"]) {
    t.type(report.results[0]![key], "number", key);
  }
  t.ok(Number(report.results[0]!.oa) > 95);
  t.match(run("--truth", folder, "--method", "mpm").stdout, /^mpm +all .*\n/m, "the table");

  // Of the last item only the voiced frames count: nothing can be voiced wrongly.
  const { samples, truth } = pitchSignal("saw", TIMBRES.saw!, CONTOURS.glide!(150), 40, "white", 40);
  mkdirSync(join(folder, "part"));
  writeFileSync(join(folder, "part", "saw.wav"), encodeWav(samples, { sampleRate: RATE }));
  const f0 = [...truth].map((hz) => (hz > 0 ? hz : -1));
  writeFileSync(join(folder, "part", "saw.json"), JSON.stringify({ file: "saw.wav", hop: 128, f0 }));
  const part = JSON.parse(
    run("--truth", join(folder, "part"), "--method", "nac", "--json").stdout,
  ) as typeof report;
  t.equal(part.results[0]!.frames, truth.filter((hz) => hz > 0).length, "frames of negative f0 are left out");

  mkdirSync(join(folder, "empty"));
  t.match(run().stderr, "bench:pitch: --truth DIR is missing");
  t.match(run("--truth", join(folder, "empty")), { status: 1, stderr: /empty holds no \.json file/ });
  t.match(
    run("--truth", folder, "--method", "crepe").stderr,
    'unknown method "crepe", expected nac, yin, pyin, mpm',
  );
  writeFileSync(join(folder, "broken.json"), "{}");
  t.match(run("--truth", folder).stderr, /broken\.json: no "file"/);
  t.match(run("--truth", folder, "--pad=-1").stderr, "--pad must be seconds >= 0, got -1");
});

t.test("bench:pitch makes items, pads them and says how probable they were", async (t) => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(benches, "pitch.mjs"),
      "--made",
      "40",
      "--count",
      "3",
      "--method",
      "nac",
      "--pad",
      "0.5",
      "--reliability",
    ],
    { encoding: "utf8" },
  );
  t.equal(stderr, "");
  t.match(stdout, /^3 items/m);
  t.match(stdout, /^nac +kind /m);
  t.match(stdout, /^0\.\d\d {2}0\.\d\d +\d+$/m);
  t.match(stdout, /^expected calibration error \d/m);
});
