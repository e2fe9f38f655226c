// What Praat 6.3.07 measures on the vowels of voice-signals.ts, written as 16-bit WAV files. Used by voice.test.ts.
// Times in seconds as Praat counts them: a sample stands in the middle of its interval, half a sample later than here.

/** Praat's values of one vowel. */
export interface PraatValues {
  /** "To Pitch (ac): 0.008, 75, ..., 500", then "To PointProcess (cc)": how many points. */
  readonly pulses: number;
  /** Local, absolute, rap, ppq5, ddp; limits 0.0001, 0.02, 1.3. */
  readonly jitter: readonly number[];
  /** Local, dB, apq3, apq5, apq11, dda; limits 0.0001, 0.02, 1.3, 1.6. */
  readonly shimmer: readonly number[];
  /** "To Formant (burg): 0.00625, 5, 5000, 0.025, 50": time, F1, F2, F3, B1, B2, B3. */
  readonly formants: readonly (readonly number[])[];
  /** "To Intensity: 100, 0, yes": time, dB. */
  readonly intensity: readonly (readonly [number, number])[];
  /** "To Harmonicity (cc): 0.01, 75, 0.1, 1.0": time, dB. */
  readonly harmonicity: readonly (readonly [number, number])[];
}

export const PRAAT: Readonly<Record<string, PraatValues>> = {
  steady: {
    pulses: 116,
    jitter: [2.24965e-5, 1.87464e-7, 1.24754e-5, 1.31479e-5, 3.74262e-5],
    shimmer: [0.000867346, 0.00753293, 0.00049253, 0.000527402, 0.000610897, 0.00147759],
    formants: [
      [0.171875, 751.27, 1242.05, 2581.2, 94.86, 79.37, 114.57],
      [0.471875, 750.19, 1241.33, 2576.46, 92.45, 77.78, 121.33],
      [0.771875, 750.97, 1241.85, 2578.2, 94.4, 79.52, 119.04],
    ],
    intensity: [
      [0.188, 76.9763],
      [0.508, 76.9758],
      [0.828, 76.9827],
    ],
    harmonicity: [
      [0.155, 43.5922],
      [0.455, 43.5038],
      [0.755, 43.858],
    ],
  },
  usual: {
    pulses: 116,
    jitter: [0.00720971, 6.01056e-5, 0.00399145, 0.00499594, 0.0119743],
    shimmer: [0.0536897, 0.466771, 0.0308421, 0.0352034, 0.0404651, 0.0925262],
    formants: [
      [0.171875, 751.31, 1242.85, 2577.07, 95.3, 78.76, 121.84],
      [0.471875, 748.39, 1243.24, 2580.82, 91.07, 82.98, 114.4],
      [0.771875, 752.41, 1243.42, 2576.81, 95.52, 80.52, 123.62],
    ],
    intensity: [
      [0.188, 75.9362],
      [0.508, 76.1582],
      [0.828, 75.713],
    ],
    harmonicity: [
      [0.155, 22.0505],
      [0.455, 17.5048],
      [0.755, 19.645],
    ],
  },
  rough: {
    pulses: 91,
    jitter: [0.0339166, 0.000357869, 0.0209009, 0.0208821, 0.0627026],
    shimmer: [0.15428, 1.3586, 0.0893717, 0.0942518, 0.109684, 0.268115],
    formants: [
      [0.171875, 753.21, 1257.95, 2572.28, 109.72, 99.88, 119.13],
      [0.471875, 751.76, 1240.1, 2580.35, 119.17, 90.11, 123.16],
      [0.771875, 751.08, 1257.37, 2585.68, 121.21, 86.78, 122.06],
    ],
    intensity: [
      [0.188, 73.4394],
      [0.508, 72.6713],
      [0.828, 74.2091],
    ],
    harmonicity: [
      [0.155, 10.8043],
      [0.455, 6.6308],
      [0.755, 2.7457],
    ],
  },
  high: {
    pulses: 202,
    jitter: [0.00442271, 2.1056e-5, 0.00251411, 0.0028999, 0.00754233],
    shimmer: [0.0264181, 0.22956, 0.0149487, 0.0165721, 0.0182759, 0.044846],
    formants: [
      [0.171875, 442.19, 2036.45, 2938.85, 641.4, 116.82, 103.94],
      [0.471875, 436.87, 2038.35, 2938.83, 666.6, 116.68, 100.16],
      [0.771875, 440.27, 2038.42, 2937.26, 656.34, 119.27, 102.8],
    ],
    intensity: [
      [0.188, 76.7931],
      [0.508, 76.7485],
      [0.828, 76.5239],
    ],
    harmonicity: [
      [0.155, 15.8546],
      [0.455, 14.7434],
      [0.755, 20.5133],
    ],
  },
};
