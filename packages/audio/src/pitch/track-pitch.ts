// The entry for pitch: `trackPitch` runs the default tracker or one of the classic methods on a whole signal.
// Read next: pitch-stream.ts.
import { parameterError } from "../errors.ts";
import { checkOptions, type OptionKeys } from "../options.ts";
import { monoSamplesOf } from "../signal.ts";
import { copyFrame, frameGeometry, type PitchSamples, type PitchSignal } from "./framing.ts";
import { mpm } from "./mpm.ts";
import { PITCH_STREAM_KEYS, PitchStream, type PitchStreamOptions, type PitchTrack } from "./pitch-stream.ts";
import { pyin } from "./pyin.ts";
import { yin } from "./yin.ts";

/** "nac": noise-aware autocorrelation with a tracked path, the default; the others are the classic trackers. */
export type PitchMethod = "nac" | "yin" | "pyin" | "mpm";

/** All pitch methods, the default first. */
export const PITCH_METHODS: readonly PitchMethod[] = ["nac", "yin", "pyin", "mpm"];

/** Options of `trackPitch`: those of `PitchStream`, the method, and the frame of the classic methods. */
export interface TrackPitchOptions extends PitchStreamOptions {
  /** Default "nac". */
  readonly method?: PitchMethod | undefined;
  /** Samples per frame of yin, pyin and mpm; default the power of two that holds at least 2.5 periods of fmin. */
  readonly frameLength?: number | undefined;
}

const TRACK_PITCH_KEYS: OptionKeys<TrackPitchOptions> = {
  ...PITCH_STREAM_KEYS,
  method: true,
  frameLength: true,
};

/**
 * f0, voicing and periodicity per frame.
 *
 * @param signal mono, shape [n]; any amplitude; n may be 0 for "nac"
 * @param options `sampleRate` in Hz; `fmin` 55 and `fmax` 650 Hz; `hopLength` 8 ms; `method` "nac". The constants of
 *   the default tracker (`voicingThreshold`, `octaveCost`, ...) and `highPass` apply to "nac" only.
 * @returns arrays of shape [1 + floor(n / hopLength)]; f0 is 0 in unvoiced frames. "yin" decides no voicing: all
 *   its frames but those of digital silence are voiced, with a periodicity of 1. For "pyin" periodicity is the voicing
 *   probability, for "mpm" the clarity. Only "nac" and "pyin" give a `probability` between 0 and 1.
 * @throws AudioError (`parameter`) for options out of range, (`nonfinite`) for NaN or infinite samples
 *
 * The default method builds on Boersma, "Accurate short-term analysis of the fundamental frequency" (1993);
 * PITCH.md describes what was added and gives its measured accuracy.
 *
 * @example
 * const { times, f0 } = trackPitch(speech, { sampleRate: 16000, fmin: 60, fmax: 500, highPass: 70 });
 */
export function trackPitch(signal: PitchSignal, options: TrackPitchOptions): PitchTrack {
  const {
    method = "nac",
    frameLength: givenLength,
    ...rest
  } = checkOptions("trackPitch", options, TRACK_PITCH_KEYS);
  if (!PITCH_METHODS.includes(method)) {
    throw parameterError(
      "trackPitch",
      `unknown method "${method}", expected one of ${PITCH_METHODS.join(", ")}`,
    );
  }
  const samples = monoSamplesOf("trackPitch", signal);
  if (method === "nac") {
    const stream = new PitchStream(rest);
    return joinTracks([stream.push(samples), stream.finish()]);
  }
  const { sampleRate, fmin = 55, fmax = 650 } = options;
  const frameLength = givenLength ?? 2 ** Math.ceil(Math.log2((2.5 * sampleRate) / fmin));
  const hopLength = options.hopLength ?? Math.round(0.008 * sampleRate);
  const frameOptions = { sampleRate, fmin, fmax, frameLength, hopLength };
  frameGeometry("trackPitch", samples, frameOptions);
  const { f0, periodicity } = classicTrack(method, samples, frameOptions);
  return {
    times: Float64Array.from(f0, (_, i) => (i * hopLength) / sampleRate),
    f0,
    voiced: Uint8Array.from(f0, (hz) => (hz > 0 ? 1 : 0)),
    periodicity,
    probability: method === "pyin" ? periodicity.slice() : Float32Array.from(f0, (hz) => (hz > 0 ? 1 : 0)),
  };
}

function classicTrack(
  method: Exclude<PitchMethod, "nac">,
  samples: PitchSamples,
  options: { sampleRate: number; fmin: number; fmax: number; frameLength: number; hopLength: number },
): { f0: Float32Array; periodicity: Float32Array } {
  if (method === "pyin") {
    const { f0, probability } = pyin(samples, options);
    return { f0, periodicity: probability };
  }
  if (method === "mpm") {
    const { f0, clarity } = mpm(samples, options);
    return { f0, periodicity: clarity };
  }
  const f0 = yin(samples, options);
  const frame = new Float64Array(options.frameLength);
  for (let i = 0; i < f0.length; i++) {
    copyFrame(samples, i * options.hopLength - (options.frameLength >> 1), frame);
    if (frame.every((value) => value === 0)) f0[i] = 0;
  }
  return { f0, periodicity: f0.map((hz) => (hz > 0 ? 1 : 0)) };
}

/** One track from consecutive pieces, as a stream returns them. */
export function joinTracks(pieces: readonly PitchTrack[]): PitchTrack {
  const frames = pieces.reduce((sum, piece) => sum + piece.f0.length, 0);
  const track = {
    times: new Float64Array(frames),
    f0: new Float32Array(frames),
    voiced: new Uint8Array(frames),
    periodicity: new Float32Array(frames),
    probability: new Float32Array(frames),
  };
  let at = 0;
  for (const piece of pieces) {
    track.times.set(piece.times, at);
    track.f0.set(piece.f0, at);
    track.voiced.set(piece.voiced, at);
    track.periodicity.set(piece.periodicity, at);
    track.probability.set(piece.probability, at);
    at += piece.f0.length;
  }
  return track;
}
