// A tone and its spectrum
import { spectrogram, tone } from "@echo-ts/audio";

const samples = tone(440, { sampleRate: 8000, seconds: 0.25 });
plot(samples.subarray(0, 100), "The first 100 samples of 440 Hz");
const found = spectrogram(samples, { fftSize: 512, hopLength: 128 });
const bins = Array.from({ length: found.shape[0] }, (_, k) => found.get(k, 5));
plot(bins, "Spectrum of one frame, by bin");
const peak = bins.indexOf(Math.max(...bins));
console.log("peak at", (peak * 8000) / 512, "Hz");
check(Math.abs((peak * 8000) / 512 - 440) < 8000 / 512, "it is within one bin of 440 Hz");
