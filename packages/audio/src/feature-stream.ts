// Log-mel, f0 and voice activity of a signal that is still coming in, on one clock: for a microphone. worklet.ts runs it
// in an AudioWorklet.
import { requirePositive } from "./errors.ts";
import { type FloatArray, floatArray } from "./float-array.ts";
import { ECHO_LOG_MEL } from "./log-mel.ts";
import { MEL_SPECTROGRAM_KEYS, type MelSpectrogramOptions } from "./mel.ts";
import { checkOptions, type OptionKeys, withDefaults } from "./options.ts";
import { PITCH_STREAM_KEYS, PitchStream, type PitchStreamOptions } from "./pitch/pitch-stream.ts";
import { monoOf, type Signal } from "./signal.ts";
import { MelStream } from "./stream.ts";

/** Options of `FeatureStream`. */
export interface FeatureStreamOptions {
  /** Samples per second. */
  readonly sampleRate: number;
  /** The mel spectrogram; default the Echo preset with its times and frequencies at this rate. */
  readonly mel?: Partial<Omit<MelSpectrogramOptions, "sampleRate" | "center">>;
  /** The pitch tracker; its `lookahead` (default 0.3 s here) is what the stream lags behind. */
  readonly pitch?: Omit<PitchStreamOptions, "sampleRate" | "hopLength">;
  /** dB above the noise floor of the last seconds from which a frame counts as speech. Default 9. */
  readonly marginDb?: number;
  /** Level in dB full scale below which nothing counts as speech. Default -60. */
  readonly lowestDb?: number;
}

const KEYS: OptionKeys<FeatureStreamOptions> = {
  sampleRate: true,
  mel: true,
  pitch: true,
  marginDb: true,
  lowestDb: true,
};
const MEL_KEYS: OptionKeys<Omit<MelSpectrogramOptions, "sampleRate" | "center">> = (({
  sampleRate: _,
  center: __,
  ...rest
}) => rest)(MEL_SPECTROGRAM_KEYS);
const PITCH_KEYS: OptionKeys<Omit<PitchStreamOptions, "sampleRate" | "hopLength">> = (({
  sampleRate: _,
  hopLength: __,
  ...rest
}) => rest)(PITCH_STREAM_KEYS);

/** Frames that are ready; frame i of the signal is centred on sample i * hopLength. */
export interface FeatureFrames {
  /** Number of the first frame. */
  readonly first: number;
  /** log10 of the mel power, at least 1e-10: the bits of `melSpectrogram` of the whole signal. Shape [melBins, frames]. */
  readonly logMel: FloatArray;
  /**
   * (max(logMel, loudest - 8) + 4) / 4, where `loudest` is the largest value up to and including the frame: the Echo and
   * Whisper normalisation as far as it can be known by then. Shape [melBins, frames].
   */
  readonly normalized: FloatArray;
  /** Hz, 0 where unvoiced: the values of `trackPitch` with the same options. Shape [frames]. */
  readonly f0: Float32Array;
  /** 0 ... 1. Shape [frames]. */
  readonly periodicity: Float32Array;
  /** 1 where the level stands out from the noise floor, shape [frames]. */
  readonly speech: Uint8Array;
}

/** Seconds in which the quietest frame is the noise floor. */
const FLOOR_SECONDS = 4;
/** log10 of the power range kept, as in log-mel.ts: 80 dB. */
const RANGE = 8;

/**
 * Features frame by frame while samples arrive; every chunking gives the same bits.
 *
 * @example
 * const features = new FeatureStream({ sampleRate: 48000 });
 * microphone.onSamples = (chunk) => show(features.push(chunk).f0);
 */
export class FeatureStream {
  readonly hopLength: number;
  readonly melBins: number;
  /** Longest wait in seconds between the centre of a frame and the sample that completes it. */
  readonly latency: number;
  readonly #mel: MelStream;
  readonly #pitch: PitchStream;
  readonly #margin: number;
  readonly #lowest: number;
  readonly #memory: number;
  #waiting: Float32Array = new Float32Array(0);
  #f0: number[] = [];
  #periodicity: number[] = [];
  #first = 0;
  #loudest = Number.NEGATIVE_INFINITY;
  /** Levels of the last frames, in dB. */
  #levels: number[] = [];

  /** @throws AudioError (`parameter`) for options out of range */
  constructor(options: FeatureStreamOptions) {
    checkOptions("FeatureStream", options, KEYS);
    const sampleRate = requirePositive("FeatureStream", "sampleRate", options.sampleRate);
    const mel = checkOptions("FeatureStream", options.mel, MEL_KEYS);
    const pitch = checkOptions("FeatureStream", options.pitch, PITCH_KEYS);
    const scale = sampleRate / ECHO_LOG_MEL.sampleRate;
    const preset: MelSpectrogramOptions = {
      ...ECHO_LOG_MEL,
      sampleRate,
      fftSize: Math.round(ECHO_LOG_MEL.fftSize! * scale),
      hopLength: Math.round(ECHO_LOG_MEL.hopLength! * scale),
    };
    const settings: MelSpectrogramOptions = { ...withDefaults<typeof mel>(preset, mel), sampleRate };
    this.hopLength = settings.hopLength!;
    this.melBins = settings.melBins!;
    this.#mel = new MelStream(settings);
    this.#pitch = new PitchStream({ lookahead: 0.3, ...pitch, sampleRate, hopLength: this.hopLength });
    this.latency = Math.max(this.#pitch.latency, settings.fftSize! / 2 / sampleRate);
    this.#margin = options.marginDb ?? 9;
    this.#lowest = options.lowestDb ?? -60;
    this.#memory = Math.max(1, Math.round((FLOOR_SECONDS * sampleRate) / this.hopLength));
  }

  /** Takes the next samples of one channel; returns the frames that are complete in all respects. */
  push(chunk: Signal): FeatureFrames {
    const samples = monoOf("FeatureStream", chunk);
    return this.#collect(this.#mel.push(samples), this.#pitch.push(samples));
  }

  /** Ends the signal; returns the rest. 1 + floor(samples / hopLength) frames in all (even transform sizes). */
  finish(): FeatureFrames {
    return this.#collect(this.#mel.flush(), this.#pitch.finish());
  }

  #collect(
    mel: FloatArray,
    pitch: { readonly f0: Float32Array; readonly periodicity: Float32Array },
  ): FeatureFrames {
    const power = new Float32Array(this.#waiting.length + mel.data.length);
    power.set(this.#waiting);
    power.set(mel.data, this.#waiting.length);
    this.#f0.push(...pitch.f0);
    this.#periodicity.push(...pitch.periodicity);
    const bins = this.melBins;
    const frames = Math.min(power.length / bins, this.#f0.length);
    this.#waiting = power.slice(frames * bins);
    const logMel = new Float32Array(frames * bins);
    const normalized = new Float32Array(frames * bins);
    const speech = new Uint8Array(frames);
    for (let f = 0; f < frames; f++) {
      const from = f * bins;
      let total = 0;
      for (let i = from; i < from + bins; i++) {
        total += power[i]!;
        const value = Math.fround(Math.log10(Math.max(power[i]!, 1e-10)));
        logMel[i] = value;
        if (value > this.#loudest) this.#loudest = value;
      }
      const least = this.#loudest - RANGE;
      for (let i = from; i < from + bins; i++) normalized[i] = (Math.max(logMel[i]!, least) + 4) / 4;
      speech[f] = this.#isSpeech(10 * Math.log10(total / bins + 1e-12)) ? 1 : 0;
    }
    const first = this.#first;
    this.#first += frames;
    const shape = [bins, frames];
    return {
      first,
      logMel: floatArray(logMel, shape, [1, bins]),
      normalized: floatArray(normalized, shape, [1, bins]),
      f0: Float32Array.from(this.#f0.splice(0, frames)),
      periodicity: Float32Array.from(this.#periodicity.splice(0, frames)),
      speech,
    };
  }

  /** Whether a level stands out from the quietest of the last seconds. */
  #isSpeech(level: number): boolean {
    this.#levels.push(level);
    if (this.#levels.length > this.#memory) this.#levels.shift();
    const floor = this.#levels.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    return level > floor + this.#margin && level > this.#lowest;
  }
}
