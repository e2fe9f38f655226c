// Cuts a signal into overlapping frames (a strided view, no copy) and pads its ends. Read stft.ts next.
import { parameterError, requireInteger } from "./errors.ts";
import { type FloatArray, floatArray } from "./float-array.ts";
import { requireOneOf } from "./options.ts";
import { isFloat32Array, monoOf, type Signal, viewOf } from "./signal.ts";

/**
 * What stands before the first and after the last sample of a padded signal (NumPy's names):
 * `constant` zeros, `reflect` mirrored without repeating the end sample, `symmetric` mirrored repeating it,
 * `edge` the end sample repeated (torch: replicate).
 */
export type PadMode = "constant" | "reflect" | "symmetric" | "edge";

/** All pad modes. */
export const PAD_MODES: readonly PadMode[] = ["constant", "reflect", "symmetric", "edge"];

/**
 * Overlapping frames of a signal as a view on it: frame i is samples i * hopLength ... + frameLength - 1.
 * Writing to the view writes to the signal.
 *
 * @param signal [samples]; a view is not copied
 * @param frameLength samples per frame, >= 1
 * @param hopLength samples from one frame to the next, >= 1
 * @returns shape [frames, frameLength], strides [hopLength, 1], frames = 1 + floor((n - frameLength) / hopLength)
 * @throws AudioError (`parameter`) if the signal is shorter than one frame
 *
 * Matches librosa.util.frame (axis=0).
 *
 * @example
 * frame(Float32Array.of(0, 1, 2, 3, 4), 3, 1).shape; // [3, 3]
 */
export function frame(signal: Signal, frameLength: number, hopLength: number): FloatArray {
  const samples = monoOf("frame", signal);
  const frames = frameCount("frame", samples.length, frameLength, hopLength);
  if (isFloat32Array(signal)) return floatArray(signal, [frames, frameLength], [hopLength, 1]);
  const { data, stride, offset } = viewOf("frame", signal);
  const step = stride.at(-1)!;
  return floatArray(data, [frames, frameLength], [hopLength * step, step], offset);
}

/** Frames of `frameLength` that fit into `samples`; throws when not even one does. */
export function frameCount(
  operation: string,
  samples: number,
  frameLength: number,
  hopLength: number,
): number {
  requireInteger(operation, "frameLength", frameLength, 1);
  requireInteger(operation, "hopLength", hopLength, 1);
  if (samples >= frameLength) return 1 + Math.floor((samples - frameLength) / hopLength);
  throw parameterError(
    operation,
    `the signal (${samples} samples) is shorter than one frame (${frameLength})`,
  );
}

/**
 * Extends a signal on both sides.
 *
 * @param signal [samples]
 * @param left samples to add in front, >= 0
 * @param right samples to add behind, >= 0
 * @param mode see `PadMode`; a mirror longer than the signal is mirrored again, as numpy.pad does
 * @returns Float32Array of shape [left + samples + right]
 * @throws AudioError (`parameter`) for an empty signal in any mode but `constant`
 *
 * @example
 * pad(Float32Array.of(1, 2, 3), 2, 1, "reflect"); // [3, 2, 1, 2, 3, 2]
 */
export function pad(signal: Signal, left: number, right: number, mode: PadMode): Float32Array {
  requireOneOf("pad", "mode", mode, PAD_MODES);
  return padSamples("pad", monoOf("pad", signal), left, right, mode);
}

/** `pad` of plain samples; errors name `operation`. */
export function padSamples(
  operation: string,
  signal: Float32Array,
  left: number,
  right: number,
  mode: PadMode,
): Float32Array {
  requireInteger(operation, "left", left, 0);
  requireInteger(operation, "right", right, 0);
  const n = signal.length;
  const out = new Float32Array(left + n + right);
  out.set(signal, left);
  if (mode === "constant") return out;
  if (n === 0) throw parameterError(operation, `an empty signal has nothing to pad with in mode "${mode}"`);
  const source = sourceIndex(mode, n);
  for (let i = 0; i < left; i++) out[i] = signal[source(i - left)]!;
  for (let i = 0; i < right; i++) out[left + n + i] = signal[source(n + i)]!;
  return out;
}

/** Maps an index outside 0 ... n - 1 to the sample that stands there. */
function sourceIndex(mode: Exclude<PadMode, "constant">, n: number): (i: number) => number {
  if (mode === "edge" || n === 1) return (i) => (i < 0 ? 0 : n - 1);
  const repeat = mode === "symmetric" ? 1 : 0;
  const period = 2 * (n - 1 + repeat);
  return (i) => {
    const wrapped = ((i % period) + period) % period;
    return wrapped < n ? wrapped : period - wrapped - repeat;
  };
}
