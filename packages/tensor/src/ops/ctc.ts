// Connectionist temporal classification: Graves et al. 2006. The probability of a label sequence is summed
// over all its alignments with the frames by dynamic programming over states: blank, label, blank, ...
// These definitions advance all samples and states at once; backends/reference/ctc.ts does it in plain loops.

import { apply, fromTypedArray, scalar } from "../apply.ts";
import { type FusedRow, fused, rows, sameDtype } from "../op.ts";
import type { CtcParams } from "../op-params.ts";
import type { Tensor } from "../tensor.ts";
import {
  add,
  exp,
  greater,
  less,
  logicalAnd,
  maximum,
  mul,
  neg,
  notEqual,
  sub,
  where,
} from "./elementwise.ts";
import { gather, scatterAdd } from "./indexing.ts";
import { pad, stack } from "./joining.ts";
import { logSumExp } from "./reduction.ts";
import { broadcastTo, narrow, reshape, select, unsqueeze } from "./shaping.ts";

interface Rows {
  readonly ctcLoss: FusedRow<CtcParams>;
  readonly ctcLossGrad: FusedRow<CtcParams>;
}

const ROWS: Rows = rows<Rows>({
  ctcLoss: fused(
    {
      meaning: "CTC loss [N] of log probabilities [T, N, V], targets [N, S], input and target lengths [N]",
      shape: ([logProbs]) => [logProbs!.shape[1]!],
      dtype: sameDtype,
    },
    (inputs, params) => {
      const grid = lattice(inputs, params);
      const logLikelihood = total(forwardPass(grid), grid);
      return where(greater(logLikelihood, NEVER / 2), neg(logLikelihood), Number.POSITIVE_INFINITY);
    },
  ),
  // g [N], the rest as for ctcLoss -> [T, N, V]
  ctcLossGrad: fused(
    {
      meaning: "gradient of ctcLoss's log probabilities from (gradient, and ctcLoss's inputs)",
      shape: ([_g, logProbs]) => logProbs!.shape,
      dtype: sameDtype,
    },
    ([g, ...inputs], params) => shareOfPaths(g!, inputs, params),
  ),
});
export default ROWS;

/** Stands for log 0. Finite, so that differences of two of them are no NaN. */
const NEVER = -1e30;

/** What all steps share. State s of a sample emits class states[s]: blank, label 0, blank, label 1, ... blank. */
interface Lattice {
  readonly states: Tensor; // int32 [N, L] with L = 2 S + 1
  readonly emissions: Tensor; // log probability of each state in each frame [T, N, L]
  readonly skips: Tensor; // 0 where a state may follow the one two before it, else NEVER [N, L]
  readonly inputLengths: Tensor; // [N, 1]
  readonly lastState: Tensor; // index of the final blank [N, 1]
  readonly numbers: Tensor; // 0 .. L-1 [L]
}

function lattice(inputs: readonly Tensor[], { blank }: CtcParams): Lattice {
  const [logProbs, targets, inputLengths, targetLengths] = inputs as [Tensor, Tensor, Tensor, Tensor];
  const [frames, samples] = logProbs.shape as [number, number];
  const blanks = broadcastTo(scalar(blank, "int32", logProbs.backend), targets.shape);
  const paired = stack([blanks, targets], 2); // [N, S, 2]
  const count = 2 * targets.shape[1]! + 1;
  const states = pad(reshape(paired, [samples, count - 1]), [[0, 1]], "constant", blank);
  const before = narrow(pad(states, [[2, 0]], "constant", blank), 1, 0, count);
  const maySkip = logicalAnd(notEqual(states, blank), notEqual(states, before));
  const index = broadcastTo(unsqueeze(states, 0), [frames, samples, count]);
  const numbers = Int32Array.from({ length: count }, (_, s) => s);
  return {
    states,
    emissions: maximum(gather(logProbs, 2, index), NEVER),
    skips: where(maySkip, scalar(0, logProbs.dtype, logProbs.backend), NEVER),
    inputLengths: unsqueeze(inputLengths, 1),
    lastState: mul(unsqueeze(targetLengths, 1), 2),
    numbers: fromTypedArray("int32", numbers, [count], logProbs.backend),
  };
}

/** x [N, L] moved by some states, NEVER entering: to the right for positive shifts. */
function moved(x: Tensor, shift: number): Tensor {
  const count = x.shape[1]!;
  const by = Math.min(Math.abs(shift), count);
  return shift > 0
    ? pad(narrow(x, 1, 0, count - by), [[by, 0]], "constant", NEVER)
    : pad(narrow(x, 1, by, count - by), [[0, by]], "constant", NEVER);
}

const sumOfPaths = (...paths: Tensor[]): Tensor => logSumExp(stack(paths), 0);

/**
 * Log probability of all alignments that end in a state after each number of frames: frames + 1 tensors
 * [N, L]. Before the first frame a path stands in state 0, from where it may reach the first label or stay.
 */
function forwardPass({ emissions, skips, inputLengths, numbers }: Lattice): Tensor[] {
  const [frames, ...shape] = emissions.shape as [number, number, number];
  const start = where(less(numbers, 1), scalar(0, emissions.dtype, emissions.backend), NEVER);
  const passed = [broadcastTo(start, shape)];
  for (let t = 0; t < frames; t++) {
    const last = passed[t]!;
    const arrived = sumOfPaths(last, moved(last, 1), add(moved(last, 2), skips));
    passed.push(where(greater(inputLengths, t), add(arrived, select(emissions, 0, t)), last));
  }
  return passed;
}

/** 0 for the two states in which an alignment may end, else NEVER. [N, L] */
function ending({ emissions, lastState, numbers }: Lattice): Tensor {
  const within = logicalAnd(less(sub(lastState, 2), numbers), less(numbers, add(lastState, 1)));
  return where(within, scalar(0, emissions.dtype, emissions.backend), NEVER);
}

/** Log probability of the targets, [N]; near NEVER if there is no alignment. */
const total = (passed: readonly Tensor[], grid: Lattice): Tensor =>
  logSumExp(add(passed[passed.length - 1]!, ending(grid)), 1);

/**
 * Negative log likelihood of each target sequence; Infinity where no alignment exists.
 *
 * logProbs [T, N, V], targets int32 [N, S], inputLengths and targetLengths int32 [N] -> [N]
 */
export function ctcRows(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor,
  targetLengths: Tensor,
  params: CtcParams,
): Tensor {
  return apply(ROWS.ctcLoss, [logProbs, targets, inputLengths, targetLengths], params);
}

/**
 * The gradient of a log probability is minus the share of all alignments that pass through its class in its
 * frame; 0 where no alignment exists. g [N] -> [T, N, V]
 */
function shareOfPaths(g: Tensor, inputs: readonly Tensor[], params: CtcParams): Tensor {
  const grid = lattice(inputs, params);
  const { emissions, skips, inputLengths, states } = grid;
  const passed = forwardPass(grid);
  const logLikelihood = total(passed, grid);
  const possible = greater(logLikelihood, NEVER / 2);
  const factor = unsqueeze(where(possible, neg(g), 0), 1);
  const nothing = broadcastTo(scalar(0, emissions.dtype, emissions.backend), inputs[0]!.shape.slice(1));
  const [frames] = emissions.shape as [number];
  const gradients: Tensor[] = new Array<Tensor>(frames);
  // Log probability of the frames to come, for each state in which the path stands now.
  let ahead = ending(grid);
  for (let t = frames - 1; t >= 0; t--) {
    const inside = greater(inputLengths, t);
    const share = exp(
      sub(add(passed[t + 1]!, ahead), where(unsqueeze(possible, 1), unsqueeze(logLikelihood, 1), 0)),
    );
    const occupied = scatterAdd(nothing, 1, states, mul(where(inside, share, 0), factor));
    gradients[t] = occupied;
    const entered = add(ahead, select(emissions, 0, t));
    const before = sumOfPaths(entered, moved(entered, -1), moved(add(entered, skips), -2));
    ahead = where(inside, before, ahead);
  }
  return frames === 0 ? broadcastTo(unsqueeze(nothing, 0), inputs[0]!.shape) : stack(gradients);
}
