// Random changes of the training audio: level and noise on samples; vocal-tract length, and masks of frequency
// and time (SpecAugment, Park et al. 2019), on log-mel. Every draw comes from the stream that is handed in.
// Shapes: M mel bands, T hops.
import type { RandomStream } from "@echo-ts/tensor";
import type { EchoConfig } from "../settings/settings.ts";
import type { UtteranceFeatures } from "../speech/features.ts";

/** Settings of the `augment` group. */
export type AugmentConfig = EchoConfig["augment"];

const BEST_SNR_DB = 40;

/** Whether samples are changed, so that features cannot be taken from the cache. */
export function changesSamples({ gainDb, noiseDb, concatenate }: AugmentConfig): boolean {
  return gainDb > 0 || noiseDb > 0 || concatenate > 0;
}

/**
 * Scales a wave to a root mean square, so that quiet and loud speakers meet at one level.
 * @returns a new wave; silence stays silence.
 */
export function withLevel(wave: Float32Array, level: number): Float32Array {
  const found = rootMeanSquare(wave);
  return found === 0 ? wave.slice() : wave.map((sample) => sample * (level / found));
}

/**
 * Random gain of -gainDb to +gainDb, then white noise at noiseDb to 40 dB below the wave.
 * @returns a new wave, or `wave` itself when both are off.
 */
export function augmentWave(
  wave: Float32Array,
  { gainDb, noiseDb }: Pick<AugmentConfig, "gainDb" | "noiseDb">,
  random: RandomStream,
): Float32Array {
  if (gainDb === 0 && noiseDb === 0) return wave;
  const gain = gainDb === 0 ? 1 : 10 ** (random.uniform(-gainDb, gainDb) / 20);
  const out = wave.map((sample) => sample * gain);
  if (noiseDb > 0) {
    const ratio = noiseDb < BEST_SNR_DB ? random.uniform(noiseDb, BEST_SNR_DB) : noiseDb;
    const deviation = rootMeanSquare(out) * 10 ** (-ratio / 20);
    for (let i = 0; i < out.length; i++) out[i] = out[i]! + random.normal(0, deviation);
  }
  return out;
}

/**
 * Stretches and shifts the mel axis, then masks bands of frequency and stretches of time.
 *
 * @param features - of one utterance; they are not changed.
 * @param melBins - M. @param fill - value of masked cells: what "nothing" is after normalisation.
 * @returns the features with another `mel`.
 */
export function augmentMel(
  features: UtteranceFeatures,
  melBins: number,
  augment: AugmentConfig,
  random: RandomStream,
  fill: number,
): UtteranceFeatures {
  const { frames } = features;
  const mel = warped(features.mel, melBins, frames, augment, random);
  for (let i = 0; i < augment.frequencyMasks; i++) {
    const width = random.integer(0, Math.min(augment.frequencyMaskBins, melBins) + 1);
    const low = random.integer(0, melBins - width + 1);
    mel.fill(fill, low * frames, (low + width) * frames);
  }
  const masks = augment.timeMasks === 0 ? 0 : timeMaskCount(augment, frames);
  const widest = Math.min(augment.timeMaskFrames, Math.floor(frames * augment.timeMaskShare));
  for (let i = 0; i < masks; i++) {
    const width = random.integer(0, widest + 1);
    const start = random.integer(0, frames - width + 1);
    for (let m = 0; m < melBins; m++) mel.fill(fill, m * frames + start, m * frames + start + width);
  }
  return { ...features, mel };
}

function timeMaskCount({ timeMasks, framesPerTimeMask }: AugmentConfig, frames: number): number {
  return Math.max(timeMasks, Math.floor(frames / framesPerTimeMask));
}

/** Band m is read at m * factor + shift, between bands by a straight line, at the edges the last band. */
function warped(
  mel: Float32Array,
  melBins: number,
  frames: number,
  { melStretch, melShift }: AugmentConfig,
  random: RandomStream,
): Float32Array {
  if (melStretch === 0 && melShift === 0) return mel.slice();
  const factor = melStretch === 0 ? 1 : random.uniform(1 - melStretch, 1 + melStretch);
  const shift = melShift === 0 ? 0 : random.uniform(-melShift, melShift);
  const out = new Float32Array(mel.length);
  for (let m = 0; m < melBins; m++) {
    const place = Math.min(Math.max(m * factor + shift, 0), melBins - 1);
    const below = Math.min(Math.floor(place), Math.max(melBins - 2, 0));
    const weight = place - below;
    const low = mel.subarray(below * frames, (below + 1) * frames);
    const high = weight === 0 ? low : mel.subarray((below + 1) * frames, (below + 2) * frames);
    const row = out.subarray(m * frames, (m + 1) * frames);
    for (let t = 0; t < frames; t++) row[t] = low[t]! + weight * (high[t]! - low[t]!);
  }
  return out;
}

function rootMeanSquare(wave: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < wave.length; i++) squares += wave[i]! * wave[i]!;
  return wave.length === 0 ? 0 : Math.sqrt(squares / wave.length);
}
