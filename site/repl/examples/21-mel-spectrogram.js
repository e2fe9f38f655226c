// A mel spectrogram of a rising tone
import { chirp, melSpectrogram } from "@echo-ts/audio";

const samples = chirp(200, 3000, { sampleRate: 16000, seconds: 0.6 });
const mel = melSpectrogram(samples, { sampleRate: 16000, fftSize: 512, hopLength: 160, melBins: 40 });
const rows = Array.from({ length: 40 }, (_, m) =>
  Array.from({ length: mel.shape[1] }, (_, t) => Math.log10(mel.get(39 - m, t) + 1e-6)),
);
image(rows, "Bands from high (top) to low, over time");
console.log("bands and frames", mel.shape);
check(mel.shape[0] === 40, "forty bands");
