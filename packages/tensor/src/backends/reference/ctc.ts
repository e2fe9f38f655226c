// The CTC loss and its gradient in plain loops, in double precision, one sample after the other. As a
// composition (ops/ctc.ts, the oracle of these) every frame costs a dozen ops, so these two fused ops have
// kernels even here; other host backends may take them over.

import type { Kernel, View } from "../../backend.ts";
import { ShapeError } from "../../errors.ts";

/** One sample: its emitted classes, frames, and log probabilities by state. */
interface Sample {
  /** Class of each state: blank, label, blank, ... */
  readonly states: Int32Array;
  readonly frames: number;
  /** Log probability of state s in frame t. */
  emission(t: number, s: number): number;
}

function sampleOf(n: number, inputs: readonly View[], blank: number): Sample {
  const [logProbs, targets, inputLengths, targetLengths] = inputs as [View, View, View, View];
  const read = (view: View, ...index: number[]): number =>
    view.storage.data[index.reduce((at, i, axis) => at + i * view.strides[axis]!, view.offset)]!;
  const [available, , classes] = logProbs.shape as [number, number, number];
  const frames = read(inputLengths, n);
  const labels = read(targetLengths, n);
  if (frames < 0 || frames > available || labels < 0 || labels > targets.shape[1]!) {
    throw new ShapeError(
      `ctcLoss: sample ${n} has ${frames} frames of ${available} and ${labels} labels of ${targets.shape[1]}`,
    );
  }
  const states = new Int32Array(2 * labels + 1).fill(blank);
  for (let i = 0; i < labels; i++) {
    const label = read(targets, n, i);
    if (label < 0 || label >= classes) {
      throw new ShapeError(
        `ctcLoss: label ${label} at position ${i} of sample ${n} is outside the ${classes} classes`,
      );
    }
    states[2 * i + 1] = label;
  }
  const { data } = logProbs.storage;
  const [perFrame, perSample, perClass] = logProbs.strides as [number, number, number];
  const start = logProbs.offset + n * perSample;
  return { states, frames, emission: (t, s) => data[start + t * perFrame + states[s]! * perClass]! };
}

/** log(e^a + e^b + e^c), -Infinity if all are. */
function logAdd(a: number, b: number, c: number): number {
  const top = Math.max(a, b, c);
  if (top === Number.NEGATIVE_INFINITY) return top;
  return top + Math.log(Math.exp(a - top) + Math.exp(b - top) + Math.exp(c - top));
}

/** A repeated label needs a blank between, so only a label unlike the last one may follow it directly. */
const maySkip = (states: Int32Array, s: number): boolean =>
  s >= 2 && s % 2 === 1 && states[s] !== states[s - 2];

/** Row t holds, for each state, the log probability of all paths that stand there after t frames. */
function forwardPass({ states, frames, emission }: Sample): Float64Array[] {
  const count = states.length;
  const start = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  start[0] = 0; // before the first frame, from where the first label is one step away
  const rows = [start];
  for (let t = 0; t < frames; t++) {
    const last = rows[t]!;
    const next = new Float64Array(count);
    for (let s = 0; s < count; s++) {
      const step = s >= 1 ? last[s - 1]! : Number.NEGATIVE_INFINITY;
      const skip = maySkip(states, s) ? last[s - 2]! : Number.NEGATIVE_INFINITY;
      next[s] = logAdd(last[s]!, step, skip) + emission(t, s);
    }
    rows.push(next);
  }
  return rows;
}

/** Paths end in the last label or the blank after it. */
function logLikelihood(rows: readonly Float64Array[]): number {
  const end = rows[rows.length - 1]!;
  const count = end.length;
  const inLabel = count > 1 ? end[count - 2]! : Number.NEGATIVE_INFINITY;
  return logAdd(end[count - 1]!, inLabel, Number.NEGATIVE_INFINITY);
}

export const ctcLoss: Kernel<"ctcLoss"> = (out, inputs, { blank }) => {
  const samples: number[] = [];
  for (let n = 0; n < out.shape[0]!; n++) {
    samples.push(-logLikelihood(forwardPass(sampleOf(n, inputs, blank))));
  }
  // 0 rather than -0 for a certain target.
  out.storage.data.set(samples.map((loss) => loss + 0));
  return true;
};

export const ctcLossGrad: Kernel<"ctcLossGrad"> = (out, [g, ...inputs], { blank }) => {
  const [, samples, classes] = out.shape as [number, number, number];
  const gradient = out.storage.data;
  gradient.fill(0);
  for (let n = 0; n < samples; n++) {
    const factor = g!.storage.data[g!.offset + n * g!.strides[0]!]!;
    const sample = sampleOf(n, inputs, blank);
    const { states, frames, emission } = sample;
    const rows = forwardPass(sample);
    const total = logLikelihood(rows);
    if (total === Number.NEGATIVE_INFINITY) continue;
    const count = states.length;
    // Log probability of the frames to come from each state.
    let ahead = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    ahead.fill(0, Math.max(0, count - 2));
    for (let t = frames - 1; t >= 0; t--) {
      const passed = rows[t + 1]!;
      const row = (t * samples + n) * classes;
      for (let s = 0; s < count; s++) {
        gradient[row + states[s]!]! -= factor * Math.exp(passed[s]! + ahead[s]! - total);
      }
      const before = new Float64Array(count);
      for (let s = 0; s < count; s++) {
        const entered = (to: number): number => ahead[to]! + emission(t, to);
        const step = s + 1 < count ? entered(s + 1) : Number.NEGATIVE_INFINITY;
        const skip = s + 2 < count && maySkip(states, s + 2) ? entered(s + 2) : Number.NEGATIVE_INFINITY;
        before[s] = logAdd(entered(s), step, skip);
      }
      ahead = before;
    }
  }
  return true;
};
