// One frame of a recording: its spectrum, and how much it resembles itself after each lag. Read next: sound.ts.
import { makeWindow, spectrogram } from "@echo-ts/audio";

/** Longest lag looked at, as the tracker's fmin of 55 Hz asks for. */
const LONGEST_PERIOD = 1 / 55;
/** The tracker's window holds so many periods of fmin. */
const PERIODS = 2.75;

/** `length` samples around `centre`, zeros beyond the ends of the recording. */
function cut(wave: Float32Array, centre: number, length: number): Float64Array {
  const start = centre - Math.floor(length / 2);
  return Float64Array.from({ length }, (_, i) => wave[start + i] ?? 0);
}

/** Power in decibels of each bin, for the frame of `fftSize` samples around a sample. */
export function spectrumAt(wave: Float32Array, centre: number, fftSize: number): number[] {
  const frame = Float32Array.from(cut(wave, centre, fftSize));
  const power = spectrogram(frame, { fftSize, hopLength: fftSize, center: false });
  return Array.from({ length: power.shape[0]! }, (_, k) => 10 * Math.log10(Math.max(power.get(k, 0), 1e-10)));
}

const autocorrelation = (x: Float64Array, lag: number): number => {
  let sum = 0;
  for (let i = 0; i + lag < x.length; i++) sum += x[i]! * x[i + lag]!;
  return sum;
};

/**
 * Autocorrelation of the windowed frame around a sample, by lag, 1 at lag 0, divided by that of the window, since a
 * window alone makes it fall (Boersma 1993). The tracker adds what it knows about the noise.
 */
export function selfSimilarity(wave: Float32Array, centre: number, sampleRate: number): number[] {
  const length = Math.round(PERIODS * LONGEST_PERIOD * sampleRate);
  const window = makeWindow("hann", length);
  const frame = cut(wave, centre, length);
  const mean = frame.reduce((sum, value) => sum + value, 0) / length;
  const windowed = frame.map((value, i) => (value - mean) * window[i]!);
  const [power, area] = [autocorrelation(windowed, 0), autocorrelation(window, 0)];
  return Array.from({ length: Math.ceil(LONGEST_PERIOD * sampleRate) }, (_, lag) =>
    power === 0 ? 0 : autocorrelation(windowed, lag) / power / (autocorrelation(window, lag) / area),
  );
}
