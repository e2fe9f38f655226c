// Accuracy of pitch trackers on a folder of recordings with exact truth.
//   pnpm bench:pitch --truth DIR [--method nac,yin,pyin,mpm] [--by noise,timbre,...] [--fmin 55] [--fmax 650] [--json]
//   pnpm bench:pitch --made SEED [--count 160]: items by formula (pitch-items.mjs) in place of a folder
//   pnpm bench:pitch --prompts [--fmin 70 --fmax 500]: the repository's recordings, where Praat's two methods agree
//   --pad SECONDS sets every item between digital silence; --reliability adds how often the probability came true
// DIR holds NAME.json { file, sr, hop, f0: [Hz at sample i * hop, 0 unvoiced], snr, ... } beside the WAV it names; a
// negative f0 leaves the frame out.
// The rates are those of PitchTally; PITCH.md explains them. Speed is CPU time of this process, decoding left out.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PITCH_METHODS, PitchTally, trackPitch } from "@echo-ts/audio";
import { readAudio } from "@echo-ts/audio/node";
import { madeItems } from "./pitch-items.mjs";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    truth: { type: "string" },
    made: { type: "string" },
    prompts: { type: "boolean", default: false },
    count: { type: "string", default: "160" },
    pad: { type: "string", default: "0" },
    reliability: { type: "boolean", default: false },
    method: { type: "string", default: PITCH_METHODS.join(",") },
    by: { type: "string", default: "snr,kind,timbre" },
    fmin: { type: "string", default: "55" },
    fmax: { type: "string", default: "650" },
    json: { type: "boolean", default: false },
  },
});

function stop(message) {
  console.error(`bench:pitch: ${message}`);
  process.exit(1);
}

if (!values.truth && !values.made && !values.prompts) {
  stop(
    "--truth DIR is missing: the folder with the WAV files and their JSON truth (or --made SEED, or --prompts)",
  );
}
const methods = values.method.split(",");
for (const method of methods) {
  if (!PITCH_METHODS.includes(method)) {
    stop(`unknown method "${method}", expected ${PITCH_METHODS.join(", ")}`);
  }
}

async function readItem(folder, name) {
  const path = join(folder, name);
  let truth;
  try {
    truth = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    stop(`${path}: ${error.message}`);
  }
  for (const key of ["file", "hop", "f0"]) if (truth[key] === undefined) stop(`${path}: no "${key}"`);
  const { channels, sampleRate } = await readAudio(join(folder, truth.file), { mono: true });
  if (truth.sr !== undefined && truth.sr !== sampleRate) {
    stop(`${path}: "sr" is ${truth.sr}, the file's rate ${sampleRate}`);
  }
  return { truth, samples: channels[0], sampleRate };
}

async function readFolder(folder) {
  let names;
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    stop(error.message);
  }
  if (names.length === 0) stop(`${folder} holds no .json file`);
  const items = [];
  for (const name of names.sort()) items.push(await readItem(folder, name));
  return items;
}

/** Items made by formula, in the form of those that are read. */
function makeItems(seed, count) {
  return madeItems(seed, count).map(({ samples, sampleRate, ...truth }) => ({ truth, samples, sampleRate }));
}

/** The recordings that come with the repository, with the truth beside praat-prompts.praat. */
async function readPrompts() {
  const root = join(import.meta.dirname, "..", "..", "..");
  const truths = JSON.parse(
    readFileSync(join(root, "test", "fixtures", "audio", "praat-prompts.json"), "utf8"),
  );
  const items = [];
  for (const [name, f0] of Object.entries(truths)) {
    const path = join(root, "data", "asterisk-alnum", "wav", `${name}.wav`);
    const { channels, sampleRate } = await readAudio(path, { mono: true });
    items.push({ truth: { id: name, hop: 0.008 * sampleRate, f0 }, samples: channels[0], sampleRate });
  }
  return items;
}

/** An item between digital silence of about so many seconds: a whole number of hops. */
function padded({ truth, samples, sampleRate }, seconds) {
  const hops = Math.round((seconds * sampleRate) / truth.hop);
  const out = new Float32Array(samples.length + 2 * hops * truth.hop);
  out.set(samples, hops * truth.hop);
  const f0 = new Float64Array(1 + Math.floor(out.length / truth.hop));
  f0.set(truth.f0.slice(0, Math.ceil(samples.length / truth.hop)), hops);
  return { truth: { ...truth, f0 }, samples: out, sampleRate };
}

const padding = Number(values.pad);
if (!(padding >= 0)) stop(`--pad must be seconds >= 0, got ${values.pad}`);
async function readItems() {
  if (values.prompts) return await readPrompts();
  if (values.made) return makeItems(Number(values.made), Number(values.count));
  return await readFolder(values.truth);
}
const read = await readItems();
const items = padding > 0 ? read.map((item) => padded(item, padding)) : read;
const seconds = items.reduce((sum, { samples, sampleRate }) => sum + samples.length / sampleRate, 0);

/** The groups an item counts in: all, and one per property named by --by. */
function groupsOf(truth) {
  const keys = values.by.split(",").filter((key) => key && truth[key] !== undefined);
  return ["all", ...keys.map((key) => `${key} ${truth[key]}`)];
}

/** By tenths of the predicted probability: frames, sum of predictions, frames that are voiced. */
const reliability = Array.from({ length: 10 }, () => ({ frames: 0, predicted: 0, voiced: 0 }));

function countReliability(truth, probability) {
  for (const [i, value] of probability.entries()) {
    if (i >= truth.length) break;
    if (truth[i] < 0) continue;
    const bin = reliability[Math.min(9, Math.floor(10 * value))];
    bin.frames++;
    bin.predicted += value;
    if (truth[i] > 0) bin.voiced++;
  }
}

const results = [];
for (const method of methods) {
  const tallies = new Map();
  let cpuSeconds = 0;
  // The first item once more in front, so that compiling does not count.
  for (const [i, { truth, samples, sampleRate }] of [items[0], ...items].entries()) {
    const before = process.cpuUsage();
    const { f0, probability } = trackPitch(samples, {
      sampleRate,
      method,
      hopLength: truth.hop,
      fmin: Number(values.fmin),
      fmax: Number(values.fmax),
    });
    const { user, system } = process.cpuUsage(before);
    if (i === 0) continue;
    cpuSeconds += (user + system) / 1e6;
    if (method === methods[0]) countReliability(truth.f0, probability);
    const known = [...truth.f0.keys()].filter((frame) => truth.f0[frame] >= 0);
    const wanted = known.map((frame) => truth.f0[frame]);
    const got = known.map((frame) => f0[frame] ?? 0);
    for (const group of groupsOf(truth)) {
      if (!tallies.has(group)) tallies.set(group, new PitchTally());
      tallies.get(group).add(wanted, got);
    }
  }
  for (const [group, tally] of tallies) {
    const speed = group === "all" ? { cpuSeconds, timesRealTime: seconds / cpuSeconds } : {};
    results.push({ method, group, ...tally.score(), ...speed });
  }
}
const order = (group) => (group === "all" ? "" : group.replace(/\d+/, (digits) => digits.padStart(4, "0")));
results.sort(
  (a, b) =>
    methods.indexOf(a.method) - methods.indexOf(b.method) || order(a.group).localeCompare(order(b.group)),
);

if (values.json) {
  const { truth, made, prompts, fmin, fmax } = values;
  const folder = prompts ? "prompts" : (truth ?? `made from seed ${made}`);
  const head = {
    bench: "pitch",
    node: process.version,
    folder,
    padding,
    fmin: Number(fmin),
    fmax: Number(fmax),
  };
  console.log(
    JSON.stringify({ ...head, items: items.length, audioSeconds: seconds, results, reliability }, null, 2),
  );
} else {
  console.log(`${items.length} items, ${seconds.toFixed(0)} s, search ${values.fmin}-${values.fmax} Hz`);
  console.log("method  group                 VDE %  GPE %  FFE %  RPA50 %   OA %  cents  x real time");
  for (const r of results) {
    const rates = [r.vde.toFixed(1), r.gpe.toFixed(1), r.ffe.toFixed(1)]
      .map((cell) => cell.padStart(5))
      .join("  ");
    const rest = `${r.rpa50.toFixed(1).padStart(7)}  ${r.oa.toFixed(1).padStart(5)}  ${r.cents.toFixed(1).padStart(5)}`;
    const speed = r.timesRealTime === undefined ? "" : r.timesRealTime.toFixed(0).padStart(11);
    console.log(`${r.method.padEnd(7)} ${r.group.padEnd(21)} ${rates}  ${rest}  ${speed}`.trimEnd());
  }
  if (values.reliability) {
    console.log(`${methods[0]}: probability predicted, share voiced, frames`);
    let error = 0;
    for (const { frames, predicted, voiced } of reliability) {
      if (frames === 0) continue;
      error += Math.abs(predicted - voiced) / reliability.reduce((sum, bin) => sum + bin.frames, 0);
      const cells = [predicted / frames, voiced / frames].map((share) => share.toFixed(2));
      console.log(`${cells.join("  ")}  ${String(frames).padStart(7)}`);
    }
    console.log(`expected calibration error ${(100 * error).toFixed(2)} %`);
  }
}
