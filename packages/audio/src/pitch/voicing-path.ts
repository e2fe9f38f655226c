// The tracker's path: a Viterbi search over candidates and silence with bounded delay, and how sure it is of voicing.
// Used by pitch-stream.ts.
import { type Candidates, MAX_CANDIDATES } from "./candidates.ts";

/** Costs of the path, in units of candidate strength. */
export interface PathCosts {
  readonly octaveCost: number;
  /** Per octave between neighbouring frames. */
  readonly octaveJumpCost: number;
  readonly voicingChangeCost: number;
  /** Octave (log2 of Hz) 0 of the octave cost, default that of 55 Hz. It only fixes what the voicing threshold means. */
  readonly referenceOctave?: number;
}

/** The decision for one frame. */
export interface PathDecision {
  /** Hz, 0 where unvoiced. */
  readonly f0: number;
  /** Periodicity of the chosen candidate; of the best one where unvoiced; 0 without candidates. */
  readonly periodicity: number;
  /** Probability that the frame is voiced. */
  readonly probability: number;
}

/** Octave 0 of the octave cost unless the costs name another. */
const REFERENCE_OCTAVE: number = Math.log2(55);

/**
 * Log odds of voicing: so much per unit of score between the best voiced and the best unvoiced path, and so much at a
 * tie. Fitted on the training items; PITCH.md has the table of what came true on others.
 */
const ODDS_PER_SCORE = 4.1;
const ODDS_OF_TIE = 0.5;

/** The probability looks so many frames past those that are decided. */
const PROBABILITY_REACH = 64;

/** A frame: state 0 is unvoiced, state j is candidate j - 1. */
interface Step {
  readonly candidates: Candidates;
  /** What each state is worth by itself. */
  readonly local: readonly number[];
  /** Score of the best path up to each state. */
  readonly scores: number[];
  /** Best previous state of every state. */
  readonly back: number[];
}

/** Best path through frames pushed one at a time. */
export class VoicingPath {
  readonly #costs: PathCosts;
  readonly #steps: Step[] = [];
  /** Scratch of the probabilities: one value per state. */
  readonly #ahead: Float64Array;
  readonly #before: Float64Array;
  /** Frame number of #steps[0]. */
  #first = 0;
  /** The newest frame, decided or not. */
  #newest: Step | undefined;

  /** For frames of at most `maxCandidates` candidates. */
  constructor(costs: PathCosts, maxCandidates: number = MAX_CANDIDATES) {
    this.#costs = costs;
    this.#ahead = new Float64Array(maxCandidates + 1);
    this.#before = new Float64Array(maxCandidates + 1);
  }

  /** Frames pushed so far. */
  get length(): number {
    return this.#first + this.#steps.length;
  }

  /** Adds a frame: its candidates and the strength of leaving it unvoiced. */
  push(candidates: Candidates, unvoicedStrength: number): void {
    const count = candidates.octave.length + 1;
    const reference = this.#costs.referenceOctave ?? REFERENCE_OCTAVE;
    const local = [unvoicedStrength];
    const back = [0];
    for (let j = 1; j < count; j++) {
      const height = candidates.octave[j - 1]! - reference;
      local.push(candidates.periodicity[j - 1]! + this.#costs.octaveCost * height);
      back.push(0);
    }
    const scores = local.slice();
    if (this.#newest !== undefined) this.#extend(this.#newest, candidates.octave, scores, back);
    // Only differences count; rebasing keeps long signals exact.
    let top = scores[0]!;
    for (let j = 1; j < count; j++) top = Math.max(top, scores[j]!);
    for (let j = 0; j < count; j++) scores[j] = scores[j]! - top;
    this.#newest = { candidates, local, scores, back };
    this.#steps.push(this.#newest);
  }

  /** Adds to each score that of the best way to get there from the frame before. */
  #extend(before: Step, octaves: readonly number[], scores: number[], back: number[]): void {
    const { octaveJumpCost, voicingChangeCost } = this.#costs;
    const earlier = before.scores;
    const previous = before.candidates.octave;
    for (let j = 0; j < scores.length; j++) {
      const octave = j > 0 ? octaves[j - 1]! : 0;
      let best = earlier[0]! - (j > 0 ? voicingChangeCost : 0);
      let from = 0;
      for (let i = 1; i < earlier.length; i++) {
        const cost = j > 0 ? octaveJumpCost * Math.abs(octave - previous[i - 1]!) : voicingChangeCost;
        if (earlier[i]! - cost > best) {
          best = earlier[i]! - cost;
          from = i;
        }
      }
      scores[j] = best + scores[j]!;
      back[j] = from;
    }
  }

  /** Decides the oldest frames, up to but not including frame `end`, along the best path known now. */
  take(end: number): PathDecision[] {
    const steps = this.#steps;
    const count = Math.max(0, end - this.#first);
    if (count === 0) return [];
    const probabilities = this.#voicingProbabilities(count);
    const decided: PathDecision[] = [];
    let state = bestState(this.#newest!.scores);
    for (let i = steps.length - 1; i >= 0; i--) {
      const { candidates, back } = steps[i]!;
      if (i < count) {
        const height = candidates.periodicity[Math.max(0, state - 1)] ?? 0;
        decided.push({
          f0: state > 0 ? 2 ** candidates.octave[state - 1]! : 0,
          periodicity: Math.min(1, Math.max(0, height)),
          probability: probabilities[i]!,
        });
      }
      state = back[state]!;
    }
    steps.splice(0, count);
    this.#first += count;
    return decided.reverse();
  }

  /**
   * For the oldest `count` frames, how likely each is voiced, by the score of the best path through any of its
   * candidates against that of the best path on which it is unvoiced.
   */
  #voicingProbabilities(count: number): Float64Array {
    const steps = this.#steps;
    const probabilities = new Float64Array(count);
    const last = Math.min(steps.length, count + PROBABILITY_REACH) - 1;
    // What is still to come after each state of frame i, best case; the two arrays take turns.
    let ahead = this.#ahead.fill(0);
    let before = this.#before;
    for (let i = last; i >= 0; i--) {
      if (i < count) probabilities[i] = voicedProbability(steps[i]!.scores, ahead);
      if (i === 0) break;
      this.#remaining(steps[i - 1]!, steps[i]!, ahead, before);
      [ahead, before] = [before, ahead];
    }
    return probabilities;
  }

  /** From what is to come after the states of `step` to what is to come after those of the frame before it. */
  #remaining(before: Step, step: Step, ahead: Float64Array, out: Float64Array): void {
    const { octaveJumpCost, voicingChangeCost } = this.#costs;
    const { local } = step;
    const octaves = step.candidates.octave;
    const previous = before.candidates.octave;
    for (let j = 0; j < local.length; j++) ahead[j] = ahead[j]! + local[j]!;
    for (let i = 0; i <= previous.length; i++) {
      const octave = i > 0 ? previous[i - 1]! : 0;
      let best = ahead[0]! - (i > 0 ? voicingChangeCost : 0);
      for (let j = 1; j < local.length; j++) {
        const cost = i > 0 ? octaveJumpCost * Math.abs(octaves[j - 1]! - octave) : voicingChangeCost;
        if (ahead[j]! - cost > best) best = ahead[j]! - cost;
      }
      out[i] = best;
    }
  }
}

function bestState(scores: readonly number[]): number {
  let state = 0;
  for (let j = 1; j < scores.length; j++) if (scores[j]! > scores[state]!) state = j;
  return state;
}

function voicedProbability(scores: readonly number[], ahead: Float64Array): number {
  let voiced = Number.NEGATIVE_INFINITY;
  for (let j = 1; j < scores.length; j++) voiced = Math.max(voiced, scores[j]! + ahead[j]!);
  return 1 / (1 + Math.exp(-ODDS_OF_TIE - ODDS_PER_SCORE * (voiced - scores[0]! - ahead[0]!)));
}
