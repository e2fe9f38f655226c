// echo-asr listen (samples on standard input) and echo-asr calibrate (figures, and a checkpoint that holds the fit).
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeRecording } from "@echo-ts/echo-model";
import { loadCheckpoint, SHIPPED_CHECKPOINT } from "@echo-ts/echo-model/node";
import t from "tap";

const main = fileURLToPath(new URL("../../../packages/echo-model/dist/cli/main.js", import.meta.url));
const voices = fileURLToPath(new URL("../../../data/asterisk-alnum/", import.meta.url));

function run(input: Uint8Array, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    input,
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

/** "two", 0.7 s of silence, "two", as 16-bit samples at a rate. */
async function twoTwice(rate: number): Promise<Buffer> {
  const file = join(voices, "wav", "digits-2.wav");
  const wave = await decodeRecording(readFileSync(file), file, rate);
  const samples = [...wave, ...new Float32Array(0.7 * rate), ...wave];
  const bytes = Buffer.alloc(2 * samples.length);
  for (const [i, x] of samples.entries())
    bytes.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(x * 32767))), 2 * i);
  return bytes;
}

t.test("listen writes a line for each stretch of speech", async (t) => {
  const { status, out, err } = run(await twoTwice(16000), "listen");
  t.same([status, err], [0, ""]);
  t.equal(out, "two\ntwo\n");
  const words = run(await twoTwice(8000), "listen", "--rate", "8000", "--json");
  t.equal(words.status, 0, words.err);
  for (const line of words.out.trim().split("\n")) {
    const { word, start, end, confidence } = JSON.parse(line);
    t.equal(typeof word, "string");
    t.ok(0 <= start && start < end && end < 2.2);
    t.ok(confidence >= 0 && confidence <= 1);
  }
  t.same(run(new Uint8Array(64001), "listen"), { status: 0, out: "", err: "" }, "silence, and half a sample");
  t.match(
    run(new Uint8Array(0), "listen", "--rate", "9").err,
    /--rate: expected a sample rate of 1000 to 384000 Hz, got 9/,
  );
});

t.test("calibrate fits, shows what it is worth, and writes a copy that holds it", async (t) => {
  const out = join(t.testdir(), "calibrated.safetensors");
  const strings = ["--set", "data.format=strings", "--set", "data.file=strings.jsonl", "--split", "test"];
  const args = ["calibrate", SHIPPED_CHECKPOINT, "--data", voices, ...strings];
  const { status, out: json, err } = run(new Uint8Array(0), ...args, "--json", "--out", out);
  t.equal(status, 0, err);
  const { words, calibration, heldOut } = JSON.parse(json.trim().split("\n").at(-1)!);
  t.equal(
    heldOut.reduce((sum: number, row: { words: number }) => sum + row.words, 0),
    words,
  );
  t.same((await loadCheckpoint(out)).metrics.calibration, calibration);
  t.ok(calibration.slope > 0, "what CTC is surer of is right more often");
  const table = run(new Uint8Array(0), ...args).out;
  t.match(table, /^\d+ words; each speaker's confidences by a fit without that speaker:/);
  t.match(table, /0\.95 - 1\.00/);
});
