// The arithmetic that the studio shows for one value of the spectrogram, against a Fourier transform written out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeWav, melCentres } from "@echo-ts/audio";
import { extractFeatures, inputOf, resolveConfig } from "@echo-ts/echo-model";
import t from "tap";

interface ExplainedMel {
  readonly under: readonly { readonly hz: number; readonly power: number; readonly weight: number }[];
  readonly power: number;
  readonly log: number;
  readonly mean: number;
  readonly spread: number;
  readonly value: number;
}

const { explainMel } = (await import("../../../site/lib/studio/explain-mel.js" as string)) as {
  explainMel(
    take: { wave: Float32Array; hop: number; band: number },
    audio: ReturnType<typeof inputOf>,
  ): ExplainedMel;
};

const wave = decodeWav(
  readFileSync(join(import.meta.dirname, "../../../data/asterisk-alnum/wav/digits-4.wav")),
).channels[0]!;
const input = inputOf(resolveConfig());

/** Power at `hz` of the windowed samples around `centre`. */
function powerAt(hz: number, centre: number): number {
  const { windowLength, sampleRate } = input;
  let [re, im] = [0, 0];
  for (let i = 0; i < windowLength; i++) {
    const sample = wave[centre - windowLength / 2 + i] ?? 0;
    const windowed = sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / windowLength));
    re += windowed * Math.cos((2 * Math.PI * hz * i) / sampleRate);
    im += windowed * Math.sin((2 * Math.PI * hz * i) / sampleRate);
  }
  return re * re + im * im;
}

const near = (a: number, b: number, relative: number): boolean => Math.abs(a - b) <= relative * Math.abs(b);

t.test("from the frame to the value", async (t) => {
  const { mel, frames } = extractFeatures(wave, input);
  for (const [hop, band] of [
    [30, 5],
    [25, 20],
    [40, 63],
  ] as const) {
    const { under, power, log, mean, spread, value } = explainMel({ wave, hop, band }, input);
    t.ok(under.length > 0);
    for (const bin of under)
      t.ok(near(bin.power, powerAt(bin.hz, hop * input.hopLength), 1e-3), `power at ${bin.hz} Hz`);
    const sum = under.reduce((total, bin) => total + bin.power * bin.weight, 0);
    t.ok(near(power, sum, 1e-12), "the sum of power times weight");
    t.ok(Math.abs(Math.log10(power) - log) < 1e-4, "its logarithm");
    t.ok(Math.abs((log - mean) / spread - value) < 1e-4, "less the mean, over the spread");
    t.equal(value, mel[band * frames + hop], "the value in the picture");
  }
  const quiet = new Float32Array(16000);
  quiet.set(wave.subarray(4000, 8000));
  const { power, log } = explainMel({ wave: quiet, hop: 80, band: 5 }, input);
  t.equal(power, 0, "digital silence");
  t.ok(log > -10 && log < 2, `is raised to the floor, ${log}`);
});

t.test("what stands under the pointer", async (t) => {
  const { hzOf, bandOf } = (await import("../../../site/lib/studio/sound-figure.js" as string)) as {
    hzOf(band: number, bands: number): number;
    bandOf(hz: number, bands: number): number;
  };
  const { cellAt } = (await import("../../../site/lib/figure/heat.js" as string)) as {
    cellAt(heat: object, x: number, y: number): object | null;
  };
  // The middle of a band's row is the frequency at which its filter peaks.
  const centres = melCentres({
    sampleRate: input.sampleRate,
    melBins: input.melBins,
    fmin: input.minFrequencyHz,
    fmax: input.maxFrequencyHz,
    melScale: input.melScale,
  });
  for (const band of [0, 20, 63]) {
    t.ok(near(hzOf(band + 0.5, input.melBins), centres[band]!, 1e-6), `${centres[band]} Hz`);
    t.ok(near(bandOf(hzOf(band + 0.5, 64), 64), band + 0.5, 1e-9), "and back");
  }
  const matrix = { values: [1, 2, 3, 4, 5, 6], rows: 2, columns: 3, x: [0, 6], y: [0, 4] };
  t.same(cellAt(matrix, 4.5, 0.5), { row: 0, column: 2, value: 3 });
  t.same(cellAt(matrix, 0, 3.9), { row: 1, column: 0, value: 4 });
  for (const [x, y] of [
    [-0.1, 1],
    [6, 1],
    [1, -0.1],
    [1, 4],
    [Number.NaN, 1],
  ] as const)
    t.equal(cellAt(matrix, x, y), null, `${x}, ${y} is beside it`);
});
