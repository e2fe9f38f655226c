// Kaldi's filter banks against values computed from its formulas in NumPy, mel bands back to spectra, Griffin-Lim.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  griffinLim,
  harmonics,
  type KaldiOptions,
  kaldiFbank,
  melSpectrogram,
  melToSpectrogram,
  spectrogram,
  toRowMajor,
} from "@echo-ts/audio";
import t from "tap";
import { fixtures, maxDifference } from "./golden.ts";

const rate = { sampleRate: 16000 };

t.test("kaldiFbank equals Kaldi's formulas", async (t) => {
  const signal = Float32Array.from(
    { length: 4000 },
    (_, i) => 0.4 * Math.sin(i / 7) + 0.2 * Math.sin(i / 2.1) * Math.sin(i / 300) + 0.1,
  );
  const cases = JSON.parse(readFileSync(join(fixtures, "../kaldi/fbank.json"), "utf8")) as {
    options: Omit<KaldiOptions, "sampleRate">;
    frames: number;
    kept: number[];
    values: number[][];
  }[];
  t.equal(cases.length, 3);
  for (const { options, frames, kept, values } of cases) {
    const found = kaldiFbank(signal, { ...options, ...rate });
    t.same(found.shape, [options.melBins, frames], JSON.stringify(options));
    // Stored with six digits after the point; ours are float32 of values up to 25.
    for (const [i, frame] of kept.entries()) {
      t.ok(maxDifference(toRowMajor(found.pick(null, frame)), values[i]!) < 5e-6, `frame ${frame}`);
    }
  }
  t.same(kaldiFbank(new Float32Array(399), rate).shape, [23, 0], "no whole frame");
  t.throws(() => kaldiFbank(signal, { ...rate, fmin: 9000 }), {
    message: /^kaldiFbank: needs 0 <= fmin < fmax <= 8000 Hz/,
  });
});

t.test("mel bands go back to spectra with the same bands", async (t) => {
  const options = { ...rate, fftSize: 512, melBins: 40 };
  const voice = harmonics(150, [1, 0.7, 0.5, 0.3, 0.2, 0.1], { seconds: 0.3, ...rate });
  const mel = melSpectrogram(voice, options);
  const found = melToSpectrogram(mel, { ...options, iterations: 300 });
  t.same(found.shape, [257, mel.shape[1]]);
  t.ok(found.data.every((value) => value >= 0));
  // Apply the bank again, by hand.
  const again = new Float32Array(mel.size);
  const { melFilterbank } = await import("@echo-ts/audio");
  const bank = melFilterbank(options);
  for (let f = 0; f < mel.shape[1]!; f++) {
    for (let m = 0; m < 40; m++) {
      let sum = 0;
      for (let k = 0; k < 257; k++) sum += bank.get(m, k) * found.get(k, f) ** 2;
      again[m * mel.shape[1]! + f] = sum;
    }
  }
  const wanted = toRowMajor(mel);
  const distance = Math.hypot(...again.map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted);
  t.ok(distance < 1e-3, `relative distance ${distance}`);
  t.throws(() => melToSpectrogram(mel, { ...options, melBins: 41 }), {
    message: "melToSpectrogram: expected 41 mel bands, got 40",
  });
  mel.set(0, 0, -1);
  t.throws(() => melToSpectrogram(mel, options), {
    message: /^melToSpectrogram: expected values >= 0 \(undo the logarithm first\)/,
  });
});

t.test("griffinLim finds a signal with the given magnitudes", async (t) => {
  const options = { fftSize: 512, hopLength: 128 };
  const voice = harmonics(150, [1, 0.7, 0.5, 0.3], { seconds: 0.5, ...rate });
  const magnitude = spectrogram(voice, { ...options, power: 1 });
  const distance = (signal: Float32Array) => {
    const found = spectrogram(signal, { ...options, power: 1 });
    return (
      Math.hypot(...found.data.map((value, i) => value - magnitude.data[i]!)) / Math.hypot(...magnitude.data)
    );
  };
  const one = griffinLim(magnitude, { ...options, iterations: 1, length: voice.length });
  const many = griffinLim(magnitude, { ...options, iterations: 60, length: voice.length });
  t.equal(many.length, voice.length);
  t.ok(
    distance(many) < 0.12 && distance(many) < distance(one) / 3,
    `${distance(one)} after 1, ${distance(many)} after 60`,
  );
  t.same(
    griffinLim(magnitude, { ...options, iterations: 2, seed: 5 }),
    griffinLim(magnitude, { ...options, iterations: 2, seed: 5 }),
  );
  t.throws(() => griffinLim(magnitude, { ...options, momentum: 2 }), {
    message: "griffinLim: momentum must be in 0 ... 1, got 2",
  });
});
