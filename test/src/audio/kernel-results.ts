// What kernels.test.ts computes twice: by the wasm kernels, and by TypeScript in a worker that has no WebAssembly. As the
// main file of a worker this one computes and answers.
import { isMainThread, parentPort } from "node:worker_threads";
import * as audio from "@echo-ts/audio";
import { floatArray } from "../../../packages/audio/dist/float-array.js";

/** Names of results, and their values. */
export type Results = Record<string, Float32Array | Float64Array | Uint8Array>;

const rate = { sampleRate: 16000 };

/** A voice-like glide with pauses, digital silence and noise: 3 s. */
function voice(): Float32Array {
  const glide = audio.chirp(90, 300, { seconds: 3, ...rate });
  const hiss = audio.whiteNoise(3, { seconds: 3, ...rate });
  const out = glide.map(
    (value, i) => (Math.sin(i / 3000) > 0 ? value + 0.4 * Math.sin(i / 11) : 0) + 0.05 * hiss[i]!,
  );
  return out.fill(0, 20000, 30000);
}

/** All results. */
export function compute(): Results {
  const results: Results = {};
  const signal = voice();
  for (const fftSize of [32, 50, 96, 100, 400, 480, 512, 600, 640, 777, 1000, 1024, 1280, 4096]) {
    for (const hopLength of [Math.ceil(fftSize / 5), Math.floor(fftSize / 2)]) {
      const options = { fftSize, hopLength };
      const name = `${fftSize}/${hopLength}`;
      const { re, im } = audio.stft(signal.subarray(0, 20011), options);
      Object.assign(results, { [`stft re ${name}`]: re.data, [`stft im ${name}`]: im.data });
      results[`istft ${name}`] = audio.istft({ re, im }, options);
      results[`istft of row-major parts ${name}`] = audio.istft(
        { re: rowMajor(re), im: rowMajor(im) },
        options,
      );
      results[`spectrogram ${name}`] = audio.spectrogram(signal, { ...options, power: 1 }).data;
      const mel = { ...rate, ...options, melBins: 40, emptyBands: "allow" as const };
      results[`mel ${name}`] = audio.melSpectrogram(signal, mel).data;
    }
  }
  const damaged = signal.slice();
  damaged[5000] = Number.NaN;
  damaged[9000] = Number.POSITIVE_INFINITY;
  damaged[12000] = 1e30;
  for (const [name, samples] of Object.entries({ signal, damaged, loud: signal.map((x) => 1e6 * x) })) {
    results[`echo ${name}`] = audio.echoLogMel(samples).data;
    results[`whisper ${name}`] = audio.whisperLogMel(samples, { padOrTrim: false }).data;
    // A power beyond float32 is refused by mfcc: its largest sample is 1e15.
    const bounded = samples.map((x) => (x > 1e15 && x < Number.POSITIVE_INFINITY ? 1e15 : x));
    results[`mfcc ${name}`] = audio.mfcc(bounded, { ...rate, fftSize: 512, melBins: 40, lifter: 22 }).data;
  }
  // Powers of 60 decades, and 1, whose logarithm is 0.
  const powers = Float32Array.from(audio.whiteNoise(5, { seconds: 1, ...rate }), (x, i) => {
    return i % 7 === 0 ? 1 + x * 1e-3 : x * x * 10 ** ((i % 60) - 30);
  });
  for (const options of [
    {},
    { topDb: null },
    { reference: "max" },
    { floor: 1e-30, reference: 3 },
  ] as const) {
    results[`powerToDb ${JSON.stringify(options)}`] = audio.powerToDb(powers, options);
    results[`powerToDb with NaN ${JSON.stringify(options)}`] = audio.powerToDb(
      Float32Array.of(1, Number.NaN, 2),
      options,
    );
  }
  // Lengths that leave groups of four frames full, and short by one, two and three.
  for (const samples of [40000, 39900, 39800, 39700, 600, 1]) {
    const pitch = { ...rate, fmin: 60, fmax: 600, frameLength: 1024, hopLength: 100 };
    const part = signal.subarray(0, samples);
    results[`yin ${samples}`] = audio.yin(part, pitch);
    for (const resolution of [0.1, 0.25]) {
      const options = { ...pitch, resolution, switchProbability: resolution / 10, keepUnvoicedGuess: true };
      const { f0, probability, voiced } = audio.pyin(part, options);
      const name = `${samples} ${resolution}`;
      Object.assign(results, {
        [`pyin ${name}`]: f0,
        [`p ${name}`]: probability,
        [`voiced ${name}`]: voiced,
      });
    }
  }
  // fmin 90: a transform of 512; fmin 30: one of 1280 values.
  for (const samples of [40000, 39900, 600, 0]) {
    for (const options of [{}, { fmin: 90, lookahead: 0.3 }, { fmin: 30, hopLength: 160 }]) {
      const track = audio.trackPitch(signal.subarray(0, samples), { ...rate, ...options });
      const name = `${samples} ${JSON.stringify(options)}`;
      results[`track f0 ${name}`] = track.f0;
      results[`track periodicity ${name}`] = track.periodicity;
      results[`track probability ${name}`] = track.probability;
    }
  }
  return results;
}

function rowMajor(view: audio.FloatArray): audio.FloatArray {
  return floatArray(audio.toRowMajor(view), view.shape);
}

if (!isMainThread && parentPort) {
  // Read when a kernel is first asked for, that is not before this line.
  Object.assign(globalThis, { WebAssembly: undefined });
  parentPort.postMessage(compute());
}
