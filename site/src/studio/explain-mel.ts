// How one value of the spectrogram comes about: the powers of a frame's spectrum, one filter's weights, and each step to the
// number that the model is given. Runs in the worker; mel-arithmetic.ts shows it.
import { melFilterbank, spectrogram, toRowMajor } from "@echo-ts/audio";
import { extractFeatures, type inputOf } from "@echo-ts/echo-model";
import type { ExplainedMel, Requests } from "./messages.ts";

/** The value of a band at a hop; `audio` as `extractFeatures` takes it. */
export function explainMel(
  { wave, hop, band }: Requests["explainMel"]["take"],
  audio: ReturnType<typeof inputOf>,
): ExplainedMel {
  const { sampleRate, fftSize, windowLength, hopLength, melBins } = audio;
  const powers = spectrogram(wave, { fftSize, windowLength, hopLength });
  const [bins, frames] = powers.shape as [number, number];
  const spectrum = toRowMajor(powers);
  const bank = melFilterbank({
    sampleRate,
    fftSize,
    melBins,
    fmin: audio.minFrequencyHz,
    fmax: audio.maxFrequencyHz,
    melScale: audio.melScale,
    melNorm: audio.melNorm,
  });
  const filter = bank.data.subarray(band * bins, (band + 1) * bins);
  const under = Array.from(filter, (weight, bin) => ({
    hz: (bin * sampleRate) / fftSize,
    power: spectrum[bin * frames + hop]!,
    weight,
  })).filter(({ weight }) => weight > 0);
  const f0 = new Float32Array(frames); // tracked already, and not looked at here
  const { mel } = extractFeatures(wave, audio, f0);
  // (log + 4) / 4, by which the logarithms themselves are known.
  const scaled = extractFeatures(wave, { ...audio, normalize: "scaled" }, f0).mel;
  const logs = scaled.map((value) => 4 * value - 4);
  const means = Array.from({ length: melBins }, (_, m) => mean(logs.subarray(m * frames, (m + 1) * frames)));
  const spread = Math.sqrt(mean(logs.map((value, i) => (value - means[Math.floor(i / frames)]!) ** 2)));
  const at = band * frames + hop;
  return {
    samples: windowLength,
    centre: hop * hopLength,
    fftSize,
    under,
    power: under.reduce((sum, { power, weight }) => sum + power * weight, 0),
    log: logs[at]!,
    mean: means[band]!,
    spread,
    value: mel[at]!,
  };
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
